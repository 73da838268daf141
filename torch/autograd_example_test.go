package torch_test

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
)

// straightThrough rounds, and passes the gradient on unchanged, as in training with a quantized
// latent.
var straightThrough = torch.Function{
	Name: "StraightThrough",
	Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
		return []*torch.Tensor{inputs[0].Round()}
	},
	Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
		return gradients
	},
}

func ExampleFunction() {
	x := torch.FromSlice([]float32{0.4, 1.6}, nil).SetRequiresGrad(true)
	y := straightThrough.Apply(x)[0]
	y.Square().Sum().Backward()
	fmt.Println(y.Float32s(), y.GradFunction())
	fmt.Println(x.Grad().Float32s())
	// Output:
	// [0 2] StraightThroughBackward
	// [0 4]
}

// A function of a tensor and a number. Each application has its own Function, which holds the
// number. Tensors for Backward are saved, so that changing them in place in the meantime is
// detected.
func ExampleFunctionContext_SaveForBackward() {
	power := func(x *torch.Tensor, exponent float64) *torch.Tensor {
		return torch.Function{
			Name: "Power",
			Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
				ctx.SaveForBackward(inputs[0])
				return []*torch.Tensor{inputs[0].PowScalar(exponent)}
			},
			Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
				x := ctx.SavedTensors()[0]
				return []*torch.Tensor{x.PowScalar(exponent - 1).MulScalar(exponent).Mul(gradients[0])}
			},
		}.Apply(x)[0]
	}
	x := torch.FromSlice([]float32{2, 3}, nil).SetRequiresGrad(true)
	power(x, 3).Sum().Backward()
	fmt.Println(x.Grad().Float32s())
	// Output: [12 27]
}

// The first and second derivatives of x³ at 2.
func ExampleGradients() {
	x := torch.Scalar(2).SetRequiresGrad(true)
	y := x.PowScalar(3)
	first := torch.Gradients([]*torch.Tensor{y}, []*torch.Tensor{x}, torch.BackwardOptions{CreateGraph: true})[0]
	second := torch.Gradients([]*torch.Tensor{first}, []*torch.Tensor{x}, torch.BackwardOptions{})[0]
	fmt.Println(first.Item(), second.Item(), x.Grad() == nil)
	// Output: 12 12 true
}

func ExampleBackward() {
	x := torch.FromSlice([]float32{1, 2}, nil).SetRequiresGrad(true)
	y := x.Square()
	torch.Backward([]*torch.Tensor{y}, torch.BackwardOptions{
		Gradients: []*torch.Tensor{torch.FromSlice([]float32{1, 10}, nil)},
	})
	fmt.Println(x.Grad().Float32s())
	// Output: [2 40]
}

func ExampleTensor_RegisterHook() {
	x := torch.FromSlice([]float32{1, 2}, nil).SetRequiresGrad(true)
	y := x.MulScalar(3)
	hook := y.RegisterHook(func(gradient *torch.Tensor) *torch.Tensor {
		fmt.Println("reaches y:", gradient.Float32s())
		return gradient.Neg()
	})
	defer hook.Remove()
	y.Square().Sum().Backward()
	fmt.Println("reaches x:", x.Grad().Float32s())
	// Output:
	// reaches y: [6 12]
	// reaches x: [-18 -36]
}

func ExampleGradcheck() {
	halved := torch.Function{
		Name: "Halved",
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{inputs[0].MulScalar(0.5)}
		},
		Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			return gradients // wrong: the factor 1/2 is missing
		},
	}
	x := torch.FromSlice([]float64{1, 2}, nil).SetRequiresGrad(true)
	err := torch.Gradcheck(func(inputs []*torch.Tensor) []*torch.Tensor {
		return halved.Apply(inputs...)
	}, []*torch.Tensor{x}, torch.GradcheckOptions{})
	fmt.Println(err)
	// Output: torch: Gradcheck: output 0, element [0], in input 0, element [0]: the derivative is 1 by the backward pass, and 0.5 by differences
}

func ExampleClipGradNorm() {
	x := torch.FromSlice([]float32{3, 4}, nil).SetRequiresGrad(true)
	x.Square().Sum().DivScalar(2).Backward()
	norm := torch.ClipGradNorm([]*torch.Tensor{x}, 1, torch.ClipGradNormOptions{})
	fmt.Printf("%.2f %.2f\n", norm.Item(), x.Grad().Float32s())
	// Output: 5.00 [0.60 0.80]
}

func ExampleJacobian() {
	x := torch.FromSlice([]float32{1, 2}, nil)
	jacobian := torch.Jacobian(func(inputs []*torch.Tensor) []*torch.Tensor {
		return []*torch.Tensor{inputs[0].Square()}
	}, []*torch.Tensor{x})
	fmt.Println(jacobian[0][0].Float32s(), jacobian[0][0].Shape())
	// Output: [2 0 0 4] [2 2]
}
