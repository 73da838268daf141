// Package torch is libtorch, the C++ library of PyTorch, in Go: tensors and automatic
// differentiation, on the CPU and on CUDA. Below it are packages with PyTorch's names: torch/nn for
// layers, torch/optim for optimizers, torch/jit for TorchScript modules, torch/cuda for streams and
// graphs, and one for each format of files.
//
// # Tensors
//
// A [Tensor] is a handle to a multi-dimensional array that lives outside Go's heap. Operations are
// methods with PyTorch's names, and hand back new tensors:
//
//	x := torch.RandN(torch.Shape{2, 3})
//	y := x.MatMul(x.T()).Softmax(1)
//
// Names are PyTorch's with capitals for underscores. What PyTorch tells apart by the types of the
// arguments has a suffix here: [Tensor.Add] takes a tensor and [Tensor.AddScalar] a [Number],
// [Tensor.Sum] sums all and [Tensor.SumDim] some dimensions; InPlace is PyTorch's closing underscore.
// What has many options takes a struct, whose zero value is PyTorch's default; a number of which 0 is a choice
// like any other is a pointer there, so that new(0.0) says it:
//
//	y := x.Conv2d(weight, bias, torch.ConvOptions{Stride: []int64{2}, Padding: []int64{1}})
//
// docs/operators.md in the repository lists PyTorch's functions, each with its name here, and what
// is absent and why.
//
// [FromSlice], [FromRows], [ToSlice], [ToRows] and [Elements] copy from Go and to it; packages vision
// and gonum below this one do so for pictures and for gonum's matrices. [Tensor.At] and
// [Tensor.SetAt] are Python's x[...]:
//
//	x.SetAt(0, torch.All, torch.Range(1, torch.End)) // x[:, 1:] = 0
//
// Package fmt prints a tensor as Python does; %+v is what it is in one line: see [Tensor.Format].
//
// # Gradients
//
// Operations on tensors that require gradients are recorded, and [Tensor.Backward] adds each such
// leaf's gradient to its [Tensor.Grad]:
//
//	w := torch.Zeros(torch.Shape{3, 1}).SetRequiresGrad(true)
//	loss := x.MatMul(w).Sub(y).Square().Mean()
//	loss.Backward()
//
// [Gradients] leaves the leaves alone and goes on to higher derivatives, a [Function] is an operation
// with a derivative written in Go, and [Gradcheck] is its test.
//
// The optimizers of package torch/optim change the leaves by their gradients.
//
// # Devices and dtypes
//
// What makes a tensor takes a [DType] and a [Device] as options, and [Tensor.To] converts:
//
//	x := torch.Zeros(torch.Shape{2, 3}, torch.Float16, torch.CUDA(0))
//	y := x.To(torch.CPU, torch.Float32)
//
// Operands must be on one device. One build serves machines with a GPU and without: [ParseDevice] of
// "auto" is a GPU where there is one, and package torch/cuda tells more.
//
// # Errors
//
// Tensor algebra panics with an [*Error] where it is misused (shapes that do not fit, a closed
// tensor), as gonum's mat does; [Try] turns that into an error. What touches the outside (files,
// models, devices) returns an error. Both kinds say in one line what was called and what did not
// fit, and errors.Is tells kinds apart:
//
//	err := torch.Try(func() error { y = a.MatMul(b); return nil })
//	if errors.Is(err, torch.ErrInvalid) { ... }
//
// # Memory
//
// A tensor's memory is freed by [Tensor.Close], at the end of the [Scope] it was made in, or, for
// code that does neither, after the garbage collector has found the tensor unreachable. The
// package counts the native bytes that it made and starts a collection when they have grown
// enough, so that memory stays bounded without any Close. A scope is the cheapest of the three, and
// a loop does best with one around each step:
//
//	torch.Scope(func(scope *torch.TensorScope) {
//		...
//		result = scope.Keep(y)
//	})
//
// # Threads
//
// Tensors and modules may be used from many goroutines at once, as long as nobody writes to them.
// What PyTorch keeps for each thread (whether gradients are recorded) is set for the length of a
// function: [NoGrad], [InferenceMode]. Such a function, and that of a [Scope], holds its OS thread,
// and is one goroutine's: a goroutine that it starts has its own settings and scopes.
//
// # Linking
//
// The package calls the C library libctorch. In a checkout, make builds it, and nothing else is
// needed; with the build tag ctorch_installed pkg-config finds an installed one. docs/use.md in the
// repository has the steps for other modules.
package torch
