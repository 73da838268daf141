package checkpoint_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
)

// TestNilArguments are errors, and what nobody opened has nothing to close.
func TestNilArguments(t *testing.T) {
	_, err := checkpoint.Read(nil)
	assert.ErrorContains(t, err, "the reader is nil")
	_, err = checkpoint.NewFile(nil, 10)
	assert.ErrorContains(t, err, "the reader is nil")
	assert.ErrorContains(t, checkpoint.Write(nil, torch.NewDict()), "the writer is nil")
	for _, tensor := range []*checkpoint.StoredTensor{nil, {}} {
		_, err = tensor.Read()
		assert.ErrorContains(t, err, "of no File")
	}
	assert.NoError(t, new(checkpoint.File).Close())
	_, err = checkpoint.Load("testdata/none.pt", nil)
	assert.Error(t, err)
}
