package train

import (
	"fmt"
	"slices"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Interpolate writes to the archive output the model whose weights are the share of the fine-tuned ones plus the
// rest of the original's (WiSE-FT; Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", equation 1):
// it often keeps what the original can do beside what was learned. Both are files that [clip.LoadTrainable] opens,
// of the same architecture. The error is [torch.ErrInvalid] for a share outside 0 to 1, and
// [torch.ErrModel] for models that differ.
func Interpolate(original, fineTuned string, share float64, output string) error {
	if !(share >= 0 && share <= 1) {
		return failed("Interpolate", fmt.Errorf("the share is %v, wanted 0 to 1: %w", share, torch.ErrInvalid))
	}
	from, err := clip.LoadTrainable(original)
	if err != nil {
		return failed("Interpolate", err)
	}
	defer from.Close()
	to, err := clip.LoadTrainable(fineTuned)
	if err != nil {
		return failed("Interpolate", err)
	}
	defer to.Close()
	if err := Mix(from, to, share); err != nil {
		return failed("Interpolate", fmt.Errorf("%s and %s: %w", original, fineTuned, err))
	}
	return failed("Interpolate", from.Save(output, fmt.Sprintf("%g of %s, the rest of %s", share, to.Config().Source, from.Config().Source)))
}

// Mix is [Interpolate] in memory: it changes the weights of the original.
func Mix(original, fineTuned *clip.Trainable, share float64) error {
	if !(share >= 0 && share <= 1) {
		return failed("Mix", fmt.Errorf("the share is %v, wanted 0 to 1: %w", share, torch.ErrInvalid))
	}
	return failed("Mix", torch.Try(func() error { return mix(original, fineTuned, share) }))
}

func mix(from, to *clip.Trainable, share float64) error {
	for _, both := range [][2][]torch.NamedTensor{{from.Parameters(), to.Parameters()}, {from.Buffers(), to.Buffers()}} {
		if len(both[0]) != len(both[1]) {
			return fmt.Errorf("they have %d and %d tensors, wanted the same model: %w", len(both[0]), len(both[1]), torch.ErrModel)
		}
		for i, tensor := range both[0] {
			other := both[1][i]
			if tensor.Name != other.Name || !slices.Equal(tensor.Tensor.Shape(), other.Tensor.Shape()) {
				return fmt.Errorf("one has %s %v where the other has %s %v, wanted the same model: %w",
					tensor.Name, tensor.Tensor.Shape(), other.Name, other.Tensor.Shape(), torch.ErrModel)
			}
			if !tensor.Tensor.DType().IsFloatingPoint() { // the number of batches that a normalization has seen
				tensor.Tensor.CopyInPlace(other.Tensor)
				continue
			}
			torch.NoGrad(func() { tensor.Tensor.MulScalarInPlace(1-share).AddScaledInPlace(other.Tensor, share) })
		}
	}
	return nil
}
