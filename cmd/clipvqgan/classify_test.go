package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/models"
)

// TestLabelsAndTemplatesOfDataSets: a set brings its templates, unless others are given.
func TestLabelsAndTemplatesOfDataSets(t *testing.T) {
	for _, test := range []struct {
		arguments     []string
		labels        int
		templates     int
		firstTemplate string
	}{
		{nil, len(models.Labels()), 0, ""},
		{[]string{"--labels-of", "food101"}, 101, 1, "a photo of {}, a type of food."},
		{[]string{"--labels-of", "imagenet"}, 1000, 80, "a bad photo of a {}."},
		{[]string{"--labels-of", "imagenet", "--templates", "best"}, 1000, 7, "itap of a {}."},
		{[]string{"--labels-of", "cifar10", "--template", "a {}"}, 10, 1, "a {}"},
		{[]string{"--labels-of", "cifar10", "--label", "a horse, of course"}, 11, 0, ""},
		{[]string{"--labels", "a", "--templates", "simple", "--template", "my {}", "--template", "{}"}, 1, 3, "my {}"},
	} {
		var given labelFlags
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		given.define(flags)
		require.NoError(t, flags.Parse(test.arguments))
		names, templates, err := given.given(flags)
		require.NoError(t, err)
		assert.Len(t, names, test.labels, test.arguments)
		require.Len(t, templates, test.templates, test.arguments)
		if test.templates > 0 {
			assert.Equal(t, test.firstTemplate, templates[0])
		}
	}
}

func TestClassifyAsCSV(t *testing.T) {
	folder := pictures(t, "a.png", "b.png")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "bad.png"), []byte("no picture"), 0o600))
	out, problems, status := run(t, folder, "classify", "a.png", "bad.png", "b.png", "none.png", "--csv", "--top", "2", "--label", "red, white", "--labels", "a cat,a dog")
	assert.Equal(t, 1, status)
	assert.Contains(t, problems, "2 of 4 inputs failed")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 7)
	assert.Equal(t, []string{"picture", "label", "probability", "error"}, rows[0])
	assert.Equal(t, []string{"none.png", "", "", "none.png does not exist"}, rows[1])
	for i, name := range []string{"a.png", "a.png", "bad.png", "b.png", "b.png"} {
		row := rows[i+2]
		assert.Equal(t, name, row[0])
		if name == "bad.png" {
			assert.Equal(t, []string{"", ""}, row[1:3])
			assert.Contains(t, row[3], "bad.png")
		} else {
			assert.Contains(t, []string{"red, white", "a cat", "a dog"}, row[1])
			assert.Empty(t, row[3])
		}
	}

	out, _, status = run(t, folder, "classify", "a.png", "--csv", "--threshold", "1", "--labels", "a cat,a dog")
	require.Equal(t, 0, status)
	assert.Equal(t, "picture,label,probability,error\na.png,,,\n", out)
}

func TestThresholds(t *testing.T) {
	folder := pictures(t, "a.png")
	out, _, status := run(t, folder, "classify", "a.png", "--threshold", "1", "--labels", "a cat,a dog")
	require.Equal(t, 0, status)
	assert.Equal(t, "a.png, among 2 labels:\n  none above the threshold\n", out)
	out, _, status = run(t, folder, "classify", "a.png", "--threshold", "1", "--labels", "a cat,a dog", "--json")
	require.Equal(t, 0, status)
	assert.Equal(t, []any{}, decode(t, out)[0]["predictions"])
}

// TestSigmoid: each label has a probability of its own, if the model was trained so.
func TestSigmoid(t *testing.T) {
	folder := pictures(t, "a.png")
	siglip := repository(t, "clip/testdata/checkpoints/open_clip_siglip")
	sum := func(head string) (total float64) {
		out, problems, status := run(t, folder, "classify", "a.png", "--json", "--labels", "a,b,c", "--clip", siglip, "--head", head)
		require.Equal(t, 0, status, problems)
		for _, p := range decode(t, out)[0]["predictions"].([]any) {
			total += p.(map[string]any)["probability"].(float64)
		}
		return total
	}
	assert.InDelta(t, 1, sum("softmax"), 1e-5)
	assert.Greater(t, 0.5, sum("sigmoid"))
	assert.Equal(t, sum("sigmoid"), sum("auto"))
	_, problems, status := run(t, folder, "classify", "a.png", "--labels", "a,b", "--head", "sigmoid")
	assert.Equal(t, 1, status)
	assert.Contains(t, problems, "was not trained with the sigmoid loss")
}

func TestContactSheet(t *testing.T) {
	folder := pictures(t, "a.png", "b.png", "c.png")
	picture, err := os.ReadFile(filepath.Join(folder, "a.png"))
	require.NoError(t, err)
	out, problems, status := pipe(folder, picture, "classify", "a.png", "-", "b.png", "--labels", "a cat,a dog", "--sheet", "sheet.png")
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "standard input, among 2 labels:")
	assert.Contains(t, out, "wrote sheet.png")
	written, err := imageio.Load(filepath.Join(folder, "sheet.png"), imageio.Options{})
	require.NoError(t, err)
	assert.Equal(t, 2*168+8, written.Width)
	assert.Equal(t, 2*(160+3*15+8)+8, written.Height)

	for want, arguments := range map[string][]string{
		"--sheet: ":                    {"--sheet", "sheet.xyz"},
		"--head is \"tanh\"":           {"--head", "tanh"},
		"--threshold is 2, wanted 0":   {"--threshold", "2"},
		"--json and --csv were both":   {"--json", "--csv"},
		"there are no templates \"x\"": {"--templates", "x"},
	} {
		_, problems, status := run(t, folder, append([]string{"classify", "a.png", "--labels", "a"}, arguments...)...)
		assert.Equal(t, 1, status)
		assert.Contains(t, problems, want)
		assert.Equal(t, 1, strings.Count(problems, "\n"), problems)
	}
}
