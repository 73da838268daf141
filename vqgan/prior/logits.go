package prior

import (
	"context"
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Logits returns the logits, [height x width, K], of each token of a picture given those before it: of
// their softmax, the element of the token itself is its probability. The picture must be no larger than
// those that the model was trained on. The error is [torch.ErrInvalid] for another size or condition.
func (m *Model) Logits(ctx context.Context, condition Condition, grid Grid) (logits *torch.Tensor, err error) {
	if err := m.usable(); err != nil {
		return nil, failed("Logits", err)
	}
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		config := m.config
		if err := grid.check("the picture", config.CodebookSize); err != nil {
			return err
		}
		if int64(grid.Width) != config.GridWidth || int64(grid.Height) > config.GridHeight ||
			config.prefixHasGrid() && int64(grid.Height) < config.GridHeight {
			return fmt.Errorf("the picture has %d rows of %d tokens, wanted %d of %d: %w",
				grid.Height, grid.Width, config.GridHeight, config.GridWidth, torch.ErrInvalid)
		}
		conditioner, err := m.condition(condition, grid.Height, grid.Width)
		if err != nil {
			return err
		}
		prefix, embedding := m.tensors(conditioner(window{height: grid.Height, width: grid.Width}))
		tokens := grid.Tensor().Reshape(torch.Shape{1, -1}).To(m.device)
		made, err := m.loaded.Frozen.CallTensor("forward", prefix, embedding, tokens)
		if err != nil {
			return err
		}
		logits = scope.Keep(made.SqueezeDim(0))
		return nil
	})
	return logits, failed("Logits", err)
}
