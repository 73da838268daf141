package cuda

import (
	"slices"
	"sync"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A GraphedStep is a function from tensors to tensors on a GPU, captured as a [Graph].
// [GraphedStep.Run] copies its inputs to the captured ones and replays the graph. The function may
// compute gradients ([torch.Gradients], [torch.Backward]), but no gradients flow through it. It is
// similar to torch.cuda.make_graphed_callables.
//
// The rules for functions captured in a [Graph] apply. An optimizer's step can be part of the
// function if the optimizer is capturable (see torch/optim). Other optimizers count their steps on
// the CPU, so that every replay would repeat the first step's bias correction.
//
//	step, err := cuda.NewGraphedStep(func(in []*torch.Tensor) []*torch.Tensor {
//		loss := lossOf(in[0])
//		return append(torch.Gradients([]*torch.Tensor{loss}, in, torch.BackwardOptions{}), loss)
//	}, []*torch.Tensor{x}, cuda.GraphedStepOptions{})
//	...
//	outputs, err := step.Run(x)
type GraphedStep struct {
	mutex           sync.Mutex
	graph           *Graph
	inputs, outputs []*torch.Tensor
}

// GraphedStepOptions are the options of [NewGraphedStep].
type GraphedStepOptions struct {
	GraphOptions
	// WarmUp is the number of times that f runs before it is captured. nil means 3.
	WarmUp *int
}

// NewGraphedStep runs f a few times and captures it. inputs are examples with the shapes, dtypes
// and RequiresGrad of the inputs of [GraphedStep.Run]; f gets copies of them on the GPU, which are
// leaves.
func NewGraphedStep(f func(inputs []*torch.Tensor) []*torch.Tensor, inputs []*torch.Tensor, options GraphedStepOptions) (*GraphedStep, error) {
	graph, err := NewGraph()
	if err != nil {
		return nil, err
	}
	step := &GraphedStep{graph: graph}
	if err := step.capture(f, inputs, options); err != nil {
		step.Close()
		return nil, err
	}
	return step, nil
}

func (s *GraphedStep) capture(f func([]*torch.Tensor) []*torch.Tensor, inputs []*torch.Tensor, options GraphedStepOptions) error {
	if f == nil {
		return invalid("cuda.NewGraphedStep", "the function is nil")
	}
	device := options.device()
	if err := torch.Try(func() error {
		for _, input := range inputs {
			s.inputs = append(s.inputs, outliveScopes(staticInput(input, device)))
		}
		return nil
	}); err != nil {
		return err
	}
	warmUps := 3
	if options.WarmUp != nil {
		warmUps = *options.WarmUp
	}
	err := s.graph.WarmUp(warmUps, func() {
		torch.Scope(func(*torch.TensorScope) { f(s.inputs) })
	}, options.GraphOptions)
	if err != nil {
		return err
	}
	// The graph keeps this function, and with it f and what f refers to.
	return s.graph.Capture(func() {
		torch.Scope(func(*torch.TensorScope) {
			s.outputs = f(s.inputs)
			for _, output := range s.outputs {
				if output != nil {
					outliveScopes(output)
				}
			}
		})
	}, options.GraphOptions)
}

// staticInput returns a leaf on the GPU with input's contents.
func staticInput(input *torch.Tensor, device torch.Device) *torch.Tensor {
	requires := input.RequiresGrad()
	detached := input.Detach()
	defer detached.Close()
	moved := detached.To(device)
	defer moved.Close()
	return moved.Clone().SetRequiresGrad(requires)
}

// outliveScopes removes t from all scopes that are open on the calling thread, and returns it.
func outliveScopes(t *torch.Tensor) *torch.Tensor {
	bridge.OutliveScopes(t)
	return t
}

// Run copies the inputs to the captured ones, replays the graph on the current stream, and returns
// the captured function's outputs. It does not wait for the GPU. The outputs belong to the step,
// and the next Run overwrites them: copy what you want to keep. It returns an error if an input
// differs in shape from the captured one.
func (s *GraphedStep) Run(inputs ...*torch.Tensor) ([]*torch.Tensor, error) {
	const operation = "Run"
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(inputs) != len(s.inputs) {
		return nil, invalid(operation, "%s, the step was captured with %d", words.Count(len(inputs), "input"), len(s.inputs))
	}
	err := torch.Try(func() error {
		torch.NoGrad(func() {
			for i, input := range inputs {
				// Broadcasting here would hide a mistake.
				if want, got := s.inputs[i].Shape(), input.Shape(); !slices.Equal(want, got) {
					panic(invalid(operation, "input %d is %v, the step was captured with %v", i, got, want))
				}
				s.inputs[i].CopyInPlace(input, torch.NonBlocking)
			}
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.graph.Replay(); err != nil {
		return nil, err
	}
	return s.outputs, nil
}

// Close frees the graph and the step's own tensors, outputs included. Closing it again does nothing.
func (s *GraphedStep) Close() {
	if s == nil {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.graph.Close()
	bridge.CloseAll(s.inputs)
	bridge.CloseAll(s.outputs)
}
