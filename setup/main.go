// Command setup makes a machine ready to build programs with this module: it finds libtorch or installs it,
// builds libctorch, the C library between Go and libtorch, and prints what go build needs to link it.
//
//	eval "$(go run github.com/clipvqgan/clipvqgan/setup@latest)"
//
// libtorch is looked for in this order: the directory that the environment variable LIBTORCH names (an
// unpacked libtorch archive, or the torch folder of a Python's site-packages); the torch package of the
// Python on the PATH; the pinned wheels, which are downloaded, checked by their hashes and unpacked into
// the user's cache folder, from where pip's configuration says that packages come from. No Python is needed.
// Where the machine has an NVIDIA GPU, the wheels with CUDA are taken; LIBTORCH_CUDA=1 or 0 decides that
// by hand.
//
// What is there already is taken as it is: a second run changes nothing.
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

// A stopped is the end by a signal.
type stopped struct{ signal syscall.Signal }

func (stopped) Error() string { return "interrupted: nothing half-done was taken for whole" }

// errUsage was told by the package flag.
var errUsage = errors.New("wrong use")

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
		os.Exit(128 + int(end.signal)) // as shells say it
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		tell.Say("error: %s", explain(err))
		os.Exit(1)
	}
}

// explain is an error in one line.
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

// namedPins is replaced by tests.
var namedPins = pins.Named

// options are the command line's.
type options struct {
	pins       string
	python     string
	installDir string
	buildDir   string
	again      bool
}

func run(ctx context.Context, arguments []string, tell *console.Console) error {
	var o options
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "Finds or installs libtorch, builds libctorch, and prints what go build needs to link it:\n\n"+
			"  eval \"$(go run github.com/clipvqgan/clipvqgan/setup@latest)\"\n\nFlags:")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.pins, "pins", "default", "install the `oldest` or newest supported libtorch instead of looking for one")
	flags.StringVar(&o.python, "python", "python3", "the Python whose torch package is looked at")
	flags.StringVar(&o.installDir, "install-dir", "", "where libtorch is installed (default: in the user's cache folder)")
	flags.StringVar(&o.buildDir, "build-dir", "", "only write where libtorch is into libtorch.cmake and libtorch.json in this `folder`, as make does")
	flags.BoolVar(&o.again, "rebuild", false, "build libctorch even where it is there, as after a library that it uses was installed")
	if err := flags.Parse(arguments); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q was given, and setup takes flags alone: see -help", flags.Arg(0))
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

// find is the libtorch to build with.
func find(ctx context.Context, o options, tell *console.Console) (*libtorch.Libtorch, error) {
	set, err := namedPins(o.pins)
	if err != nil {
		return nil, err
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

// use tells of a libtorch that was not used before, after a look at whether it loads.
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

// describe writes where libtorch is for CMake and for scripts.
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

// writeIfChanged writes a file whole or not at all, and leaves one that says the same alone, so that CMake
// does not configure again.
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

// build builds libctorch where it is missing, and prints what go build needs.
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

// version is the module's: of a release as it is, of a checkout "devel".
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
