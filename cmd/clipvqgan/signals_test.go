package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// opened counts how often a process has a file open.
func opened(process int, path string) (count int) {
	folder := fmt.Sprintf("/proc/%d/fd", process)
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(folder, entry.Name())); err == nil && target == path {
			count++
		}
	}
	return count
}

// TestOneSignalEndsEveryCommand that reads a pipe to which nobody writes.
func TestOneSignalEndsEveryCommand(t *testing.T) {
	folder := pictures(t)
	fifo := filepath.Join(folder, "pipe.png")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	pipe, err := os.OpenFile(fifo, os.O_RDWR, 0)
	require.NoError(t, err)
	defer pipe.Close()
	for name, arguments := range map[string][]string{
		"classify":    {"classify", "-", "--labels", "a,b"},
		"reconstruct": {"reconstruct", "pipe.png"},
		"generate":    {"generate", "--init", "-"},
	} {
		for signal, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
			t.Run(name, func(t *testing.T) {
				command := exec.Command(program, arguments...)
				command.Dir = folder
				times := 1
				if slices.Contains(arguments, "-") {
					command.Stdin = pipe
					times = 2
				}
				var problems bytes.Buffer
				command.Stderr = &problems
				require.NoError(t, command.Start())
				require.Eventually(t, func() bool { return opened(command.Process.Pid, fifo) == times }, time.Minute, 5*time.Millisecond)
				require.NoError(t, command.Process.Signal(signal))
				assert.Error(t, command.Wait())
				assert.Equal(t, want, command.ProcessState.ExitCode())
				assert.Equal(t, "clipvqgan: interrupted\n", problems.String())
			})
		}
	}
	assert.Equal(t, []string{"notes.txt", "pipe.png"}, files(t, folder))
}

// TestOneSignalEndsTheLoadingOfAModel, here from a pipe that is never opened at its other end. Before the
// program listens, the signal's default action ends it, which is the same to a shell.
func TestOneSignalEndsTheLoadingOfAModel(t *testing.T) {
	folder := pictures(t, "a.png")
	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "model.pt"), 0o600))
	command := exec.Command(program, "classify", "a.png", "--clip", "model.pt")
	command.Dir = folder
	require.NoError(t, command.Start())
	time.Sleep(time.Second)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	assert.Error(t, command.Wait())
	ended := command.ProcessState.Sys().(syscall.WaitStatus)
	assert.True(t, ended.ExitStatus() == 143 || ended.Signaled() && ended.Signal() == syscall.SIGTERM, "%v", command.ProcessState)
}

// TestARunOfSlowStepsKeepsPictures, so that one can be written in the middle of a step.
func TestARunOfSlowStepsKeepsPictures(t *testing.T) {
	var word lastWord
	output := filepath.Join(t.TempDir(), "a.png")
	k := newKeeper(&word, &generation{output: output})
	assert.EqualError(t, word.do(), "interrupted before there was a picture")
	made := 0
	step := func(number int) guided.Step {
		return guided.Step{Number: number, Picture: func() (image.Image, error) { made++; return imageio.NewRGB(8, 8), nil }}
	}
	require.NoError(t, k.keep(step(1)))
	assert.Equal(t, 0, made, "a quick step ends by itself")
	k.stepped = time.Now().Add(-slow)
	require.NoError(t, k.keep(step(2)))
	assert.Equal(t, 1, made)
	assert.EqualError(t, word.do(), "interrupted in a step; wrote the picture after step 2 to "+output)
	assert.FileExists(t, output)

	k.took = time.Hour
	k.stepped = time.Now().Add(-slow)
	require.NoError(t, k.keep(step(3)))
	assert.Equal(t, 1, made, "pictures take a small part of the time")
}

// TestTheEndWaitsForWhatIsWritten: what a command wrote at its end is its last word.
func TestTheEndWaitsForWhatIsWritten(t *testing.T) {
	var word lastWord
	require.NoError(t, word.save(func() error { return nil }))
	assert.Nil(t, word.do, "a command without a last word has none")
	failure := errors.New("the disk is full")
	word.set(func() error { return errors.New("other") })
	assert.ErrorIs(t, word.save(func() error { return failure }), failure)
	assert.ErrorIs(t, word.do(), failure)
}
