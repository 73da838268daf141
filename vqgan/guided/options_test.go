package guided_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// An otherScorer sees every image with red and blue exchanged, at half the size, and turns texts'
// embeddings around.
type otherScorer struct{ guided.Scorer }

func (s otherScorer) ImageSize() int64 { return s.Scorer.ImageSize() / 2 }

func (s otherScorer) EncodePixels(ctx context.Context, pictures *torch.Tensor) (*torch.Tensor, error) {
	return s.Scorer.EncodePixels(ctx, pictures.Flip([]int64{1}).Interpolate([]int64{s.Scorer.ImageSize(), s.Scorer.ImageSize()}, torch.InterpolateOptions{Mode: torch.InterpolateBilinear}))
}

func (s otherScorer) EncodeText(ctx context.Context, texts ...string) (*torch.Tensor, error) {
	embeddings, err := s.Scorer.EncodeText(ctx, texts...)
	if err != nil {
		return nil, err
	}
	return embeddings.Flip([]int64{1}), nil
}

// TestSeveralScorers adds up their losses by weight. One of weight 0 changes nothing.
func TestSeveralScorers(t *testing.T) {
	model, scorer := load(t)
	first := func(scorers []guided.Scorer, weights ...float64) guided.Step {
		config := settings(1, 1)
		config.ScorerWeights, config.Cutouts.Noise = weights, 0
		config.Cutouts = guided.Cutouts{Number: 2, MinSize: 1, MaxSize: 1}
		run, err := guided.NewRun(t.Context(), model, scorers, config, plain)
		require.NoError(t, err)
		defer run.Close()
		step, err := run.Step(t.Context())
		require.NoError(t, err)
		return step
	}
	other := otherScorer{scorer}
	one, two := first([]guided.Scorer{scorer}, 1), first([]guided.Scorer{other}, 1)
	assert.NotEqual(t, one.Loss, two.Loss)
	both := first([]guided.Scorer{scorer, other}, 2, 0.5)
	assert.InDelta(t, 2*one.Loss+0.5*two.Loss, both.Loss, 1e-4)
	assert.InDelta(t, (2*one.Distances[0]+0.5*two.Distances[0])/2.5, both.Distances[0], 1e-4)
	twice := first([]guided.Scorer{scorer, scorer}, 0.5, 0.5)
	assert.InDelta(t, one.Loss, twice.Loss, 1e-5)

	for want, weights := range map[string][]float64{
		"scorer_weights has 1 weights, wanted one for each of 2": {1},
		"scorer_weights is empty":                                nil,
		"scorer_weights are all 0":                               {0, 0},
		"scorer_weights[1] is -1":                                {1, -1},
	} {
		config := settings(1, 1)
		config.ScorerWeights = weights
		_, err := guided.NewRun(t.Context(), model, []guided.Scorer{scorer, other}, config, plain)
		require.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, want)
	}
}

