package torch

import "github.com/clipvqgan/clipvqgan/torch/internal/words"

// An FFTNorm says which of a Fourier transform and its inverse is scaled.
type FFTNorm int

// The normalizations of Fourier transforms, with PyTorch's names.
const (
	FFTBackward FFTNorm = iota // the inverse is scaled by 1/n
	FFTOrtho                   // both are scaled by 1/sqrt(n)
	FFTForward                 // the transform is scaled by 1/n
)

func (n FFTNorm) text(operation string) string {
	return choice(operation, "norm", n, "backward", "ortho", "forward")
}

// FFTOptions are the options of Fourier transforms. The zero value is PyTorch's default.
type FFTOptions struct {
	// Dims are the dimensions to transform: one for FFT, IFFT and so on, two for FFT2 and so on.
	// nil means the last one, the last two, or for FFTN and so on all of them, or as many of the
	// last as Size has.
	Dims []int64
	// Size is the size of the signal in each of Dims, which is cut or padded with zeros to it. For
	// the inverse of RFFT it is the size of the real result; nil then means an even last size.
	Size []int64
	Norm FFTNorm
}

// of checks the number of dimensions, and returns the arguments of the transform.
func (o FFTOptions) of(operation string, standard ...int64) (size, dims []int64, norm FFTNorm) {
	dims = o.Dims
	if standard != nil {
		if dims == nil {
			dims = standard
		}
		if len(dims) != len(standard) {
			panic(invalid(operation, "it transforms %s, Dims has %d", words.Count(len(standard), "dimension"), len(dims)))
		}
	}
	_ = o.Norm.text(operation)
	return o.Size, dims, o.Norm
}

// FFT returns the discrete Fourier transform along one dimension, a complex tensor.
func (t *Tensor) FFT(options FFTOptions) *Tensor { return t.fftN(options.of("FFT", -1)) }

// FFT2 returns the discrete Fourier transform over two dimensions, a complex tensor.
func (t *Tensor) FFT2(options FFTOptions) *Tensor { return t.fftN(options.of("FFT2", -2, -1)) }

// FFTN returns the discrete Fourier transform over any number of dimensions, a complex tensor.
func (t *Tensor) FFTN(options FFTOptions) *Tensor { return t.fftN(options.of("FFTN")) }

// IFFT returns the inverse of [Tensor.FFT], a complex tensor.
func (t *Tensor) IFFT(options FFTOptions) *Tensor { return t.ifftN(options.of("IFFT", -1)) }

// IFFT2 returns the inverse of [Tensor.FFT2], a complex tensor.
func (t *Tensor) IFFT2(options FFTOptions) *Tensor { return t.ifftN(options.of("IFFT2", -2, -1)) }

// IFFTN returns the inverse of [Tensor.FFTN], a complex tensor.
func (t *Tensor) IFFTN(options FFTOptions) *Tensor { return t.ifftN(options.of("IFFTN")) }

// RFFT returns the non-redundant half of [Tensor.FFT] of a real tensor: n/2+1 numbers along the
// dimension.
func (t *Tensor) RFFT(options FFTOptions) *Tensor { return t.rfftN(options.of("RFFT", -1)) }

// RFFT2 returns the non-redundant half of [Tensor.FFT2] of a real tensor: n/2+1 numbers along the
// last of the dimensions.
func (t *Tensor) RFFT2(options FFTOptions) *Tensor { return t.rfftN(options.of("RFFT2", -2, -1)) }

// RFFTN returns the non-redundant half of [Tensor.FFTN] of a real tensor: n/2+1 numbers along the
// last of the dimensions.
func (t *Tensor) RFFTN(options FFTOptions) *Tensor { return t.rfftN(options.of("RFFTN")) }

// IRFFT returns the inverse of [Tensor.RFFT], a real tensor.
func (t *Tensor) IRFFT(options FFTOptions) *Tensor { return t.irfftN(options.of("IRFFT", -1)) }

// IRFFT2 returns the inverse of [Tensor.RFFT2], a real tensor.
func (t *Tensor) IRFFT2(options FFTOptions) *Tensor {
	return t.irfftN(options.of("IRFFT2", -2, -1))
}

// IRFFTN returns the inverse of [Tensor.RFFTN], a real tensor.
func (t *Tensor) IRFFTN(options FFTOptions) *Tensor { return t.irfftN(options.of("IRFFTN")) }

// HFFT returns the Fourier transform of a signal with Hermitian symmetry, of which t is one half.
// The result is real.
func (t *Tensor) HFFT(options FFTOptions) *Tensor { return t.hfftN(options.of("HFFT", -1)) }

// HFFT2 is [Tensor.HFFT] over two dimensions.
func (t *Tensor) HFFT2(options FFTOptions) *Tensor { return t.hfftN(options.of("HFFT2", -2, -1)) }

// HFFTN is [Tensor.HFFT] over any number of dimensions.
func (t *Tensor) HFFTN(options FFTOptions) *Tensor { return t.hfftN(options.of("HFFTN")) }

// IHFFT returns the inverse of [Tensor.HFFT], a complex tensor.
func (t *Tensor) IHFFT(options FFTOptions) *Tensor { return t.ihfftN(options.of("IHFFT", -1)) }

// IHFFT2 returns the inverse of [Tensor.HFFT2], a complex tensor.
func (t *Tensor) IHFFT2(options FFTOptions) *Tensor {
	return t.ihfftN(options.of("IHFFT2", -2, -1))
}

// IHFFTN returns the inverse of [Tensor.HFFTN], a complex tensor.
func (t *Tensor) IHFFTN(options FFTOptions) *Tensor { return t.ihfftN(options.of("IHFFTN")) }

// STFTOptions are the options of [Tensor.STFT] and [Tensor.ISTFT]. The zero value is PyTorch's
// default.
type STFTOptions struct {
	// Hop is the number of samples between the starts of two windows. 0 means size/4.
	Hop int64
	// Window [size] is multiplied with the samples of each window. nil means ones.
	Window *Tensor
	// NoCenter starts the first window at the first sample. Otherwise windows are centered at their
	// sample, and the signal is padded at both ends by reflection.
	NoCenter bool
	// Normalized multiplies the transform by 1/sqrt(size).
	Normalized bool
	// Length is the number of samples that ISTFT returns. 0 means all that the windows cover.
	Length int64
}

// arguments returns the hop, and the length as libtorch takes it.
func (o STFTOptions) arguments(size int64) (hop int64, length *int64) {
	hop = o.Hop
	if hop == 0 {
		hop = size / 4
	}
	if o.Length != 0 {
		length = &o.Length
	}
	return hop, length
}

// STFT returns the short-time Fourier transform of t [N, samples] or [samples], with windows of
// size samples: [N, size/2+1, windows], complex. It is torch.stft.
func (t *Tensor) STFT(size int64, options STFTOptions) *Tensor {
	hop, _ := options.arguments(size)
	return t.stft(size, hop, options.Window, !options.NoCenter, options.Normalized)
}

// ISTFT returns the inverse of [Tensor.STFT]: [N, samples] or [samples]. It is torch.istft.
func (t *Tensor) ISTFT(size int64, options STFTOptions) *Tensor {
	hop, length := options.arguments(size)
	return t.istft(size, hop, options.Window, !options.NoCenter, options.Normalized, length)
}
