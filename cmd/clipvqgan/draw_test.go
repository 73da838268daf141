package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/testkit/smallprior"
)

// textPrior writes a prior of texts over the tokens of the VQGAN that comes with the program.
func textPrior(t *testing.T, folder string) {
	t.Helper()
	require.NoError(t, smallprior.Write(filepath.Join(folder, "checkpoint.pt"),
		smallprior.Settings{Codebook: 1024, Height: 16, Width: 16, Merges: 8000, TextLength: 8}))
	_, problems, status := run(t, folder, "import", "checkpoint.pt", "-o", "prior.pt", "--vqgan", embeddedVQGAN(t))
	require.Equal(t, 0, status, problems)
}

// embeddedVQGAN returns the path of the VQGAN that comes with the program.
func embeddedVQGAN(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../models/vqgan.pt")
	require.NoError(t, err)
	return path
}

func TestDraw(t *testing.T) {
	folder := t.TempDir()
	textPrior(t, folder)
	out, problems, status := run(t, folder, "draw", "a red apple", "--prior", "prior.pt", "-n", "3", "-o", "apples.png", "--seed", "5", "--save-tokens", "apples.json")
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, `"a red apple" on `)
	assert.Contains(t, out, "wrote apples.png: 3 pictures")
	assert.Regexp(t, `by CLIP's score, seeds: [567] \(-?0\.\d{3}\), [567] \(-?0\.\d{3}\), [567] \(`, out)
	picture, err := imageio.Load(filepath.Join(folder, "apples.png"), imageio.Options{})
	require.NoError(t, err)
	assert.Equal(t, image.Rect(0, 0, 130, 130), picture.Bounds())
	var made []drawnPicture
	data, err := os.ReadFile(filepath.Join(folder, "apples.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &made))
	require.Len(t, made, 3)
	assert.GreaterOrEqual(t, *made[0].Score, *made[1].Score)
	assert.Len(t, made[2].Grid.Tokens, 256)

	// The picture of a seed is the same alone, from the checkpoint, and completed from its own upper half.
	var first drawnPicture
	for _, one := range made {
		if one.Seed == 6 {
			first = one
		}
	}
	out, problems, status = run(t, folder, "draw", "a red apple", "--prior", "checkpoint.pt", "--vqgan", embeddedVQGAN(t), "-o", "one.png", "--seed", "6",
		"--save-tokens", "one.json", "--no-rank", "--json")
	require.Equal(t, 0, status, problems)
	var report drawnReport
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	assert.Equal(t, "one.png", report.Output)
	assert.Nil(t, report.Pictures[0].Score)
	data, err = os.ReadFile(filepath.Join(folder, "one.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &made))
	assert.Equal(t, first.Grid, made[0].Grid)

	out, problems, status = run(t, folder, "inspect", "prior.pt")
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "text of 8 tokens of 8514, openai-bpe")
	assert.Contains(t, out, "f4-1024-emoji")
}

func TestDrawCompletesAPicture(t *testing.T) {
	folder := t.TempDir()
	textPrior(t, folder)
	start := image.NewRGBA(image.Rect(0, 0, 64, 64))
	mask := image.NewGray(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			start.Set(x, y, color.RGBA{255, 200, uint8(4 * x), 255})
			if x < 32 {
				mask.Set(x, y, color.White)
			}
		}
	}
	savePNG(t, filepath.Join(folder, "start.png"), start)
	savePNG(t, filepath.Join(folder, "mask.png"), mask)
	savePNG(t, filepath.Join(folder, "small.png"), image.NewGray(image.Rect(0, 0, 32, 64)))
	tokens := func(name string, arguments ...string) []int64 {
		t.Helper()
		_, problems, status := run(t, folder, append([]string{"draw", "a cat", "--prior", "prior.pt", "-o", name + ".png", "--no-rank",
			"--save-tokens", name + ".json", "--complete", "start.png"}, arguments...)...)
		require.Equal(t, 0, status, problems)
		data, err := os.ReadFile(filepath.Join(folder, name+".json"))
		require.NoError(t, err)
		var made []drawnPicture
		require.NoError(t, json.Unmarshal(data, &made))
		return made[0].Grid.Tokens
	}
	top, left := tokens("top"), tokens("left", "--keep", "mask.png")
	for row := range 16 {
		for column := range 8 {
			if row < 8 {
				assert.Equal(t, left[row*16+column], top[row*16+column], "row %d, column %d", row, column)
			}
		}
	}
	_, problems, status := run(t, folder, "draw", "a cat", "--prior", "prior.pt", "-o", "x.png", "--complete", "start.png", "--keep", "small.png")
	assert.Equal(t, 1, status)
	assert.Contains(t, problems, "the mask small.png has 32 x 64 pixels, the picture start.png 64 x 64")
	assert.NoFileExists(t, filepath.Join(folder, "x.png"))
}

func TestDrawWithTamingsCheckpoint(t *testing.T) {
	folder := t.TempDir()
	source, err := filepath.Abs("../../vqgan/prior/testdata/taming_class")
	require.NoError(t, err)
	_, problems, status := run(t, folder, "draw", "--prior", source, "--class", "7", "-n", "2", "-o", "two.png", "--size", "48x36")
	require.Equal(t, 0, status, problems)
	picture, err := imageio.Load(filepath.Join(folder, "two.png"), imageio.Options{})
	require.NoError(t, err)
	assert.Equal(t, image.Rect(0, 0, 98, 36), picture.Bounds())

	// import takes the prior, or the VQGAN alone.
	out, problems, status := run(t, folder, "import", filepath.Join(source, "last.ckpt"), "--config", filepath.Join(source, "model.yaml"), "-o", "prior.pt")
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "prior gpt-2-32-48, float16")
	out, problems, status = run(t, folder, "import", filepath.Join(source, "last.ckpt"), "-o", "vqgan.pt", "--first-stage")
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "VQGAN f4-48")
}

