package guided

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/reference"
	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Bounds in float32. The gradient runs back through two networks, whose kernels differ in the
// order of their sums, and through a quantization whose choices are the same on both sides.
const (
	leastGradientCosine = 0.9999
	largestDifference   = 1e-4
)

// referencePieces are the pieces that scripts/reference/reference_models.py drew.
func referencePieces(file *reference.File, side int64) []cutout {
	warps, colors := file.Tensor("warps").Float32s(), file.Tensor("colors").Float32s()
	var pieces []cutout
	for i, level := range file.Tensor("levels").Float32s() {
		piece := cutout{size: float64(side), noise: float64(level)}
		for k := range piece.warp {
			piece.warp[k] = float64(warps[9*i+k])
		}
		for k := range piece.color {
			piece.color[k] = float64(colors[12*i+k])
		}
		pieces = append(pieces, piece)
	}
	return pieces
}

// TestGradientAgreesWithPyTorch compares one guided step's loss and its gradient in the latent
// with the same step in Python: openai-clip, taming-transformers and PyTorch's autograd.
func TestGradientAgreesWithPyTorch(t *testing.T) {
	file := reference.Open(t, filepath.Join("testdata", "reference.json"))
	var prompts []Prompt
	file.Decode("prompts", &prompts)
	var variation float64
	file.Decode("total_variation", &variation)
	for _, device := range testkit.Devices() {
		for _, batch := range []int{4, 3} {
			t.Run(device.String(), func(t *testing.T) {
				model, scorer := loaded.VQGAN(t, device), loaded.CLIP(t, device)
				pieces := referencePieces(file, scorer.ImageSize())
				require.Len(t, pieces, 4)
				config := Default()
				config.Width, config.Height = 64, 64
				config.Prompts, config.Losses.TotalVariation, config.Batch = prompts, variation, batch
				config.Cutouts.Number = len(pieces)
				r, err := NewRun(t.Context(), model, []Scorer{scorer}, config, RunOptions{})
				require.NoError(t, err)
				defer r.Close()
				r.latent = file.Tensor("latent").To(device).Detach().SetRequiresGrad(true)

				noise := file.Tensor("noise").To(device)
				picture := file.Tensor("picture").To(device)
				cut := r.views[0].cutter.apply(picture, pieces[:2], noise.Narrow(0, 0, 2))
				assert.LessOrEqual(t, reference.LargestDifference(cut.Float32s(), file.Tensor("cutouts").Float32s()), largestDifference)

				r.views[0].cutouts, r.views[0].noise = pieces, noise
				found, err := r.gradient(t.Context(), r.views)
				require.NoError(t, err)
				step, err := r.report(found)
				require.NoError(t, err)
				assert.InEpsilon(t, file.Tensor("loss").Item(), step.Loss, largestDifference)
				want := file.Tensor("gradient").Float32s()
				assert.Greater(t, reference.Cosine(r.latent.Grad().Float32s(), want), leastGradientCosine)
			})
		}
	}
}

// TestGradientIn16Bits compares the gradient of models in bfloat16 with that in float32. Their
// rounding, 8 bits, goes through two networks and back.
func TestGradientIn16Bits(t *testing.T) {
	const leastCosine = 0.97
	file := reference.Open(t, filepath.Join("testdata", "reference.json"))
	var prompts []Prompt
	file.Decode("prompts", &prompts)
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		gradient := func(dtype torch.DType) []float32 {
			model, err := models.VQGAN(device, dtype)
			require.NoError(t, err)
			defer model.Close()
			scorer, err := models.CLIP(device, dtype)
			require.NoError(t, err)
			defer scorer.Close()
			config := Default()
			config.Width, config.Height = 64, 64
			config.Prompts = prompts
			pieces := referencePieces(file, scorer.ImageSize())
			r, err := NewRun(t.Context(), model, []Scorer{scorer}, config, RunOptions{})
			require.NoError(t, err)
			defer r.Close()
			assert.Equal(t, torch.Float32, r.latent.DType())
			r.latent = file.Tensor("latent").To(device).Detach().SetRequiresGrad(true)
			r.views[0].cutouts, r.views[0].noise = pieces, file.Tensor("noise").To(device)
			_, err = r.gradient(t.Context(), r.views)
			require.NoError(t, err)
			return r.latent.Grad().Float32s()
		}
		cosine := reference.Cosine(gradient(torch.BFloat16), gradient(torch.Float32))
		assert.Greater(t, cosine, leastCosine)
		t.Logf("the cosine between the gradients is %.4f", cosine)
	})
}
