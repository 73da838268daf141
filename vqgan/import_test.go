package vqgan

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A checkpointReference is what the package that defines a checkpoint computes with it;
// scripts/reference/reference_vqgan_checkpoints.py.
type checkpointReference struct {
	Size     int64
	Tokens   []int64
	Latent   []float32
	Decoded  []float32
	Gradient []float32
}

func checkpointFolder(name string) string { return filepath.Join("testdata", "checkpoints", name) }

func readReference(t *testing.T, name string) checkpointReference {
	t.Helper()
	file, err := os.Open(filepath.Join(checkpointFolder(name), "reference.json.gz"))
	require.NoError(t, err)
	defer file.Close()
	reader, err := gzip.NewReader(file)
	require.NoError(t, err)
	var reference checkpointReference
	require.NoError(t, json.NewDecoder(reader).Decode(&reference))
	return reference
}

// layouts are the sources in each layout, and what their architecture is called.
var layouts = map[string]struct{ file, architecture string }{
	"taming":                     {"", "f4-48"},
	"taming_without_yaml":        {"", "f4-48"},
	"taming_composite":           {"net2net.ckpt", "f4-48"},
	"taming_pooled":              {"", "f2-48"},
	"taming_gumbel":              {"last.ckpt", "gumbel-f4-48"},
	"latent_diffusion":           {"", "f4-48"},
	"latent_diffusion_composite": {"model.ckpt", "f4-48"},
	"diffusers":                  {"", "f4-48"},
	"diffusers_bin":              {"diffusion_pytorch_model.bin", "f4-48"},
	"diffusers_pipeline":         {"", "f2-48"},
	"diffusers_movq":             {"", "movq-f4-48"},
	"dalle":                      {"", "dvae-f8-64"},
	"dalle_state_dict":           {"dalle.pt", "dvae-f8-64"},
}

// requireClose requires a difference of at most 1e-4 of the largest element.
func requireClose(t *testing.T, wanted []float32, got *torch.Tensor, what string) {
	t.Helper()
	reference := torch.FromSlice(wanted, nil)
	got = got.Reshape(torch.Shape{-1})
	require.Equal(t, reference.Shape(), got.Shape(), what)
	difference := reference.Sub(got).Abs().Max().Item()
	require.LessOrEqual(t, difference, 1e-4*reference.Abs().Max().Item(), what)
}

// everyThird returns every third pixel of the first image.
func everyThird(images *torch.Tensor) *torch.Tensor {
	size := images.Shape()[2]
	return images.Select(0, 0).Slice(1, 0, size, 3).Slice(2, 0, size, 3)
}

func checkAgainst(t *testing.T, model *Model, reference checkpointReference) {
	t.Helper()
	size := reference.Size
	images := torch.Linspace(-1, 1, 2*3*size*size).Reshape(torch.Shape{2, 3, size, size}).MulScalar(40).Sin().SetRequiresGrad(true)
	latents, err := model.Encode(t.Context(), images)
	require.NoError(t, err)
	requireClose(t, reference.Latent, latents.Select(0, 0), "latent")

	quantized, err := model.Quantize(t.Context(), latents)
	require.NoError(t, err)
	require.Equal(t, reference.Tokens, torch.ToSlice[int64](quantized.Tokens))
	decoded, err := model.Decode(t.Context(), quantized.Latent)
	require.NoError(t, err)
	requireClose(t, reference.Decoded, everyThird(decoded), "decoded image")

	weights := torch.Arange(0, decoded.NumElements(), 1).To(torch.Float32).Reshape(decoded.Shape()).Cos()
	decoded.Mul(weights).Sum().Backward()
	requireClose(t, reference.Gradient, everyThird(images.Grad()), "gradient in the image")

	embedded, err := model.Embed(t.Context(), quantized.Tokens)
	require.NoError(t, err)
	again, err := model.Decode(t.Context(), embedded)
	require.NoError(t, err)
	requireClose(t, reference.Decoded, everyThird(again), "image decoded from tokens")
}

func TestCheckpointsAgreeWithTheirPackages(t *testing.T) {
	for name, each := range layouts {
		t.Run(name, func(t *testing.T) {
			source := filepath.Join(checkpointFolder(name), each.file)
			reference := readReference(t, name)
			model, err := Load(source)
			require.NoError(t, err)
			defer model.Close()
			checkAgainst(t, model, reference)
			described, err := ReadConfig(source)
			require.NoError(t, err)
			assert.Equal(t, model.Config(), described)
			assert.Equal(t, each.architecture, described.Architecture)
			files, err := Files(source)
			require.NoError(t, err)
			if name == "dalle" {
				assert.Equal(t, []string{filepath.Join(source, "encoder.pkl"), filepath.Join(source, "decoder.pkl")}, files)
			} else {
				assert.Len(t, files, 1)
			}

			output := filepath.Join(t.TempDir(), "model.pt")
			config, err := Import(source, output, ImportOptions{})
			require.NoError(t, err)
			assert.Len(t, config.SourceSHA256, 64)
			assert.Equal(t, filepath.Base(source), config.Source)
			archived, err := Load(output)
			require.NoError(t, err)
			defer archived.Close()
			assert.Equal(t, config, archived.Config())
			checkAgainst(t, archived, reference)

			// An archive of an archive.
			float32Storage := torch.Float32
			second := filepath.Join(t.TempDir(), "again.pt")
			config.Storage = "float32"
			again, err := Import(output, second, ImportOptions{Storage: &float32Storage})
			require.NoError(t, err)
			assert.Equal(t, config, again)
		})
	}
}
