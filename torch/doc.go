// Package torch is libtorch, the C++ library of PyTorch, in Go: tensors, automatic
// differentiation, optimisers and TorchScript modules, on the CPU and on CUDA.
//
// # Tensors
//
// A [Tensor] is a handle to a multi-dimensional array that lives outside Go's heap. Operations are
// methods with PyTorch's names, and hand back new tensors:
//
//	x := torch.RandN([]int64{2, 3})
//	y := x.MatMul(x.T()).Softmax(1)
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
//	w := torch.Zeros([]int64{3, 1}).SetRequiresGrad(true)
//	loss := x.MatMul(w).Sub(y).Square().Mean()
//	loss.Backward()
//
// [Gradients] leaves the leaves alone and goes on to higher derivatives, a [Function] is an operation
// with a derivative written in Go, and [Gradcheck] is its test.
//
// # Errors
//
// Tensor algebra panics with an [*Error] where it is misused (shapes that do not fit, a closed
// tensor), as gonum's mat does; [Try] turns that into an error. What touches the outside (files,
// models, devices) returns an error.
//
// # Memory
//
// A tensor's memory is freed by [Tensor.Close], at the end of the [Scope] it was made in, or, for
// code that does neither, after the garbage collector has found the tensor unreachable. The
// package counts the native bytes that it made and starts a collection when they have grown
// enough, so that memory stays bounded without any Close.
//
// # Threads
//
// Tensors and modules may be used from many goroutines at once, as long as nobody writes to them.
// What PyTorch keeps for each thread (whether gradients are recorded) is set for the length of a
// function: [NoGrad], [InferenceMode].
package torch
