package nn

import "github.com/clipvqgan/clipvqgan/torch"

// BatchNorm is the common part of [BatchNorm1d] and [BatchNorm2d] (Ioffe and Szegedy 2015). In
// training it normalizes each channel by the mean and variance of the batch, and updates running
// averages of them. In evaluation it normalizes by the running averages.
type BatchNorm struct {
	Mode
	Weight *torch.Tensor // [channels], or nil
	Bias   *torch.Tensor // [channels], or nil

	RunningMean       *torch.Tensor `nn:",buffer"` // [channels], or nil
	RunningVar        *torch.Tensor `nn:",buffer"` // [channels], with divisor n-1, or nil
	NumBatchesTracked *torch.Tensor `nn:",buffer"` // number of batches, an int64, or nil

	Eps      float64 // added to the variance
	Momentum float64 // weight of the newest batch in the running averages

	cumulative bool
	channels   int64
}

// BatchNormOptions are the options of [NewBatchNorm1d] and [NewBatchNorm2d]. The zero value is PyTorch's
// default.
type BatchNormOptions struct {
	Eps      *float64 // nil means 1e-5
	Momentum *float64 // nil means 0.1
	// CumulativeAverage weights all batches equally in the running averages. It is PyTorch's
	// momentum=None.
	CumulativeAverage bool
	NoAffine          bool // no weight and no bias
	// NoRunningStats keeps no running averages: evaluation normalizes by the batch too. It is
	// PyTorch's track_running_stats=False.
	NoRunningStats bool
}

func newBatchNorm(operation string, channels int64, o BatchNormOptions, how []torch.Option) BatchNorm {
	require(channels > 0, operation, "%d channels", channels)
	f := newFactory(operation, how)
	b := BatchNorm{Eps: orDefault(o.Eps, 1e-5), Momentum: orDefault(o.Momentum, 0.1),
		cumulative: o.CumulativeAverage, channels: channels}
	if !o.NoAffine {
		b.Weight, b.Bias = f.ones(channels), f.parameter(channels)
	}
	if !o.NoRunningStats {
		b.RunningMean = torch.Zeros(torch.Shape{channels}, f.dtype, f.device)
		b.RunningVar = torch.Ones(torch.Shape{channels}, f.dtype, f.device)
		b.NumBatchesTracked = torch.Zeros(nil, torch.Int64, f.device)
	}
	return b
}

// stateVersion is the version of the state dict's format; version 1 had no num_batches_tracked.
func (b *BatchNorm) stateVersion() int { return 2 }

// Forward returns x [N, channels, ...] normalized over all dimensions but the channels, times
// weight plus bias.
func (b *BatchNorm) Forward(x *torch.Tensor) *torch.Tensor {
	return b.forward("BatchNorm.Forward", x)
}

func (b *BatchNorm) forward(operation string, x *torch.Tensor) *torch.Tensor {
	shape := x.Shape()
	require(len(shape) >= 2 && shape[1] == b.channels, operation,
		"a tensor [N, %d, ...] is wanted, got %v", b.channels, shape)
	if !b.Training() {
		return x.BatchNorm(b.Weight, b.Bias, b.RunningMean, b.RunningVar, b.RunningMean == nil, 0, b.Eps)
	}
	require(x.NumElements() > shape[1], operation,
		"in training there must be more than one value for each channel, got %v", shape)
	momentum := b.Momentum
	if b.NumBatchesTracked != nil {
		torch.NoGrad(func() { b.NumBatchesTracked.AddScalarInPlace(1) })
		if b.cumulative {
			momentum = 1 / b.NumBatchesTracked.Item()
		}
	}
	return x.BatchNorm(b.Weight, b.Bias, b.RunningMean, b.RunningVar, true, momentum, b.Eps)
}

// ResetRunningStats resets the running averages to mean 0 and variance 1.
func (b *BatchNorm) ResetRunningStats() {
	if b.RunningMean != nil {
		b.RunningMean.ZeroInPlace()
		b.RunningVar.FillInPlace(1)
		b.NumBatchesTracked.ZeroInPlace()
	}
}

// BatchNorm1d is batch normalization of vectors [N, channels] or sequences [N, channels, L].
type BatchNorm1d struct{ BatchNorm }

// NewBatchNorm1d returns a layer for the given number of channels. Its weight is initialized to 1,
// its bias to 0.
func NewBatchNorm1d(channels int64, options BatchNormOptions, how ...torch.Option) *BatchNorm1d {
	return &BatchNorm1d{newBatchNorm("NewBatchNorm1d", channels, options, how)}
}

// Forward normalizes x [N, channels] or [N, channels, L]; see [BatchNorm.Forward].
func (b *BatchNorm1d) Forward(x *torch.Tensor) *torch.Tensor {
	dim := x.Dim()
	require(dim == 2 || dim == 3, "BatchNorm1d.Forward", "2 or 3 dimensions are wanted, got %v", x.Shape())
	return b.forward("BatchNorm1d.Forward", x)
}

// BatchNorm2d is batch normalization of images [N, channels, H, W].
type BatchNorm2d struct{ BatchNorm }

// NewBatchNorm2d returns a layer for the given number of channels. Its weight is initialized to 1,
// its bias to 0.
func NewBatchNorm2d(channels int64, options BatchNormOptions, how ...torch.Option) *BatchNorm2d {
	return &BatchNorm2d{newBatchNorm("NewBatchNorm2d", channels, options, how)}
}

// Forward normalizes x [N, channels, H, W]; see [BatchNorm.Forward].
func (b *BatchNorm2d) Forward(x *torch.Tensor) *torch.Tensor {
	require(x.Dim() == 4, "BatchNorm2d.Forward", "4 dimensions are wanted, got %v", x.Shape())
	return b.forward("BatchNorm2d.Forward", x)
}
