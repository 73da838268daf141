package torch

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// GradcheckOptions are the options of [Gradcheck]. The zero value is PyTorch's default.
type GradcheckOptions struct {
	// Epsilon is the step of the finite differences. 0 means 1e-6.
	Epsilon float64
	// AbsoluteTolerance and RelativeTolerance bound the difference between the two derivatives: it
	// may be AbsoluteTolerance + RelativeTolerance * |numerical derivative|. nil means 1e-5 and
	// 1e-3.
	AbsoluteTolerance, RelativeTolerance *float64
	// NondeterminismTolerance bounds the difference between two backward passes over the same
	// graph.
	NondeterminismTolerance float64
}

// settled fills in the defaults.
func (o GradcheckOptions) settled() gradcheckSettings {
	if o.Epsilon == 0 {
		o.Epsilon = 1e-6
	}
	return gradcheckSettings{epsilon: o.Epsilon, absolute: orDefault(o.AbsoluteTolerance, 1e-5),
		relative: orDefault(o.RelativeTolerance, 1e-3), nondeterminism: o.NondeterminismTolerance}
}

type gradcheckSettings struct{ epsilon, absolute, relative, nondeterminism float64 }

// Gradcheck compares the derivatives of function from the backward pass with central finite
// differences, element by element. It returns an error that says where they first disagree, or nil.
// It is PyTorch's torch.autograd.gradcheck, meant for tests of a [Function].
//
// It checks the derivatives with respect to the inputs that require gradients. These must be
// float64, since finite differences lose too many digits otherwise. function must compute its
// outputs from its arguments, the same ones each time; it runs twice for each element of those
// inputs. Outputs that require no gradient are not checked.
func Gradcheck(function func(inputs []*Tensor) []*Tensor, inputs []*Tensor, options GradcheckOptions) error {
	const operation = "Gradcheck"
	if function == nil {
		return noFunction(operation)
	}
	return Try(func() (err error) {
		runScope(callbackScope, func(*TensorScope) {
			EnableGrad(func() {
				err = gradcheck{operation, function, inputs, options.settled()}.run()
			})
		})
		return err
	})
}

// GradGradcheck is [Gradcheck] for second derivatives: it checks the gradients of function, with
// respect to the inputs and to the gradients of the outputs. For the latter it takes random
// numbers, the same in each run. It is PyTorch's torch.autograd.gradgradcheck.
func GradGradcheck(function func(inputs []*Tensor) []*Tensor, inputs []*Tensor, options GradcheckOptions) error {
	const operation = "GradGradcheck"
	if function == nil {
		return noFunction(operation)
	}
	return Try(func() (err error) {
		runScope(callbackScope, func(*TensorScope) {
			EnableGrad(func() {
				random := rand.New(rand.NewPCG(1, 2))
				all := append([]*Tensor{}, inputs...)
				for _, output := range differentiable(function(inputs)) {
					all = append(all, randomLike(output, random))
				}
				gradients := func(all []*Tensor) []*Tensor {
					inputs := all[:len(inputs)]
					return Gradients(differentiable(function(inputs)), differentiable(inputs), BackwardOptions{
						Gradients: all[len(inputs):], CreateGraph: true, AllowUnused: true,
					})
				}
				err = gradcheck{operation, gradients, all, options.settled()}.run()
			})
		})
		return err
	})
}

func randomLike(t *Tensor, random *rand.Rand) *Tensor {
	values := make([]float64, t.NumElements())
	for i := range values {
		values[i] = random.NormFloat64()
	}
	return FromSlice(values, t.Shape(), t.Device()).To(t.DType()).SetRequiresGrad(true)
}

// differentiable returns the tensors that require gradients.
func differentiable(tensors []*Tensor) []*Tensor {
	var some []*Tensor
	for _, t := range tensors {
		if t != nil && t.RequiresGrad() {
			some = append(some, t)
		}
	}
	return some
}

type gradcheck struct {
	operation string
	function  func(inputs []*Tensor) []*Tensor
	inputs    []*Tensor
	options   gradcheckSettings
}

