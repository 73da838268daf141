package checkpoint

import (
	"errors"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// deepestValue limits the nesting of values: a list may contain itself.
const deepestValue = 500

// over returns a tensor of a dtype over t's storage; counts says that it accounts for the storage's
// bytes.
func over(operation string, t *torch.Tensor, dtype torch.DType, offset int64, shape, strides []int64, counts bool) (*torch.Tensor, error) {
	made, err := bridge.Over(operation, t, int32(dtype), offset, shape, strides, counts)
	if err != nil {
		return nil, err
	}
	return made.(*torch.Tensor), nil
}

// set sets the value of a dict's key, and returns an error if no dict can have the key.
func set(dict *torch.Dict, key, value any) error {
	err := torch.Try(func() error {
		dict.Set(key, value)
		return nil
	})
	var known *torch.Error
	if errors.As(err, &known) {
		return errors.New(known.Message)
	}
	return err
}
