package torch

// #include "ctorch/ctorch.h"
import "C"

import "fmt"

// A MatMulPrecision is the precision of float32 matrix products.
type MatMulPrecision int32

// The precisions, with PyTorch's names.
const (
	// HighestPrecision computes in float32. It is the default.
	HighestPrecision MatMulPrecision = C.CTORCH_MATMUL_HIGHEST
	// HighPrecision allows TF32 on a GPU's tensor cores, with float32's range and 10 bits of
	// mantissa instead of 23: errors of about 1e-3 instead of 1e-6, several times as fast on Ampere
	// and later.
	HighPrecision MatMulPrecision = C.CTORCH_MATMUL_HIGH
	// MediumPrecision allows bfloat16 units, with 7 bits of mantissa, on processors that have them.
	MediumPrecision MatMulPrecision = C.CTORCH_MATMUL_MEDIUM
)

// String returns PyTorch's name, such as "highest".
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

// SetFloat32MatMulPrecision sets, for the whole process, the precision of float32 matrix products.
// It is torch.set_float32_matmul_precision.
func SetFloat32MatMulPrecision(precision MatMulPrecision) error {
	return takeError("SetFloat32MatMulPrecision", C.ctorch_set_float32_matmul_precision(C.int32_t(precision)))
}

// Float32MatMulPrecision returns the precision of float32 matrix products.
func Float32MatMulPrecision() MatMulPrecision {
	return MatMulPrecision(setting("Float32MatMulPrecision", C.ctorch_float32_matmul_precision()))
}

// SetCuDNNAllowTF32 sets, for the whole process, whether float32 convolutions and recurrent
// networks may use TF32 on a GPU. The default is true, as in PyTorch; turn it off if a GPU's
// results should agree with a CPU's to float32's precision. It is torch.backends.cudnn.allow_tf32.
func SetCuDNNAllowTF32(on bool) error {
	return takeError("SetCuDNNAllowTF32", C.ctorch_set_cudnn_allow_tf32(cBool(on)))
}

// CuDNNAllowTF32 reports whether convolutions may use TF32 on a GPU.
func CuDNNAllowTF32() bool { return setting("CuDNNAllowTF32", C.ctorch_cudnn_allow_tf32()) != 0 }

// SetTF32 sets, for the whole process, whether matrix products and convolutions use TF32 on a GPU.
// TF32 is faster on Ampere and later, with errors of about 1e-3. By default convolutions use it and
// matrix products do not.
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

// SetCuDNNBenchmark sets, for the whole process, whether cuDNN tries its algorithms on each new
// shape of a convolution and keeps the fastest. It is worthwhile if shapes stay the same. It is
// torch.backends.cudnn.benchmark.
func SetCuDNNBenchmark(on bool) error {
	return takeError("SetCuDNNBenchmark", C.ctorch_set_cudnn_benchmark(cBool(on)))
}

// CuDNNBenchmark reports whether cuDNN tries its algorithms.
func CuDNNBenchmark() bool { return setting("CuDNNBenchmark", C.ctorch_cudnn_benchmark()) != 0 }

// DeterministicOptions are the options of [SetDeterministic].
type DeterministicOptions struct {
	// WarnOnly makes an operator without a deterministic algorithm warn instead of fail.
	WarnOnly bool
}

// SetDeterministic sets, for the whole process, whether operators must give the same result each
// time they run on the same inputs. Operators that cannot panic with an [*Error], and [Empty] fills
// its tensors. On a GPU, matrix products also need CUBLAS_WORKSPACE_CONFIG=:4096:8 in the
// environment when the program starts. It is torch.use_deterministic_algorithms.
func SetDeterministic(on bool, options DeterministicOptions) error {
	return takeError("SetDeterministic", C.ctorch_set_deterministic(cBool(on), cBool(options.WarnOnly)))
}

// Deterministic reports whether operators must be deterministic.
func Deterministic() bool { return setting("Deterministic", C.ctorch_deterministic()) != 0 }

func setting(operation string, s C.ctorch_setting) int32 {
	check(operation, s.error)
	return int32(s.value)
}
