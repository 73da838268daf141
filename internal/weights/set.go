// Package weights reads the named tensors of published checkpoints, whatever file they come in, and
// gives them to the networks of package architecture.
package weights

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/torch"
)

// An Entry is a tensor of a checkpoint that is read when it is used.
type Entry struct {
	Name  string
	Shape torch.Shape
	DType torch.DType
	// Read returns the tensor, which then belongs to the caller.
	Read func() (*torch.Tensor, error)
}

// A Set is the tensors of a checkpoint by name.
type Set struct {
	// Path is the checkpoint, for errors.
	Path    string
	entries map[string]Entry
	// names are the names in the order of the file.
	names []string

	// Progress, if it is not nil, is called after each tensor that a network has taken. Its error is
	// that of Check.
	Progress func(done, total int) error

	used map[string]bool
	// ignored and read are numbers of tensors.
	ignored, read int

	problems []string
	err      error
	// shapesOnly says that no tensor is read.
	shapesOnly bool
}

// NewSet returns a set of entries.
func NewSet(path string, entries []Entry) *Set {
	s := &Set{Path: path, entries: map[string]Entry{}, used: map[string]bool{}}
	for _, entry := range entries {
		s.Add(entry)
	}
	return s
}

// Add adds an entry, or replaces the one of its name.
func (s *Set) Add(entry Entry) {
	if _, known := s.entries[entry.Name]; !known {
		s.names = append(s.names, entry.Name)
	}
	s.entries[entry.Name] = entry
}

// Names returns the names in the order of the file.
func (s *Set) Names() []string { return s.names }

// Has reports whether there is a tensor of the name.
func (s *Set) Has(name string) bool {
	_, ok := s.entries[name]
	return ok
}

// HasPrefix reports whether there is a tensor whose name begins with prefix.
func (s *Set) HasPrefix(prefix string) bool {
	return slices.ContainsFunc(s.names, func(name string) bool { return strings.HasPrefix(name, prefix) })
}

// Shape returns the shape of a tensor, or nil if there is none of the name.
func (s *Set) Shape(name string) torch.Shape { return s.entries[name].Shape }

// Size returns the size of a tensor's dimension, or 0 if there is none.
func (s *Set) Size(name string, dimension int) int64 {
	shape := s.Shape(name)
	if dimension < 0 {
		dimension += len(shape)
	}
	if dimension < 0 || dimension >= len(shape) {
		return 0
	}
	return shape[dimension]
}

// Count returns the number of submodules of a list: of different names between prefix and the next
// dot.
func (s *Set) Count(prefix string) int64 {
	seen := map[string]bool{}
	for _, name := range s.names {
		if rest, ok := strings.CutPrefix(name, prefix+"."); ok {
			item, _, _ := strings.Cut(rest, ".")
			seen[item] = true
		}
	}
	return int64(len(seen))
}

// Rename returns a set of the same tensors under new names. Tensors whose new name is empty are
// left out.
func (s *Set) Rename(rename func(name string) string) *Set {
	renamed := NewSet(s.Path, nil)
	for _, name := range s.names {
		if to := rename(name); to != "" {
			entry := s.entries[name]
			entry.Name = to
			renamed.Add(entry)
		}
	}
	return renamed
}

// Within returns the tensors whose names begin with prefix, without it.
func (s *Set) Within(prefix string) *Set {
	return s.Rename(func(name string) string {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			return ""
		}
		return rest
	})
}

// Ignore counts tensors as used.
func (s *Set) Ignore(names ...string) {
	for _, name := range names {
		if s.Has(name) && !s.used[name] {
			s.used[name] = true
			s.ignored++
		}
	}
}

// WithoutReading makes Tensor check names and shapes alone, and returns the set.
func (s *Set) WithoutReading() *Set {
	s.shapesOnly = true
	return s
}

// Read reads one tensor, and counts it as used.
func (s *Set) Read(name string) (*torch.Tensor, error) {
	entry, ok := s.entries[name]
	if !ok {
		return nil, fmt.Errorf("it has no %s", name)
	}
	s.used[name] = true
	return entry.Read()
}

// Tensor implements [architecture.Weights]. A missing batch counter, which has no part in what a
// network computes, is zero.
func (s *Set) Tensor(name string, shape torch.Shape, initial architecture.Initial) *torch.Tensor {
	entry, ok := s.entries[name]
	if !ok && strings.HasSuffix(name, ".num_batches_tracked") {
		return torch.Zeros(shape, torch.Int64)
	}
	if !ok {
		s.problems = append(s.problems, "it has no "+name)
		return nil
	}
	s.used[name] = true
	if !slices.Equal(entry.Shape, shape) {
		s.problems = append(s.problems, fmt.Sprintf("%s is %v, wanted %v", name, entry.Shape, shape))
		return nil
	}
	if (!entry.DType.IsFloatingPoint() || entry.DType.ItemSize() < 2) && !strings.HasSuffix(name, ".num_batches_tracked") {
		s.problems = append(s.problems, fmt.Sprintf("%s is %s, wanted float16, bfloat16, float32 or float64", name, entry.DType))
		return nil
	}
	if s.err != nil || len(s.problems) > 0 || s.shapesOnly {
		return nil // the network will not be made
	}
	t, err := entry.Read()
	if err != nil {
		s.err = err
		return nil
	}
	if s.Progress != nil {
		s.read++
		s.err = s.Progress(s.read, len(s.entries)-s.ignored)
	}
	return t
}

