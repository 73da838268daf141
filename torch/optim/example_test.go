package optim_test

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// must panics on an error.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Fit a line to four points by gradient descent on the squared error.
func ExampleSGD() {
	x := torch.FromSlice([]float32{0, 1, 2, 3}, nil)
	y := torch.FromSlice([]float32{1, 3, 5, 7}, nil)
	slope := torch.Zeros(torch.Shape{1}).SetRequiresGrad(true)
	offset := torch.Zeros(torch.Shape{1}).SetRequiresGrad(true)

	options := optim.DefaultSGD()
	options.LearningRate = 0.05
	options.Momentum = 0.8
	optimizer := must(optim.SGD([]*torch.Tensor{slope, offset}, options))
	defer optimizer.Close()
	for range 200 {
		torch.Scope(func(*torch.TensorScope) {
			optimizer.ZeroGrad()
			x.Mul(slope).Add(offset).MSELoss(y, torch.ReduceMean).Backward()
			optimizer.Step()
		})
	}
	fmt.Printf("%.2f x + %.2f\n", slope.Item(), offset.Item())
	// Output: 2.00 x + 1.00
}

// Two groups of parameters, and learning rates that warm up and then decrease along a cosine.
func ExampleAdam() {
	body := torch.Ones(torch.Shape{3}).SetRequiresGrad(true)
	head := torch.Ones(torch.Shape{3}).SetRequiresGrad(true)
	options := optim.DefaultAdam()
	options.LearningRate = 0.1
	slower := options
	slower.LearningRate = 0.01
	optimizer := must(optim.Adam([]optim.ParamGroup{
		{Parameters: []*torch.Tensor{body}, Options: slower},
		{Parameters: []*torch.Tensor{head}},
	}, options))
	defer optimizer.Close()
	warmUp := must(optim.LinearLR(optimizer, 0.25, 1, 3))
	cosine := must(optim.CosineAnnealingLR(optimizer, 5, 0))
	schedule := must(optim.SequentialLR([]*optim.LRScheduler{warmUp, cosine}, []int{3}))

	for range 8 {
		fmt.Printf("%.4f\n", schedule.LearningRates())
		torch.Scope(func(*torch.TensorScope) {
			optimizer.ZeroGrad()
			body.Mul(head).Sum().Square().Backward()
			optimizer.Step()
		})
		schedule.Step()
	}
	// Output:
	// [0.0025 0.0250]
	// [0.0050 0.0500]
	// [0.0075 0.0750]
	// [0.0100 0.1000]
	// [0.0090 0.0905]
	// [0.0065 0.0655]
	// [0.0035 0.0345]
	// [0.0010 0.0095]
}

// Find the minimum of Rosenbrock's function, with a line search.
func ExampleLBFGS() {
	x := torch.FromSlice([]float64{-1.5}, nil).SetRequiresGrad(true)
	y := torch.FromSlice([]float64{2}, nil).SetRequiresGrad(true)
	options := optim.DefaultLBFGS()
	options.StrongWolfe = true
	optimizer := must(optim.LBFGS([]*torch.Tensor{x, y}, options))
	defer optimizer.Close()
	for range 4 {
		loss := optimizer.Step(func() *torch.Tensor {
			optimizer.ZeroGrad()
			valley := y.Sub(x.Square()).Square().MulScalar(100)
			loss := x.RSubScalar(1).Square().Add(valley)
			loss.Backward()
			return loss
		})
		fmt.Printf("%.6f\n", loss)
	}
	fmt.Printf("at %.4f, %.4f\n", x.Item(), y.Item())
	// Output:
	// 12.500000
	// 1.307098
	// 0.000000
	// 0.000000
	// at 1.0000, 1.0000
}

// A schedule that observes the validation loss.
func ExampleReduceLROnPlateau() {
	weights := torch.Ones(torch.Shape{3}).SetRequiresGrad(true)
	options := optim.DefaultRMSprop()
	options.LearningRate = 0.1
	optimizer := must(optim.RMSprop([]*torch.Tensor{weights}, options))
	defer optimizer.Close()
	plateau := optim.DefaultPlateau()
	plateau.Factor, plateau.Patience = 0.5, 1
	schedule := must(optim.ReduceLROnPlateau(optimizer, plateau))
	for _, loss := range []float64{1, 0.8, 0.8, 0.81, 0.7} {
		schedule.Step(loss)
		fmt.Println(schedule.LearningRates())
	}
	// Output:
	// [0.1]
	// [0.1]
	// [0.1]
	// [0.05]
	// [0.05]
}

// Save the state during training and continue in another optimizer.
func ExampleOptimizer_StateDict() {
	train := func(weights *torch.Tensor, optimizer *optim.Optimizer, steps int) {
		for range steps {
			optimizer.ZeroGrad()
			weights.Square().Sum().Backward()
			optimizer.Step()
		}
	}
	weights := torch.Ones(torch.Shape{3}).SetRequiresGrad(true)
	options := optim.DefaultAdam()
	options.LearningRate = 0.1
	optimizer := must(optim.AdamW([]*torch.Tensor{weights}, options))
	defer optimizer.Close()
	train(weights, optimizer, 10)
	state, saved := optimizer.StateDict(), weights.Detach().Clone()
	train(weights, optimizer, 10)

	again := saved.SetRequiresGrad(true)
	resumed := must(optim.AdamW([]*torch.Tensor{again}, optim.DefaultAdam()))
	defer resumed.Close()
	if err := resumed.LoadStateDict(state); err != nil {
		panic(err)
	}
	train(again, resumed, 10)
	fmt.Println(torch.ToSlice[float32](again)[0] == torch.ToSlice[float32](weights)[0], resumed.LearningRates())
	// Output: true [0.1]
}
