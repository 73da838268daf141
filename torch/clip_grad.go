package torch

import "math"

// ClipGradNormOptions are [ClipGradNorm]'s. The zero value holds the Euclidean norm.
type ClipGradNormOptions struct {
	// NormType is the order p of the norm; math.Inf(1) is the largest absolute value; nil: 2.
	NormType *float64
	// ErrorIfNonFinite makes a total norm that is NaN or infinite a failure, with the gradients left
	// as they are. It waits for the device.
	ErrorIfNonFinite bool
}

// ClipGradNorm scales the parameters' gradients, in place, so that the norm of all of them together
// is at most maxNorm, and returns what it was before, a tensor of one element. Gradients are made
// smaller only. Parameters without a gradient do not count. It is PyTorch's
// torch.nn.utils.clip_grad_norm_.
func ClipGradNorm(parameters []*Tensor, maxNorm float64, options ClipGradNormOptions) *Tensor {
	const operation = "ClipGradNorm"
	order := orDefault(options.NormType, 2)
	var total *Tensor
	runScope(callbackScope, func(scope *TensorScope) {
		NoGrad(func() {
			groups := gradientsByDevice(operation, parameters)
			if len(groups) == 0 {
				total = scope.Keep(Scalar(0))
				return
			}
			var norms []*Tensor
			for _, group := range groups {
				for _, norm := range ForeachNorm(group.gradients, order) {
					norms = append(norms, norm.To(groups[0].device))
				}
			}
			total = scope.Keep(Stack(norms, 0).VectorNorm(order, nil, false))
			if options.ErrorIfNonFinite {
				if value := total.Item(); math.IsNaN(value) || math.IsInf(value, 0) {
					panic(invalid(operation, "the gradients' norm of order %v is %v", order, value))
				}
			}
			// As PyTorch has it, with what keeps a norm of 0 from a division by it.
			factor := total.AddScalar(1e-6).Reciprocal().MulScalar(maxNorm).ClampMax(1)
			for _, group := range groups {
				ForeachMulTensorInPlace(group.gradients, factor.To(group.device))
			}
		})
	})
	return total
}

// ClipGradValue holds each element of the parameters' gradients, in place, in [-value, value]. It is
// PyTorch's torch.nn.utils.clip_grad_value_.
func ClipGradValue(parameters []*Tensor, value float64) {
	const operation = "ClipGradValue"
	runScope(callbackScope, func(*TensorScope) {
		NoGrad(func() {
			for _, group := range gradientsByDevice(operation, parameters) {
				ForeachClampMinInPlace(group.gradients, -value)
				ForeachClampMaxInPlace(group.gradients, value)
			}
		})
	})
}

type gradientGroup struct {
	device    Device
	gradients []*Tensor
}

// gradientsByDevice are the gradients that there are, in the parameters' order.
func gradientsByDevice(operation string, parameters []*Tensor) []*gradientGroup {
	var groups []*gradientGroup
	byDevice := map[Device]*gradientGroup{}
	for i, parameter := range parameters {
		if parameter == nil {
			panic(invalid(operation, "parameter %d is nil", i))
		}
		gradient := parameter.Grad()
		if gradient == nil {
			continue
		}
		device := gradient.Device()
		if byDevice[device] == nil {
			byDevice[device] = &gradientGroup{device: device}
			groups = append(groups, byDevice[device])
		}
		byDevice[device].gradients = append(byDevice[device].gradients, gradient)
	}
	return groups
}
