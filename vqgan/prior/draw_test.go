package prior

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// models are small ones of each kind, with a condition for them.
func eachModel(t *testing.T, f func(t *testing.T, model *Model, condition Condition)) {
	grid := ramp(4, 4)
	for name, each := range map[string]struct {
		model     func(t *testing.T) *Model
		condition Condition
	}{
		"text":           {streamModel, OfText("a cat")},
		"embedding":      {streamModel, OfEmbedding([]float32{1, 2, 3, 4, -4, -3, -2, 1})},
		"both":           {streamModel, Condition{Text: "a cat", Embedding: []float32{1, 2, 3, 4, -4, -3, -2, 1}}},
		"null":           {streamModel, Condition{}},
		"class":          {classModel, OfClass(7)},
		"grid":           {func(t *testing.T) *Model { return gridModel(t, 0) }, OfGrid(grid)},
		"grid, unmasked": {func(t *testing.T) *Model { return gridModel(t, 16) }, OfGrid(grid)},
		"dalle-bart":     {bartModel, OfText("abc a")},
	} {
		t.Run(name, func(t *testing.T) { f(t, each.model(t), each.condition) })
	}
}

// The likeliest tokens, drawn with the cache, are those of the whole sequence without it.
func TestCacheGivesTheLogitsOfTheWholeSequence(t *testing.T) {
	eachModel(t, func(t *testing.T, model *Model, condition Condition) {
		options := model.DefaultOptions()
		options.Temperature, options.Guidance = 0, 1
		drawings, err := model.Draw(t.Context(), []Picture{{Condition: condition}}, options)
		require.NoError(t, err)
		logits, err := model.Logits(t.Context(), condition, drawings[0].Grid)
		require.NoError(t, err)
		assert.Equal(t, drawings[0].Grid.Tokens, torch.ToSlice[int64](logits.ArgMax(1, false)))
		assert.Equal(t, 4, drawings[0].Rows)
	})
}

func TestAPictureDoesNotDependOnItsBatch(t *testing.T) {
	eachModel(t, func(t *testing.T, model *Model, condition Condition) {
		options := model.DefaultOptions()
		options.TopK, options.TopP = 20, 0.95
		if model.hasNull() {
			options.Guidance = 3
		}
		pictures := []Picture{{Condition: condition, Seed: 1}, {Condition: condition, Seed: 2}, {Condition: condition, Seed: 3}}
		together, err := model.Draw(t.Context(), pictures, options)
		require.NoError(t, err)
		options.Batch = 1
		alone, err := model.Draw(t.Context(), pictures, options)
		require.NoError(t, err)
		assert.Equal(t, alone, together)
		assert.NotEqual(t, alone[0].Grid, alone[1].Grid)
	})
}

func TestCompletionKeepsWhatIsGiven(t *testing.T) {
	eachModel(t, func(t *testing.T, model *Model, condition Condition) {
		options := model.DefaultOptions()
		options.Guidance = 1
		start := ramp(4, 4)
		top := KeepTop(4, 4, 2)
		scattered := make([]bool, 16)
		for _, at := range []int{0, 3, 9, 10, 15} {
			scattered[at] = true
		}
		all := KeepTop(4, 4, 4)
		pictures := []Picture{
			{Condition: condition, Seed: 5, Start: &start, Keep: top},
			{Condition: condition, Seed: 5, Start: &start, Keep: scattered},
			{Condition: condition, Seed: 5, Start: &start, Keep: all},
		}
		drawings, err := model.Draw(t.Context(), pictures, options)
		require.NoError(t, err)
		assert.Equal(t, start.Tokens[:8], drawings[0].Grid.Tokens[:8])
		assert.NotEqual(t, start.Tokens[8:], drawings[0].Grid.Tokens[8:])
		for at, keep := range scattered {
			if keep {
				assert.Equal(t, start.Tokens[at], drawings[1].Grid.Tokens[at])
			}
		}
		assert.Equal(t, start, drawings[2].Grid)
		// Where the upper part is given in all pictures, it is fed in at once.
		alone, err := model.Draw(t.Context(), pictures[:1], options)
		require.NoError(t, err)
		assert.Equal(t, drawings[0], alone[0])
	})
}

