// Package loaded loads the small models once for all tests of a program, since loading takes longer
// than most tests. Tests must not close or change them.
package loaded

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

var (
	mutex  sync.Mutex
	clips  = map[torch.Device]*clip.Model{}
	vqgans = map[torch.Device]*vqgan.Model{}
)

// CLIP returns the small CLIP in float32 on a device.
func CLIP(t testing.TB, device torch.Device) *clip.Model {
	t.Helper()
	return once(t, clips, device, models.CLIP)
}

// VQGAN returns the small VQGAN in float32 on a device.
func VQGAN(t testing.TB, device torch.Device) *vqgan.Model {
	t.Helper()
	return once(t, vqgans, device, models.VQGAN)
}

func once[M any](t testing.TB, kept map[torch.Device]*M, device torch.Device, load func(...torch.Option) (*M, error)) *M {
	t.Helper()
	mutex.Lock()
	defer mutex.Unlock()
	if kept[device] == nil {
		model, err := load(device)
		require.NoError(t, err)
		kept[device] = model
	}
	return kept[device]
}
