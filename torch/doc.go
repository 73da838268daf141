// Package torch provides tensors and automatic differentiation on the CPU and on NVIDIA GPUs. It is
// a binding to libtorch, the C++ library of PyTorch. Packages below it have PyTorch's names:
// torch/nn has layers, torch/optim optimizers, torch/jit TorchScript modules, torch/cuda streams
// and graphs. There is a package for each file format.
//
// # Tensors
//
// A [Tensor] is a handle to a multi-dimensional array that is stored outside Go's heap. Operations
// are methods with PyTorch's names, and return new tensors:
//
//	x := torch.RandN(torch.Shape{2, 3})
//	y := x.MatMul(x.T()).Softmax(1)
//
// Go names are PyTorch's in camel case. Where PyTorch distinguishes by the types of the arguments,
// Go adds a suffix: [Tensor.Add] takes a tensor and [Tensor.AddScalar] a [Number]; [Tensor.Sum]
// sums all elements and [Tensor.SumDim] those along some dimensions. InPlace stands for PyTorch's
// trailing underscore. A function with many options takes a struct, whose zero value means
// PyTorch's defaults. Options for which 0 is a valid choice are pointers: nil means the default and
// new(0.0) means 0.
//
// A list of numbers or tensors is a slice wherever it stands, as x.Permute([]int64{0, 2, 1}) and
// [Cat]; a shape is a [Shape]. Variadic are only dtypes, devices, generators and other options, the
// indices of x[...] ([Tensor.At], [Tensor.Index]), and what is passed on to a function that is
// called ([Function.Apply]).
//
//	y := x.Conv2d(weight, bias, torch.ConvOptions{Stride: []int64{2}, Padding: []int64{1}})
//
// docs/operators.md in the repository lists PyTorch's functions with their names here, and says
// what is absent and why.
//
// [FromSlice], [FromRows], [ToSlice], [ToRows] and [Elements] copy between tensors and Go slices.
// Packages torch/vision and torch/gonum convert images and gonum's matrices. [Tensor.At] and
// [Tensor.SetAt] are Python's x[...]:
//
//	x.SetAt(0, torch.All, torch.Range(1, torch.End)) // x[:, 1:] = 0
//
// Package fmt prints a tensor as Python does; %+v prints its shape, dtype and device in one line.
// See [Tensor.Format].
//
// # Gradients
//
// Operations on tensors that require gradients are recorded. [Tensor.Backward] adds the gradient
// with respect to each leaf to the leaf's [Tensor.Grad]:
//
//	w := torch.Zeros(torch.Shape{3, 1}).SetRequiresGrad(true)
//	loss := x.MatMul(w).Sub(y).Square().Mean()
//	loss.Backward()
//
// [Gradients] returns gradients without storing them in leaves, and computes higher derivatives. A
// [Function] is an operation with a derivative written in Go; [Gradcheck] tests it. The optimizers
// of package torch/optim update leaves from their gradients.
//
// # Devices and dtypes
//
// Functions that make a tensor take a [DType] and a [Device] as options. [Tensor.To] converts:
//
//	x := torch.Zeros(torch.Shape{2, 3}, torch.Float16, torch.CUDA(0))
//	y := x.To(torch.CPU, torch.Float32)
//
// All operands of an operation must be on one device. One build works with and without a GPU;
// [ParseDevice] of "auto" returns a GPU if there is one.
//
// # Errors
//
// Tensor operations panic with an [*Error] if they are misused, for example with shapes that do not
// fit or a closed tensor, as gonum's mat does. [Try] turns such a panic into an error. Functions
// that depend on the outside (files, models, devices) return errors, and so do setters, here and in
// the packages below, except for those of tensors and layers. Messages are one line with the
// operation and what did not fit; errors.Is tells the kinds apart:
//
//	err := torch.Try(func() error { y = a.MatMul(b); return nil })
//	if errors.Is(err, torch.ErrInvalid) { ... }
//
// # Memory
//
// A tensor's memory is freed by [Tensor.Close], at the end of the [Scope] in which it was made, or
// by the garbage collector once the tensor is unreachable. The package counts the memory of tensors
// and starts a collection when it has grown enough, so that memory stays bounded without any Close.
// A scope costs the least; use one for each step of a loop:
//
//	torch.Scope(func(scope *torch.TensorScope) {
//		...
//		result = scope.Keep(y)
//	})
//
// # Threads
//
// Tensors and modules may be used from many goroutines at once, as long as none writes to them.
// Settings that PyTorch keeps for each thread, such as whether gradients are recorded, apply while
// a function runs: [NoGrad], [InferenceMode]. These functions and [Scope] keep their goroutine on
// its OS thread. Goroutines that they start have settings and scopes of their own.
//
// # Linking
//
// The package needs the C library libctorch. In a checkout, make builds it and nothing else is
// needed. With the build tag ctorch_installed, an installed library is found with pkg-config.
// docs/use.md in the repository explains how to use the package from another module.
package torch
