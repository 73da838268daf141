// Package safetensors reads and writes files of the safetensors format: named tensors after a header
// that says what they are. It is how most weights are published.
//
//	tensors, metadata, err := safetensors.Load("model.safetensors")
//
// [Open] reads the header alone, and then one tensor at a time: from a file that is larger than the
// memory, or from one of the parts that an index file (model.safetensors.index.json) names.
//
// Names, shapes and places of a file are checked as the format's own library does before anything is
// read; a file that is damaged or lies is an error of kind [torch.ErrFormat].
package safetensors

// The format is a length, a JSON header and bytes, so it is read here. Of the Go modules for it,
// github.com/nlpodyssey/safetensors has no releases and no complex64, and works on all of a file's
// bytes in Go's heap, from where each tensor would be copied again.
