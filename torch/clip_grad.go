package torch

import "math"

// ClipGradNormOptions are the options of [ClipGradNorm]. The zero value clips the Euclidean norm.
type ClipGradNormOptions struct {
	// NormType is the order p of the norm; math.Inf(1) means the largest absolute value. nil means
	// 2.
	NormType *float64
	// ErrorIfNonFinite panics if the total norm is NaN or infinite, and leaves the gradients as
	// they are. Checking waits for the device.
	ErrorIfNonFinite bool
}

// ClipGradNorm scales the gradients of the parameters, in place, so that the norm of all of them
// together is at most maxNorm. It returns the norm before scaling, a tensor of one element.
// Gradients are never made larger, and parameters without a gradient are skipped. It is PyTorch's
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
			// As in PyTorch; 1e-6 avoids a division by zero.
			factor := total.AddScalar(1e-6).Reciprocal().MulScalar(maxNorm).ClampMax(1)
			for _, group := range groups {
				ForeachMulTensorInPlace(group.gradients, factor.To(group.device))
			}
		})
	})
	return total
}

// ClipGradValue clamps each element of the parameters' gradients to [-value, value], in place. It
// is PyTorch's torch.nn.utils.clip_grad_value_.
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

// gradientsByDevice returns the parameters' gradients, in order, grouped by device.
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
