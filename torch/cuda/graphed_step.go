package cuda

import (
	"slices"
	"sync"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// A GraphedStep is a function from tensors to tensors on a GPU that was captured as a [Graph]:
// each [GraphedStep.Run] copies its inputs to where the graph reads them and replays it. It is
// torch.cuda.make_graphed_callables for a function that may take gradients inside ([torch.Gradients],
// [torch.Backward]) and through which none flow.
//
// What [Graph] says of the captured function holds. An optimizer's step may be part
// of it where the optimizer is capturable (torch/optim): any other counts its steps on the CPU, and a
// replay would repeat the first step's bias correction.
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

// GraphedStepOptions are the choices of [NewGraphedStep].
type GraphedStepOptions struct {
	GraphOptions
	// WarmUp is how often f runs before it is captured; nil: 3.
	WarmUp *int
}

// NewGraphedStep runs f some times, captures it, and keeps its results for [GraphedStep.Run]. The
// inputs are examples of the shapes, dtypes and requirement of gradients that inputs will have; f gets
// copies of them, on the GPU, which are leaves.
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

// staticInput is a leaf on the GPU with input's contents.
func staticInput(input *torch.Tensor, device torch.Device) *torch.Tensor {
	requires := input.RequiresGrad()
	detached := input.Detach()
	defer detached.Close()
	moved := detached.To(device)
	defer moved.Close()
	return moved.Clone().SetRequiresGrad(requires)
}

// outliveScopes takes t out of every scope that is open on the calling thread, and hands it back.
func outliveScopes(t *torch.Tensor) *torch.Tensor {
	bridge.OutliveScopes(t)
	return t
}

// Run copies the inputs to where the graph reads them, replays it in the current stream and hands back
// what f handed back in the capture. It does not wait for the GPU. The outputs belong to the step, and
// the next Run writes over them: copy what is to stay.
func (s *GraphedStep) Run(inputs ...*torch.Tensor) ([]*torch.Tensor, error) {
	const operation = "Run"
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(inputs) != len(s.inputs) {
		return nil, invalid(operation, "%d inputs, the step was captured with %d", len(inputs), len(s.inputs))
	}
	err := torch.Try(func() error {
		torch.NoGrad(func() {
			for i, input := range inputs {
				// A shape that broadcasts would be a mistake.
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
