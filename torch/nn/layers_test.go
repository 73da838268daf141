package nn_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/nn"
)

const seed = 7 // that of scripts/reference/reference_nn.py

type block struct {
	Conv1 *nn.Conv2d
	Norm  nn.BatchNorm2d
}

func (b *block) Forward(x *torch.Tensor) *torch.Tensor {
	return x.Add(b.Norm.Forward(b.Conv1.Forward(x)).ReLU())
}

// network is the reference script's Network.
type network struct {
	Trunk  nn.Sequential `nn:"stem"`
	Blocks []*block
	Heads  map[string]*nn.Linear
	Scale  *torch.Tensor
	Shift  *torch.Tensor `nn:"offset,buffer"`
}

func newNetwork(how ...torch.Option) *network {
	n := &network{Heads: map[string]*nn.Linear{}}
	n.Trunk = nn.Sequential{nn.NewConv2d(3, 4, []int64{3}, nn.ConvOptions{Stride: []int64{2}}, how...), nn.SiLU{}}
	for range 2 {
		conv := nn.NewConv2d(4, 4, []int64{3}, nn.ConvOptions{Padding: []int64{1}, NoBias: true}, how...)
		n.Blocks = append(n.Blocks, &block{conv, *nn.NewBatchNorm2d(4, nn.BatchNormOptions{}, how...)})
	}
	n.Heads["a"] = nn.NewLinear(4, 2, nn.LinearOptions{}, how...)
	n.Heads["b"] = nn.NewLinear(4, 3, nn.LinearOptions{}, how...)
	n.Scale = torch.Ones(torch.Shape{4}).SetRequiresGrad(true)
	n.Shift = torch.Full(torch.Shape{4}, 0.5)
	return n
}

func (n *network) Forward(x *torch.Tensor) *torch.Tensor {
	x = n.Trunk.Forward(x)
	for _, block := range n.Blocks {
		x = block.Forward(x)
	}
	x = x.MeanDim([]int64{2, 3}, false).Mul(n.Scale).Add(n.Shift)
	return torch.Cat([]*torch.Tensor{n.Heads["a"].Forward(x), n.Heads["b"].Forward(x)}, 1)
}

// attention calls a layer with options, and lays its output and its weights out in a row.
type attention struct {
	*nn.MultiheadAttention
	options nn.AttentionOptions `nn:"-"`
}

func attend(layer *nn.MultiheadAttention, options nn.AttentionOptions) *attention {
	return &attention{layer, options}
}

func (a *attention) call(inputs []*torch.Tensor) *torch.Tensor {
	output, weights := a.Attend(inputs[0], inputs[1], inputs[2], a.options)
	if weights == nil {
		return output
	}
	return torch.Cat([]*torch.Tensor{output.Flatten(0, -1), weights.Flatten(0, -1)}, 0)
}

func boolMask(rows ...[]int) *torch.Tensor {
	mask := make([][]bool, len(rows))
	for i, row := range rows {
		for _, value := range row {
			mask[i] = append(mask[i], value == 1)
		}
	}
	return torch.FromRows(mask)
}

type layerCase struct {
	name string
	make func() any
}

