package main

import (
	"bytes"
	"errors"
	"image"
	"image/png"
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
	"github.com/clipvqgan/clipvqgan/internal/testkit"
)

// program is the built program.
var program string

func TestMain(m *testing.M) {
	os.Exit(build(m))
}

func build(m *testing.M) int {
	// Where there is no Go, the program was built before.
	if program = os.Getenv("CLIPVQGAN_PROGRAM"); program != "" {
		return m.Run()
	}
	folder, err := os.MkdirTemp("", "clipvqgan")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "clipvqgan")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(output))
	}
	return m.Run()
}

// run runs the program in a folder.
func run(t *testing.T, folder string, arguments ...string) (stdout, stderr string, status int) {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.Dir = folder
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	err := command.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		require.NoError(t, err)
	}
	return out.String(), problems.String(), command.ProcessState.ExitCode()
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func savePNG(t *testing.T, path string, img image.Image) {
	t.Helper()
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, png.Encode(file, img))
}

func TestGenerateWritesAPictureAndJudgesIt(t *testing.T) {
	folder := t.TempDir()
	out, _, status := run(t, folder, "generate", "red heart", "-o", "heart.png", "--seed", "7", "--steps", "3", "--cutouts", "2")
	require.Equal(t, 0, status)
	assert.Contains(t, out, `"red heart" on `)
	assert.Contains(t, out, "wrote heart.png: 3 steps")
	assert.Regexp(t, `CLIP puts "red heart" in place \d+ among \d{4} names`, out)
	assert.Equal(t, []string{"heart.png"}, files(t, folder))
	picture, err := imageio.Load(filepath.Join(folder, "heart.png"), imageio.Options{})
	require.NoError(t, err)
	assert.Equal(t, image.Rect(0, 0, 64, 64), picture.Bounds())
}

func TestClassify(t *testing.T) {
	folder := t.TempDir()
	savePNG(t, filepath.Join(folder, "a.png"), image.NewGray(image.Rect(0, 0, 90, 70)))
	savePNG(t, filepath.Join(folder, "b.png"), image.NewGray(image.Rect(0, 0, 1, 1)))
	out, _, status := run(t, folder, "classify", "a.png", "b.png", "--labels", "a cat, a dog,a slice of pizza", "--top", "2")
	require.Equal(t, 0, status)
	assert.Contains(t, out, "a.png, among 3 labels:")
	assert.Contains(t, out, "b.png, among 3 labels:")
	assert.Equal(t, 4, strings.Count(out, "%"))

	out, _, status = run(t, folder, "classify", "a.png")
	require.Equal(t, 0, status)
	assert.Regexp(t, `among \d{4} labels`, out)
}

func TestReconstruct(t *testing.T) {
	folder := t.TempDir()
	savePNG(t, filepath.Join(folder, "a.png"), image.NewGray(image.Rect(0, 0, 32, 64)))
	_, _, status := run(t, folder, "reconstruct", "a.png", "-o", "b.png")
	require.Equal(t, 0, status)
	picture, err := imageio.Load(filepath.Join(folder, "b.png"), imageio.Options{})
	require.NoError(t, err)
	assert.Equal(t, image.Rect(0, 0, 32, 64), picture.Bounds())
}

