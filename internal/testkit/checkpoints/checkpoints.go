// Package checkpoints has what the tests of importing share: copies of the folders of small
// checkpoints, which they damage.
package checkpoints

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

// A Folder is a copy of a checkpoint's folder that a test changes. Its methods fail the test if they
// cannot do their work.
type Folder struct {
	t    testing.TB
	Path string
}

// Copy copies a folder into a temporary one.
func Copy(t testing.TB, source string) Folder {
	t.Helper()
	folder := Folder{t, t.TempDir()}
	require.NoError(t, os.CopyFS(folder.Path, os.DirFS(source)))
	return folder
}

// File returns the path of a file in the folder.
func (f Folder) File(name string) string { return filepath.Join(f.Path, name) }

// Remove removes a file.
func (f Folder) Remove(name string) { require.NoError(f.t, os.Remove(f.File(name))) }

// Rename renames a file.
func (f Folder) Rename(name, to string) { require.NoError(f.t, os.Rename(f.File(name), f.File(to))) }

// Link makes a symbolic link.
func (f Folder) Link(target, name string) { require.NoError(f.t, os.Symlink(target, f.File(name))) }

// Read returns the contents of a file.
func (f Folder) Read(name string) string {
	data, err := os.ReadFile(f.File(name))
	require.NoError(f.t, err)
	return string(data)
}

// Write writes a file, and makes its folder.
func (f Folder) Write(name, contents string) {
	require.NoError(f.t, os.MkdirAll(filepath.Dir(f.File(name)), 0o700))
	require.NoError(f.t, os.WriteFile(f.File(name), []byte(contents), 0o600))
}

// Replace replaces a part of a text file.
func (f Folder) Replace(name, old, to string) {
	contents := f.Read(name)
	require.Contains(f.t, contents, old)
	f.Write(name, strings.Replace(contents, old, to, 1))
}

// EditJSON changes a JSON file.
func (f Folder) EditJSON(name string, change func(map[string]any)) {
	var contents map[string]any
	require.NoError(f.t, json.Unmarshal([]byte(f.Read(name)), &contents))
	change(contents)
	data, err := json.Marshal(contents)
	require.NoError(f.t, err)
	f.Write(name, string(data))
}

// EditSafetensors changes the tensors of a safetensors file.
func (f Folder) EditSafetensors(name string, change func(map[string]*torch.Tensor)) {
	list, metadata, err := safetensors.Load(f.File(name))
	require.NoError(f.t, err)
	tensors := map[string]*torch.Tensor{}
	for _, each := range list {
		tensors[each.Name] = each.Tensor
	}
	change(tensors)
	list = nil
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		list = append(list, torch.NamedTensor{Name: name, Tensor: tensors[name]})
	}
	require.NoError(f.t, safetensors.Save(f.File(name), list, metadata))
}

// EditState changes the tensors of a file of torch.save, which then has them under the key
// state_dict.
func (f Folder) EditState(name string, change func(map[string]*torch.Tensor)) {
	file, err := checkpoint.Open(f.File(name))
	require.NoError(f.t, err)
	defer file.Close()
	value := file.Value()
	if state, ok := value.(*torch.Dict).Get("state_dict").(*torch.Dict); ok {
		value = state
	}
	list, err := checkpoint.Tensors(value)
	require.NoError(f.t, err)
	tensors := map[string]*torch.Tensor{}
	for _, each := range list {
		tensors[each.Name], err = each.Tensor.Read()
		require.NoError(f.t, err)
	}
	change(tensors)
	state := torch.NewDict()
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		state.Set(name, tensors[name])
	}
	outer := torch.NewDict()
	outer.Set("state_dict", state)
	require.NoError(f.t, checkpoint.Save(f.File(name), outer))
}

// Truncate returns a change that leaves half of a file.
func Truncate(name string) func(Folder) {
	return func(f Folder) {
		info, err := os.Stat(f.File(name))
		require.NoError(f.t, err)
		require.NoError(f.t, os.Truncate(f.File(name), info.Size()/2))
	}
}

// SaveTensor returns a change that writes a safetensors file, m.safetensors, with one tensor of a name.
func SaveTensor(name string) func(Folder) {
	return func(f Folder) {
		require.NoError(f.t, safetensors.Save(f.File("m.safetensors"),
			[]torch.NamedTensor{{Name: name, Tensor: torch.Zeros(torch.Shape{2})}}, nil))
	}
}

// SaveValue returns a change that writes a file of torch.save, m.bin, with a value.
func SaveValue(value any) func(Folder) {
	return func(f Folder) { require.NoError(f.t, checkpoint.Save(f.File("m.bin"), value)) }
}

// DangerousPickle is a file of torch.save's old format whose value would be os.system("true"), and
// DangerousDict one with a list of a dict of it.
const (
	DangerousPickle = oldFormat + "\x80\x02" + call + ".\x80\x02]."
	DangerousDict   = oldFormat + "\x80\x02](}X\x01\x00\x00\x00a" + call + "se.\x80\x02]."

	oldFormat = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s."
	call      = "cposix\nsystem\nX\x04\x00\x00\x00true\x85R"
)

// Picture is the beginning of a PNG file.
const Picture = "\x89PNG\r\n\x1a\n0000000000000000"
