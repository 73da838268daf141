package nn

import "github.com/clipvqgan/clipvqgan/torch"

// Dropout zeroes elements at random in training, and does nothing in evaluation.
type Dropout struct {
	Mode
	P float64 // the probability with which an element is zeroed
}

// NewDropout makes a layer that zeroes elements with probability p; PyTorch's default is 0.5.
func NewDropout(p float64) *Dropout {
	require(p >= 0 && p <= 1, "NewDropout", "a probability of %v", p)
	return &Dropout{P: p}
}

// Forward returns x in evaluation, and in training x with elements zeroed and the others divided by 1 - p.
// The numbers come from libtorch's default generator.
func (d *Dropout) Forward(x *torch.Tensor) *torch.Tensor { return x.Dropout(d.P, d.Training()) }

// Dropout2d zeroes whole channels of pictures at random in training, and does nothing in evaluation.
type Dropout2d struct {
	Mode
	P float64 // the probability with which a channel is zeroed
}

// NewDropout2d makes a layer that zeroes channels with probability p; PyTorch's default is 0.5.
func NewDropout2d(p float64) *Dropout2d {
	require(p >= 0 && p <= 1, "NewDropout2d", "a probability of %v", p)
	return &Dropout2d{P: p}
}

// Forward takes x [N, C, H, W].
func (d *Dropout2d) Forward(x *torch.Tensor) *torch.Tensor {
	return x.FeatureDropout(d.P, d.Training())
}
