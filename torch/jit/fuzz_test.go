package jit_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// harmless checks that an archive made from tiny.pt's is refused with an error, or that its damage
// is of no account: the module computes what it did.
func harmless(t *testing.T, data []byte) {
	module, err := jit.Read(bytes.NewReader(data))
	if err != nil {
		assert.ErrorIs(t, err, torch.ErrModel)
		return
	}
	defer module.Close()
	y, err := module.Forward(torch.FromSlice([]float32{1, 2}, torch.Shape{1, 2}))
	require.NoError(t, err)
	assert.Equal(t, []float32{4.5, 10.5}, y.Float32s())
	require.NoError(t, module.Write(&bytes.Buffer{}))
}

// FuzzModule loads what the fuzzer makes of an archive. Run it with -fuzzminimizetime=10x: the
// archive's records are looked at in no fixed order, which the fuzzer would take to be of interest.
func FuzzModule(f *testing.F) {
	whole := readTestFile(f, "tiny.pt")
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("PK\x03\x04"))
	f.Add(readTestFile(f, "state_dict.pt"))
	f.Fuzz(harmless)
}

// FuzzDamagedModule flips some bits of an archive, and cuts a piece out.
func FuzzDamagedModule(f *testing.F) {
	whole := readTestFile(f, "tiny.pt")
	place := func(offset uint16) int { return int(offset) % len(whole) }
	f.Add(uint16(0), byte(0), uint16(0), byte(0), uint16(0), uint16(0))
	f.Add(uint16(len(whole)-100), byte(0x10), uint16(100), byte(1), uint16(200), uint16(10))
	f.Fuzz(func(t *testing.T, at uint16, flip byte, at2 uint16, flip2 byte, from, cut uint16) {
		data := slices.Clone(whole)
		data[place(at)] ^= flip
		data[place(at2)] ^= flip2
		begin := place(from)
		harmless(t, slices.Delete(data, begin, min(begin+int(cut), len(data))))
	})
}