// TestDrawFailures: each gives one line on standard error, status 1, and no file.
func TestDrawFailures(t *testing.T) {
	folder := t.TempDir()
	textPrior(t, folder)
	require.NoError(t, os.Remove(filepath.Join(folder, "checkpoint.pt")))
	taming, err := filepath.Abs("../../vqgan/prior/testdata/taming_class")
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(folder, "prior.pt"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "half.pt"), data[:len(data)/2], 0o600))
	for name, arguments := range map[string][]string{
		"the prompt is empty":                       {"", "--prior", "prior.pt"},
		"none comes with the program":               {"a cat"},
		"2 prompts were given":                      {"a", "cat", "--prior", "prior.pt"},
		"no prompt was given":                       {"--prior", "prior.pt"},
		"the prompt is too long":                    {strings.Repeat("zebra crossing ", 9), "--prior", "prior.pt"},
		"conditioned on a text":                     {"a cat", "--prior", "prior.pt", "--class", "3"},
		"there is no class 10, wanted one from 0":   {"--prior", taming, "--class", "10"},
		"there is no condition":                     {"--prior", taming},
		"conditioned on a class from 0 to 9":        {"a cat", "--prior", taming},
		"a codebook of 48, the VQGAN has one of":    {"--prior", taming, "--class", "1", "--vqgan", embeddedVQGAN(t)},
		"half.pt":                                   {"a cat", "--prior", "half.pt"},
		"missing.pt does not exist":                 {"a cat", "--prior", "missing.pt"},
		"--number is 0":                             {"a cat", "--prior", "prior.pt", "-n", "0"},
		"--size is 63x64":                           {"a cat", "--prior", "prior.pt", "--size", "63x64"},
		"8 tokens wide":                             {"a cat", "--prior", "prior.pt", "--size", "32x64"},
		"temperature is -1":                         {"a cat", "--prior", "prior.pt", "--temperature", "-1"},
		"--batch is 0":                              {"a cat", "--prior", "prior.pt", "--batch", "0"},
		"give the picture with --complete":          {"a cat", "--prior", "prior.pt", "--keep", "top"},
		"out.tokens":                                {"a cat", "--prior", "prior.pt", "-o", "out.tokens"},
		"none/t.json does not exist":                {"a cat", "--prior", "prior.pt", "--save-tokens", "none/t.json"},
		"was not trained without its condition":     {"--prior", taming, "--class", "1", "--guidance", "3"},
		"and this prior has no VQGAN inside to enc": {"a cat", "--prior", "prior.pt", "--condition", embeddedVQGAN(t)},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "and this prior has no VQGAN inside to enc" {
				arguments[len(arguments)-1] = filepath.Join(filepath.Dir(embeddedVQGAN(t)), "..", "docs", "generated.png")
			}
			out, problems, status := run(t, folder, append([]string{"draw"}, arguments...)...)
			assert.Equal(t, 1, status)
			assert.Contains(t, problems, name)
			assert.Equal(t, 1, strings.Count(problems, "\n"), problems)
			assert.NotContains(t, out, "wrote")
			assert.Equal(t, []string{"half.pt", "prior.pt"}, files(t, folder))
		})
	}
}

// TestAnInterruptedDrawWritesTheRowsSoFar, as one picture.
func TestAnInterruptedDrawWritesTheRowsSoFar(t *testing.T) {
	folder := t.TempDir()
	textPrior(t, folder)
	command := exec.Command(program, "draw", "a cat", "--prior", "prior.pt", "-n", "2", "--batch", "1", "-o", "cat.png", "--size", "1024x1024", "--save-every", "1")
	command.Dir = folder
	var problems bytes.Buffer
	command.Stderr = &problems
	require.NoError(t, command.Start())
	require.Eventually(t, func() bool { return isFile(filepath.Join(folder, "cat.png")) }, time.Minute, 5*time.Millisecond)
	require.NoError(t, command.Process.Signal(os.Interrupt))
	require.Error(t, command.Wait())
	assert.Equal(t, 130, command.ProcessState.ExitCode())
	lines := strings.Split(strings.TrimSpace(problems.String()), "\n")
	assert.Regexp(t, `^clipvqgan: interrupted; wrote the \d+ of 512 rows that are drawn to cat.png$`, lines[len(lines)-1])
	picture, err := imageio.Load(filepath.Join(folder, "cat.png"), imageio.Options{})
	require.NoError(t, err)
	assert.Equal(t, image.Rect(0, 0, 2050, 1024), picture.Bounds())
}
