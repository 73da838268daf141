package torch

import (
	"fmt"
	"strings"
)

// An UnreadableError lists the tensors of a file that were skipped because libtorch does not have
// their types. It is returned together with the others; the file is not damaged.
type UnreadableError struct {
	// File is the file's name.
	File string
	// Names are the tensors that were skipped, and Reasons the reason for each.
	Names, Reasons []string
}

// Error returns one line with each tensor and its reason.
func (e *UnreadableError) Error() string {
	parts := make([]string, len(e.Names))
	for i, name := range e.Names {
		parts[i] = fmt.Sprintf("%q: %s", name, e.Reasons[i])
	}
	return fmt.Sprintf("%s: left out %d of its tensors: %s", e.File, len(e.Names), strings.Join(parts, "; "))
}

// Unwrap returns [ErrFormat], for [errors.Is].
func (e *UnreadableError) Unwrap() error { return ErrFormat }

// Add adds a tensor.
func (e *UnreadableError) Add(name, reason string) {
	e.Names, e.Reasons = append(e.Names, name), append(e.Reasons, reason)
}

// OrNil returns e as an error, or nil if no tensor was skipped.
func (e *UnreadableError) OrNil() error {
	if len(e.Names) == 0 {
		return nil
	}
	return e
}
