package torch

// #include "ctorch/ctorch.h"
import "C"

import "fmt"

// A MatMulPrecision is how float32 matrices are multiplied.
type MatMulPrecision int32

// The precisions, with PyTorch's names.
const (
	// HighestPrecision is float32's own. It is the default.
	HighestPrecision MatMulPrecision = C.CTORCH_MATMUL_HIGHEST
	// HighPrecision lets a GPU's tensor cores use TF32, which has float32's range and 10 bits of
	// mantissa instead of 23: errors of about 1e-3 instead of 1e-6, several times as fast from
	// Ampere on.
	HighPrecision MatMulPrecision = C.CTORCH_MATMUL_HIGH
	// MediumPrecision lets processors that have them use bfloat16's units, 7 bits of mantissa.
	MediumPrecision MatMulPrecision = C.CTORCH_MATMUL_MEDIUM
)

// String is PyTorch's name, as "highest".
func (p MatMulPrecision) String() string {
	switch p {
	case HighestPrecision:
		return "highest"
	case HighPrecision:
		return "high"
	case MediumPrecision:
		return "medium"
	default:
		return fmt.Sprintf("precision(%d)", int32(p))
	}
}

// SetFloat32MatMulPrecision sets for the whole process how float32 matrices are multiplied, as
// torch.set_float32_matmul_precision does.
func SetFloat32MatMulPrecision(precision MatMulPrecision) error {
	return takeError("SetFloat32MatMulPrecision", C.ctorch_set_float32_matmul_precision(C.int32_t(precision)))
}

// Float32MatMulPrecision is how float32 matrices are multiplied.
func Float32MatMulPrecision() MatMulPrecision {
	return MatMulPrecision(setting("Float32MatMulPrecision", C.ctorch_float32_matmul_precision()))
}

// SetCuDNNAllowTF32 sets for the whole process whether convolutions and recurrent networks of float32
// may use TF32 on a GPU, as torch.backends.cudnn.allow_tf32 does. Like PyTorch they may, unless told
// otherwise: turn it off where a GPU's results are to agree with a CPU's to float32's precision.
func SetCuDNNAllowTF32(on bool) error {
	return takeError("SetCuDNNAllowTF32", C.ctorch_set_cudnn_allow_tf32(cBool(on)))
}

// CuDNNAllowTF32 reports whether convolutions may use TF32 on a GPU.
func CuDNNAllowTF32() bool { return setting("CuDNNAllowTF32", C.ctorch_cudnn_allow_tf32()) != 0 }

// SetTF32 sets for the whole process whether TF32 is used on a GPU, in matrix products and in
// convolutions: speed from Ampere on, for errors of about 1e-3. PyTorch's default is yes in
// convolutions, no in matrix products.
func SetTF32(on bool) error {
	precision := HighestPrecision
	if on {
		precision = HighPrecision
	}
	if err := SetFloat32MatMulPrecision(precision); err != nil {
		return err
	}
	return SetCuDNNAllowTF32(on)
}

// SetCuDNNBenchmark sets for the whole process whether cuDNN tries its algorithms on each shape of
// convolution that it meets for the first time and keeps the fastest, as
// torch.backends.cudnn.benchmark does. It pays where shapes stay the same.
func SetCuDNNBenchmark(on bool) error {
	return takeError("SetCuDNNBenchmark", C.ctorch_set_cudnn_benchmark(cBool(on)))
}

// CuDNNBenchmark reports whether cuDNN tries its algorithms.
func CuDNNBenchmark() bool { return setting("CuDNNBenchmark", C.ctorch_cudnn_benchmark()) != 0 }

// DeterministicOptions are the choices of [SetDeterministic].
type DeterministicOptions struct {
	// WarnOnly has an operator without a deterministic algorithm warn instead of fail.
	WarnOnly bool
}

// SetDeterministic sets for the whole process whether operators give the same result each time they
// run on the same inputs, as torch.use_deterministic_algorithms does. Those that cannot fail with an
// [*Error]; [Empty] tensors are filled. On a GPU, matrix products also need
// CUBLAS_WORKSPACE_CONFIG=:4096:8 in the environment when the program starts.
func SetDeterministic(on bool, options DeterministicOptions) error {
	return takeError("SetDeterministic", C.ctorch_set_deterministic(cBool(on), cBool(options.WarnOnly)))
}

// Deterministic reports whether operators must give the same result each time.
func Deterministic() bool { return setting("Deterministic", C.ctorch_deterministic()) != 0 }

func setting(operation string, s C.ctorch_setting) int32 {
	check(operation, s.error)
	return int32(s.value)
}
