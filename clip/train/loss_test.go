package train

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

// The batch of scripts/reference/reference_clip_training.py.
const (
	referencePairs = 6
	side           = 32
	contextLength  = 8
	vocabulary     = 530
)

// referenceBatch returns the pictures and tokens that open_clip was given.
func referenceBatch() *batch {
	pixels := torch.Linspace(-40, 40, referencePairs*3*side*side).Sin().Float32s()
	tokens := make([]int64, referencePairs*contextLength)
	for row := range referencePairs {
		line := tokens[row*contextLength : (row+1)*contextLength]
		length := row%4 + 2
		line[0], line[length+1] = vocabulary-2, vocabulary-1
		for i := range length {
			line[i+1] = int64((37*row + 11*i) % 512)
		}
	}
	return &batch{count: referencePairs, pixels: pixels, tokens: tokens}
}

func referenceModel(t *testing.T, name string) *clip.Trainable {
	t.Helper()
	model, err := clip.LoadTrainable(filepath.Join("../testdata/checkpoints", name, "open_clip_model.safetensors"))
	require.NoError(t, err)
	t.Cleanup(model.Close)
	return model
}

func referenceTensors(t *testing.T, name string) map[string]*torch.Tensor {
	t.Helper()
	loaded, _, err := safetensors.Load(filepath.Join("testdata", name))
	require.NoError(t, err)
	all := map[string]*torch.Tensor{}
	for _, tensor := range loaded {
		all[tensor.Name] = tensor.Tensor
	}
	return all
}

// newRun begins a run over the reference's batch, without pairs to read.
func newRun(t *testing.T, model *clip.Trainable, config Config) *run {
	t.Helper()
	pairs, err := NewPairs(referencePairs, func(int) (Pair, error) { panic("not read") })
	require.NoError(t, err)
	r := &run{model: model, config: config, failures: map[int]error{}}
	require.NoError(t, r.begin(t.Context(), pairs))
	t.Cleanup(r.close)
	return r
}

func referenceConfig() Config {
	config := Default()
	config.BatchSize, config.Steps, config.Warmup, config.LearningRate, config.ClipNorm = referencePairs, 8, 3, 1e-3, 1
	return config
}

// TestGradientsAreOpenCLIPs: the loss and the gradient of every parameter, of the batch at once and in chunks.
// They agree within 1e-4 of the largest element of each, since sums of float32 are taken in another order.
func TestGradientsAreOpenCLIPs(t *testing.T) {
	for _, name := range []string{"open_clip", "open_clip_custom_text"} {
		want := referenceTensors(t, name+"_gradients.safetensors")
		for _, chunk := range []int{0, 4, 1} {
			model := referenceModel(t, name)
			config := referenceConfig()
			config.ChunkSize = chunk
			r := newRun(t, model, config)
			loss, err := r.gradients(t.Context(), referenceBatch())
			require.NoError(t, err)
			assert.InEpsilon(t, want["loss"].Item(), loss, 1e-5)
			require.Equal(t, len(want)-1, len(model.Parameters()), "each parameter has a gradient")
			for _, parameter := range model.Parameters() {
				gradient := want[parameter.Name]
				require.NotNil(t, gradient, parameter.Name)
				require.NotNil(t, parameter.Tensor.Grad(), parameter.Name)
				largest := gradient.Abs().Max().Item()
				assert.LessOrEqual(t, gradient.Sub(parameter.Tensor.Grad()).Abs().Max().Item(), 1e-4*largest+1e-9, "%s of %s in chunks of %d", parameter.Name, name, chunk)
			}
		}
	}
}

// TestStepsAreOpenCLIPs: AdamW with open_clip's groups, its schedule, gradients clipped, and the logit scale
// held. Losses agree within 1e-4, and parameters within a hundredth of a step.
func TestStepsAreOpenCLIPs(t *testing.T) {
	for _, name := range []string{"open_clip", "open_clip_custom_text"} {
		want := referenceTensors(t, name+"_trained.safetensors")
		model := referenceModel(t, name)
		r := newRun(t, model, referenceConfig())
		undecayed := r.optimizer.Groups()[0].Parameters
		assert.Len(t, undecayed, int(want["undecayed"].Item()))
		losses, rates := torch.ToSlice[float32](want["losses"]), torch.ToSlice[float64](want["rates"])
		for step := range 8 {
			require.NoError(t, r.one(t.Context(), step, referenceBatch()))
			assert.InEpsilon(t, losses[step], r.losses[step], 1e-4)
			assert.InEpsilon(t, rates[step], r.config.rate(step, 8), 1e-12)
		}
		compared := 0
		for _, parameter := range model.Parameters() {
			if trained := want[parameter.Name]; trained != nil {
				compared++
				assert.Less(t, trained.Sub(parameter.Tensor).Abs().Max().Item(), 1e-5, parameter.Name)
			}
		}
		assert.GreaterOrEqual(t, compared, 4)
	}
}

// TestTheLogitScaleIsHeld in [0, ln 100].
func TestTheLogitScaleIsHeld(t *testing.T) {
	model := referenceModel(t, "open_clip")
	config := referenceConfig()
	config.Warmup = 0
	r := newRun(t, model, config)
	for _, start := range []float64{4.7, -0.2} {
		torch.NoGrad(func() { r.scale.FillInPlace(start) })
		require.NoError(t, r.one(t.Context(), 0, referenceBatch()))
		assert.InDelta(t, math.Log(100)*map[bool]float64{true: 1}[start > 0], r.scale.Item(), 1e-6)
	}
}

func TestLossesOfOtherShapes(t *testing.T) {
	scale := torch.Scalar(1.0)
	a, b := torch.Ones(torch.Shape{2, 3}), torch.Ones(torch.Shape{3, 3})
	for _, pair := range [][2]*torch.Tensor{{a, b}, {nil, b}, {torch.Ones(torch.Shape{3}), b}} {
		_, err := ContrastiveLoss(pair[0], pair[1], scale)
		assert.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, "train: ContrastiveLoss: ")
		_, err = SigmoidLoss(pair[0], pair[1], scale, scale)
		assert.ErrorIs(t, err, torch.ErrInvalid)
	}
	_, err := ContrastiveLoss(a, a, nil)
	assert.ErrorIs(t, err, torch.ErrInvalid)
}
