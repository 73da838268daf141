package torch_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clipvqgan/clipvqgan/torch"
)

// An indexMaker reads a tensor's shape and indices from bytes, and works out beside them what the
// result's shape must be.
type indexMaker struct{ data []byte }

func (m *indexMaker) number(below int) int {
	if len(m.data) == 0 {
		return 0
	}
	b := m.data[0]
	m.data = m.data[1:]
	return int(b) % below
}

// place is a position in a dimension, rarely one that is not there.
func (m *indexMaker) place(size int64) int64 {
	place := int64(m.number(40))
	switch {
	case place == 39:
		return -9223372036854775808
	case place == 38:
		return 9223372036854775807
	case place >= 36 || size == 0:
		return place - 37 + size
	}
	return place%(2*size) - size
}

// A modelIndex is one index, beside it what the model knows of it.
type modelIndex struct {
	index any
	// kind is "int", "range", "ellipsis", "axis", "places" or "mask".
	kind string
	// takes is how many of the tensor's dimensions it stands for.
	takes       int
	place       int64
	start, stop int64
	step        int64
	places      []int64
	shape       []int64 // of places or mask
	count       int64   // of what is true in a mask
}

func (m *indexMaker) index(size int64) modelIndex {
	switch m.number(12) {
	case 0, 1:
		place := m.place(size)
		return modelIndex{index: place, kind: "int", takes: 1, place: place}
	case 2, 3:
		start, stop, step := m.place(size), m.place(size), int64(m.number(3)+1)
		return modelIndex{index: torch.Range(start, stop, step), kind: "range", takes: 1, start: start, stop: stop, step: step}
	case 4:
		return modelIndex{index: torch.All, kind: "range", takes: 1, stop: torch.End, step: 1}
	case 5:
		return modelIndex{index: torch.Ellipsis, kind: "ellipsis"}
	case 6:
		return modelIndex{index: torch.NewAxis, kind: "axis"}
	case 7:
		on := m.number(2) == 1
		index := modelIndex{index: on, kind: "mask", shape: []int64{}}
		if on {
			index.count = 1
		}
		return index
	case 8, 9:
		return m.mask(size)
	}
	shape := [][]int64{{2}, {1}, {3}, {2, 1}, {0}, {1, 2}}[m.number(6)]
	index := modelIndex{kind: "places", takes: 1, shape: shape}
	for range numberOfElements(shape) {
		index.places = append(index.places, m.place(size))
	}
	index.index = torch.FromSlice(index.places, shape)
	return index
}

// mask is over one dimension of the given size, or over two, which seldom fit.
func (m *indexMaker) mask(size int64) modelIndex {
	shape := []int64{size}
	if m.number(3) == 0 {
		shape = []int64{size, int64(m.number(4))}
	}
	index := modelIndex{kind: "mask", takes: len(shape), shape: shape}
	mask := make([]bool, numberOfElements(shape))
	for i := range mask {
		if mask[i] = m.number(2) == 1; mask[i] {
			index.count++
		}
	}
	index.index = torch.FromSlice(mask, shape)
	return index
}

func numberOfElements(shape []int64) int64 {
	count := int64(1)
	for _, size := range shape {
		count *= size
	}
	return count
}

// shapeOf is the shape of a tensor's part, and whether there is such a part.
func shapeOf(shape []int64, indices []modelIndex) (result []int64, ok bool) {
	taken, ellipses := 0, 0
	for _, index := range indices {
		taken += index.takes
		if index.kind == "ellipsis" {
			ellipses++
		}
	}
	if taken > len(shape) || ellipses > 1 {
		return nil, false
	}
	// One entry for each dimension that is left, in order; -1 where one is picked from by places.
	const picked = -1
	var left []int64
	joint, found := []int64{}, false
	rest := shape
	for _, index := range indices {
		switch index.kind {
		case "ellipsis":
			covered := len(shape) - taken
			left = append(left, rest[:covered]...)
			rest = rest[covered:]
			continue
		case "axis":
			left = append(left, 1)
		case "int":
			if size := rest[0]; index.place < -size || index.place >= size {
				return nil, false
			}
		case "range":
			left = append(left, rangeLength(rest[0], index))
		case "places":
			for _, place := range index.places {
				if size := rest[0]; place < -size || place >= size {
					return nil, false
				}
			}
			if joint, ok = broadcast(joint, index.shape); !ok {
				return nil, false
			}
			found = true
			left = append(left, picked)
		case "mask":
			if !slices.Equal(index.shape, rest[:index.takes]) {
				return nil, false
			}
			if joint, ok = broadcast(joint, []int64{index.count}); !ok {
				return nil, false
			}
			found = true
			for range max(1, index.takes) { // a single bool picks from a dimension of its own
				left = append(left, picked)
			}
		}
		rest = rest[index.takes:]
	}
	left = append(left, rest...)
	if !found {
		return left, true
	}
	// The picked dimensions' own shape stands where they stood if that is one place, else in front.
	first := slices.Index(left, picked)
	last := len(left) - 1
	for left[last] != picked {
		last--
	}
	kept := slices.DeleteFunc(slices.Clone(left), func(size int64) bool { return size == picked })
	if len(left)-len(kept) < last-first+1 {
		first = 0
	}
	return slices.Insert(kept, first, joint...), true
}