func layerCases(headMask *torch.Tensor) []layerCase {
	list := func(values ...int64) []int64 { return values }
	mask := boolMask([]int{0, 0, 1, 0, 1}, []int{0, 1, 0, 0, 0}, []int{1, 0, 0, 0, 0})
	padding := boolMask([]int{0, 0, 0, 1, 0}, []int{0, 0, 0, 0, 1})
	minusTwo := int64(-2)
	heads := func(o nn.MultiheadAttentionOptions) *nn.MultiheadAttention { return nn.NewMultiheadAttention(8, 2, o) }
	weights := nn.AttentionOptions{Weights: true}
	layer := func(l nn.Layer) func() any { return func() any { return l } }
	return []layerCase{
		{"linear", func() any { return nn.NewLinear(5, 3, nn.LinearOptions{}) }},
		{"linear_no_bias", func() any { return nn.NewLinear(5, 3, nn.LinearOptions{NoBias: true}) }},
		{"conv1d", func() any {
			return nn.NewConv1d(4, 6, list(3), nn.ConvOptions{Stride: list(2), Padding: list(1), Groups: 2})
		}},
		{"conv1d_same", func() any {
			return nn.NewConv1d(2, 3, list(4), nn.ConvOptions{PadSame: true, Dilation: list(2)})
		}},
		{"conv1d_circular", func() any {
			return nn.NewConv1d(2, 3, list(3), nn.ConvOptions{Padding: list(2), PadMode: torch.PadCircular})
		}},
		{"conv2d", func() any {
			return nn.NewConv2d(3, 4, list(3, 2), nn.ConvOptions{Padding: list(1, 0), Dilation: list(1, 2)})
		}},
		{"conv2d_depthwise", func() any {
			return nn.NewConv2d(4, 8, list(3), nn.ConvOptions{Groups: 4, NoBias: true})
		}},
		{"conv2d_same_reflect", func() any {
			return nn.NewConv2d(2, 3, list(4, 3), nn.ConvOptions{PadSame: true, Dilation: list(1, 2), PadMode: torch.PadReflect})
		}},
		{"conv2d_replicate", func() any {
			return nn.NewConv2d(2, 3, list(3), nn.ConvOptions{Padding: list(1, 2), Stride: list(1, 2), PadMode: torch.PadReplicate})
		}},
		{"conv_transpose2d", func() any {
			return nn.NewConvTranspose2d(4, 3, list(3), nn.ConvTransposeOptions{Stride: list(2)})
		}},
		{"conv_transpose2d_options", func() any {
			return nn.NewConvTranspose2d(4, 6, list(3, 2), nn.ConvTransposeOptions{Stride: list(2, 3), Padding: list(1),
				OutputPadding: list(1, 0), Groups: 2, NoBias: true, Dilation: list(2)})
		}},
		{"embedding", func() any { return nn.NewEmbedding(6, 3, nn.EmbeddingOptions{}) }},
		{"embedding_padding", func() any { return nn.NewEmbedding(6, 3, nn.EmbeddingOptions{PaddingIndex: &minusTwo}) }},
		{"embedding_max_norm", func() any { return nn.NewEmbedding(6, 3, nn.EmbeddingOptions{MaxNorm: 1, NormType: new(1.0)}) }},
		{"layer_norm", func() any { return nn.NewLayerNorm(list(6), nn.LayerNormOptions{}) }},
		{"layer_norm_options", func() any { return nn.NewLayerNorm(list(3, 6), nn.LayerNormOptions{Eps: new(1e-2), NoBias: true}) }},
		{"layer_norm_plain", func() any { return nn.NewLayerNorm(list(6), nn.LayerNormOptions{NoAffine: true}) }},
		{"group_norm", func() any { return nn.NewGroupNorm(2, 6, nn.GroupNormOptions{}) }},
		{"group_norm_plain", func() any { return nn.NewGroupNorm(3, 6, nn.GroupNormOptions{Eps: new(1e-2), NoAffine: true}) }},
		{"batch_norm1d", func() any { return nn.NewBatchNorm1d(3, nn.BatchNormOptions{}) }},
		{"batch_norm1d_sequence", func() any { return nn.NewBatchNorm1d(3, nn.BatchNormOptions{Eps: new(1e-2), Momentum: new(0.3)}) }},
		{"batch_norm2d", func() any { return nn.NewBatchNorm2d(3, nn.BatchNormOptions{CumulativeAverage: true}) }},
		{"batch_norm2d_plain", func() any { return nn.NewBatchNorm2d(3, nn.BatchNormOptions{NoAffine: true}) }},
		{"batch_norm2d_untracked", func() any { return nn.NewBatchNorm2d(3, nn.BatchNormOptions{NoRunningStats: true}) }},
		{"attention", func() any { return attend(heads(nn.MultiheadAttentionOptions{}), weights) }},
		{"attention_no_weights", func() any {
			return attend(heads(nn.MultiheadAttentionOptions{NoBias: true, BatchFirst: true}), nn.AttentionOptions{})
		}},
		{"attention_sizes", func() any {
			return attend(nn.NewMultiheadAttention(8, 4, nn.MultiheadAttentionOptions{KeySize: 5, ValueSize: 6, AddBiasKV: true, AddZero: true}),
				nn.AttentionOptions{Mask: mask, Weights: true, PerHead: true})
		}},
		{"attention_masks", func() any {
			return attend(heads(nn.MultiheadAttentionOptions{BatchFirst: true, AddBiasKV: true}),
				nn.AttentionOptions{Mask: headMask, KeyPaddingMask: padding, Weights: true})
		}},
		{"attention_masks_no_weights", func() any {
			return attend(heads(nn.MultiheadAttentionOptions{BatchFirst: true}), nn.AttentionOptions{Mask: mask, KeyPaddingMask: padding})
		}},
		{"attention_unbatched", func() any { return attend(heads(nn.MultiheadAttentionOptions{}), weights) }},
		{"attention_causal", func() any {
			return attend(heads(nn.MultiheadAttentionOptions{}), nn.AttentionOptions{Causal: true})
		}},
		{"prelu", func() any { return nn.NewPReLU(3) }},
		{"relu", layer(nn.ReLU{})},
		{"relu6", layer(nn.ReLU6{})},
		{"leaky_relu", layer(nn.LeakyReLU{})},
		{"leaky_relu_slope", layer(nn.LeakyReLU{NegativeSlope: new(0.2)})},
		{"elu", layer(nn.ELU{})},
		{"elu_alpha", layer(nn.ELU{Alpha: new(0.5)})},
		{"selu", layer(nn.SELU{})},
		{"gelu", layer(nn.GELU{})},
		{"gelu_tanh", layer(nn.GELU{Tanh: true})},
		{"silu", layer(nn.SiLU{})},
		{"mish", layer(nn.Mish{})},
		{"tanh", layer(nn.Tanh{})},
		{"sigmoid", layer(nn.Sigmoid{})},
		{"log_sigmoid", layer(nn.LogSigmoid{})},
		{"hard_sigmoid", layer(nn.Hardsigmoid{})},
		{"hard_swish", layer(nn.Hardswish{})},
		{"softplus", layer(nn.Softplus{})},
		{"softplus_options", layer(nn.Softplus{Beta: 2, Threshold: new(1.0)})},
		{"glu", layer(nn.GLU{Dim: new(int64(1))})},
		{"softmax", layer(nn.Softmax{Dim: new(int64(1))})},
		{"log_softmax", layer(nn.LogSoftmax{Dim: new(int64(0))})},
		{"flatten", layer(nn.Flatten{})},
		{"unflatten", layer(nn.Unflatten{Dim: 1, Sizes: list(2, -1)})},
		{"identity", layer(nn.Identity{})},
		{"max_pool2d", layer(nn.MaxPool2d{Kernel: list(2)})},
		{"avg_pool2d", layer(nn.AvgPool2d{Kernel: list(2), Options: torch.AvgPoolOptions{Stride: list(1), Padding: list(1)}})},
		{"adaptive_avg_pool2d", layer(nn.AdaptiveAvgPool2d{Size: list(2)})},
		{"upsample", layer(nn.Upsample{Options: torch.InterpolateOptions{ScaleFactor: []float64{2}}})},
		{"network", func() any { return newNetwork() }},
	}
}

