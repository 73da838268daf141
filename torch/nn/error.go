package nn

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
)

func invalid(operation, format string, arguments ...any) *torch.Error {
	return &torch.Error{Operation: "nn." + operation, Kind: torch.ErrInvalid,
		Message: fmt.Sprintf(format, arguments...)}
}

// require panics with an [*torch.Error] if condition is false.
func require(condition bool, operation, format string, arguments ...any) {
	if !condition {
		panic(invalid(operation, format, arguments...))
	}
}
