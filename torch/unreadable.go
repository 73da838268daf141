package torch

import (
	"fmt"
	"strings"
)

// An UnreadableError says which tensors of a file were left out, because they are of kinds that libtorch
// does not have. It comes with those that were read: the file is whole.
type UnreadableError struct {
	// File is the file's name.
	File string
	// Names are the tensors that were left out, and Reasons why, in the same order.
	Names, Reasons []string
}

// Error is one line with each tensor and its reason.
func (e *UnreadableError) Error() string {
	parts := make([]string, len(e.Names))
	for i, name := range e.Names {
		parts[i] = fmt.Sprintf("%q: %s", name, e.Reasons[i])
	}
	return fmt.Sprintf("%s: left out %d of its tensors: %s", e.File, len(e.Names), strings.Join(parts, "; "))
}

// Unwrap hands back [ErrFormat], for errors.Is.
func (e *UnreadableError) Unwrap() error { return ErrFormat }

// Add notes one more tensor.
func (e *UnreadableError) Add(name, reason string) {
	e.Names, e.Reasons = append(e.Names, name), append(e.Reasons, reason)
}

// OrNil is the error, or nil where nothing was left out.
func (e *UnreadableError) OrNil() error {
	if len(e.Names) == 0 {
		return nil
	}
	return e
}
