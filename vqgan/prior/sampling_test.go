package prior

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// chosenShares chooses from the same logits by evenly spread numbers, and returns how often each token was
// chosen.
func chosenShares(logits []float32, o Options) []float64 {
	const draws = 20000
	row := torch.FromSlice(logits, torch.Shape{1, int64(len(logits))}).Expand(torch.Shape{draws, int64(len(logits))})
	numbers := torch.Arange(0.5/draws, 1, 1.0/draws, torch.Float32).Narrow(0, 0, draws).Unsqueeze(1)
	shares := make([]float64, len(logits))
	for _, token := range torch.ToSlice[int64](choose(row, numbers, o)) {
		shares[token] += 1.0 / draws
	}
	return shares
}

func TestChooseFollowsTheProbabilities(t *testing.T) {
	logits := []float32{1, -1, 2, 0.5, -3, 1.5}
	for name, each := range map[string]struct {
		options Options
		kept    []int
	}{
		"all":           {Options{Temperature: 1, TopP: 1}, []int{0, 1, 2, 3, 4, 5}},
		"temperature":   {Options{Temperature: 0.5, TopP: 1}, []int{0, 1, 2, 3, 4, 5}},
		"top k":         {Options{Temperature: 1, TopK: 3, TopP: 1}, []int{2, 5, 0}},
		"top k of all":  {Options{Temperature: 1, TopK: 6, TopP: 1}, []int{0, 1, 2, 3, 4, 5}},
		"top p":         {Options{Temperature: 1, TopP: 0.7}, []int{2, 5}}, // 0.44 and 0.27
		"top k and p":   {Options{Temperature: 1, TopK: 4, TopP: 0.5}, []int{2, 5}},
		"top p of none": {Options{Temperature: 1, TopP: 1e-9}, []int{2}},
		"likeliest":     {Options{Temperature: 0, TopP: 1}, []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			wanted := make([]float64, len(logits))
			temperature := each.options.Temperature
			if temperature == 0 {
				temperature = 1
			}
			total := 0.0
			for _, i := range each.kept {
				wanted[i] = math.Exp(float64(logits[i]) / temperature)
				total += wanted[i]
			}
			for i, share := range chosenShares(logits, each.options) {
				assert.InDelta(t, wanted[i]/total, share, 2e-4, "token %d", i)
			}
		})
	}
}

// No number chooses a token that is impossible, however the sums are rounded.
func TestImpossibleTokensAreNeverChosen(t *testing.T) {
	logits := make([]float32, 5000)
	for i := range logits {
		logits[i] = float32(math.Sin(float64(i)))
	}
	for _, i := range []int{0, 17, 4998, 4999} {
		logits[i] = float32(math.Inf(-1))
	}
	for _, o := range []Options{{Temperature: 1, TopP: 1}, {Temperature: 1, TopP: 0.999999}, {Temperature: 1, TopK: 4999, TopP: 1}} {
		for _, number := range []float32{0, math.Nextafter32(1, 0), 0.99999} {
			token := choose(torch.FromSlice(logits, torch.Shape{1, 5000}), torch.FromSlice([]float32{number}, torch.Shape{1, 1}), o).ItemInt64()
			assert.NotContains(t, []int64{0, 17, 4998, 4999}, token)
		}
	}
}

func TestUniformsDependOnTheSeedAlone(t *testing.T) {
	first := uniforms(1, 100)
	assert.Equal(t, first, uniforms(1, 200)[:100])
	assert.NotEqual(t, first, uniforms(2, 100))
	assert.GreaterOrEqual(t, slices.Min(first), float32(0))
	assert.Less(t, slices.Max(first), float32(1))
}

func TestCoordinatesAreThoseOfTaming(t *testing.T) {
	// CoordStage(1024, 16).encode of (y * 256 + x) / 65536, as taming's FacesHQ makes it.
	grid := coordinates(16, 16, 1024, 16)
	require.NoError(t, grid.check("the grid", 1024))
	assert.Equal(t, []int64{30, 30, 31}, grid.Tokens[:3])
	assert.Equal(t, []int64{994, 994}, grid.Tokens[254:])
}
