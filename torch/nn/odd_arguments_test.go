package nn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/nn"
)

func TestOddArguments(t *testing.T) {
	x := torch.Ones(torch.Shape{1, 2})
	for want, use := range map[string]func(){
		"nn.Parameters: an int is no module":          func() { nn.Parameters(3) },
		"nn.Parameters: a *string is no module":       func() { nn.Parameters(new(string)) },
		"nn.StateDict: a string is no module":         func() { nn.StateDict("network") },
		"nn.Sequential: layer 1 is nil":               func() { nn.Sequential{nn.Identity{}, nil}.Forward(x) },
		"nn.Func: the function is nil":                func() { nn.Func(nil).Forward(x) },
		"nn.NewConv2d: the options have -1 Groups":    func() { nn.NewConv2d(2, 2, []int64{1}, nn.ConvOptions{Groups: -1}) },
		"nn.NewConvTranspose2d: the options have -2 ": func() { nn.NewConvTranspose2d(2, 2, []int64{1}, nn.ConvTransposeOptions{Groups: -2}) },
	} {
		err := torch.Try(func() error { use(); return nil })
		assert.ErrorIs(t, err, torch.ErrInvalid, want)
		assert.ErrorContains(t, err, want)
	}
	assert.Empty(t, nn.Parameters(nn.ReLU{}), "a layer without tensors")
	assert.Empty(t, nn.Parameters(nn.Sequential{}))
}
