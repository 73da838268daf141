package torch

// An FFTNorm says which of a Fourier transform and its inverse is scaled.
type FFTNorm int

// The norms of Fourier transforms.
const (
	FFTBackward FFTNorm = iota // the inverse, by 1/n
	FFTOrtho                   // both, by 1/sqrt(n)
	FFTForward                 // the transform, by 1/n
)

func (n FFTNorm) text(operation string) string {
	return choice(operation, "norm", n, "backward", "ortho", "forward")
}

// FFTOptions are the options of the Fourier transforms. The zero value is PyTorch's default.
type FFTOptions struct {
	// Dims are the dimensions that are transformed: one for FFT and its kin, two for FFT2 and its
	// kin. nil: the last one, the last two, or (FFTN and its kin) all, or as many as Size has.
	Dims []int64
	// Size is that of the signal in each of Dims, which is cut or filled with zeros to it; for the
	// inverse of RFFT it is the real result's, of which nil makes an even last one.
	Size []int64
	Norm FFTNorm
}

// of checks the number of dimensions, and hands back the arguments of the transform over them.
func (o FFTOptions) of(operation string, standard ...int64) (size, dims []int64, norm FFTNorm) {
	dims = o.Dims
	if standard != nil {
		if dims == nil {
			dims = standard
		}
		if len(dims) != len(standard) {
			panic(invalid(operation, "it transforms %d dimensions, Dims has %d", len(standard), len(dims)))
		}
	}
	_ = o.Norm.text(operation)
	return o.Size, dims, o.Norm
}

// FFT returns the discrete Fourier transform along one dimension, complex.
func (t *Tensor) FFT(options FFTOptions) *Tensor { return t.fftN(options.of("FFT", -1)) }

// FFT2 returns the discrete Fourier transform in two dimensions, complex.
func (t *Tensor) FFT2(options FFTOptions) *Tensor { return t.fftN(options.of("FFT2", -2, -1)) }

// FFTN returns the discrete Fourier transform in any number of dimensions, complex.
func (t *Tensor) FFTN(options FFTOptions) *Tensor { return t.fftN(options.of("FFTN")) }

// IFFT returns the inverse of FFT, complex.
func (t *Tensor) IFFT(options FFTOptions) *Tensor { return t.ifftN(options.of("IFFT", -1)) }

// IFFT2 returns the inverse of FFT2, complex.
func (t *Tensor) IFFT2(options FFTOptions) *Tensor { return t.ifftN(options.of("IFFT2", -2, -1)) }

// IFFTN returns the inverse of FFTN, complex.
func (t *Tensor) IFFTN(options FFTOptions) *Tensor { return t.ifftN(options.of("IFFTN")) }

// RFFT returns the half of FFT that a real tensor needs: n/2+1 along the dimension.
func (t *Tensor) RFFT(options FFTOptions) *Tensor { return t.rfftN(options.of("RFFT", -1)) }

// RFFT2 returns the half of FFT2 that a real tensor needs: n/2+1 along the last of the dimensions.
func (t *Tensor) RFFT2(options FFTOptions) *Tensor { return t.rfftN(options.of("RFFT2", -2, -1)) }

// RFFTN returns the half of FFTN that a real tensor needs: n/2+1 along the last of the dimensions.
func (t *Tensor) RFFTN(options FFTOptions) *Tensor { return t.rfftN(options.of("RFFTN")) }

// IRFFT returns the inverse of RFFT, real.
func (t *Tensor) IRFFT(options FFTOptions) *Tensor { return t.irfftN(options.of("IRFFT", -1)) }

// IRFFT2 returns the inverse of RFFT2, real.
func (t *Tensor) IRFFT2(options FFTOptions) *Tensor {
	return t.irfftN(options.of("IRFFT2", -2, -1))
}

// IRFFTN returns the inverse of RFFTN, real.
func (t *Tensor) IRFFTN(options FFTOptions) *Tensor { return t.irfftN(options.of("IRFFTN")) }

// HFFT returns the Fourier transform, real, of a signal of which t is the half that conjugate
// symmetry leaves.
func (t *Tensor) HFFT(options FFTOptions) *Tensor { return t.hfftN(options.of("HFFT", -1)) }

// HFFT2 is HFFT in two dimensions.
func (t *Tensor) HFFT2(options FFTOptions) *Tensor { return t.hfftN(options.of("HFFT2", -2, -1)) }

// HFFTN is HFFT in any number of dimensions.
func (t *Tensor) HFFTN(options FFTOptions) *Tensor { return t.hfftN(options.of("HFFTN")) }

// IHFFT returns the inverse of HFFT, complex.
func (t *Tensor) IHFFT(options FFTOptions) *Tensor { return t.ihfftN(options.of("IHFFT", -1)) }

// IHFFT2 returns the inverse of HFFT2, complex.
func (t *Tensor) IHFFT2(options FFTOptions) *Tensor {
	return t.ihfftN(options.of("IHFFT2", -2, -1))
}

// IHFFTN returns the inverse of HFFTN, complex.
func (t *Tensor) IHFFTN(options FFTOptions) *Tensor { return t.ihfftN(options.of("IHFFTN")) }

// STFTOptions are the options of [Tensor.STFT] and [Tensor.ISTFT]. The zero value is PyTorch's default.
type STFTOptions struct {
	// Hop is how many samples one window begins after the last. 0 means a quarter of the size.
	Hop int64
	// Window multiplies the samples, [size]; nil: 1.
	Window *Tensor
	// NoCenter begins the first window at the first sample, and does not pad the signal by reflection so
	// that windows have their middle where they begin.
	NoCenter bool
	// Normalized multiplies the transform by 1/sqrt(size).
	Normalized bool
	// Length is the number of samples of ISTFT's result; 0: as many as the windows reach.
	Length int64
}

// arguments are hop, and the length as libtorch takes it.
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

// STFT returns the Fourier transforms of windows of a size of t [N, samples] or [samples]:
// [N, size/2+1, windows], complex. It is torch.stft.
func (t *Tensor) STFT(size int64, options STFTOptions) *Tensor {
	hop, _ := options.arguments(size)
	return t.stft(size, hop, options.Window, !options.NoCenter, options.Normalized)
}

// ISTFT returns the inverse of [Tensor.STFT]: [N, samples] or [samples]. It is torch.istft.
func (t *Tensor) ISTFT(size int64, options STFTOptions) *Tensor {
	hop, length := options.arguments(size)
	return t.istft(size, hop, options.Window, !options.NoCenter, options.Normalized, length)
}
