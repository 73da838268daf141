package nn_test

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/nn"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// A classifier is a user-defined network: its parameters are found in its fields.
type classifier struct {
	Conv1 *nn.Conv2d
	Norm  *nn.BatchNorm2d
	Head  *nn.Linear `nn:"fc"`
}

func newClassifier() *classifier {
	return &classifier{
		Conv1: nn.NewConv2d(3, 8, []int64{3}, nn.ConvOptions{Padding: []int64{1}, NoBias: true}),
		Norm:  nn.NewBatchNorm2d(8, nn.BatchNormOptions{}),
		Head:  nn.NewLinear(8, 10, nn.LinearOptions{}),
	}
}

// Forward returns logits [N, 10] for images [N, 3, H, W].
func (c *classifier) Forward(x *torch.Tensor) *torch.Tensor {
	x = c.Norm.Forward(c.Conv1.Forward(x)).ReLU()
	return c.Head.Forward(x.MeanDim([]int64{2, 3}, false))
}

func Example() {
	network := newClassifier()
	fmt.Println(network.Forward(torch.Zeros(torch.Shape{2, 3, 16, 16})).Shape())
	for name := range nn.StateDict(network).All() {
		fmt.Println(name)
	}
	fmt.Println(nn.NumParameters(network), "parameters")
	// Output:
	// [2 10]
	// conv1.weight
	// norm.weight
	// norm.bias
	// norm.running_mean
	// norm.running_var
	// norm.num_batches_tracked
	// fc.weight
	// fc.bias
	// 322 parameters
}

func ExampleSequential() {
	torch.ManualSeed(0)
	network := nn.Sequential{
		nn.NewLinear(2, 16, nn.LinearOptions{}),
		nn.Tanh{},
		nn.NewLinear(16, 1, nn.LinearOptions{}),
	}
	options := optim.DefaultAdam()
	options.LearningRate = 0.05
	optimizer, err := optim.Adam(nn.Parameters(network), options)
	if err != nil {
		fmt.Println(err)
		return
	}
	// The exclusive or.
	x := torch.FromRows([][]float32{{0, 0}, {0, 1}, {1, 0}, {1, 1}})
	y := torch.FromRows([][]float32{{0}, {1}, {1}, {0}})
	for range 200 {
		torch.Scope(func(*torch.TensorScope) {
			optimizer.ZeroGrad()
			network.Forward(x).BCEWithLogitsLoss(y, nil, nil, torch.ReduceMean).Backward()
			optimizer.Step()
		})
	}
	fmt.Println(torch.ToSlice[bool](network.Forward(x).GtScalar(0)))
	// Output: [false true true false]
}

func ExampleMultiheadAttention() {
	attention := nn.NewMultiheadAttention(64, 4, nn.MultiheadAttentionOptions{BatchFirst: true})
	x := torch.RandN(torch.Shape{2, 10, 64})
	output, weights := attention.Attend(x, x, x, nn.AttentionOptions{Causal: true, Weights: true})
	fmt.Println(output.Shape(), weights.Shape())
	// Output: [2 10 64] [2 10 10]
}

func ExampleLoadStateDict() {
	pretrained := nn.StateDict(newClassifier())
	pretrained.Delete("fc.weight")
	pretrained.Delete("fc.bias")
	network := newClassifier()
	_, err := nn.LoadStateDict(network, pretrained, torch.StateDictOptions{})
	fmt.Println(err)
	report, err := nn.LoadStateDict(network, pretrained, torch.StateDictOptions{Partial: true})
	fmt.Println(report.Missing, err)
	// Output:
	// torch: nn.LoadStateDict: the state dict does not fit: missing: fc.weight, fc.bias
	// [fc.weight fc.bias] <nil>
}
