package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// TestAnInterruptedRunPrintsItsJSON, one object that says what was kept.
func TestAnInterruptedRunPrintsItsJSON(t *testing.T) {
	folder := t.TempDir()
	command := exec.Command(program, "generate", "cat", "--json", "-o", "cat.png", "--steps", "100000", "--cutouts", "1", "--save-every", "1")
	command.Dir = folder
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	require.NoError(t, command.Start())
	require.Eventually(t, func() bool { return slices.Contains(files(t, folder), "cat.png") }, time.Minute, 10*time.Millisecond)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	assert.Error(t, command.Wait())
	assert.Equal(t, 143, command.ProcessState.ExitCode())
	objects := decode(t, out.String())
	require.Len(t, objects, 1)
	told := objects[0]
	assert.Equal(t, true, told["interrupted"])
	assert.Equal(t, []any{"cat.png", 64.0, 64.0}, []any{told["output"], told["width"], told["height"]})
	assert.Contains(t, problems.String(), told["error"])
	assert.Len(t, told["losses"], int(told["steps"].(float64)))
	assert.NotContains(t, told, "judgement")
	_, err := imageio.Load(filepath.Join(folder, "cat.png"), imageio.Options{})
	assert.NoError(t, err)

	// Before there is a picture: the model is a pipe that is never opened at its other end.
	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "model.pt"), 0o600))
	command = exec.Command(program, "generate", "cat", "--json", "-o", "none.png", "--clip", "model.pt")
	command.Dir = folder
	out.Reset()
	command.Stdout = &out
	require.NoError(t, command.Start())
	require.Eventually(t, func() bool { return waitsToOpen(command.Process.Pid) }, time.Minute, 10*time.Millisecond)
	require.NoError(t, command.Process.Signal(os.Interrupt))
	assert.Error(t, command.Wait())
	assert.Equal(t, 130, command.ProcessState.ExitCode())
	objects = decode(t, out.String())
	require.Len(t, objects, 1)
	assert.Equal(t, []any{true, "", 0.0, []any{}}, []any{objects[0]["interrupted"], objects[0]["output"], objects[0]["steps"], objects[0]["losses"]})
	assert.Equal(t, "interrupted before there was a picture", objects[0]["error"])
}

// waitsToOpen reports whether a thread of a process waits for the other end of a pipe.
func waitsToOpen(process int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", process))
	for _, thread := range threads {
		call, err := os.ReadFile(thread)
		if number := fmt.Sprint(syscall.SYS_OPENAT); err == nil && strings.HasPrefix(string(call), number+" ") {
			return true
		}
	}
	return false
}

// TestTheReportOfARunThatEndsInAStep has the picture that was kept, and no number that JSON lacks.
func TestTheReportOfARunThatEndsInAStep(t *testing.T) {
	var word lastWord
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	g := &generation{output: filepath.Join(t.TempDir(), "a.png"), report: &reporter{out: &out, signals: ctx}}
	k := newKeeper(&word, g)
	for number, loss := range []float64{0.5, math.NaN()} {
		k.stepped, k.took = time.Now().Add(-slow), 0
		require.NoError(t, k.keep(guided.Step{Number: number + 1, Loss: loss,
			Picture: func() (image.Image, error) { return imageio.NewRGB(8, 9), nil }}))
	}
	cancel()
	assert.Error(t, word.do())
	told := decode(t, out.String())
	require.Len(t, told, 1)
	assert.Equal(t, []any{true, g.output, 8.0, 9.0, 2.0}, []any{
		told[0]["interrupted"], told[0]["output"], told[0]["width"], told[0]["height"], told[0]["steps"]})
	assert.Equal(t, []any{0.5, nil}, told[0]["losses"])
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
