// Package install installs the pinned libtorch to a folder.
package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/clipvqgan/clipvqgan/setup/internal/console"
	"github.com/clipvqgan/clipvqgan/setup/internal/libtorch"
	"github.com/clipvqgan/clipvqgan/setup/internal/pins"
	"github.com/clipvqgan/clipvqgan/setup/internal/pip"
	"github.com/clipvqgan/clipvqgan/setup/internal/wheel"
)

// Free bytes that an installation needs, for the wheels and for what is unpacked.
const (
	roomCPU  = 1_300_000_000
	roomCUDA = 5_500_000_000
)

// Room returns the number of bytes that are free for a user on a folder's file system. Tests
// replace it.
var Room = func(folder string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// Libtorch returns the torch folder of a set of pins below folder, and installs it if it is
// missing.
func Libtorch(ctx context.Context, folder string, set pins.Set, tell *console.Console) (string, error) {
	version, err := set.TorchVersion()
	if err != nil {
		return "", err
	}
	withCUDA := filepath.Join(folder, version+"-cuda")
	// The one with CUDA serves both purposes, and exists if it was asked for before.
	if isInstalled(withCUDA, set.Digest(true)) {
		return filepath.Join(withCUDA, "torch"), nil
	}
	cuda, target := false, filepath.Join(folder, version)
	if set.CUDA != "" {
		if cuda, err = libtorch.HasGPU(ctx); err != nil {
			return "", err
		}
	}
	if cuda {
		target = withCUDA
	}
	if !isInstalled(target, set.Digest(cuda)) {
		unlock, err := Lock(ctx, folder, tell)
		if err != nil {
			return "", err
		}
		defer unlock()
		if !isInstalled(target, set.Digest(cuda)) {
			if err := install(ctx, target, version, set, cuda, tell); err != nil {
				return "", fmt.Errorf("libtorch was not installed: %w", err)
			}
		}
	}
	return filepath.Join(target, "torch"), nil
}

// isInstalled reports whether target was completely unpacked from the pins with the digest.
func isInstalled(target, digest string) bool {
	text, err := os.ReadFile(filepath.Join(target, "pins"))
	return err == nil && string(text) == digest
}

// Lock allows one setup at a time in a folder.
func Lock(ctx context.Context, folder string, tell *console.Console) (unlock func(), err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(folder, ".lock"), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			file.Close()
			return nil, fmt.Errorf("%s cannot be locked: %w", file.Name(), err)
		}
		if !told {
			tell.Say("another set-up works in %s: waiting for it", folder)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			file.Close()
			return nil, context.Cause(ctx)
		}
	}
}

// install downloads and unpacks to separate folders, and renames the result to target when it is
// complete. Partial downloads are kept for the next attempt.
func install(ctx context.Context, target, version string, set pins.Set, cuda bool, tell *console.Console) error {
	folder := filepath.Dir(target)
	leftover, _ := filepath.Glob(filepath.Join(folder, ".partial-*"))
	for _, name := range leftover {
		os.RemoveAll(name)
	}
	wheels := filepath.Join(folder, ".wheels")
	needed := int64(roomCPU)
	with := ""
	if cuda {
		needed, with = roomCUDA, " with CUDA"
	}
	free, err := Room(folder)
	if err != nil {
		return err
	}
	if have := free + sizeOf(wheels); have < needed {
		return fmt.Errorf("%s has %.1f GB free, and %.1f GB are needed", folder, float64(have)/1e9, float64(needed)/1e9)
	}
	tell.Say("Installing libtorch %s%s into %s", version, with, target)
	start := time.Now()
	files, err := download(ctx, wheels, set, cuda, tell)
	if err != nil {
		tell.Clear()
		if !mayGoOn(ctx, err) {
			os.RemoveAll(wheels)
		}
		os.Remove(wheels) // if it is empty
		return err
	}
	defer os.RemoveAll(wheels)
	partial, err := os.MkdirTemp(folder, ".partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	for _, file := range files {
		tell.Show("  unpacking %s", filepath.Base(file))
		if err := wheel.Unpack(ctx, file, partial, cuda); err != nil {
			return err
		}
		os.Remove(file)
	}
	tell.Clear()
	if _, err := libtorch.Inspect(filepath.Join(partial, "torch"), "the pinned wheel"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(partial, "pins"), []byte(set.Digest(cuda)), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(partial, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	if err := os.Rename(partial, target); err != nil {
		return err
	}
	tell.Say("Installed libtorch %s in %.0f s", version, time.Since(start).Seconds())
	return nil
}

// mayGoOn reports whether a later download can continue this one.
func mayGoOn(ctx context.Context, err error) bool {
	_, network := errors.AsType[*pip.NetworkError](err)
	_, refused := errors.AsType[*pip.StatusError](err)
	return network || refused || ctx.Err() != nil
}

// download downloads the wheels to a folder.
func download(ctx context.Context, folder string, set pins.Set, cuda bool, tell *console.Console) ([]string, error) {
	all, err := set.Pins(cuda)
	if err != nil {
		return nil, err
	}
	platforms, err := wheel.ThisMachine()
	if err != nil {
		return nil, err
	}
	config, err := pip.ReadConfig()
	if err != nil {
		return nil, err
	}
	client, err := pip.NewClient(config)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	var paths []string
	for _, pin := range all {
		path := filepath.Join(folder, pin.SHA256[0]+".whl")
		paths = append(paths, path)
		if _, err := os.Stat(path); err == nil {
			continue // complete, since only then it gets its name
		}
		tell.Show("  waiting for the package index")
		file, err := client.Find(ctx, pin, platforms)
		if err != nil {
			return nil, err
		}
		name := pin.Name + " " + pin.Version
		first := true
		err = client.Download(ctx, file, pin, path, func(done, total int64) {
			if first {
				tell.Say("  %s%s", name, megabytes(" (", total, ")"))
				first = false
			}
			tell.Show("  %s: %d MB%s", name, done/1e6, megabytes(" of ", total, ""))
		})
		tell.Clear()
		if err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func megabytes(before string, size int64, after string) string {
	if size <= 0 {
		return ""
	}
	return fmt.Sprintf("%s%.1f MB%s", before, float64(size)/1e6, after)
}

// sizeOf returns the total size of a folder's files.
func sizeOf(folder string) (size int64) {
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}
