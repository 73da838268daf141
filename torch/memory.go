package torch

import "github.com/clipvqgan/clipvqgan/torch/internal/native"

// NativeBytes returns the number of bytes that open tensors hold outside Go's heap. Views count no
// elements, and each handle counts a little.
func NativeBytes() int64 { return native.Bytes() }
