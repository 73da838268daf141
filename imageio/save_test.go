package imageio

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// names lists a folder.
func names(t *testing.T, folder string) []string {
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func TestSaveAndLoad(t *testing.T) {
	folder := t.TempDir()
	p := noise(31, 17)
	path := filepath.Join(folder, "out.PNG")
	require.NoError(t, Save(path, p))
	back, err := Load(path, Options{})
	require.NoError(t, err)
	assert.Equal(t, p, back)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode().Perm())

	// A second picture replaces the first and takes its mode.
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, SavePNG(path, noise(3, 2)))
	info, err = os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	jpegPath := filepath.Join(folder, "out.jpeg")
	clear := image.NewNRGBA(image.Rect(0, 0, 8, 8)) // transparent: over white
	require.NoError(t, Save(jpegPath, clear))
	back, err = Load(jpegPath, Options{})
	require.NoError(t, err)
	assert.Equal(t, []uint8{255, 255, 255}, back.Pix[:3])
	require.NoError(t, SaveJPEG(jpegPath, p, 30))
	assert.Equal(t, []string{"out.PNG", "out.jpeg"}, names(t, folder))
}

func TestSaveText(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, EncodePNG(&out, noise(4, 4),
		Text{"Description", "a café\nin Paris"}, Text{"Prompt", "夕焼け \xff"}, Text{"Seed", "7"}))
	assert.Equal(t, "Description\x00a caf\xe9\nin Paris", string(pngChunk(out.Bytes(), "tEXt")))
	assert.Equal(t, "Prompt\x00\x00\x00\x00\x00夕焼け \ufffd", string(pngChunk(out.Bytes(), "iTXt")))
	// The decoder checks the checksums.
	_, err := png.Decode(&out)
	require.NoError(t, err)

	for _, keyword := range []string{"", " a", "a ", "a  b", "日本", "a\nb\x01", string(make([]byte, 80))} {
		assert.ErrorIs(t, EncodePNG(&out, noise(1, 1), Text{keyword, "x"}), ErrText, "%q", keyword)
	}
}

func TestSaveErrors(t *testing.T) {
	folder := t.TempDir()
	p := noise(4, 4)
	file := filepath.Join(folder, "file.png")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	directory := filepath.Join(folder, "dir.png")
	require.NoError(t, os.Mkdir(directory, 0o700))
	for path, says := range map[string]string{
		filepath.Join(folder, "a.tiff"):               filepath.Join(folder, "a.tiff") + " has the extension .tiff; use .png, .jpg, .jpeg or .webp",
		filepath.Join(folder, "a"):                    filepath.Join(folder, "a") + " has no extension; use .png, .jpg, .jpeg or .webp",
		filepath.Join(folder, "no", "where", "a.png"): "there is no folder " + filepath.Join(folder, "no", "where"),
		filepath.Join(file, "a.png"):                  file + " is no folder",
		directory:                                     "to " + directory + ": it is a folder",
	} {
		for _, err := range []error{CheckOutputPath(path), Save(path, p)} {
			require.ErrorIs(t, err, ErrOutputPath, path)
			assert.ErrorContains(t, err, says)
			assert.NotContains(t, err.Error(), "\n")
		}
	}
	// A picture or a text that cannot be written leaves what was there.
	assert.ErrorIs(t, Save(file, NewRGB(0, 0)), ErrSize)
	assert.ErrorIs(t, Save(file, p, Text{"", ""}), ErrText)
	assert.ErrorIs(t, SaveJPEG(file, &RGB{Width: 3, Height: 1}, 90), ErrSize)
	old, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "old", string(old))
	assert.Equal(t, []string{"dir.png", "file.png"}, names(t, folder))
}

func TestFolderThatIsNotWritable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o500))
	err := CheckOutputPath(filepath.Join(folder, "a.png"))
	require.ErrorIs(t, err, ErrOutputPath)
	assert.ErrorContains(t, err, "the folder "+folder+" is not writable")
}

func TestCheckOutputPathLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, CheckOutputPath(filepath.Join(folder, "a.jpg")))
	assert.Empty(t, names(t, folder))
	t.Chdir(folder)
	require.NoError(t, CheckOutputPath("a.png"))
	require.NoError(t, Save("a.png", noise(2, 2)))
}
