package torch_test

import (
	"errors"
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// Linear regression, trained with autograd and an optimizer.
func Example() {
	generator, err := torch.NewGenerator(torch.CPU, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	x := torch.RandN(torch.Shape{64, 2}, generator)
	target := x.MatMul(torch.FromSlice([]float32{2, -3}, nil)).AddScalar(0.5)

	weight := torch.Zeros(torch.Shape{2}).SetRequiresGrad(true)
	bias := torch.Zeros(nil).SetRequiresGrad(true)
	options := optim.DefaultAdam()
	options.LearningRate = 0.1
	optimizer, err := optim.Adam([]*torch.Tensor{weight, bias}, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 300 {
		torch.Scope(func(*torch.TensorScope) { // frees the tensors of the step
			loss := x.MatMul(weight).Add(bias).MSELoss(target, torch.ReduceMean)
			optimizer.ZeroGrad()
			loss.Backward()
			optimizer.Step()
		})
	}
	fmt.Printf("%.2f %.2f\n", weight.Float32s(), bias.Float32s())
	// Output: [2.00 -3.00] [0.50]
}

func ExampleTensor() {
	x := torch.FromSlice([]float32{1, 2, 3, 4, 5, 6}, torch.Shape{2, 3})
	y := x.MatMul(x.T()) // [2, 3] times [3, 2]
	fmt.Println(y.Shape(), y.DType(), y.Device())
	fmt.Println(y.Float32s(), y.Sum().Item())
	// Output:
	// [2 2] float32 cpu
	// [14 32 32 77] 155
}

func ExampleFromSlice() {
	x := torch.FromSlice([]int64{1, 2, 3, 4}, torch.Shape{2, 2}) // the dtype is that of the slice
	fmt.Println(x.DType(), torch.ToSlice[int64](x.T()))
	// Output: int64 [1 3 2 4]
}

func ExampleDType() {
	x := torch.Zeros(torch.Shape{2}, torch.BFloat16)
	fmt.Println(x.DType(), x.To(torch.Float64).DType(), x.DType().IsFloatingPoint())
	// Output: bfloat16 float64 true
}

func ExampleDevice() {
	device := torch.CPU
	if cuda.IsAvailable() {
		device = torch.CUDA(0)
	}
	x := torch.Ones(torch.Shape{2, 2}, device) // made on the device
	y := x.MatMul(x).To(torch.CPU)
	fmt.Println(y.Float32s())

	parsed, err := torch.ParseDevice("cpu") // or "cuda", "cuda:1", "auto"
	fmt.Println(parsed, err)
	// Output:
	// [2 2 2 2]
	// cpu <nil>
}

func ExampleScope() {
	weights := torch.Ones(torch.Shape{3})
	var norm *torch.Tensor
	torch.Scope(func(scope *torch.TensorScope) {
		squares := weights.Square() // freed at the end of the scope
		norm = scope.Keep(squares.Sum().Sqrt())
	})
	fmt.Printf("%.3f\n", norm.Item())
	// Output: 1.732
}

func ExampleTry() {
	a, b := torch.Zeros(torch.Shape{2, 3}), torch.Zeros(torch.Shape{2, 3})
	err := torch.Try(func() error {
		a.MatMul(b)
		return nil
	})
	// The message has both shapes, in libtorch's words.
	fmt.Println(errors.Is(err, torch.ErrInvalid))
	// Output: true
}

func ExampleError() {
	x := torch.Zeros(torch.Shape{2})
	x.Close()
	err := torch.Try(func() error {
		x.Exp()
		return nil
	})
	var failure *torch.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Operation, errors.Is(err, torch.ErrClosed))
	}
	// Output: Exp true
}

func ExampleNoGrad() {
	w := torch.Ones(torch.Shape{2}).SetRequiresGrad(true)
	torch.NoGrad(func() {
		y := w.MulScalar(2)
		fmt.Println(y.RequiresGrad())
	})
	fmt.Println(w.MulScalar(2).RequiresGrad())
	// Output:
	// false
	// true
}

// The numbers of a generator depend on its seed only, and are those of PyTorch.
func ExampleGenerator() {
	for range 2 {
		generator, err := torch.NewGenerator(torch.CPU, 42)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%.4f\n", torch.RandN(torch.Shape{3}, generator).Float32s())
	}
	// Output:
	// [0.3367 0.1288 0.2345]
	// [0.3367 0.1288 0.2345]
}

func ExampleTensor_Index() {
	x := torch.Arange(0, 12, 1).Reshape(torch.Shape{3, 4})
	rows := torch.FromSlice([]int64{0, 2}, nil)
	columns := torch.FromSlice([]int64{1, 3}, nil)
	fmt.Println(x.Index(rows, columns).Float32s()) // x[[0, 2], [1, 3]]
	fmt.Println(x.Index(x.GtScalar(8)).Float32s()) // x[x > 8]
	// Output:
	// [1 11]
	// [9 10 11]
}
