package main

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// classFolder makes pictures of three colors, each in the folder of its class, with some noise.
func classFolder(t *testing.T, each int) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, c := range map[string]color.RGBA{"a_red_square": {230, 20, 20, 255}, "a_blue_square": {20, 20, 230, 255}, "a_green_square": {20, 190, 20, 255}} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, "classes", name), 0o755))
		for i := range each {
			picture := imageio.NewRGB(32, 32)
			for y := range 32 {
				for x := range 32 {
					shifted := c
					shifted.R += uint8((i*7 + x) % 20)
					shifted.G += uint8((i*11 + y) % 20)
					picture.Set(x, y, shifted)
				}
			}
			savePNG(t, filepath.Join(folder, "classes", name, fmt.Sprint(i, ".png")), picture)
		}
	}
	return folder
}

// TestProbeAndEvaluate: a probe is trained, measured and used.
func TestProbeAndEvaluate(t *testing.T) {
	folder := classFolder(t, 6)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "classes", "a_red_square", "bad.png"), []byte("no picture"), 0o600))
	out, problems, status := run(t, folder, "probe", "classes", "-o", "colors.safetensors", "--hold-out", "3")
	assert.Equal(t, 1, status, "one picture cannot be read")
	assert.Contains(t, problems, "1 of 19 inputs failed")
	assert.Regexp(t, `wrote colors.safetensors: 3 classes, learned from 18 pictures with the regularization [\d.e+-]+; 100.0 % of those held out are right`, out)
	require.NoError(t, os.Remove(filepath.Join(folder, "classes", "a_red_square", "bad.png")))

	out, problems, status = run(t, folder, "evaluate", "classes", "classes", "--probe", "colors.safetensors", "--json")
	require.Equal(t, 0, status, problems)
	result := decode(t, out)[0]
	assert.Equal(t, []any{3.0, 18.0, 1.0}, []any{result["classes"], result["pictures"], result["top1"]})

	out, problems, status = run(t, folder, "evaluate", "classes", "classes", "--confusion", "confusion.png", "--reliability", "reliability.png", "--template", "{}")
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "18 pictures of 3 classes\n  top-1 ")
	assert.FileExists(t, filepath.Join(folder, "confusion.png"))
	assert.FileExists(t, filepath.Join(folder, "reliability.png"))

	out, problems, status = run(t, folder, "classify", "classes/a_blue_square/0.png", "--probe", "colors.safetensors", "--top", "1")
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "among 3 labels:")
	assert.Contains(t, out, "a blue square")

	for want, arguments := range map[string][]string{
		"--label and --probe were both given":               {"classify", "a.png", "--label", "x", "--probe", "colors.safetensors"},
		"was trained on embeddings of emoji-RN with 256":    {"classify", "classes", "--probe", "colors.safetensors", "--clip", repository(t, "clip/testdata/checkpoints/open_clip")},
		"--probe: the file none.safetensors does not exist": {"classify", "classes", "--probe", "none.safetensors"},
		"templates are texts, and --probe has none":         {"evaluate", "classes", "classes", "--probe", "colors.safetensors", "--templates", "best"},
		"there is no picture in a sub-folder":               {"evaluate", "classes", "classes/a_red_square"},
		"--output is missing":                               {"probe", "classes"},
		"--hold-out is 1, wanted at least 2":                {"probe", "classes", "-o", "a.safetensors", "--hold-out", "1"},
		"no class has 50 pictures":                          {"probe", "classes", "-o", "a.safetensors", "--hold-out", "50"},
		"--regularization is -1, wanted above 0":            {"probe", "classes", "-o", "a.safetensors", "--regularization", "-1"},
		"0 folders were given, wanted 1":                    {"probe"},
		"--confusion: ":                                     {"evaluate", "classes", "classes", "--confusion", "a.xyz"},
	} {
		_, problems, status := run(t, folder, arguments...)
		assert.Equal(t, 1, status, want)
		assert.Contains(t, problems, want)
	}
}

// TestEvaluatePairs: pictures with several texts, and lines that cannot be used.
func TestEvaluatePairs(t *testing.T) {
	folder := classFolder(t, 1)
	table := "image,text\nclasses/a_red_square/0.png,a red square\nclasses/a_red_square/0.png,something red\nclasses/a_blue_square/0.png,a blue square\nclasses/a_green_square/0.png,a green square\nnone.png,nothing\nalone.png\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "pairs.csv"), []byte(table), 0o600))
	out, problems, status := run(t, folder, "evaluate", "pairs", "pairs.csv", "--json")
	assert.Equal(t, 1, status)
	assert.Contains(t, problems, "2 of 6 inputs failed")
	result := decode(t, out)[0]
	assert.Equal(t, []any{3.0, 4.0}, []any{result["images"], result["texts"]})
	for _, direction := range []string{"image_to_text", "text_to_image"} {
		recall := result[direction].(map[string]any)
		assert.Greater(t, recall["recall@1"], 0.5)
		assert.Equal(t, 1.0, recall["recall@5"])
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "pairs.csv"), []byte(strings.ReplaceAll(strings.ReplaceAll(table, "none.png,nothing\n", ""), "alone.png\n", "")), 0o600))
	out, problems, status = run(t, folder, "evaluate", "pairs", "pairs.csv")
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "3 pictures, 4 texts     recall@1  recall@5 recall@10\n  picture to text ")
	_, problems, status = run(t, folder, "evaluate", "pairs", "none.csv")
	assert.Equal(t, 1, status)
	assert.Contains(t, problems, "none.csv: no such file")
}
