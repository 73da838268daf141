package torch

// Jacobian returns the first derivatives of function at inputs: for output o and input i, a tensor
// of the output's shape followed by the input's. It runs one backward pass for each element of the
// outputs. It is PyTorch's torch.autograd.functional.jacobian.
//
// This and the other functions here change neither the inputs nor their gradients. function must
// compute its outputs from its arguments.
func Jacobian(function func(inputs []*Tensor) []*Tensor, inputs []*Tensor) [][]*Tensor {
	mustBeGiven("Jacobian", function == nil)
	var jacobian [][]*Tensor
	derive(inputs, func(scope *TensorScope, leaves []*Tensor) {
		jacobian = jacobianOf(function(leaves), leaves)
		for _, row := range jacobian {
			keepAll(scope, row)
		}
	})
	return jacobian
}

// Hessian returns the second derivatives of function, which has one output of one element, at
// inputs: for inputs i and j, a tensor of the shape of i followed by that of j. It is PyTorch's
// torch.autograd.functional.hessian.
func Hessian(function func(inputs []*Tensor) *Tensor, inputs []*Tensor) [][]*Tensor {
	mustBeGiven("Hessian", function == nil)
	var hessian [][]*Tensor
	derive(inputs, func(scope *TensorScope, leaves []*Tensor) {
		hessian = jacobianOf(gradientsOrZeros([]*Tensor{function(leaves)}, leaves, nil, true), leaves)
		for _, row := range hessian {
			keepAll(scope, row)
		}
	})
	return hessian
}

// HessianVectorProduct returns the product of the [Hessian] with vectors, one of each input's
// shape. It takes two backward passes and does not compute the Hessian. It is PyTorch's
// torch.autograd.functional.hvp.
func HessianVectorProduct(function func(inputs []*Tensor) *Tensor, inputs, vectors []*Tensor) []*Tensor {
	mustBeGiven("HessianVectorProduct", function == nil)
	var product []*Tensor
	derive(inputs, func(scope *TensorScope, leaves []*Tensor) {
		gradients := gradientsOrZeros([]*Tensor{function(leaves)}, leaves, nil, true)
		product = keepAll(scope, gradientsOrZeros(gradients, leaves, vectors, false))
	})
	return product
}

// JacobianVectorProduct returns the product of the [Jacobian] with vectors, one of each input's
// shape: the directional derivatives of the outputs. It is PyTorch's torch.autograd.functional.jvp.
// For the vector-Jacobian product use [Gradients].
func JacobianVectorProduct(function func(inputs []*Tensor) []*Tensor, inputs, vectors []*Tensor) []*Tensor {
	mustBeGiven("JacobianVectorProduct", function == nil)
	var product []*Tensor
	derive(inputs, func(scope *TensorScope, leaves []*Tensor) {
		outputs := function(leaves)
		// The gradient is linear in the vector of the vector-Jacobian product. Its derivative with
		// respect to that vector, applied to vectors, is the Jacobian-vector product.
		reaching := make([]*Tensor, len(outputs))
		for i, output := range outputs {
			reaching[i] = output.Detach().ZerosLike().SetRequiresGrad(true)
		}
		gradients := gradientsOrZeros(outputs, leaves, reaching, true)
		product = keepAll(scope, gradientsOrZeros(gradients, reaching, vectors, false))
	})
	return product
}

// derive runs f in a scope, with gradients recorded, on leaves that share the inputs' memory.
func derive(inputs []*Tensor, f func(scope *TensorScope, leaves []*Tensor)) {
	runScope(callbackScope, func(scope *TensorScope) {
		EnableGrad(func() {
			leaves := make([]*Tensor, len(inputs))
			for i, input := range inputs {
				leaves[i] = input.Detach().SetRequiresGrad(true)
			}
			f(scope, leaves)
		})
	})
}

func keepAll(scope *TensorScope, tensors []*Tensor) []*Tensor {
	for _, t := range tensors {
		scope.Keep(t)
	}
	return tensors
}

// gradientsOrZeros is Gradients with zeros for inputs that the outputs do not depend on, and
// without outputs that require no gradient. The graph is retained.
func gradientsOrZeros(outputs, inputs, reaching []*Tensor, createGraph bool) []*Tensor {
	options := BackwardOptions{RetainGraph: true, CreateGraph: createGraph, AllowUnused: true}
	var from []*Tensor
	for i, output := range outputs {
		if !output.RequiresGrad() {
			continue
		}
		from = append(from, output)
		if reaching != nil {
			options.Gradients = append(options.Gradients, reaching[i])
		}
	}
	gradients := make([]*Tensor, len(inputs))
	if len(from) > 0 {
		gradients = Gradients(from, inputs, options)
	}
	for i, gradient := range gradients {
		if gradient == nil {
			gradients[i] = inputs[i].Detach().ZerosLike()
		}
	}
	return gradients
}

func jacobianOf(outputs, inputs []*Tensor) [][]*Tensor {
	jacobian := make([][]*Tensor, len(outputs))
	for o, output := range outputs {
		jacobian[o] = make([]*Tensor, len(inputs))
		elements := output.Reshape(Shape{-1})
		rows := make([][]*Tensor, len(inputs))
		for k := range output.NumElements() {
			gradients := gradientsOrZeros([]*Tensor{elements.Select(0, k)}, inputs, nil, false)
			for i, gradient := range gradients {
				rows[i] = append(rows[i], gradient)
			}
		}
		for i, input := range inputs {
			shape := append(output.Shape(), input.Shape()...)
			if len(rows[i]) == 0 {
				jacobian[o][i] = Zeros(shape, input.DType(), input.Device())
				continue
			}
			jacobian[o][i] = Stack(rows[i], 0).Reshape(shape)
		}
	}
	return jacobian
}
