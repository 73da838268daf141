package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
)

// captioned makes a folder with pictures and texts.
func captioned(t *testing.T, count int) (folder string) {
	t.Helper()
	var names []string
	for i := range count {
		names = append(names, fmt.Sprintf("data/%02d.png", i))
	}
	folder = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "data"), 0o755))
	for i, name := range names {
		picture := imageio.NewRGB(20, 20)
		for at := range picture.Pix {
			picture.Pix[at] = uint8((i*50 + at%3*90) % 256)
		}
		savePNG(t, filepath.Join(folder, name), picture)
		text := strings.TrimSuffix(filepath.Join(folder, name), ".png") + ".txt"
		require.NoError(t, os.WriteFile(text, []byte([]string{"a cat", "it is", "the dog"}[i%3]), 0o600))
	}
	return folder
}

func TestTrain(t *testing.T) {
	folder := captioned(t, 6)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "data", "bad.png"), []byte("no picture"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "data", "bad.txt"), []byte("bad"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "data", "alone.png"), []byte("no picture"), 0o600))
	model := repository(t, "clip/testdata/checkpoints/open_clip")
	arguments := []string{"train", "data", "--clip", model, "--epochs", "2", "--batch", "3", "--chunk", "2", "--learning-rate", "1e-3", "--seed", "3"}
	out, problems, status := run(t, folder, append(arguments, "-o", "a.pt", "--curve", "loss.png", "--mix", "0.5")...)
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "7 pairs, fine-tuned from open_clip\n")
	assert.Regexp(t, `wrote a.pt: 4 steps in \d+ s, loss [\d.]+ to [\d.]+\n`, out)
	assert.Contains(t, problems, "left out: data/alone.png has no text beside it")
	assert.Contains(t, problems, "bad.png")
	assert.ElementsMatch(t, []string{"data", "a.pt", "loss.png"}, files(t, folder))
	trained, err := clip.Load(filepath.Join(folder, "a.pt"))
	require.NoError(t, err)
	assert.Equal(t, "fine-tuned from open_clip, with 0.5 of the change", trained.Config().Source)
	trained.Close()

	out, problems, status = run(t, folder, append(arguments, "-o", "b.pt", "--json", "--lora", "2")...)
	require.Equal(t, 0, status, problems)
	result := decode(t, out)[0]
	assert.Equal(t, "b.pt", result["output"])
	assert.Equal(t, 4.0, result["steps"])
	assert.Len(t, result["losses"], 4)
	assert.Len(t, result["left_out"], 2)
}

// TestTrainGoesOn after Ctrl-C, with the same bytes as a run without.
func TestTrainGoesOn(t *testing.T) {
	folder := captioned(t, 6)
	arguments := []string{"train", "data", "--clip", repository(t, "clip/testdata/checkpoints/open_clip"), "--steps", "200", "--batch", "3", "--save-every", "1000000"}
	command := exec.Command(program, append(arguments, "-o", "a.pt")...)
	command.Dir = folder
	told, err := os.Create(filepath.Join(t.TempDir(), "problems"))
	require.NoError(t, err)
	defer told.Close()
	command.Stderr = told
	problems := func() string {
		data, err := os.ReadFile(told.Name())
		require.NoError(t, err)
		return string(data)
	}
	require.NoError(t, command.Start())
	require.Eventually(t, func() bool { // the tenth of the steps is told
		return strings.Contains(problems(), "of 200 steps")
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, command.Process.Signal(syscall.SIGINT))
	command.Wait()
	assert.Equal(t, 130, command.ProcessState.ExitCode(), problems())
	assert.Regexp(t, `clipvqgan: after step \d+, interrupted; the same command goes on`, problems())
	assert.ElementsMatch(t, []string{"data", "a.pt.checkpoint"}, files(t, folder))
	out, stderr, status := run(t, folder, append(arguments, "-o", "a.pt")...)
	require.Equal(t, 0, status, stderr)
	assert.Contains(t, out, "going on from a.pt.checkpoint")
	_, stderr, status = run(t, folder, append(arguments, "-o", "b.pt")...)
	require.Equal(t, 0, status, stderr)
	first, err := os.ReadFile(filepath.Join(folder, "a.pt"))
	require.NoError(t, err)
	second, err := os.ReadFile(filepath.Join(folder, "b.pt"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(first, second), "the same bytes")
}

func TestTrainFailures(t *testing.T) {
	folder := captioned(t, 3)
	require.NoError(t, os.Mkdir(filepath.Join(folder, "empty"), 0o755))
	for want, arguments := range map[string][]string{
		"--output is missing":                            {"data"},
		"0 sources of pairs were given":                  {"-o", "a.pt"},
		"the folder nowhere does not exist":              {"data", "-o", "nowhere/a.pt"},
		"empty has no picture with a text":               {"empty", "-o", "a.pt"},
		"none.csv: no such file":                         {"none.csv", "-o", "a.pt"},
		"BatchSize is 64, and there are 3 pairs":         {"data", "-o", "a.pt"},
		"there is no architecture \"ViT\"":               {"data", "-o", "a.pt", "--architecture", "ViT"},
		"--architecture and --clip were both given":      {"data", "-o", "a.pt", "--architecture", "ViT", "--clip", "b.pt"},
		"--mix is 2, wanted 0 to 1":                      {"data", "-o", "a.pt", "--mix", "2"},
		"--loss is \"x\", wanted auto":                   {"data", "-o", "a.pt", "--loss", "x"},
		"--precision is \"x\", wanted float32, bfloat16": {"data", "-o", "a.pt", "--precision", "x"},
		"LearningRate is -1, wanted above 0, to 1":       {"data", "-o", "a.pt", "--learning-rate", "-1"},
		"--curve: ": {"data", "-o", "a.pt", "--curve", "loss.xyz"},
	} {
		_, problems, status := run(t, folder, append([]string{"train"}, arguments...)...)
		assert.Equal(t, 1, status)
		assert.Contains(t, problems, want)
		assert.Equal(t, 1, strings.Count(problems, "\n"), problems)
	}
	assert.ElementsMatch(t, []string{"data", "empty"}, files(t, folder))
}
