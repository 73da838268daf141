package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALogHearsOfEachTenth(t *testing.T) {
	var log strings.Builder
	p := newProgress(&log, 200, "steps")
	for range 200 {
		p.add("loss 0.5")
	}
	p.end()
	told := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, told, 10)
	assert.Equal(t, "20 of 200 steps, loss 0.5, 0s passed, about 0s left", told[0])
	assert.Equal(t, "200 of 200 steps, loss 0.5, 0s passed", told[9])
}

func TestALogHearsEveryTenSeconds(t *testing.T) {
	var log strings.Builder
	p := newProgress(&log, 1000, "pictures")
	p.started = p.started.Add(-30 * time.Second)
	p.add("")
	assert.Empty(t, log.String())
	p.told = p.told.Add(-quiet)
	p.add("")
	assert.Regexp(t, `^2 of 1000 pictures, 30s passed, about 4h9m\d+s left\n$`, log.String())
	p.add("")
	assert.Equal(t, 1, strings.Count(log.String(), "\n"))
}

func TestWhatIsNoTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "a"))
	require.NoError(t, err)
	defer file.Close()
	for _, stream := range []any{file, new(strings.Builder), nil} {
		assert.False(t, isTerminal(stream))
	}
}

func TestHelpOfAllKinds(t *testing.T) {
	folder := t.TempDir()
	_, problems, status := run(t, folder, "man", "man1")
	require.Equal(t, 0, status, problems)
	assert.Subset(t, files(t, filepath.Join(folder, "man1")),
		[]string{"clipvqgan.1", "clipvqgan-classify.1", "clipvqgan-generate.1", "clipvqgan-reconstruct.1"})
	whole, err := os.ReadFile(filepath.Join(folder, "man1", "clipvqgan.1"))
	require.NoError(t, err)
	assert.Contains(t, string(whole), ".SH SYNOPSIS\n\\fBclipvqgan COMMAND [flags]\\fP\n")
	page, err := os.ReadFile(filepath.Join(folder, "man1", "clipvqgan-classify.1"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "standard input")

	for _, shell := range []string{"bash", "zsh", "fish"} {
		out, _, status := run(t, folder, "completion", shell)
		require.Equal(t, 0, status)
		assert.Contains(t, out, "clipvqgan")
	}
	for arguments, want := range map[string]string{
		"__complete c":                    "classify\tTell which",
		"__complete generate --device c":  "cuda\n",
		"__complete classify --clip m":    "pt\n:8\n",
		"__complete reconstruct ":         "png\n",
		"__complete generate --seed ":     ":4\n",
		"__complete generate --output a.": "webp\n",
	} {
		out, _, _ := run(t, folder, strings.Split(arguments, " ")...)
		assert.Contains(t, out, want, arguments)
	}
}
