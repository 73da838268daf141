// Command setup prepares a machine for building programs with this module. It finds or installs
// libtorch, builds libctorch, the C library between Go and libtorch, and prints what go build needs
// to link it.
//
//	eval "$(go run github.com/clipvqgan/clipvqgan/setup@latest)"
//
// It takes the first libtorch that it finds: the directory in the environment variable LIBTORCH (an
// unpacked libtorch archive, or the torch folder of a Python's site-packages); the torch package of
// the Python on the PATH; or else the pinned wheels, which it downloads from the sources in pip's
// configuration, checks by their hashes and unpacks to the user's cache folder. This needs no
// Python. On a machine with an NVIDIA GPU it downloads the wheels with CUDA; LIBTORCH_CUDA=1 or 0
// overrides that.
//
// What exists already is used: a second run changes nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/clipvqgan/clipvqgan"
	"github.com/clipvqgan/clipvqgan/setup/internal/console"
	"github.com/clipvqgan/clipvqgan/setup/internal/install"
	"github.com/clipvqgan/clipvqgan/setup/internal/libctorch"
	"github.com/clipvqgan/clipvqgan/setup/internal/libtorch"
	"github.com/clipvqgan/clipvqgan/setup/internal/pins"
)

// A stopped is the error for a signal.
type stopped struct{ signal syscall.Signal }

func (stopped) Error() string { return "interrupted: nothing half-done was taken for whole" }

// A wrongUse is an error in the command line.
type wrongUse struct{ error }

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() { cancel(stopped{(<-signals).(syscall.Signal)}) }()

	tell := console.New(os.Stderr)
	err := run(ctx, os.Args[1:], tell)
	end, wasStopped := errors.AsType[stopped](err)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case wasStopped:
		tell.Say("%v", end)
		os.Exit(128 + int(end.signal)) // as shells do
	default:
		tell.Say("error: %s", explain(err))
		if _, isUse := errors.AsType[wrongUse](err); isUse {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// explain returns the error as one line.
func explain(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, full) {
			what, _, _ := strings.Cut(text, ": ")
			return what + ": the disk is full"
		}
	}
	return text
}

// namedPins can be replaced by tests.
var namedPins = pins.Named

func run(ctx context.Context, arguments []string, tell *console.Console) error {
	o, err := parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(help)
	}
	if err != nil {
		return err
	}
	cache := ""
	if o.buildDir == "" || o.installDir == "" {
		folder, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("there is no folder for what is built: %w; set HOME or XDG_CACHE_HOME", err)
		}
		cache = filepath.Join(folder, "clipvqgan")
	}
	if o.installDir == "" {
		o.installDir = filepath.Join(cache, "libtorch")
	}
	tools, err := libctorch.FindTools(o.buildDir != "")
	if err != nil {
		return err
	}
	found, err := find(ctx, o, tell)
	if err != nil {
		return err
	}
	if o.buildDir != "" {
		return describe(ctx, found, o.buildDir, tools, tell)
	}
	return build(ctx, found, filepath.Join(cache, "libctorch"), o.again, tools, tell)
}

// find returns the libtorch to build with.
func find(ctx context.Context, o options, tell *console.Console) (*libtorch.Libtorch, error) {
	set, err := namedPins(o.pins)
	if err != nil {
		return nil, wrongUse{err}
	}
	if o.pins == "default" {
		if named, err := libtorch.Named(); named != nil || err != nil {
			return named, err
		}
		found, err := libtorch.OfPython(ctx, o.python)
		if found != nil {
			return found, nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		if err != nil {
			tell.Say("not used: %v", err)
		}
	}
	root, err := install.Libtorch(ctx, o.installDir, set, tell)
	if err != nil {
		return nil, err
	}
	return libtorch.Inspect(root, "installed by setup")
}

// use checks that a libtorch loads and reports it, if it was not used before.
func use(ctx context.Context, found *libtorch.Libtorch, tools libctorch.Tools, tell *console.Console) error {
	if err := found.CheckItLoads(ctx, tools.C); err != nil {
		return err
	}
	if newer, tested := found.NewerThanTested(); newer {
		tell.Say("libtorch %s is newer than %s, the newest that was tested: trying it", found.Version, tested)
	}
	tell.Say("Using libtorch %s (%s): %s", found.Version, found.Origin, found.Root)
	return nil
}

// describe writes the location of libtorch for CMake and for scripts.
func describe(ctx context.Context, found *libtorch.Libtorch, folder string, tools libctorch.Tools, tell *console.Console) error {
	report := filepath.Join(folder, "libtorch.json")
	if known, err := os.ReadFile(report); err != nil || string(known) != found.JSON() {
		if err := use(ctx, found, tools, tell); err != nil {
			return err
		}
	}
	if err := writeIfChanged(filepath.Join(folder, "libtorch.cmake"), found.CMake()); err != nil {
		return err
	}
	return writeIfChanged(report, found.JSON())
}

// writeIfChanged writes a file atomically if its contents change, so that CMake does not configure
// again without need.
func writeIfChanged(path, text string) error {
	if known, err := os.ReadFile(path); err == nil && string(known) == text {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// build builds libctorch if it is missing, and prints what go build needs.
func build(ctx context.Context, found *libtorch.Libtorch, folder string, again bool, tools libctorch.Tools, tell *console.Console) error {
	b := libctorch.Build{
		Sources:  clipvqgan.Sources,
		Version:  version(),
		Libtorch: found,
		Tools:    tools,
		Folder:   folder,
		Again:    again,
		Tell:     tell,
	}
	prefix, err := b.Prefix()
	if err != nil {
		return err
	}
	if _, err := os.Stat(prefix); err != nil {
		if err := use(ctx, found, tools, tell); err != nil {
			return err
		}
	}
	if prefix, err = b.Make(ctx); err != nil {
		return err
	}
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		tell.Say("Ready. go build needs these lines in the shell (eval \"$(...)\" around this command takes them):")
	}
	_, err = fmt.Print(libctorch.Exports(prefix))
	return err
}

// version returns the module's version: that of a release, or "devel" for a checkout.
func version() string {
	const path = "github.com/clipvqgan/clipvqgan"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	modules := append([]*debug.Module{&info.Main}, info.Deps...)
	for _, module := range modules {
		if module.Path == path && strings.HasPrefix(module.Version, "v") {
			return module.Version
		}
	}
	return "devel"
}
