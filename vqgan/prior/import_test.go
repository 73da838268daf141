package prior

import (
	"compress/gzip"
	"encoding/json"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A reference is what the package that defines a checkpoint computes with it;
// scripts/reference/reference_priors.py.
type reference struct {
	Condition   []int64
	Null        []int64
	Prompt      string
	Labels      []int64
	Tokens      []int64
	Logits      []float32
	NullLogits  []float32 `json:"null_logits"`
	Uniforms    []float32
	Sampled     []int64
	Decoded     []float32
	TopK        int `json:"top_k"`
	Temperature float64
	Guidance    float64
}

func readReference(t *testing.T, name string) reference {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name, "reference.json.gz"))
	require.NoError(t, err)
	defer file.Close()
	reader, err := gzip.NewReader(file)
	require.NoError(t, err)
	var r reference
	require.NoError(t, json.NewDecoder(reader).Decode(&r))
	return r
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

// A published is a checkpoint in testdata.
type published struct {
	conditioning string
	condition    func(r reference) Condition
	// every and columns are the steps in which logits were recorded.
	every, columns int64
}

var publishedModels = map[string]published{
	"taming_class":         {ClassCondition, func(reference) Condition { return OfClass(7) }, 3, 1},
	"taming_unconditional": {NoCondition, func(reference) Condition { return Condition{} }, 3, 1},
	"taming_coordinates":   {CoordinateCondition, func(reference) Condition { return Condition{} }, 3, 1},
	"taming_segmentation": {GridCondition, func(r reference) Condition {
		return OfGrid(Grid{Height: 8, Width: 8, Tokens: r.Condition})
	}, 3, 1},
	"min_dalle": {TextCondition, func(r reference) Condition { return OfText(r.Prompt) }, 17, 199},
}

func TestPublishedCheckpointsComputeWhatTheirPackagesDo(t *testing.T) {
	for name, each := range publishedModels {
		t.Run(name, func(t *testing.T) {
			r := readReference(t, name)
			model, err := Load(filepath.Join("testdata", name))
			require.NoError(t, err)
			defer model.Close()
			checkAgainst(t, model, each, r)

			archive := filepath.Join(t.TempDir(), "prior.pt")
			config, err := Import(filepath.Join("testdata", name), archive, ImportOptions{})
			require.NoError(t, err)
			assert.Equal(t, "float16", config.Storage)
			assert.Len(t, config.SourceSHA256, 64)
			again, err := Load(archive)
			require.NoError(t, err)
			defer again.Close()
			checkAgainst(t, again, each, r)

			read, err := ReadConfig(filepath.Join("testdata", name))
			require.NoError(t, err)
			assert.Equal(t, config.Architecture, read.Architecture)
			assert.Equal(t, config.Conditioning, read.Conditioning)
		})
	}
}

func checkAgainst(t *testing.T, model *Model, each published, r reference) {
	t.Helper()
	config := model.Config()
	assert.Equal(t, each.conditioning, config.Conditioning)
	side := int(config.GridWidth)
	condition := each.condition(r)
	given := Grid{Height: side, Width: side, Tokens: r.Tokens}

	// The prefix, and the logits of the whole sequence.
	prefixes, err := model.condition(condition, side, side)
	require.NoError(t, err)
	assert.Equal(t, r.Condition, prefixes(window{height: side, width: side}).tokens)
	requireLogits := func(condition Condition, wanted []float32) {
		t.Helper()
		logits, err := model.Logits(t.Context(), condition, given)
		require.NoError(t, err)
		requireClose(t, wanted, logits.Slice(0, 0, int64(side*side), each.every).Slice(1, 0, config.CodebookSize, each.columns), "logits")
		stepped := stepLogits(t, model, condition, given)
		requireClose(t, wanted, stepped.Slice(0, 0, int64(side*side), each.every).Slice(1, 0, config.CodebookSize, each.columns), "logits with the cache")
	}
	requireLogits(condition, r.Logits)
	if r.NullLogits != nil {
		null, err := model.condition(Condition{}, side, side)
		require.NoError(t, err)
		assert.Equal(t, r.Null, null(window{}).tokens)
		requireLogits(Condition{}, r.NullLogits)
	}

	// The tokens for the recorded numbers, which each picture has for itself.
	options := model.DefaultOptions()
	options.TopK, options.Temperature, options.Guidance = r.TopK, r.Temperature, r.Guidance
	count := side * side
	drawings, err := model.Draw(t.Context(), []Picture{
		{Condition: condition, Numbers: r.Uniforms[:count]}, {Condition: condition, Numbers: r.Uniforms[count:]},
	}, options)
	require.NoError(t, err)
	for i, drawing := range drawings {
		require.Equal(t, r.Sampled[i*side*side:][:side*side], drawing.Grid.Tokens)
	}

	// What the first stage decodes.
	if r.Decoded == nil {
		assert.Nil(t, model.VQGAN())
		return
	}
	require.NotNil(t, model.VQGAN())
	require.NoError(t, model.CheckVQGAN(model.VQGAN()))
	latent, err := model.VQGAN().Embed(t.Context(), drawings[0].Grid.Tensor())
	require.NoError(t, err)
	decoded, err := model.VQGAN().Decode(t.Context(), latent)
	require.NoError(t, err)
	size := decoded.Size(2)
	requireClose(t, r.Decoded, decoded.Select(0, 0).Slice(1, 0, size, 3).Slice(2, 0, size, 3), "decoded")
	picture, err := Decode(t.Context(), model.VQGAN(), drawings[0].Grid)
	require.NoError(t, err)
	assert.Equal(t, int(size), picture.Bounds().Dx())
	assert.NotEqual(t, color.Black, picture.At(0, 0))

	// What the conditioning stage encodes.
	if r.Labels == nil {
		return
	}
	stage := model.ConditionVQGAN()
	require.NotNil(t, stage)
	labels := torch.FromSlice(r.Labels, torch.Shape{size, size})
	segmentation := labels.OneHot(5).Permute([]int64{2, 0, 1}).Unsqueeze(0).To(torch.Float32)
	z, err := stage.Encode(t.Context(), segmentation)
	require.NoError(t, err)
	quantized, err := stage.Quantize(t.Context(), z)
	require.NoError(t, err)
	grid, err := GridOf(quantized.Tokens)
	require.NoError(t, err)
	assert.Equal(t, r.Condition, grid.Tokens)
	_, err = stage.EncodeImage(t.Context(), picture, int(size), int(size))
	require.ErrorContains(t, err, "have 5 channels")
}