func references(t *testing.T, file string) *torch.Dict {
	t.Helper()
	loaded, err := checkpoint.Load("testdata/" + file)
	require.NoError(t, err)
	return loaded.(*torch.Dict)
}

func tensorsOf(list any) []*torch.Tensor {
	var tensors []*torch.Tensor
	for _, each := range list.([]any) {
		tensors = append(tensors, each.(*torch.Tensor))
	}
	return tensors
}

func call(layer any, inputs []*torch.Tensor) *torch.Tensor {
	if several, ok := layer.(interface {
		call(inputs []*torch.Tensor) *torch.Tensor
	}); ok {
		return several.call(inputs)
	}
	return layer.(nn.Layer).Forward(inputs[0])
}

// assertClose compares within float32's rounding, summed up over a small layer. Where large terms
// cancel, their rounding is left, which differs with the processor.
func assertClose(t *testing.T, expected, actual *torch.Tensor, what string) {
	t.Helper()
	require.Equal(t, expected.Shape(), actual.Shape(), what)
	require.Equal(t, expected.DType(), actual.DType(), what)
	largest := 1.0
	if expected.NumElements() > 0 {
		largest = max(largest, expected.To(torch.Float64).Abs().Max().Item())
	}
	assert.True(t, expected.AllClose(actual.To(torch.CPU), 2e-5, 2e-6*largest), "%s: wanted\n%v\ngot\n%v", what, expected, actual)
}