func rangeLength(size int64, index modelIndex) int64 {
	from := func(end int64) int64 {
		if end < 0 {
			end += size
		}
		return min(max(end, 0), size)
	}
	start, stop := from(index.start), from(index.stop)
	return (max(stop-start, 0) + index.step - 1) / index.step
}

func broadcast(a, b []int64) ([]int64, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	result := slices.Clone(a)
	for i := range b {
		at := len(a) - len(b) + i
		switch {
		case result[at] == 1:
			result[at] = b[i]
		case b[i] != 1 && b[i] != result[at]:
			return nil, false
		}
	}
	return result, true
}

// Whatever the indices are, the part has the model's shape, or there is a *torch.Error.
func FuzzIndexing(f *testing.F) {
	for _, seed := range []string{
		"", "\x02\x03\x04\x01\x00\x02", "\x03\x02\x03\x02\x03\x05\x0a\x01\x00\x0a\x02\x07\x01",
		"\x02\x03\x03\x02\x08\x01\x01\x00\x01\x06", "\x03\x01\x02\x03\x02\x0a\x00\x03\x04\x02\x01\x01\x0a\x00\x00\x01",
		"\x01\x03\x01\x00\x27", "\x02\x02\x02\x01\x08\x00\x01\x01\x01\x00\x01",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkIndexing(t, data) })
}

// The same for bytes at random, most of which name a part.
func TestIndexingAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	parts := 0
	for range 3000 {
		data := make([]byte, 60)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		if checkIndexing(t, data) {
			parts++
		}
	}
	if parts < 1000 {
		t.Errorf("only %d of the indices named a part", parts)
	}
}

// checkIndexing compares At with the model, and reports whether the indices name a part.
func checkIndexing(t *testing.T, data []byte) (ok bool) {
	m := indexMaker{data}
	shape := make([]int64, m.number(5))
	for i := range shape {
		shape[i] = int64(m.number(5))
	}
	var indices []modelIndex
	var given []any
	place := 0
	for range m.number(6) {
		size := int64(1)
		if place < len(shape) {
			size = shape[place]
		}
		index := m.index(size)
		indices, given = append(indices, index), append(given, index.index)
		place += index.takes
	}
	if misplacesMasks() && len(given) > 1 && slices.ContainsFunc(given, isWideMask) {
		return
	}
	want, ok := shapeOf(shape, indices)
	torch.Scope(func(*torch.TensorScope) {
		x := torch.Arange(0, numberOfElements(shape), 1).View(shape)
		var part *torch.Tensor
		err := torch.Try(func() error {
			part = x.At(given...)
			return nil
		})
		if (err == nil) != ok {
			// Places outside of a part that has no elements need not be looked at.
			if !ok && err == nil && part.NumElements() == 0 {
				return
			}
			t.Fatalf("%v at %v: %v, the model says %t", shape, given, err, ok)
		}
		if err != nil {
			return
		}
		if !slices.Equal(part.Shape(), want) {
			t.Fatalf("%v at %v is %v, wanted %v", shape, given, part.Shape(), want)
		}
		// What is written is what is read afterwards.
		x.SetAt(-5, given...)
		if read := x.At(given...); !read.Equal(read.FullLike(-5)) {
			t.Fatalf("%v at %v was set to -5 and is %v", shape, given, read)
		}
		if set := x.LtScalar(0).Sum().ItemInt64(); set > part.NumElements() {
			t.Fatalf("%v at %v: %d elements were set, the part has %d", shape, given, set, part.NumElements())
		}
	})
	return ok
}

// isWideMask reports whether an index is a mask of several dimensions.
func isWideMask(index any) bool {
	mask, ok := index.(*torch.Tensor)
	return ok && mask.DType() == torch.Bool && mask.Dim() > 1
}
