// Package safetensors reads and writes files in the safetensors format, in which most model weights
// are published.
//
//	tensors, metadata, err := safetensors.Load("model.safetensors")
//
// [Open] reads only the header, and then one tensor at a time. The file may be larger than memory,
// or consist of several parts that an index file (model.safetensors.index.json) lists.
//
// The header is checked before tensors are read, as strictly as by the reference implementation. A
// damaged file is an error of kind [torch.ErrFormat].
package safetensors

// The format is a length, a JSON header and bytes, so this package reads it itself. Of the Go
// modules for it, github.com/nlpodyssey/safetensors has no releases and no complex64, and holds all
// of a file's bytes in Go's heap, from where each tensor would be copied again.