func assertState(t *testing.T, expected, actual *torch.Dict, what string) {
	t.Helper()
	wanted, err := expected.Tensors()
	require.NoError(t, err)
	got, err := actual.Tensors()
	require.NoError(t, err)
	require.Equal(t, names(wanted), names(got), what)
	for i := range wanted {
		assertClose(t, wanted[i].Tensor, got[i].Tensor, what+" "+wanted[i].Name)
	}
}

func names(tensors []torch.NamedTensor) []string {
	list := []string{}
	for _, tensor := range tensors {
		list = append(list, tensor.Name)
	}
	return list
}

func TestLayersEqualPyTorchs(t *testing.T) {
	// The mask in the reference script is torch.randn's of a generator with seed 2.
	generator, err := torch.NewGenerator(torch.CPU, 2)
	require.NoError(t, err)
	headMask := torch.RandN(torch.Shape{4, 3, 5}, generator)
	all := references(t, "layers.pt")
	cases := layerCases(headMask)
	assert.Len(t, cases, all.Len())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reference := all.Get(c.name).(*torch.Dict)
			torch.ManualSeed(seed)
			layer := c.make()
			// What draws from the normal distribution may differ in the last bit by the processor.
			assertState(t, reference.Get("initial").(*torch.Dict), nn.StateDict(layer), "initial")
			_, err := nn.LoadStateDict(layer, reference.Get("state").(*torch.Dict), torch.StateDictOptions{})
			require.NoError(t, err)
			var inputs []*torch.Tensor
			var output *torch.Tensor
			steps := reference.Get("inputs").([]any)
			for i, step := range steps {
				inputs = tensorsOf(step)
				for _, input := range inputs {
					if input.DType().IsFloatingPoint() {
						input.SetRequiresGrad(true)
					}
				}
				nn.ZeroGrad(layer)
				output = call(layer, inputs)
				assertClose(t, tensorsOf(reference.Get("outputs"))[i], output, "output")
			}
			torch.Backward([]*torch.Tensor{output}, torch.BackwardOptions{
				Gradients: []*torch.Tensor{reference.Get("upstream").(*torch.Tensor)}})
			for i, gradient := range tensorsOf(reference.Get("input_gradients")) {
				assertClose(t, gradient, inputs[i].Grad(), "gradient of the input")
			}
			gradients := torch.NewDict()
			for _, parameter := range nn.NamedParameters(layer) {
				if gradient := parameter.Tensor.Grad(); gradient != nil {
					gradients.Set(parameter.Name, gradient)
				}
			}
			assertState(t, reference.Get("gradients").(*torch.Dict), gradients, "gradient")
			assertState(t, reference.Get("after").(*torch.Dict), nn.StateDict(layer), "after")
			nn.Eval(layer)
			assertClose(t, reference.Get("evaluated").(*torch.Tensor), call(layer, inputs), "evaluated")
		})
	}
}

