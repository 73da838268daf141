package checkpoint

import (
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Save writes value to a file that Python's torch.load can read, also with weights_only=True. value
// may consist of the values that [Load] returns. Besides, int is an integer, map[string]any a dict
// sorted by key, and []*torch.Tensor, []int, []int64, []float64 and []string are lists. Any
// other value is an error.
//
// Tensors that share memory share it in the file. As in Python, the whole memory that a view
// belongs to is written; save a copy ([torch.Tensor.Clone]) of a small part of a large tensor.
// Tensors on a GPU are written as CPU tensors, so that any machine can read the file. The file is
// replaced only when it has been written completely.
func Save(path string, value any) error {
	const operation = "Save"
	contents, err := newSaver(operation, value)
	if err != nil {
		return err
	}
	defer contents.close()
	if err := atomicfile.Write(path, contents.write); err != nil {
		return fmt.Errorf("torch: checkpoint.%s: %s cannot be written: %w", operation, path, err)
	}
	return nil
}

// Write is [Save] to a stream.
func Write(w io.Writer, value any) error {
	const operation = "Write"
	if w == nil {
		return &torch.Error{Operation: "checkpoint." + operation, Kind: torch.ErrInvalid, Message: "the writer is nil"}
	}
	contents, err := newSaver(operation, value)
	if err != nil {
		return err
	}
	defer contents.close()
	if err := contents.write(w); err != nil {
		return fmt.Errorf("torch: checkpoint.%s: %w", operation, err)
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
