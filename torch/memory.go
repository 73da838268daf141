package torch

import "github.com/clipvqgan/clipvqgan/torch/internal/native"

// NativeBytes is how many bytes the open tensors of this package hold outside Go's heap, as far as
// it counts them: each tensor that is no view of another, and a little for each
// handle.
func NativeBytes() int64 { return native.Bytes() }