// The numbers are drawn in PyTorch's order from the same generator.
func TestInitialWeightsAreExactlyPyTorchs(t *testing.T) {
	all := references(t, "layers.pt")
	for name, make := range map[string]func() any{
		"linear": func() any { return nn.NewLinear(5, 3, nn.LinearOptions{}) },
		"conv2d": func() any {
			return nn.NewConv2d(3, 4, []int64{3, 2}, nn.ConvOptions{})
		},
		"attention": func() any { return nn.NewMultiheadAttention(8, 2, nn.MultiheadAttentionOptions{}) },
	} {
		torch.ManualSeed(seed)
		state := nn.StateDict(make())
		for key, value := range all.Get(name).(*torch.Dict).Get("initial").(*torch.Dict).All() {
			assert.True(t, value.(*torch.Tensor).Equal(state.Get(key).(*torch.Tensor)), "%s %s", name, key)
		}
	}
	// A generator that is given is drawn from in place of the default one.
	generator, err := torch.NewGenerator(torch.CPU, seed)
	require.NoError(t, err)
	torch.ManualSeed(seed)
	a, b := nn.NewLinear(5, 3, nn.LinearOptions{}, generator), nn.NewLinear(5, 3, nn.LinearOptions{})
	assert.True(t, a.Weight.Equal(b.Weight) && a.Bias.Equal(b.Bias))
}

func TestInitializersEqualPyTorchs(t *testing.T) {
	all := references(t, "initial.pt")
	seen := 0
	for name, fill := range map[string]func(t *torch.Tensor) *torch.Tensor{
		"uniform":      func(t *torch.Tensor) *torch.Tensor { return nn.UniformInPlace(t, -1, 2, nil) },
		"normal":       func(t *torch.Tensor) *torch.Tensor { return nn.NormalInPlace(t, 1, 2, nil) },
		"constant":     func(t *torch.Tensor) *torch.Tensor { return nn.ConstantInPlace(t, 0.3) },
		"trunc_normal": func(t *torch.Tensor) *torch.Tensor { return nn.TruncNormalInPlace(t, 0, 1, -2, 2, nil) },
		"trunc_normal_bounds": func(t *torch.Tensor) *torch.Tensor {
			return nn.TruncNormalInPlace(t, 1, 2, 0.5, 4, nil)
		},
		"trunc_normal_tail":   func(t *torch.Tensor) *torch.Tensor { return nn.TruncNormalInPlace(t, 0, 1, 2, 3, nil) },
		"xavier_uniform":      func(t *torch.Tensor) *torch.Tensor { return nn.XavierUniformInPlace(t, 1, nil) },
		"xavier_uniform_gain": func(t *torch.Tensor) *torch.Tensor { return nn.XavierUniformInPlace(t, nn.Gain("tanh", 0), nil) },
		"xavier_normal":       func(t *torch.Tensor) *torch.Tensor { return nn.XavierNormalInPlace(t, 1, nil) },
		"kaiming_uniform":     func(t *torch.Tensor) *torch.Tensor { return nn.KaimingUniformInPlace(t, nn.KaimingOptions{}) },
		"kaiming_uniform_slope": func(t *torch.Tensor) *torch.Tensor {
			return nn.KaimingUniformInPlace(t, nn.KaimingOptions{NegativeSlope: 0.2, Mode: nn.FanOut})
		},
		"kaiming_normal": func(t *torch.Tensor) *torch.Tensor { return nn.KaimingNormalInPlace(t, nn.KaimingOptions{}) },
		"kaiming_normal_relu": func(t *torch.Tensor) *torch.Tensor {
			return nn.KaimingNormalInPlace(t, nn.KaimingOptions{Mode: nn.FanOut, Nonlinearity: nn.ReLUGain})
		},
		"orthogonal":      func(t *torch.Tensor) *torch.Tensor { return nn.OrthogonalInPlace(t, 1, nil) },
		"orthogonal_tall": func(t *torch.Tensor) *torch.Tensor { return nn.OrthogonalInPlace(t, 2, nil) },
		"eye":             nn.EyeInPlace,
		"dirac":           func(t *torch.Tensor) *torch.Tensor { return nn.DiracInPlace(t, 1) },
		"dirac_groups":    func(t *torch.Tensor) *torch.Tensor { return nn.DiracInPlace(t, 2) },
	} {
		expected := all.Get(name).(*torch.Tensor)
		torch.ManualSeed(seed)
		weight := torch.Full(expected.Shape(), 9).SetRequiresGrad(true)
		assertClose(t, expected, fill(weight), name)
		assert.True(t, weight.IsLeaf() && weight.RequiresGrad(), name)
		seen++
	}
	assert.Equal(t, all.Len(), seen)
}

