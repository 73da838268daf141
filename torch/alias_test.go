package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// added is by how much f raises the count of native bytes. What other tests left behind may be
// freed meanwhile, which lowers it, so the largest of some tries counts.
func added(f func() *torch.Tensor) int64 {
	var most int64
	for range 5 {
		before := torch.NativeBytes()
		x := f()
		most = max(most, torch.NativeBytes()-before)
		x.Close()
	}
	return most
}

func TestOnlyNewMemoryIsCounted(t *testing.T) {
	const megabyte = 1 << 20
	x := torch.Ones(torch.Shape{megabyte / 4})
	module := loadModule(t, "values.pt")
	for name, call := range map[string]func() *torch.Tensor{
		"alias":      x.Alias,
		"contiguous": x.Contiguous,
		"view":       func() *torch.Tensor { return x.View(torch.Shape{2, megabyte / 8}) },
		"to itself":  func() *torch.Tensor { return x.To(torch.CPU) },
	} {
		assert.Less(t, added(call), int64(megabyte/2), name)
	}
	for name, call := range map[string]func() *torch.Tensor{
		"clone": x.Clone,
		"sum":   func() *torch.Tensor { return x.Add(x) },
		"module": func() *torch.Tensor {
			y, err := module.Forward(x)
			require.NoError(t, err)
			return y
		},
	} {
		assert.GreaterOrEqual(t, added(call), int64(megabyte), name)
	}
}
