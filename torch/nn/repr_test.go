package nn_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/nn"
)

// TestLayersPrintAsPyTorchs, but for the names of the test's own types.
func TestLayersPrintAsPyTorchs(t *testing.T) {
	data, err := os.ReadFile("testdata/shown.json")
	require.NoError(t, err)
	var shown map[string]string
	require.NoError(t, json.Unmarshal(data, &shown))
	ours := strings.NewReplacer("NonDynamicallyQuantizableLinear", "Linear", "Network(", "network(", "x Block(", "x block(")
	cases := layerCases(torch.Zeros(torch.Shape{1}))
	require.Len(t, shown, len(cases))
	for _, c := range cases {
		require.Contains(t, shown, c.name)
		made := c.make()
		text := fmt.Sprint(made)
		if _, own := made.(*network); own {
			text = nn.Format(made)
		}
		assert.Equal(t, ours.Replace(shown[c.name]), text, c.name)
	}
}

// A module is a user's own type with parts of all kinds.
type module struct {
	First  *nn.Linear `nn:"one"`
	Next   nn.Layer
	Absent *nn.Linear
	Hidden *nn.Linear `nn:"-"`
	List   []any
	Weight *torch.Tensor
	Size   int
	Again  *module
	nn.Mode
}

func (m *module) Forward(x *torch.Tensor) *torch.Tensor { return x }

func (m *module) String() string { return nn.Format(m) }

func TestFormat(t *testing.T) {
	m := &module{First: nn.NewLinear(2, 3, nn.LinearOptions{}), Next: nn.Func(func(x *torch.Tensor) *torch.Tensor { return x }),
		Hidden: &nn.Linear{}, List: []any{1, &nn.Linear{}, &nn.Linear{}, nn.ReLU{}, &nn.Linear{}}, Again: new(module)}
	assert.Equal(t, `module(
  (one): Linear(in_features=2, out_features=3, bias=True)
  (next): Func()
  (list): ModuleList(
    (1-2): 2 x Linear(in_features=?, out_features=?, bias=False)
    (3): ReLU()
    (4): Linear(in_features=?, out_features=?, bias=False)
  )
  (again): module()
)`, fmt.Sprint(m))
	assert.Equal(t, "Sequential(\n  (0): module()\n  (1): None\n)", fmt.Sprint(nn.Sequential{new(module), nil}))
	assert.Equal(t, "Sequential()", nn.Format(nn.Sequential{}))
	assert.Equal(t, "None", nn.Format(nil))
	closed := nn.NewConv2d(1, 1, []int64{3}, nn.ConvOptions{})
	nn.Close(closed)
	assert.Equal(t, "Conv2d(?, ?, kernel_size=?, stride=(1, 1))", fmt.Sprint(closed))
}

func TestPrintedOptions(t *testing.T) {
	for want, layer := range map[string]any{
		"Upsample(size=(2, 3), mode='bicubic')":                   nn.Upsample{Size: []int64{2, 3}, Options: torch.InterpolateOptions{Mode: torch.InterpolateBicubic}},
		"Upsample(scale_factor=(2.0, 0.5), mode='nearest-exact')": nn.Upsample{Options: torch.InterpolateOptions{ScaleFactor: []float64{2, 0.5}, Mode: torch.InterpolateNearestExact}},
		"MaxPool2d(kernel_size=(2, 3), stride=1, padding=1, dilation=2, ceil_mode=True)": nn.MaxPool2d{Kernel: []int64{2, 3},
			Options: torch.MaxPoolOptions{Stride: []int64{1}, Padding: []int64{1}, Dilation: []int64{2}, CeilMode: true}},
		"Dropout2d(p=0.25, inplace=False)": nn.NewDropout2d(0.25),
		"Softmax(dim=None)":                nn.Softmax{},
		"Embedding(6, 3, padding_idx=4, max_norm=1.5, norm_type=1.0)": nn.NewEmbedding(6, 3,
			nn.EmbeddingOptions{PaddingIndex: new(int64(-2)), MaxNorm: 1.5, NormType: new(1.0)}),
	} {
		assert.Equal(t, want, fmt.Sprint(layer))
	}
}