func TestDropout(t *testing.T) {
	torch.ManualSeed(seed)
	x := torch.Ones(torch.Shape{1000, 100})
	dropout := nn.NewDropout(0.3)
	y := dropout.Forward(x)
	// Of 100,000 elements 70,000 stay, give or take 145 (one standard deviation); each is 1/0.7.
	kept := y.GtScalar(0).To(torch.Float64).Mean().Item()
	assert.InDelta(t, 0.7, kept, 0.008)
	assert.InDelta(t, kept/0.7, y.Mean().Item(), 1e-4)
	nn.Eval(dropout)
	assert.True(t, dropout.Forward(x).Equal(x))

	channels := nn.NewDropout2d(0.5).Forward(torch.Ones(torch.Shape{20, 50, 2, 2})).Flatten(2, -1)
	sums := channels.SumDim([]int64{2}, false)
	assert.ElementsMatch(t, []float32{0, 8}, slices.Compact(slices.Sorted(slices.Values(sums.Float32s()))),
		"a channel goes or stays as a whole")

	attention := nn.NewMultiheadAttention(8, 2, nn.MultiheadAttentionOptions{Dropout: 0.5})
	sequence := torch.RandN(torch.Shape{6, 2, 8})
	_, weights := attention.Attend(sequence, sequence, sequence, nn.AttentionOptions{Weights: true, PerHead: true})
	assert.Greater(t, weights.EqScalar(0).To(torch.Float32).Mean().Item(), 0.2)
	nn.Eval(attention)
	_, weights = attention.Attend(sequence, sequence, sequence, nn.AttentionOptions{Weights: true})
	assert.True(t, weights.SumDim([]int64{2}, false).AllClose(torch.Ones(torch.Shape{2, 6}), 0, 1e-6))
}

func TestLayersOnDevicesAndInHalfPrecision(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		torch.ManualSeed(seed)
		n := newNetwork()
		x := torch.RandN(torch.Shape{2, 3, 8, 8})
		expected := n.Forward(x)
		nn.To(n, device)
		assert.Equal(t, device, n.Heads["a"].Weight.Device())
		assert.InDelta(t, 0, n.Forward(x.To(device)).To(torch.CPU).Sub(expected).Abs().Max().Item(), 1e-4)
		nn.To(n, torch.BFloat16)
		assert.Equal(t, torch.BFloat16, n.Blocks[1].Norm.RunningMean.DType())
		assert.Equal(t, torch.Int64, n.Blocks[1].Norm.NumBatchesTracked.DType(), "whole numbers stay")
		assert.True(t, n.Heads["a"].Weight.RequiresGrad() && n.Heads["a"].Weight.IsLeaf())
		assert.False(t, n.Shift.RequiresGrad())
		half := n.Forward(x.To(device, torch.BFloat16))
		assert.InDelta(t, 0, half.To(torch.CPU, torch.Float32).Sub(expected).Abs().Max().Item(), 0.1)

		made := nn.NewMultiheadAttention(8, 2, nn.MultiheadAttentionOptions{AddBiasKV: true}, device, torch.Float64)
		for _, parameter := range nn.NamedParameters(made) {
			assert.Equal(t, torch.Float64, parameter.Tensor.DType(), parameter.Name)
			assert.Equal(t, device, parameter.Tensor.Device(), parameter.Name)
		}
		assert.False(t, math.IsNaN(made.Forward(torch.RandN(torch.Shape{3, 2, 8}, device, torch.Float64)).Sum().Item()))
	})
}

