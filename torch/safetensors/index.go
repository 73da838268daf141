package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch/internal/tensorfile"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// openIndex opens the parts that an index file lists. It is a JSON file that says which part each
// tensor is in:
//
//	{"metadata": {...}, "weight_map": {"layer.weight": "model-00001-of-00002.safetensors", ...}}
func openIndex(operation, path string) (*File, error) {
	file, size, err := tensorfile.Open("safetensors", operation, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > longestHeader {
		return nil, failure(operation, path, fmt.Errorf("it has %d bytes, the limit is %d", size, longestHeader))
	}
	var index struct {
		Parts map[string]string `json:"weight_map"`
	}
	text, err := io.ReadAll(file)
	if err == nil {
		err = json.Unmarshal(text, &index)
	}
	if err == nil && len(index.Parts) == 0 {
		err = errors.New("it has no weight_map")
	}
	if err != nil {
		return nil, failure(operation, path, fmt.Errorf("it is no index of a safetensors model: %w", err))
	}
	f := newFile()
	if err := f.addParts(operation, path, index.Parts); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) addParts(operation, path string, parts map[string]string) error {
	names := slices.Sorted(maps.Values(parts))
	for _, name := range slices.Compact(names) {
		if !isPlain(name) {
			return failure(operation, path, fmt.Errorf("it names the part %q, which is no file beside it", name))
		}
		if err := f.addFile(operation, filepath.Join(filepath.Dir(path), name)); err != nil {
			return err
		}
	}
	if len(parts) != len(f.tensors) {
		return failure(operation, path, fmt.Errorf("it names %s, its parts have %d", words.Count(len(parts), "tensor"), len(f.tensors)))
	}
	for tensor, name := range parts {
		place, ok := f.places[tensor]
		if !ok || filepath.Base(f.parts[f.tensors[place].part].name) != name {
			return failure(operation, path, fmt.Errorf("the tensor %q is not in its part %q", tensor, name))
		}
	}
	return nil
}