// TestFailures: each gives one line on standard error, status 1, and no file.
func TestFailures(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	clipModel, err := os.ReadFile(filepath.Join("..", "..", "models", "clip.pt"))
	require.NoError(t, err)
	vqganModel, err := filepath.Abs(filepath.Join("..", "..", "models", "vqgan.pt"))
	require.NoError(t, err)
	write("half.pt", clipModel[:len(clipModel)/2])
	write("text.pt", []byte("not a model"))
	write("text.png", []byte("not a picture"))
	var whole bytes.Buffer
	require.NoError(t, png.Encode(&whole, image.NewGray(image.Rect(0, 0, 50, 50))))
	write("good.png", whole.Bytes())
	write("half.png", whole.Bytes()[:whole.Len()/2])
	require.NoError(t, os.Mkdir(filepath.Join(folder, "closed"), 0o500))
	before := files(t, folder)

	for name, test := range map[string]struct {
		arguments []string
		want      string
	}{
		"missing model":       {[]string{"classify", "good.png", "--clip", "none.pt"}, "none.pt does not exist"},
		"truncated model":     {[]string{"classify", "good.png", "--clip", "half.pt"}, "half.pt"},
		"no model":            {[]string{"classify", "good.png", "--clip", "text.pt"}, "text.pt is no checkpoint"},
		"model of wrong kind": {[]string{"classify", "good.png", "--clip", vqganModel}, `is no CLIP model: it is a "vqgan" model`},
		"no picture":          {[]string{"classify", "text.png"}, "text.png"},
		"missing picture":     {[]string{"classify", "none.png"}, "none.png"},
		"truncated picture":   {[]string{"classify", "half.png"}, "half.png"},
		"no argument":         {[]string{"classify"}, "no picture was given"},
		"empty labels":        {[]string{"classify", "good.png", "--labels", " , "}, "--labels is empty"},
		"top":                 {[]string{"classify", "good.png", "--top", "0"}, "--top is 0"},
		"template":            {[]string{"classify", "good.png", "--template", "a photo"}, "no {} for the label"},
		"empty prompt":        {[]string{"generate", " "}, "no text"},
		"long prompt":         {[]string{"generate", strings.Repeat("word ", 100)}, "tokens"},
		"invalid UTF-8":       {[]string{"generate", "a \xff cat"}, "UTF-8"},
		"missing folder":      {[]string{"generate", "cat", "-o", "none/a.png"}, "none"},
		"unknown extension":   {[]string{"generate", "cat", "-o", "a.xyz"}, "a.xyz"},
		"device":              {[]string{"generate", "cat", "--device", "cuda:99"}, "cuda:99 is not there"},
		"unknown device":      {[]string{"generate", "cat", "--device", "gpu"}, `"gpu" is no device`},
		"size":                {[]string{"generate", "cat", "--size", "big"}, `--size is "big"`},
		"small size":          {[]string{"generate", "cat", "--size", "1x1"}, "1x1"},
		"steps":               {[]string{"generate", "cat", "--steps", "-3"}, "--steps is -3"},
		"cutouts":             {[]string{"generate", "cat", "--cutouts", "0"}, "--cutouts is 0"},
		"many cutouts":        {[]string{"generate", "cat", "--cutouts", "20000000"}, "--cutouts is 20000000, wanted a number from 1 to 4096"},
		"learning rate":       {[]string{"generate", "cat", "--learning-rate", "nan"}, "--learning-rate is NaN"},
		"number in a prompt":  {[]string{"generate", "cat:1e400"}, `wanted a finite one, as in "cat:1"`},
		"no number":           {[]string{"generate", "cat:nan"}, `wanted a finite one, as in "cat:1"`},
		"no number for stop":  {[]string{"generate", "cat:1:-inf"}, "wanted a finite one"},
		"no pattern":          {[]string{"classify", "*.xyz"}, "no file matches *.xyz"},
		"bad pattern":         {[]string{"classify", "a[.png"}, "is no pattern"},
		"empty folder":        {[]string{"reconstruct", "closed"}, "there is no picture in the folder closed"},
		"several for one":     {[]string{"generate", "cat", "--init", "*.png"}, "--init *.png stands for 3 pictures, wanted one"},
		"unknown format":      {[]string{"reconstruct", "good.png", "-o", "closed/", "--format", "xyz"}, "xyz"},
		"man without folder":  {[]string{"man"}, "0 folders were given"},
		"init picture":        {[]string{"generate", "cat", "--init", "text.png"}, "text.png"},
		"unknown flag":        {[]string{"generate", "cat", "--nonsense"}, "--nonsense"},
		"empty name":          {[]string{"classify", ""}, `the name of a picture is empty: "" was given`},
		"unknown shell":       {[]string{"completion", "tcsh"}, `there is no completion for "tcsh", only for bash, fish, powershell, zsh`},
		"small size of VQGAN": {[]string{"generate", "cat", "--size", "1x1"}, "--size is 1x1, wanted at least"},
		"unknown command":     {[]string{"paint"}, "paint"},
		"two pictures":        {[]string{"reconstruct", "good.png", "good.png", "-o", "a.png"}, "2 pictures were given, and --output is a.png: wanted a folder, as --output a/"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems, status := run(t, folder, test.arguments...)
			assert.Equal(t, 1, status)
			assert.Contains(t, problems, test.want)
			assert.Equal(t, 1, strings.Count(problems, "\n"), problems)
			assert.Equal(t, before, files(t, folder))
		})
	}
	if os.Geteuid() != 0 { // root may write anywhere
		_, problems, status := run(t, folder, "generate", "cat", "-o", "closed/a.png")
		assert.Equal(t, 1, status)
		assert.Contains(t, problems, "closed")
	}
}

func TestInterruptWritesThePictureSoFar(t *testing.T) {
	folder := t.TempDir()
	command := exec.Command(program, "generate", "cat", "-o", "cat.png", "--steps", "100000", "--cutouts", "1", "--save-every", "1")
	command.Dir = folder
	var problems bytes.Buffer
	command.Stderr = &problems
	require.NoError(t, command.Start())
	// The first picture shows that the run is under way.
	require.Eventually(t, func() bool { return slices.Contains(files(t, folder), "cat.png") }, time.Minute, 10*time.Millisecond)
	require.NoError(t, command.Process.Signal(syscall.SIGINT))
	assert.Error(t, command.Wait())
	assert.Equal(t, 130, command.ProcessState.ExitCode())
	assert.Contains(t, problems.String(), "interrupted after ")
	assert.Contains(t, problems.String(), "wrote the picture so far to cat.png")
	assert.Equal(t, []string{"cat.png"}, files(t, folder))
	_, err := imageio.Load(filepath.Join(folder, "cat.png"), imageio.Options{})
	assert.NoError(t, err)
}

func TestEachCommandOnAGPU(t *testing.T) {
	device := testkit.GPU(t).String()
	folder := t.TempDir()
	_, problems, status := run(t, folder, "generate", "red heart", "-o", "heart.png", "--steps", "3", "--cutouts", "2", "--device", device)
	require.Equal(t, 0, status, problems)
	out, problems, status := run(t, folder, "classify", "heart.png", "--labels", "red heart,a dog", "--device", device)
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "red heart")
	_, problems, status = run(t, folder, "reconstruct", "heart.png", "-o", "again.png", "--device", device)
	require.Equal(t, 0, status, problems)
	assert.ElementsMatch(t, []string{"heart.png", "again.png"}, files(t, folder))
}
