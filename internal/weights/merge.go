package weights

import (
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Merge adds the tensors of another set, with prefix before their names.
func (s *Set) Merge(prefix string, other *Set) {
	for _, name := range other.names {
		entry := other.entries[name]
		entry.Name = prefix + name
		s.Add(entry)
	}
}

// Reshape gives a tensor another shape, with -1 for a size that follows from the others. It does
// nothing if there is none of the name, or if the sizes do not fit.
func (s *Set) Reshape(name string, shape ...int64) {
	entry, ok := s.entries[name]
	if !ok {
		return
	}
	shape = slices.Clone(shape)
	elements, known, free := product(entry.Shape), int64(1), -1
	for i, size := range shape {
		if size < 0 {
			free = i
		} else {
			known *= size
		}
	}
	if free >= 0 && known > 0 {
		shape[free] = elements / known
	}
	if product(shape) != elements {
		return
	}
	original := entry
	entry.Shape = shape
	entry.Read = func() (*torch.Tensor, error) {
		return derive([]Entry{original}, func(all []*torch.Tensor) *torch.Tensor { return all[0].Reshape(shape) })
	}
	s.entries[name] = entry
}

func product(shape []int64) int64 {
	elements := int64(1)
	for _, size := range shape {
		elements *= size
	}
	return elements
}