func TestPromptsThatAreNoText(t *testing.T) {
	model, scorer := load(t)
	red := imageio.NewRGB(64, 64)
	for i := range red.Pix {
		red.Pix[i] = [3]uint8{220, 20, 20}[i%3]
	}
	path := filepath.Join(t.TempDir(), "red.png")
	require.NoError(t, imageio.Save(path, red))
	distance := func(prompt guided.Prompt) float64 {
		config := settings(1, 1)
		config.Start, config.Prompts = guided.PictureStart, []guided.Prompt{prompt}
		config.Cutouts = guided.Cutouts{Number: 1, MinSize: 1, MaxSize: 1}
		run, err := guided.NewRun(t.Context(), model, []guided.Scorer{scorer}, config, guided.RunOptions{Init: red})
		require.NoError(t, err)
		defer run.Close()
		step, err := run.Step(t.Context())
		require.NoError(t, err)
		assert.Equal(t, prompt.String(), step.Losses[0].Name)
		return step.Distances[0]
	}
	picture := distance(guided.Prompt{Picture: path, Weight: 1})
	noise := distance(guided.Prompt{Noise: new(uint64(7)), Weight: 1})
	assert.Less(t, picture, 0.2, "itself, reconstructed")
	assert.InDelta(t, 1.23, noise, 0.25, "nearly a right angle")
	assert.Equal(t, noise, distance(guided.Prompt{Noise: new(uint64(7)), Weight: 1}))
	assert.NotEqual(t, noise, distance(guided.Prompt{Noise: new(uint64(8)), Weight: 1}))
	name := guided.Prompt{Text: "red square", Weight: 1}
	plain := distance(name)
	name.Templates = []string{"{}"}
	assert.InDelta(t, plain, distance(name), 1e-6)
	name.Templates = []string{"a photo of a {}.", "a {} {}"}
	assert.NotEqual(t, plain, distance(name))

	for want, prompt := range map[string]guided.Prompt{
		`prompts[0] has the text "a" and the picture "b.png"`: {Text: "a", Picture: "b.png", Weight: 1},
		`prompts[0] has noise and "a"`:                        {Text: "a", Noise: new(uint64(1)), Weight: 1},
		"prompts[0] has templates and no text":                {Noise: new(uint64(1)), Templates: []string{"{}"}, Weight: 1},
		"prompts[0].templates[1] is \"x\", wanted {}":         {Text: "a", Templates: []string{"{}", "x"}, Weight: 1},
		"prompts[0].schedule[1].step is 3":                    {Text: "a", Weight: 1, Schedule: []guided.Key{{Step: 3}, {Step: 3}}},
		"prompts[0].schedule[0].share is -1":                  {Text: "a", Weight: 1, Schedule: []guided.Key{{Step: 3, Share: -1}}},
		"not there.png":                                       {Picture: "not there.png", Weight: 1},
	} {
		config := settings(1, 1)
		config.Prompts = []guided.Prompt{prompt}
		requireBad(t, config, guided.RunOptions{}, want)
	}
}

func TestStarts(t *testing.T) {
	seen := map[guided.Start][]uint8{}
	for _, start := range []guided.Start{guided.RandomStart, guided.PixelStart, guided.GradientStart, guided.FractalStart} {
		config := settings(1, 5)
		config.Start = start
		first := pictureOf(t, begin(t, torch.CPU, config, plain))
		assert.Equal(t, first, pictureOf(t, begin(t, torch.CPU, config, plain)), start)
		config.Seed++
		assert.NotEqual(t, first, pictureOf(t, begin(t, torch.CPU, config, plain)), start)
		for other, pixels := range seen {
			assert.NotEqual(t, pixels, first, "%s and %s", start, other)
		}
		seen[start] = first
	}
}

func TestTheAverageOfTheLatentIsCalmer(t *testing.T) {
	config := settings(4, 1)
	config.Optimizer.LearningRate = 1
	latest := begin(t, torch.CPU, config, plain)
	config.LatentEMA = 0.8
	average := begin(t, torch.CPU, config, plain)
	start := pictureOf(t, latest)
	assert.Equal(t, start, pictureOf(t, average), "before the first step")
	takeSteps(t, latest, 4)
	takeSteps(t, average, 4)
	assert.Equal(t, latest.Losses(), average.Losses(), "the average is for the picture alone")
	distance := func(pixels []uint8) (sum float64) {
		for i := range pixels {
			d := float64(pixels[i]) - float64(start[i])
			sum += d * d
		}
		return sum
	}
	assert.Less(t, distance(pictureOf(t, average)), distance(pictureOf(t, latest)))
}

func TestPatienceEndsARun(t *testing.T) {
	config := settings(50, 1)
	config.Cutouts = guided.Cutouts{Number: 1, MinSize: 1, MaxSize: 1}
	config.Optimizer.LearningRate, config.Patience = 0, 2
	model, scorer := load(t)
	result, err := guided.Generate(t.Context(), model, scorer, config, plain)
	require.NoError(t, err)
	assert.Equal(t, 4, result.Steps, "twice its patience, for nothing becomes better")
}