func TestMisuseOfLayers(t *testing.T) {
	list := func(values ...int64) []int64 { return values }
	x := func(shape ...int64) *torch.Tensor { return torch.Zeros(shape) }
	for name, f := range map[string]func(){
		"4 input and 6 output channels do not divide into 3 groups": func() { nn.NewConv2d(4, 6, list(3), nn.ConvOptions{Groups: 3}) },
		"stride [1 2 3] for 2 spatial dimensions":                   func() { nn.NewConv2d(4, 6, list(3), nn.ConvOptions{Stride: list(1, 2, 3)}) },
		"PadSame is for stride 1, not [2]": func() {
			nn.NewConv1d(4, 6, list(3), nn.ConvOptions{Stride: list(2), PadSame: true})
		},
		"both Padding and PadSame": func() { nn.NewConv1d(4, 6, list(3), nn.ConvOptions{Padding: list(2), PadSame: true}) },
		"the size 9 is not divisible by the number of heads, 2": func() {
			nn.NewMultiheadAttention(9, 2, nn.MultiheadAttentionOptions{})
		},
		"a mask [3, 5] or [4, 3, 5] is wanted, got [5 3]": func() {
			nn.NewMultiheadAttention(8, 2, nn.MultiheadAttentionOptions{}).Attend(x(3, 2, 8), x(5, 2, 8), x(5, 2, 8),
				nn.AttentionOptions{Mask: x(5, 3)})
		},
		"a key padding mask [2, 5] is wanted, got [5 2]": func() {
			nn.NewMultiheadAttention(8, 2, nn.MultiheadAttentionOptions{}).Attend(x(3, 2, 8), x(5, 2, 8), x(5, 2, 8),
				nn.AttentionOptions{KeyPaddingMask: x(5, 2)})
		},
		"batches or lengths do not fit": func() {
			nn.NewMultiheadAttention(8, 2, nn.MultiheadAttentionOptions{}).Attend(x(3, 2, 8), x(5, 2, 8), x(4, 2, 8),
				nn.AttentionOptions{})
		},
		"a PaddingIndex 6 for 6 vectors":            func() { six := int64(6); nn.NewEmbedding(6, 3, nn.EmbeddingOptions{PaddingIndex: &six}) },
		"a probability of 1.5":                      func() { nn.NewDropout(1.5) },
		"7 channels do not divide into 2 groups":    func() { nn.NewGroupNorm(2, 7, nn.GroupNormOptions{}) },
		"4 dimensions are wanted, got [2 3 4]":      func() { nn.NewBatchNorm2d(3, nn.BatchNormOptions{}).Forward(x(2, 3, 4)) },
		"a tensor [N, 3, ...] is wanted, got [2 4]": func() { nn.NewBatchNorm1d(3, nn.BatchNormOptions{}).Forward(x(2, 4)) },
		"more than one value for each channel":      func() { nn.NewBatchNorm1d(3, nn.BatchNormOptions{}).Forward(x(1, 3)) },
		"int64 is no floating-point type":           func() { nn.NewLinear(3, 3, nn.LinearOptions{}, torch.Int64) },
		"says nothing of a layer":                   func() { nn.NewLinear(3, 3, nn.LinearOptions{}, torch.Pinned) },
		`there is no nonlinearity "swish"`:          func() { nn.Gain("swish", 0) },
		"a weight of 2 dimensions or more":          func() { nn.XavierUniformInPlace(x(3), 1, nil) },
	} {
		err := torch.Try(func() error { f(); return nil })
		assert.ErrorIs(t, err, torch.ErrInvalid, name)
		assert.ErrorContains(t, err, name)
	}
}
