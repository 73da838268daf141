package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

// TestNilInLists: a nil tensor in a list is told, with its position, and not left out.
func TestNilInLists(t *testing.T) {
	x := torch.Ones(torch.Shape{2}).SetRequiresGrad(true)
	list := []*torch.Tensor{x, nil}
	for name, use := range map[string]func(){
		"Cat":                     func() { torch.Cat(list, 0) },
		"Stack":                   func() { torch.Stack(list, 0) },
		"HStack":                  func() { torch.HStack(list) },
		"VStack":                  func() { torch.VStack(list) },
		"BlockDiag":               func() { torch.BlockDiag(list) },
		"Meshgrid":                func() { torch.Meshgrid(list, torch.MeshgridIJ) },
		"Einsum":                  func() { torch.Einsum("i,i->i", list) },
		"ForeachNorm":             func() { torch.ForeachNorm(list, 2) },
		"ForeachAddScalarInPlace": func() { torch.ForeachAddScalarInPlace(list, 1) },
		"FlattenDenseTensors":     func() { torch.FlattenDenseTensors(list) },
		"Grads":                   func() { torch.Grads(list) },
		"Backward":                func() { torch.Backward(list, torch.BackwardOptions{}) },
		"Gradients":               func() { torch.Gradients([]*torch.Tensor{x.Sum()}, list, torch.BackwardOptions{}) },
		"FusedSGDInPlace":         func() { torch.FusedSGDInPlace(list, list, nil, torch.FusedSGDOptions{LearningRate: 1}) },
	} {
		failed := failure(t, use)
		assert.ErrorIs(t, failed, torch.ErrInvalid, name)
		assert.Equal(t, name, failed.Operation)
		assert.Equal(t, "tensor 1 of the list is nil", failed.Message, name)
	}
	y := torch.Ones(torch.Shape{2})
	assert.Equal(t, []float32{1, 1}, y.Index(nil).Float32s(), "a nil index is the whole dimension")
	assert.Equal(t, []float32{3, 3}, y.IndexPutInPlace(torch.Scalar(3), nil).Float32s())
	assert.Equal(t, []float32{4, 4}, y.IndexPutAddInPlace(torch.Scalar(1), nil).Float32s())
	assert.Equal(t, "2 indices for 1 dimension", failure(t, func() { y.Index(nil, nil) }).Message)
}

func TestGeneratorMayBeLeftOut(t *testing.T) {
	generator, err := torch.NewGenerator(torch.CPU, 1)
	assert.NoError(t, err)
	defer generator.Close()
	x := torch.Full(torch.Shape{4}, 0.5)
	assert.Len(t, x.Bernoulli().Float32s(), 4)
	assert.Len(t, x.Bernoulli(nil).Float32s(), 4)
	assert.Len(t, x.Bernoulli(generator).Float32s(), 4)
	failed := failure(t, func() { x.Bernoulli(generator, generator) })
	assert.Equal(t, "one generator wanted, got 2", failed.Message)
	assert.ErrorIs(t, generator.SetState(x), torch.ErrInvalid)
	assert.ErrorIs(t, generator.SetState(nil), torch.ErrInvalid)
	assert.ErrorIs(t, (*torch.Generator)(nil).SetState(x), torch.ErrInvalid)
}
