package imageio

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// TestTheCauseOfATIFFsFailure is what is told, and not what libtiff says before it and goes on.
func TestTheCauseOfATIFFsFailure(t *testing.T) {
	if cpicture.TIFFLibrary() == "" {
		t.Skip("there is no libtiff")
	}
	data, err := os.ReadFile(filepath.Join("testdata", "formats", "lzw_L.tif"))
	require.NoError(t, err)
	require.Equal(t, "II", string(data[:2]))
	order := binary.LittleEndian
	directory := data[order.Uint32(data[4:]):]
	found := false
	for i := range int(order.Uint16(directory)) {
		entry := directory[2+12*i:][:12]
		if order.Uint16(entry) == tiffStripByteCounts {
			require.EqualValues(t, 1, order.Uint32(entry[4:]), "strips")
			order.PutUint16(entry[2:], 4) // a LONG
			order.PutUint32(entry[8:], 1<<30)
			found = true
		}
	}
	require.True(t, found)
	_, err = Decode(bytes.NewReader(data), Options{})
	require.ErrorIs(t, err, ErrCorrupt)
	assert.NotContains(t, err.Error(), "Limiting")
	assert.Regexp(t, "Read error at scanline|too early", err.Error())
}
