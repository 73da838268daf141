package clip

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzCheckpoint: whatever names and shapes a file's header has, and whatever configuration lies
// beside it, describing and loading it ends with a model or an error.
func FuzzCheckpoint(f *testing.F) {
	for folder, config := range map[string]string{
		"open_clip": "open_clip_config.json", "open_clip_siglip": "open_clip_config.json",
		"huggingface": "config.json", "huggingface_siglip": "config.json",
	} {
		name := "model.safetensors"
		if config != "config.json" {
			name = "open_clip_model.safetensors"
		}
		data, err := os.ReadFile(filepath.Join(checkpointFolder(folder), name))
		require.NoError(f, err)
		settings, err := os.ReadFile(filepath.Join(checkpointFolder(folder), config))
		require.NoError(f, err)
		size := binary.LittleEndian.Uint64(data)
		f.Add(data[8:8+size], settings, uint32(len(data)-8-int(size)))
	}
	f.Fuzz(func(t *testing.T, header, config []byte, size uint32) {
		folder := t.TempDir()
		source := filepath.Join(folder, "weights")
		data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		data = append(append(data, header...), make([]byte, min(size, 1<<18))...)
		require.NoError(t, os.WriteFile(source, data, 0o600))
		for _, name := range []string{"config.json", "open_clip_config.json"} {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), config, 0o600))
		}
		_, describeErr := ReadConfig(source)
		model, err := Load(source)
		if err == nil {
			model.Close()
			require.NoError(t, describeErr, "what loads can be described")
		}
	})
}