// stepLogits returns the logits of each token of a picture, by steps with the cache.
func stepLogits(t *testing.T, model *Model, condition Condition, grid Grid) (logits *torch.Tensor) {
	t.Helper()
	require.NoError(t, torch.Compute(t.Context(), func(scope *torch.TensorScope) error {
		prefixes, err := model.condition(condition, grid.Height, grid.Width)
		require.NoError(t, err)
		cache, err := model.newCache(1, int64(len(grid.Tokens)))
		require.NoError(t, err)
		first, err := model.begin(prefixes(window{height: grid.Height, width: grid.Width}), cache, 0)
		require.NoError(t, err)
		all := []*torch.Tensor{first}
		for i, token := range grid.Tokens[:len(grid.Tokens)-1] {
			step, err := model.loaded.Frozen.CallTensor("step", torch.FromSlice([]int64{token}, torch.Shape{1, 1}),
				torch.FromSlice([]int64{int64(i)}, torch.Shape{1}), i+1, false, cache)
			require.NoError(t, err)
			all = append(all, step)
		}
		logits = scope.Keep(torch.Cat(all, 0))
		return nil
	}))
	return logits
}

// min-dalle's decoder comes along from beside the transformer, or from where min-dalle puts it.
func TestMinDallesDecoderComesAlong(t *testing.T) {
	r := readReference(t, "min_dalle_detokenizer")
	decoder, err := filepath.Abs("testdata/min_dalle_detokenizer/detoker.pt")
	require.NoError(t, err)
	for _, where := range []string{"dalle_bart_mini", "vqgan"} {
		root := t.TempDir()
		folder := filepath.Join(root, "dalle_bart_mini")
		require.NoError(t, os.CopyFS(folder, os.DirFS("testdata/min_dalle")))
		require.NoError(t, os.MkdirAll(filepath.Join(root, where), 0o700))
		require.NoError(t, os.Symlink(decoder, filepath.Join(root, where, "detoker.pt")))
		config, err := ReadConfig(folder)
		require.NoError(t, err)
		require.NotNil(t, config.VQGAN)
		assert.True(t, config.VQGAN.DecoderOnly)
		if where == "vqgan" {
			continue
		}
		model, err := Load(folder)
		require.NoError(t, err)
		defer model.Close()
		latent, err := model.VQGAN().Embed(t.Context(), torch.FromSlice(r.Sampled, torch.Shape{1, 8, 8}))
		require.NoError(t, err)
		decoded, err := model.VQGAN().Decode(t.Context(), latent)
		require.NoError(t, err)
		requireClose(t, r.Decoded, decoded.Select(0, 0).Slice(1, 0, 128, 9).Slice(2, 0, 128, 9), "decoded")
		_, err = model.VQGAN().Encode(t.Context(), torch.Zeros(torch.Shape{1, 3, 128, 128}))
		require.ErrorIs(t, err, torch.ErrInvalid)
		require.ErrorContains(t, err, "a decoder alone, which cannot encode")
	}
}
