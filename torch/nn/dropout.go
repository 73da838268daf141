package nn

import "github.com/clipvqgan/clipvqgan/torch"

// Dropout zeroes random elements in training, and does nothing in evaluation.
type Dropout struct {
	Mode
	P float64 // the probability of zeroing an element
}

// NewDropout returns a layer that zeroes elements with probability p; PyTorch's default is 0.5.
func NewDropout(p float64) *Dropout {
	require(p >= 0 && p <= 1, "NewDropout", "a probability of %v", p)
	return &Dropout{P: p}
}

// Forward returns x in evaluation. In training it returns x with random elements zeroed, by
// libtorch's default generator, and the others divided by 1 - P.
func (d *Dropout) Forward(x *torch.Tensor) *torch.Tensor { return x.Dropout(d.P, d.Training()) }

// Dropout2d zeroes random channels of images in training, and does nothing in evaluation.
type Dropout2d struct {
	Mode
	P float64 // the probability of zeroing a channel
}

// NewDropout2d returns a layer that zeroes channels with probability p; PyTorch's default is 0.5.
func NewDropout2d(p float64) *Dropout2d {
	require(p >= 0 && p <= 1, "NewDropout2d", "a probability of %v", p)
	return &Dropout2d{P: p}
}

// Forward returns x [N, C, H, W] in evaluation. In training it returns x with random channels
// zeroed and the others divided by 1 - P.
func (d *Dropout2d) Forward(x *torch.Tensor) *torch.Tensor {
	return x.FeatureDropout(d.P, d.Training())
}
