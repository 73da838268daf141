package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestAutocast(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := torch.Ones(torch.Shape{2, 2}, device)
		standard := torch.BFloat16
		if device.IsCUDA() {
			standard = torch.Float16
		}
		torch.Autocast(torch.AutocastOptions{Device: device}, func() {
			dtype, on := torch.AutocastEnabled(device)
			assert.True(t, on)
			assert.Equal(t, standard, dtype)
			assert.Equal(t, standard, x.MatMul(x).DType())
			assert.Equal(t, torch.Float32, x.Add(x).DType(), "what gains nothing stays")
			torch.NoAutocast(device, func() {
				assert.Equal(t, torch.Float32, x.MatMul(x).DType())
				torch.Autocast(torch.AutocastOptions{Device: device, DType: torch.BFloat16, NoCache: true}, func() {
					assert.Equal(t, torch.BFloat16, x.MatMul(x).DType())
				})
				_, on := torch.AutocastEnabled(device)
				assert.False(t, on)
			})
			assert.Equal(t, standard, x.MatMul(x).DType())
			done := make(chan torch.DType)
			go func() { done <- x.MatMul(x).DType() }()
			assert.Equal(t, torch.Float32, <-done, "another goroutine's setting is its own")
		})
		_, on := torch.AutocastEnabled(device)
		assert.False(t, on)
		assert.Equal(t, torch.Float32, x.MatMul(x).DType())
	})
	assert.Panics(t, func() { torch.Autocast(torch.AutocastOptions{}, func() { panic("f's own") }) })
	_, on := torch.AutocastEnabled(torch.CPU)
	assert.False(t, on, "also after a panic")
	failed := failure(t, func() { torch.Autocast(torch.AutocastOptions{DType: torch.Float64}, func() {}) })
	assert.ErrorIs(t, failed, torch.ErrInvalid)
	assert.Contains(t, failed.Message, "float64")
}

// TestAutocastSeesChangedWeights: the cast of a weight is kept no longer than the outermost Autocast.
func TestAutocastSeesChangedWeights(t *testing.T) {
	w := torch.Ones(torch.Shape{1, 1}).SetRequiresGrad(true)
	x := torch.Ones(torch.Shape{1, 1})
	product := func() (y float64) {
		torch.Autocast(torch.AutocastOptions{}, func() { y = x.MatMul(w).Item() })
		return y
	}
	assert.Equal(t, 1.0, product())
	torch.NoGrad(func() { w.FillInPlace(3) })
	assert.Equal(t, 3.0, product())
}