// A picture of the trained size drawn by windows is one without windows; in a larger one each token is
// drawn from the logits of its window.
func TestSlidingWindow(t *testing.T) {
	for _, stride := range []int{1, 2} {
		eachModel(t, func(t *testing.T, model *Model, condition Condition) {
			const height, width = 7, 9
			options := model.DefaultOptions()
			options.Height, options.Width, options.Stride, options.Guidance, options.Temperature = height, width, stride, 1, 0
			if condition.Grid != nil {
				condition = OfGrid(ramp(height, width))
			}
			drawings, err := model.Draw(t.Context(), []Picture{{Condition: condition}}, options)
			require.NoError(t, err)
			grid := drawings[0].Grid
			for row := range height {
				for column := range width {
					w := windowAt(row, column, height, width, window{height: 4, width: 4}, stride)
					part := Grid{Height: 4, Width: 4, Tokens: grid.crop(w.top, w.left, 4, 4)}
					own := condition
					if condition.Grid != nil {
						own = OfGrid(Grid{Height: 4, Width: 4, Tokens: condition.Grid.crop(w.top, w.left, 4, 4)})
					}
					logits, err := model.Logits(t.Context(), own, part)
					require.NoError(t, err)
					token := logits.Select(0, int64(w.place(row, column))).ArgMax(0, false).ItemInt64()
					require.Equal(t, token, grid.Tokens[row*width+column], "row %d, column %d", row, column)
				}
			}
		})
	}
}

func TestRowsAreToldAndKeptWhenTheContextEnds(t *testing.T) {
	model := streamModel(t)
	options := model.DefaultOptions()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	var numbers []int
	options.OnRow = func(row Row) error {
		numbers = append(numbers, row.Number)
		assert.Equal(t, 4, row.Rows)
		assert.Equal(t, row.Number, row.Drawings[0].Rows)
		if row.Number == 2 {
			cancel(stop)
		}
		return nil
	}
	drawings, err := model.Draw(ctx, []Picture{{Condition: OfText("a cat")}}, options)
	require.ErrorIs(t, err, stop)
	assert.Equal(t, []int{1, 2}, numbers)
	assert.Equal(t, 2, drawings[0].Rows)
	assert.Equal(t, make([]int64, 8), drawings[0].Grid.Tokens[8:])
	assert.Equal(t, 2, drawings[0].Grid.Top(2).Height)

	options.OnRow = func(Row) error { return stop }
	_, err = model.Draw(t.Context(), []Picture{{Condition: OfText("a cat")}}, options)
	require.ErrorIs(t, err, stop)
}

// With guidance 0 the condition has no effect; with 1 it is as without guidance, and between the two the
// logits are mixed.
func TestGuidance(t *testing.T) {
	for name, model := range map[string]*Model{"stream": streamModel(t), "dalle-bart": bartModel(t)} {
		t.Run(name, func(t *testing.T) {
			options := model.DefaultOptions()
			options.TopK = 0
			condition := OfText("abc a")
			draw := func(condition Condition, guidance float64) Grid {
				t.Helper()
				options.Guidance = guidance
				drawings, err := model.Draw(t.Context(), []Picture{{Condition: condition, Seed: 4}}, options)
				require.NoError(t, err)
				return drawings[0].Grid
			}
			assert.Equal(t, draw(Condition{}, 1), draw(condition, 0))
			assert.Equal(t, draw(condition, 1), draw(condition, 1.0000001))
			assert.NotEqual(t, draw(condition, 1), draw(condition, 8))

			options.Temperature = 0
			grid := draw(condition, 5)
			with, err := model.Logits(t.Context(), condition, grid)
			require.NoError(t, err)
			without, err := model.Logits(t.Context(), Condition{}, grid)
			require.NoError(t, err)
			mixed := without.Add(with.Sub(without).MulScalar(5))
			assert.Equal(t, grid.Tokens, torch.ToSlice[int64](mixed.ArgMax(1, false)))
		})
	}
}