func (g gradcheck) run() error {
	if len(differentiable(g.inputs)) == 0 {
		return invalid(g.operation, "no input requires a gradient")
	}
	for i, input := range g.inputs {
		if input != nil && input.RequiresGrad() && input.DType() != Float64 {
			return invalid(g.operation, "input %d is %s: differences need float64", i, input.DType())
		}
	}
	inputs := g.leaves()
	outputs := g.function(inputs)
	for o, output := range outputs {
		if output != nil && output.RequiresGrad() && output.DType() != Float64 {
			return invalid(g.operation, "output %d is %s: differences need float64", o, output.DType())
		}
	}
	for i, input := range inputs {
		if input == nil || !input.RequiresGrad() {
			continue
		}
		byDifferences := g.differences(i)
		if len(differentiable(outputs)) == 0 {
			if err := g.checkConstant(i, byDifferences); err != nil {
				return err
			}
		}
		for o, output := range outputs {
			if output == nil || !output.RequiresGrad() {
				continue
			}
			if err := g.compare(o, output, i, input, byDifferences); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaves returns the inputs, with new leaves in place of those that require gradients.
func (g gradcheck) leaves() []*Tensor {
	leaves := make([]*Tensor, len(g.inputs))
	for i, input := range g.inputs {
		leaves[i] = input
		if input != nil && input.RequiresGrad() {
			leaves[i] = input.Detach().Clone().SetRequiresGrad(true)
		}
	}
	return leaves
}

// differences returns the finite differences for each element of input i: one slice for the
// elements of each output, nil for outputs that are not float64.
func (g gradcheck) differences(i int) [][][]float64 {
	input := g.inputs[i]
	values := ToSlice[float64](input)
	shape, device := input.Shape(), input.Device()
	at := func(e int, step float64) (results [][]float64) {
		runScope(callbackScope, func(*TensorScope) {
			moved := append([]float64{}, values...)
			moved[e] += step
			inputs := g.leaves()
			inputs[i] = FromSlice(moved, shape, device).SetRequiresGrad(true)
			for _, output := range g.function(inputs) {
				var result []float64
				if output != nil && output.DType() == Float64 {
					result = ToSlice[float64](output)
				}
				results = append(results, result)
			}
		})
		return results
	}
	derivatives := make([][][]float64, len(values))
	for e := range values {
		ahead, behind := at(e, g.options.epsilon), at(e, -g.options.epsilon)
		for o := range ahead {
			for k := range ahead[o] {
				ahead[o][k] = (ahead[o][k] - behind[o][k]) / (2 * g.options.epsilon)
			}
		}
		derivatives[e] = ahead
	}
	return derivatives
}

// compare checks the gradient of each element of output o with respect to input i against the
// differences.
func (g gradcheck) compare(o int, output *Tensor, i int, input *Tensor, byDifferences [][][]float64) error {
	count := int(output.NumElements())
	for k := range count {
		where := func(e int) string {
			return fmt.Sprintf("output %d, element %v, in input %d, element %v",
				o, elementIndex(k, output.Shape()), i, elementIndex(e, input.Shape()))
		}
		once, again := g.gradient(output, k, input), g.gradient(output, k, input)
		for e, byBackward := range once {
			if apart := math.Abs(byBackward - again[e]); !(apart <= g.options.nondeterminism) {
				return &Error{g.operation, ErrOther, fmt.Sprintf("%s: a backward pass gives %v, and the same again %v",
					where(e), byBackward, again[e])}
			}
			if err := g.agree(byBackward, byDifferences[e][o][k], where(e)); err != nil {
				return err
			}
		}
	}
	return nil
}

// gradient returns the gradient of element k of output.
func (g gradcheck) gradient(output *Tensor, k int, input *Tensor) (values []float64) {
	runScope(callbackScope, func(*TensorScope) {
		one := make([]float64, output.NumElements())
		one[k] = 1
		gradient := Gradients([]*Tensor{output}, []*Tensor{input}, BackwardOptions{
			Gradients:   []*Tensor{FromSlice(one, output.Shape(), output.Device())},
			RetainGraph: true, AllowUnused: true,
		})[0]
		values = make([]float64, input.NumElements())
		if gradient != nil {
			values = ToSlice[float64](gradient)
		}
	})
	return values
}

// checkConstant checks that all differences are 0, for outputs that require no gradient.
func (g gradcheck) checkConstant(i int, byDifferences [][][]float64) error {
	for e, outputs := range byDifferences {
		for o, elements := range outputs {
			for k, derivative := range elements {
				where := fmt.Sprintf("output %d, which requires no gradient, element %d, in input %d, element %v",
					o, k, i, elementIndex(e, g.inputs[i].Shape()))
				if err := g.agree(0, derivative, where); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (g gradcheck) agree(byBackward, byDifferences float64, where string) error {
	bound := g.options.absolute + g.options.relative*math.Abs(byDifferences)
	if math.Abs(byBackward-byDifferences) <= bound {
		return nil
	}
	return &Error{g.operation, ErrOther, fmt.Sprintf("%s: the derivative is %.8g by the backward pass, and %.8g by differences",
		where, byBackward, byDifferences)}
}

// elementIndex returns the indices of the element that is number flat in row-major order.
func elementIndex(flat int, shape []int64) []int64 {
	index := make([]int64, len(shape))
	rest := int64(flat)
	for d := len(shape) - 1; d >= 0; d-- {
		index[d] = rest % shape[d]
		rest /= shape[d]
	}
	return index
}
