package torch_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestMatMulPrecisionIsKept(t *testing.T) {
	before := torch.Float32MatMulPrecision()
	assert.Equal(t, torch.HighestPrecision, before, "PyTorch's default")
	t.Cleanup(func() { require.NoError(t, torch.SetFloat32MatMulPrecision(before)) })
	for precision, name := range map[torch.MatMulPrecision]string{
		torch.MediumPrecision: "medium", torch.HighPrecision: "high", torch.HighestPrecision: "highest",
	} {
		require.NoError(t, torch.SetFloat32MatMulPrecision(precision))
		assert.Equal(t, precision, torch.Float32MatMulPrecision())
		assert.Equal(t, name, precision.String())
	}
	assert.ErrorIs(t, torch.SetFloat32MatMulPrecision(7), torch.ErrInvalid)
	assert.Equal(t, "precision(7)", torch.MatMulPrecision(7).String())
}

func TestTF32SwitchesBoth(t *testing.T) {
	precision, convolutions := torch.Float32MatMulPrecision(), torch.CuDNNAllowTF32()
	t.Cleanup(func() {
		require.NoError(t, torch.SetFloat32MatMulPrecision(precision))
		require.NoError(t, torch.SetCuDNNAllowTF32(convolutions))
	})
	require.NoError(t, torch.SetTF32(true))
	assert.Equal(t, torch.HighPrecision, torch.Float32MatMulPrecision())
	assert.True(t, torch.CuDNNAllowTF32())
	require.NoError(t, torch.SetTF32(false))
	assert.Equal(t, torch.HighestPrecision, torch.Float32MatMulPrecision())
	assert.False(t, torch.CuDNNAllowTF32())
}

func TestCuDNNBenchmarkIsKept(t *testing.T) {
	assert.False(t, torch.CuDNNBenchmark(), "PyTorch's default")
	require.NoError(t, torch.SetCuDNNBenchmark(true))
	assert.True(t, torch.CuDNNBenchmark())
	require.NoError(t, torch.SetCuDNNBenchmark(false))
	assert.False(t, torch.CuDNNBenchmark())
}

func TestDeterministicFillsEmptyTensors(t *testing.T) {
	assert.False(t, torch.Deterministic())
	require.NoError(t, torch.SetDeterministic(true, torch.DeterministicOptions{}))
	t.Cleanup(func() { require.NoError(t, torch.SetDeterministic(false, torch.DeterministicOptions{})) })
	assert.True(t, torch.Deterministic())
	for _, value := range torch.Empty(torch.Shape{100}).Float32s() {
		assert.True(t, math.IsNaN(float64(value)))
	}
}
