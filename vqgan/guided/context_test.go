package guided_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

func TestARunDoesNotBeginInAContextThatHasEnded(t *testing.T) {
	model, scorer := load(t)
	reason := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	result, err := guided.Generate(ctx, model, scorer, settings(1, 1), plain)
	assert.Equal(t, reason, err)
	assert.Nil(t, result)
}

// TestOnStepMayWaitForOthersThatCompute: the run gives its turn on the processors back before.
func TestOnStepMayWaitForOthersThatCompute(t *testing.T) {
	model, scorer := load(t)
	onStep := func(guided.Step) error {
		done := make(chan error)
		go func() {
			done <- torch.Compute(t.Context(), func(*torch.TensorScope) error {
				torch.Ones(torch.Shape{2}).Sum()
				return nil
			})
		}()
		return <-done
	}
	threads := torch.NumThreads()
	require.NoError(t, torch.SetNumThreads(64)) // more than there are processors: one turn at a time
	defer func() { require.NoError(t, torch.SetNumThreads(threads)) }()
	result, err := guided.Generate(t.Context(), model, scorer, settings(1, 1), guided.RunOptions{OnStep: onStep})
	require.NoError(t, err)
	assert.Equal(t, 1, result.Steps)
}

func TestAPanicInOnStepIsAnError(t *testing.T) {
	model, scorer := load(t)
	onStep := func(guided.Step) error {
		torch.Ones(torch.Shape{2}).Add(torch.Ones(torch.Shape{3}))
		return nil
	}
	result, err := guided.Generate(t.Context(), model, scorer, settings(2, 1), guided.RunOptions{OnStep: onStep})
	var failed *torch.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 1, result.Steps)
}