// mostProblems is the number of problems that an error lists.
const mostProblems = 3

// Check returns an error if tensors were missing, misshapen or unreadable, or if some were not used.
func (s *Set) Check() error {
	if s.err != nil {
		return s.err
	}
	problems := s.problems
	for _, name := range s.names {
		if !s.used[name] {
			problems = append(problems, "nothing in the architecture takes its "+name)
		}
	}
	if len(problems) > mostProblems {
		problems = append(slices.Clone(problems[:mostProblems]), fmt.Sprintf("and %d more", len(problems)-mostProblems))
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s: %w", strings.Join(problems, "; "), torch.ErrModel)
	}
	return nil
}

// Fresh are weights with initial values.
type Fresh struct{}

// Tensor implements [architecture.Weights].
func (Fresh) Tensor(name string, shape torch.Shape, initial architecture.Initial) *torch.Tensor {
	if strings.HasSuffix(name, ".num_batches_tracked") {
		return torch.Zeros(shape, torch.Int64)
	}
	t := torch.Empty(shape)
	initial(t)
	return t
}

// Check returns nil: nothing is lacking.
func (Fresh) Check() error { return nil }

// Transpose replaces a matrix by its transpose, under a new name. It does nothing if there is none.
func (s *Set) Transpose(from, to string) {
	entry, ok := s.entries[from]
	if !ok || len(entry.Shape) != 2 {
		return
	}
	s.Remove(from)
	s.Add(Entry{Name: to, Shape: torch.Shape{entry.Shape[1], entry.Shape[0]}, DType: entry.DType,
		Read: func() (*torch.Tensor, error) {
			return derive([]Entry{entry}, func(all []*torch.Tensor) *torch.Tensor { return all[0].T().Contiguous() })
		}})
}

// Concatenate replaces tensors by one that joins them along their first dimension. It does nothing
// if one is missing, or if their other dimensions differ.
func (s *Set) Concatenate(to string, from ...string) {
	var parts []Entry
	var shape torch.Shape
	for _, name := range from {
		entry, ok := s.entries[name]
		if !ok || len(entry.Shape) == 0 {
			return
		}
		if shape == nil {
			shape = append(torch.Shape{0}, entry.Shape[1:]...)
		}
		if !slices.Equal(shape[1:], entry.Shape[1:]) {
			return
		}
		shape[0] += entry.Shape[0]
		parts = append(parts, entry)
	}
	for _, name := range from {
		s.Remove(name)
	}
	s.Add(Entry{Name: to, Shape: shape, DType: parts[0].DType, Read: func() (*torch.Tensor, error) {
		return derive(parts, func(all []*torch.Tensor) *torch.Tensor { return torch.Cat(all, 0) })
	}})
}

// Remove removes a tensor.
func (s *Set) Remove(name string) {
	delete(s.entries, name)
	s.names = slices.DeleteFunc(slices.Clone(s.names), func(other string) bool { return other == name })
}

// derive reads tensors, and closes them after make has used them.
func derive(from []Entry, make func([]*torch.Tensor) *torch.Tensor) (made *torch.Tensor, err error) {
	var all []*torch.Tensor
	defer func() {
		for _, t := range all {
			t.Close()
		}
	}()
	for _, entry := range from {
		t, err := entry.Read()
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	err = torch.Try(func() error {
		made = make(all)
		return nil
	})
	return made, err
}

// DType returns the dtype of a tensor.
func (s *Set) DType(name string) torch.DType { return s.entries[name].DType }

// Split replaces a tensor by parts of its first dimension with the sizes. It does nothing if there
// is none, or if the sizes do not add up.
func (s *Set) Split(name string, to []string, sizes []int64) {
	entry, ok := s.entries[name]
	var total int64
	for _, size := range sizes {
		total += size
	}
	if !ok || len(entry.Shape) == 0 || entry.Shape[0] != total {
		return
	}
	s.Remove(name)
	start := int64(0)
	for i, size := range sizes {
		from := start
		s.Add(Entry{Name: to[i], Shape: append(torch.Shape{size}, entry.Shape[1:]...), DType: entry.DType,
			Read: func() (*torch.Tensor, error) {
				return derive([]Entry{entry}, func(all []*torch.Tensor) *torch.Tensor {
					return all[0].Slice(0, from, from+size, 1).Clone()
				})
			}})
		start += size
	}
}
