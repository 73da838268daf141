package libctorch

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/clipvqgan/clipvqgan/setup/internal/console"
	"github.com/clipvqgan/clipvqgan/setup/internal/install"
	"github.com/clipvqgan/clipvqgan/setup/internal/libtorch"
	"github.com/clipvqgan/clipvqgan/setup/internal/process"
)

// room is the number of free bytes that a build needs, mostly for precompiled headers.
const room = 700_000_000

// A Build describes what to build, and where.
type Build struct {
	Sources  fs.FS // the CMake project
	Version  string
	Libtorch *libtorch.Libtorch
	Tools    Tools
	Folder   string // holds a folder for each build
	Again    bool   // build it even if it exists
	Tell     *console.Console
}

// Prefix returns the folder with the library, its headers and its file for pkg-config. Its name
// depends on everything that affects the library.
func (b *Build) Prefix() (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, b.Libtorch.CMake())
	for _, name := range []string{"CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS"} {
		fmt.Fprintf(hash, "%s=%q\n", name, os.Getenv(name))
	}
	err := b.eachFile(func(name string, content []byte) error {
		fmt.Fprintf(hash, "%q %d\n%s", name, len(content), content)
		return nil
	})
	key := hex.EncodeToString(hash.Sum(nil))[:12]
	return filepath.Join(b.Folder, b.Version+"-libtorch-"+b.Libtorch.Version+"-"+key), err
}

func (b *Build) eachFile(do func(name string, content []byte) error) error {
	return fs.WalkDir(b.Sources, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(b.Sources, name)
		if err != nil {
			return err
		}
		return do(name, content)
	})
}

// Make builds the library if it is missing, and returns its prefix. The folder gets its name only
// when it is complete.
func (b *Build) Make(ctx context.Context) (string, error) {
	prefix, err := b.Prefix()
	if err != nil || exists(prefix) && !b.Again {
		return prefix, err
	}
	unlock, err := install.Lock(ctx, b.Folder, b.Tell)
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(prefix) && !b.Again {
		return prefix, nil // built by the previous holder of the lock
	}
	if err := b.build(ctx, prefix); err != nil {
		return "", fmt.Errorf("libctorch was not built: %w", err)
	}
	return prefix, nil
}

func exists(folder string) bool {
	_, err := os.Stat(folder)
	return err == nil
}

func (b *Build) build(ctx context.Context, prefix string) error {
	// The same name for all builds, so that a compiler cache finds the files again.
	work := filepath.Join(b.Folder, ".build")
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	free, err := install.Room(b.Folder)
	if err != nil {
		return err
	}
	if free < room {
		return fmt.Errorf("%s has %.1f GB free, and %.1f GB are needed", b.Folder, float64(free)/1e9, room/1e9)
	}
	b.Tell.Say("Building libctorch %s (a minute or two)", b.Version)
	start := time.Now()
	source, build, stage := filepath.Join(work, "source"), filepath.Join(work, "build"), filepath.Join(work, "prefix")
	description := filepath.Join(source, "libtorch.cmake")
	err = b.eachFile(func(name string, content []byte) error { return write(filepath.Join(source, name), content) })
	if err == nil {
		err = write(description, []byte(b.Libtorch.CMake()))
	}
	if err != nil {
		return err
	}
	logName := filepath.Join(b.Folder, "build.log")
	log, err := os.Create(logName)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, arguments := range [][]string{
		{"-G", b.Tools.Generator, "-S", source, "-B", build, "-DCTORCH_TESTS=OFF", "-DCMAKE_INSTALL_LIBDIR=lib",
			"-DCTORCH_LIBTORCH_FILE=" + description},
		{"--build", build, "--parallel", fmt.Sprint(runtime.NumCPU())},
		{"--install", build, "--prefix", stage},
	} {
		if err := b.run(ctx, log, arguments...); err != nil {
			return b.explain(ctx, err, logName)
		}
	}
	b.Tell.Clear()
	if err := os.RemoveAll(prefix); err != nil { // when it is built again
		return err
	}
	if err := os.Rename(stage, prefix); err != nil {
		return err
	}
	b.Tell.Say("Built libctorch in %.0f s: %s", time.Since(start).Seconds(), prefix)
	return nil
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// The progress of Ninja, [12/34], and of make, [ 12%].
var state = regexp.MustCompile(`^\[(?:\d+/\d+|\s*\d+%)\]`)

// run runs CMake, with its output in the log. When the context ends, all processes that it started
// end too.
func (b *Build) run(ctx context.Context, log io.Writer, arguments ...string) error {
	command := process.Command(ctx, "cmake", arguments...)
	command.Env = withoutMake(os.Environ())
	output, input, err := os.Pipe()
	if err != nil {
		return err
	}
	defer output.Close()
	command.Stdout, command.Stderr = input, input
	err = command.Start()
	input.Close()
	if err != nil {
		return err
	}
	for lines := bufio.NewReader(output); ; {
		line, err := lines.ReadString('\n')
		if _, err := io.WriteString(log, line); err != nil {
			command.Cancel()
			command.Wait()
			return err
		}
		if done := state.FindString(line); done != "" {
			b.Tell.Show("  compiling %s", done)
		}
		if err != nil {
			break
		}
	}
	return command.Wait()
}

// withoutMake removes the variables that a make which runs this program sets for its children.
func withoutMake(environment []string) []string {
	var kept []string
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if name != "MAKEFLAGS" && name != "MFLAGS" && name != "MAKELEVEL" && name != "DESTDIR" {
			kept = append(kept, entry)
		}
	}
	return kept
}

// explain returns a line that says why CMake failed, and says the first errors if there are several.
func (b *Build) explain(ctx context.Context, failure error, logName string) error {
	b.Tell.Clear()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	text, err := os.ReadFile(logName)
	if err != nil {
		return failure
	}
	if strings.Contains(string(text), "No space left on device") || errors.Is(failure, syscall.ENOSPC) {
		return syscall.ENOSPC
	}
	const most = 5
	reason := failure.Error()
	complaints := process.Complaints(string(text))
	if len(complaints) > 0 {
		reason = complaints[0]
	}
	if len(complaints) > 1 {
		for _, complaint := range complaints[:min(most, len(complaints))] {
			b.Tell.Say("  %s", complaint)
		}
	}
	return fmt.Errorf("%s (all that was said is in %s)", reason, logName)
}
