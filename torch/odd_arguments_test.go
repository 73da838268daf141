package torch_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

// TestNilFunctions: each function that calls one says that it is nil, under its own name.
func TestNilFunctions(t *testing.T) {
	x := torch.Ones(torch.Shape{2})
	for name, use := range map[string]func() error{
		"Scope":                 func() error { torch.Scope(nil); return nil },
		"Compute":               func() error { return torch.Compute(t.Context(), nil) },
		"Try":                   func() error { return torch.Try(nil) },
		"NoGrad":                func() error { torch.NoGrad(nil); return nil },
		"EnableGrad":            func() error { torch.EnableGrad(nil); return nil },
		"InferenceMode":         func() error { torch.InferenceMode(nil); return nil },
		"Autocast":              func() error { torch.Autocast(torch.AutocastOptions{}, nil); return nil },
		"NoAutocast":            func() error { torch.NoAutocast(torch.CPU, nil); return nil },
		"RegisterHook":          func() error { x.RegisterHook(nil); return nil },
		"Jacobian":              func() error { torch.Jacobian(nil, []*torch.Tensor{x}); return nil },
		"Hessian":               func() error { torch.Hessian(nil, []*torch.Tensor{x}); return nil },
		"HessianVectorProduct":  func() error { torch.HessianVectorProduct(nil, []*torch.Tensor{x}, []*torch.Tensor{x}); return nil },
		"JacobianVectorProduct": func() error { torch.JacobianVectorProduct(nil, []*torch.Tensor{x}, []*torch.Tensor{x}); return nil },
		"Gradcheck":             func() error { return torch.Gradcheck(nil, []*torch.Tensor{x}, torch.GradcheckOptions{}) },
		"GradGradcheck":         func() error { return torch.GradGradcheck(nil, []*torch.Tensor{x}, torch.GradcheckOptions{}) },
		"RetryOutOfMemory":      func() error { return torch.RetryOutOfMemory(nil) },
	} {
		err := torch.Try(use)
		assert.ErrorIs(t, err, torch.ErrInvalid, name)
		assert.EqualError(t, err, "torch: "+name+": the function is nil")
	}
	assert.True(t, torch.GradEnabled())
}

func TestOddNumbers(t *testing.T) {
	x, weight := torch.Ones(torch.Shape{1, 2, 4, 4}), torch.Ones(torch.Shape{2, 2, 1, 1})
	for name, use := range map[string]func(){
		"MatrixPower": func() { torch.Eye(2, 2).MatrixPower(math.MinInt64) },
		"Conv1d":      func() { x.Conv1d(weight, nil, torch.ConvOptions{Groups: -1}) },
		"Conv2d":      func() { x.Conv2d(weight, nil, torch.ConvOptions{Groups: -1}) },
		"Conv3d":      func() { x.Conv3d(weight, nil, torch.ConvOptions{Groups: -1}) },
		"ConvTranspose2d": func() {
			x.ConvTranspose2d(weight, nil, torch.ConvTransposeOptions{ConvOptions: torch.ConvOptions{Groups: -1}})
		},
	} {
		failed := failure(t, use)
		assert.ErrorIs(t, failed, torch.ErrInvalid, name)
		assert.Equal(t, name, failed.Operation)
		assert.Contains(t, failed.Message, "wanted ", name)
	}
	assert.Equal(t, []float32{1, 0, 0, 1}, torch.Eye(2, 2).MatrixPower(math.MinInt64+1).Float32s())
}

// TestAdviceKeepsTheElements: what a message advises for a dtype without an operator loses nothing.
func TestAdviceKeepsTheElements(t *testing.T) {
	for dtype, advice := range map[torch.DType]string{
		torch.Uint16: "To(torch.Int32)", torch.Uint32: "To(torch.Int64)", torch.Uint64: "To(torch.Int64), which holds numbers below 2^63",
	} {
		x := torch.Ones(torch.Shape{1}, dtype)
		assert.Contains(t, failure(t, func() { x.Add(x) }).Message, advice)
	}
}
