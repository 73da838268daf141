package clip

import (
	"context"

	"github.com/clipvqgan/clipvqgan/torch"
)

// joined collects the rows of batches.
type joined struct{ parts []*torch.Tensor }

func (j *joined) add(rows *torch.Tensor) { j.parts = append(j.parts, rows) }

// join returns all rows as one tensor.
func (j *joined) join(ctx context.Context) (rows *torch.Tensor, err error) {
	if len(j.parts) == 1 {
		rows, j.parts = j.parts[0], nil
		return rows, nil
	}
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		rows = scope.Keep(torch.Cat(j.parts, 0))
		return nil
	})
	return rows, err
}

// close frees the parts.
func (j *joined) close() {
	for _, part := range j.parts {
		part.Close()
	}
}
