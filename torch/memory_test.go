package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
)

func TestMemoryIsBoundedWithoutClose(t *testing.T) {
	var after10th int64
	const rounds = 2000
	for i := range rounds {
		// 4 MiB each, 8 GiB in all.
		torch.Ones(torch.Shape{1 << 20})
		if i == rounds/10 {
			after10th = testkit.ResidentBytes(t)
		}
	}
	// Between two collections there are 32 MiB of garbage or half of what is in use, and more where
	// freeing lags behind.
	assert.Less(t, testkit.ResidentBytes(t)-after10th, int64(128<<20))
	assert.Less(t, torch.NativeBytes(), int64(256<<20))
}

func TestSmallTensorsAreBoundedToo(t *testing.T) {
	for range 300_000 {
		torch.Scalar(1)
	}
	assert.Less(t, torch.NativeBytes(), int64(256<<20))
}

func TestCloseFreesAtOnce(t *testing.T) {
	x := torch.Ones(torch.Shape{1 << 20})
	open := torch.NativeBytes()
	x.Close()
	// What other tests left behind can only shrink meanwhile.
	assert.GreaterOrEqual(t, open-torch.NativeBytes(), int64(4<<20))
}
