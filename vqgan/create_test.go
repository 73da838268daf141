package vqgan

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

func TestCreate(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "1.pt"), filepath.Join(t.TempDir(), "2.pt")
	for _, output := range []string{first, second} {
		torch.ManualSeed(3)
		config, err := Create(output, "f4-1024-emoji")
		require.NoError(t, err)
		assert.Equal(t, "f4-1024-emoji", config.Architecture)
		assert.Equal(t, "float32", config.Storage)
	}
	model, err := Load(first)
	require.NoError(t, err)
	defer model.Close()
	again, err := Load(second)
	require.NoError(t, err)
	defer again.Close()
	assert.Equal(t, model.Codebook().Float32s(), again.Codebook().Float32s(), "the same seed")
	// taming's codebook is uniform between -1/n and 1/n.
	assert.InDelta(t, 1.0/1024, model.Codebook().Abs().Max().Item(), 1e-5)
	assert.InDelta(t, 0.5/1024, model.Codebook().Abs().Mean().Item(), 1e-5)

	module, err := jit.Load(first)
	require.NoError(t, err)
	defer module.Close()
	parameters, err := module.NamedParameters()
	require.NoError(t, err)
	tensors := map[string]*torch.Tensor{}
	for _, each := range parameters {
		tensors[each.Name] = each.Tensor
	}
	norm := tensors["encoder.down.0.block.0.norm1.weight"]
	assert.Equal(t, float64(norm.NumElements()), norm.Sum().Item(), "ones")
	// PyTorch's convolutions are uniform between the reciprocals of the root of 3 * 9 inputs.
	assert.InDelta(t, 0.19245, tensors["encoder.conv_in.weight"].Abs().Max().Item(), 1e-3)

	_, err = Create(first, "f99")
	assert.ErrorContains(t, err, `there is no architecture "f99"`)
	assert.ErrorIs(t, err, torch.ErrInvalid)
}

// A step of training, as torch/optim's users write it, on what Create wrote.
func TestCreatedModelTrains(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pt")
	_, err := Create(path, "f4-1024-emoji")
	require.NoError(t, err)
	module, err := jit.Load(path)
	require.NoError(t, err)
	defer module.Close()
	require.NoError(t, module.SetRequiresGrad(true))
	result, err := module.Call("forward", torch.RandN(torch.Shape{1, 3, 32, 32}))
	require.NoError(t, err)
	values := result.(torch.Tuple)
	values[0].(*torch.Tensor).Square().Mean().Add(values[2].(*torch.Tensor)).Backward()
	parameters, err := module.NamedParameters()
	require.NoError(t, err)
	for _, each := range parameters {
		gradient := each.Tensor.Grad()
		require.NotNil(t, gradient, each.Name)
		assert.True(t, gradient.IsFinite().All().Item() != 0, each.Name)
	}
}

func TestCodebookLosses(t *testing.T) {
	d := *designs["f4-1024-emoji"].(*network)
	// The terms have the same value, and another gradient: of the commitment in the latent, of the
	// codebook in its rows.
	for _, each := range []struct {
		beta                 float64
		paper                bool
		commitment, codebook float64
	}{{0, false, 1, 0.25}, {0, true, 0.25, 1}, {0.5, true, 0.5, 1}} {
		d.Beta, d.PaperLoss = each.beta, each.paper
		module, err := build(&d, weights.Fresh{})
		require.NoError(t, err)
		defer module.Close()
		require.NoError(t, module.SetRequiresGrad(true))
		latent := torch.RandN(torch.Shape{1, 16, 4, 4}).SetRequiresGrad(true)
		result, err := module.Call("quantize", latent)
		require.NoError(t, err)
		values := result.(torch.Tuple)
		values[2].(*torch.Tensor).Backward()
		rows, err := module.CallTensor("embed", values[1])
		require.NoError(t, err)
		difference := latent.Detach().Sub(rows.Detach())
		assert.InEpsilon(t, (each.commitment+each.codebook)*difference.Square().Mean().Item(), values[2].(*torch.Tensor).Item(), 1e-5)
		scale := 2 / float64(latent.NumElements())
		assert.InEpsilon(t, each.commitment*scale*difference.Abs().Sum().Item(), latent.Grad().Abs().Sum().Item(), 1e-5)
		codebook, err := module.Attribute("quantizer.embedding.weight")
		require.NoError(t, err)
		assert.InEpsilon(t, each.codebook*scale*difference.Sum().Item(), -codebook.(*torch.Tensor).Grad().Sum().Item(), 1e-4)
	}
}

func TestDTypesAndSizes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pt")
	_, err := Create(path, "f4-1024-emoji")
	require.NoError(t, err)
	for _, dtype := range []torch.DType{torch.Float64, torch.BFloat16, torch.Float16} {
		model, err := Load(path, dtype)
		require.NoError(t, err)
		for _, shape := range []torch.Shape{{1, 3, 64, 64}, {3, 3, 32, 96}} {
			images := torch.RandN(shape).Clamp(-1, 1).To(dtype).SetRequiresGrad(true)
			latents, err := model.Encode(t.Context(), images)
			require.NoError(t, err)
			quantized, err := model.Quantize(t.Context(), latents)
			require.NoError(t, err)
			assert.Equal(t, torch.Shape{shape[0], shape[2] / 4, shape[3] / 4}, torch.Shape(quantized.Tokens.Shape()))
			decoded, err := model.Decode(t.Context(), quantized.Latent)
			require.NoError(t, err)
			assert.Equal(t, dtype, decoded.DType())
			assert.Equal(t, images.Shape(), decoded.Shape())
			decoded.To(torch.Float32).Square().Mean().Backward()
			assert.True(t, images.Grad().IsFinite().All().Item() != 0)
			assert.Positive(t, images.Grad().Abs().Max().Item())
		}
		model.Close()
	}
}

func TestCreateDrawings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vqgan.pt")
	config, err := Create(path, "f8-2048-drawings")
	require.NoError(t, err)
	assert.EqualValues(t, 128, config.ImageSize)
	assert.EqualValues(t, 2048, config.CodebookSize)
	model, err := Load(path)
	require.NoError(t, err)
	defer model.Close()
	latent, err := model.Encode(t.Context(), torch.Zeros(torch.Shape{1, 3, 128, 128}))
	require.NoError(t, err)
	defer latent.Close()
	assert.Equal(t, torch.Shape{1, 16, 16, 16}, latent.Shape())
}