func TestTerms(t *testing.T) {
	red := guided.TermFunc(func(_ context.Context, picture *torch.Tensor) (*torch.Tensor, error) {
		return picture.Select(1, 0).Mean(), nil
	})
	config := settings(3, 1)
	config.Losses = guided.Losses{
		Margin: 1, TotalVariation: 1, Edges: 1, Saturation: 1, MirrorX: 1, MirrorY: 1, Palette: 1, Colors: []guided.Color{{255, 0, 0}},
	}
	config.InitWeight, config.InitDistance = 1, guided.CosineDistance
	run := begin(t, torch.CPU, config, guided.RunOptions{Terms: []guided.WeightedTerm{{Name: "red", Weight: 10, Term: red}}})
	step, err := run.Step(t.Context())
	require.NoError(t, err)
	var names []string
	sum := 0.0
	for _, loss := range step.Losses {
		names = append(names, loss.Name)
		sum += loss.Value
	}
	assert.Equal(t, []string{"red heart", "margin", "total variation", "edges", "saturation", "mirror x", "mirror y", "palette", "red", "init"}, names)
	assert.InDelta(t, step.Loss, sum, 1e-9)
	assert.Positive(t, step.Losses[8].Value)
	assert.InDelta(t, 0, step.Losses[9].Value, 1e-5, "it is at its start")
	takeSteps(t, run, 2)

	for want, term := range map[string]guided.WeightedTerm{
		`terms[0] ("x") has no Term`: {Name: "x", Weight: 1},
		`the term "x" returned nil`: {Name: "x", Weight: 1, Term: guided.TermFunc(
			func(context.Context, *torch.Tensor) (*torch.Tensor, error) { return nil, nil })},
		`the term "x" returned a tensor [1 3 64 64]`: {Name: "x", Weight: 1, Term: guided.TermFunc(
			func(_ context.Context, picture *torch.Tensor) (*torch.Tensor, error) { return picture, nil })},
		`the term "x": no idea`: {Name: "x", Weight: 1, Term: guided.TermFunc(
			func(context.Context, *torch.Tensor) (*torch.Tensor, error) { return nil, errors.New("no idea") })},
		`the loss "x" is NaN at step 1`: {Name: "x", Weight: 1, Term: guided.TermFunc(
			func(_ context.Context, picture *torch.Tensor) (*torch.Tensor, error) {
				return picture.Mean().SubScalar(2).Sqrt(), nil
			})},
	} {
		model, scorer := load(t)
		result, err := guided.Generate(t.Context(), model, scorer, settings(1, 1), guided.RunOptions{Terms: []guided.WeightedTerm{term}})
		require.ErrorContains(t, err, want)
		if result != nil { // the picture before the step that failed
			assert.Zero(t, result.Steps)
			start := pictureOf(t, begin(t, torch.CPU, settings(1, 1), plain))
			assert.Equal(t, start, pixels(t, result))
		}
	}
}

func TestDropsAndSchedules(t *testing.T) {
	moved := func(change func(*guided.Optimizer)) (moves []bool) {
		config := settings(3, 1)
		config.Cutouts.Number = 1
		change(&config.Optimizer)
		run := begin(t, torch.CPU, config, plain)
		for range 3 {
			before := pictureOf(t, run)
			takeSteps(t, run, 1)
			moves = append(moves, !slices.Equal(before, pictureOf(t, run)))
		}
		return moves
	}
	assert.Equal(t, []bool{true, true, true}, moved(func(*guided.Optimizer) {}))
	assert.Equal(t, []bool{true, false, false}, moved(func(o *guided.Optimizer) { o.Drops = []guided.Drop{{Step: 2, Factor: 0}} }))
	assert.Equal(t, []bool{true, true, false}, moved(func(o *guided.Optimizer) { o.Schedule = guided.LinearSchedule }))
	for want, change := range map[string]func(*guided.Optimizer){
		`optimizer.algorithm is "sgd", wanted "adam"`: func(o *guided.Optimizer) { o.Algorithm = "sgd" },
		`optimizer.schedule is ""`:                    func(o *guided.Optimizer) { o.Schedule = "" },
		"optimizer.warm_up is -1":                     func(o *guided.Optimizer) { o.WarmUp = -1 },
		"optimizer.final_share is 2":                  func(o *guided.Optimizer) { o.FinalShare = 2 },
		"optimizer.drops[0].step is 0":                func(o *guided.Optimizer) { o.Drops = []guided.Drop{{Factor: 1}} },
		"optimizer.drops[1].factor is -1":             func(o *guided.Optimizer) { o.Drops = []guided.Drop{{Step: 1}, {Step: 1, Factor: -1}} },
	} {
		config := settings(1, 1)
		change(&config.Optimizer)
		requireBad(t, config, plain, want)
	}
}
