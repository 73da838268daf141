package pins

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryPinHasHashes(t *testing.T) {
	for _, name := range []string{"default", "oldest", "newest"} {
		set, err := Named(name)
		require.NoError(t, err)
		for _, cuda := range []bool{false, true} {
			pins, err := set.Pins(cuda)
			require.NoError(t, err, name)
			assert.GreaterOrEqual(t, len(pins), 3)
			for _, pin := range pins {
				assert.NotEmpty(t, pin.SHA256, pin.Name)
			}
		}
		version, err := set.TorchVersion()
		require.NoError(t, err)
		assert.Regexp(t, `^2\.\d+\.\d+$`, version)
	}
	_, err := Named("middle")
	assert.ErrorContains(t, err, `"middle"`)
}

func TestPinsAreParsed(t *testing.T) {
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	set := Set{
		CPU:  "# a comment\ntorch==2.13.0 \\\n    --hash=sha256:" + one + " \\\n    --hash=sha256:" + two + "\n",
		CUDA: "cu-da==1.0 --hash=sha256:" + two + "\n",
	}
	pins, err := set.Pins(true)
	require.NoError(t, err)
	assert.Equal(t, []Pin{{"torch", "2.13.0", []string{one, two}}, {"cu-da", "1.0", []string{two}}}, pins)
	assert.NotEqual(t, set.Digest(true), set.Digest(false))

	for _, text := range []string{"torch", "torch==2.13.0", "torch>=2 --hash=sha256:" + one, "torch==2 --hash=sha256:12"} {
		_, err := Set{CPU: text}.Pins(false)
		assert.ErrorContains(t, err, "pins no version with hashes", text)
	}
	_, err = Set{CPU: "other==2.13.0 --hash=sha256:" + one}.TorchVersion()
	assert.ErrorContains(t, err, "no torch")
}
