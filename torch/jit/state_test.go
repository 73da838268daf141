package jit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestStateDict(t *testing.T) {
	reference := loadNetReference(t)
	net, other := loadModule(t, "net.pt"), loadModule(t, "net.pt", torch.Float64)
	state, err := net.StateDict()
	require.NoError(t, err)
	assert.Equal(t, len(reference.Parameters)+len(reference.Buffers), state.Len())

	parameters, err := other.Parameters()
	require.NoError(t, err)
	torch.NoGrad(func() {
		for _, parameter := range parameters {
			parameter.FillInPlace(0)
		}
	})
	report, err := other.LoadStateDict(state, torch.StateDictOptions{})
	require.NoError(t, err)
	assert.Empty(t, report)
	y, err := other.Forward(netInput(torch.Float64))
	require.NoError(t, err)
	assert.Equal(t, torch.Float64, y.DType(), "the module keeps its dtype")
	assert.InDeltaSlice(t, reference.Output, y.To(torch.Float32).Float32s(), float32Rounding)
	assert.True(t, parameters[0].RequiresGrad())
	assert.True(t, parameters[0].IsLeaf())
}

func TestStateDictThatDoesNotFit(t *testing.T) {
	net := loadModule(t, "net.pt")
	state := torch.NewDict("head.bias", torch.Ones(torch.Shape{3}), "head.weight", torch.Ones(torch.Shape{4, 3}), "extra", torch.Ones(nil))
	strict, partial := torch.StateDictOptions{}, torch.StateDictOptions{Partial: true}
	load := func(state *torch.Dict, options torch.StateDictOptions) error {
		_, err := net.LoadStateDict(state, options)
		return err
	}
	err := load(state, strict)
	require.ErrorIs(t, err, torch.ErrInvalid)
	for _, part := range []string{"it lacks first.convolution.weight, ", "the module lacks extra", "head.weight has shape [4 3], not [3 4]"} {
		assert.ErrorContains(t, err, part)
	}
	err = load(state, partial)
	require.ErrorIs(t, err, torch.ErrInvalid)
	assert.NotContains(t, err.Error(), "lacks")
	bias, err := net.Attribute("head.bias")
	require.NoError(t, err)
	assert.NotEqual(t, []float32{1, 1, 1}, bias.(*torch.Tensor).Float32s(), "nothing was copied")

	state.Delete("head.weight")
	report, err := net.LoadStateDict(state, partial)
	require.NoError(t, err)
	assert.Equal(t, []string{"extra"}, report.Unexpected)
	assert.Contains(t, report.Missing, "head.weight")
	assert.Equal(t, []float32{1, 1, 1}, bias.(*torch.Tensor).Float32s())

	closed := torch.Ones(torch.Shape{3})
	closed.Close()
	assert.ErrorIs(t, load(torch.NewDict("head.bias", closed), partial), torch.ErrClosed)
	assert.ErrorIs(t, load(torch.NewDict("head.bias", 1), partial), torch.ErrInvalid)
	assert.ErrorIs(t, load(nil, strict), torch.ErrInvalid)
}
