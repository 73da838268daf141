package guided

import "github.com/clipvqgan/clipvqgan/torch"

// mostCutouts limits the memory that a typing error can ask for; runs use up to some hundreds.
const mostCutouts = 4096

// A badValue is an error of kind [torch.ErrInvalid]: what is wrong with a value, in one line.
type badValue string

// Error returns the line.
func (b badValue) Error() string { return "guided: " + string(b) }

// Unwrap returns the kind.
func (badValue) Unwrap() error { return torch.ErrInvalid }
