package checkpoint

import (
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
)

// Save writes a file that Python's torch.load reads, with weights_only=True too: a tensor, a [torch.Dict]
// of tensors (a state dict), a checkpoint, or whatever else is made of the values that [Load] gives.
// Beside these, int is a whole number, map[string]any a dict with its keys sorted, and []*Tensor,
// []int, []int64, []float64 and []string are lists.
//
// Tensors that share their memory share it in the file. As in Python, all of the memory that a view
// lies in is written: Save a copy ([torch.Tensor.Clone]) of a small part of something large. Tensors on a
// GPU are written as if they were on the CPU, so that any machine can read the file. The file appears
// whole or not at all.
func Save(path string, value any) error {
	const operation = "Save"
	contents, err := newSaver(operation, value)
	if err != nil {
		return err
	}
	defer contents.close()
	if err := atomicfile.Write(path, contents.write); err != nil {
		return fmt.Errorf("checkpoint: %s: %s cannot be written: %w", operation, path, err)
	}
	return nil
}

// Write is [Save] to a stream.
func Write(w io.Writer, value any) error {
	const operation = "Write"
	contents, err := newSaver(operation, value)
	if err != nil {
		return err
	}
	defer contents.close()
	if err := contents.write(w); err != nil {
		return fmt.Errorf("checkpoint: %s: %w", operation, err)
	}
	return nil
}

func newSaver(operation string, value any) (*saver, error) {
	s := &saver{operation: operation, known: map[savedStorage]int{}}
	if err := s.pickle(value); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}
