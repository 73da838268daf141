package prior

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// requireBad requires an error of one line, of kind ErrInvalid, that has the words.
func requireBad(t *testing.T, err error, words string) {
	t.Helper()
	require.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorContains(t, err, words)
	assert.NotContains(t, err.Error(), "\n")
}

func TestBadOptionsAreErrors(t *testing.T) {
	text, class, grid := streamModel(t), classModel(t), gridModel(t, 0)
	for words, each := range map[string]struct {
		model  *Model
		change func(o *Options)
	}{
		"0 rows":                     {text, func(o *Options) { o.Height = 0 }},
		"3 tokens wide":              {text, func(o *Options) { o.Width = 3 }},
		"2000 tokens":                {text, func(o *Options) { o.Width = 2000 }},
		"3 tokens high":              {grid, func(o *Options) { o.Height = 3 }},
		"temperature is -1":          {text, func(o *Options) { o.Temperature = -1 }},
		"temperature is NaN":         {text, func(o *Options) { o.Temperature = math.NaN() }},
		"top k is -1":                {text, func(o *Options) { o.TopK = -1 }},
		"top p is 0":                 {text, func(o *Options) { o.TopP = 0 }},
		"top p is 1.1":               {text, func(o *Options) { o.TopP = 1.1 }},
		"guidance is +Inf":           {text, func(o *Options) { o.Guidance = math.Inf(1) }},
		"not trained without its co": {class, func(o *Options) { o.Guidance = 2 }},
		"stride is 3":                {text, func(o *Options) { o.Stride = 3 }},
		"batch is 0":                 {text, func(o *Options) { o.Batch = 0 }},
	} {
		t.Run(words, func(t *testing.T) {
			options := each.model.DefaultOptions()
			each.change(&options)
			drawings, err := each.model.Draw(t.Context(), []Picture{{}}, options)
			requireBad(t, err, words)
			assert.Empty(t, drawings)
		})
	}
}

func TestBadPicturesAreErrors(t *testing.T) {
	text, class, grid, bart := streamModel(t), classModel(t), gridModel(t, 0), bartModel(t)
	whole, wide, foreign := ramp(4, 4), ramp(4, 5), ramp(4, 4)
	foreign.Tokens[3] = 40
	for words, each := range map[string]struct {
		model   *Model
		picture Picture
	}{
		"the condition is a class; this model is conditioned on a text": {text, Picture{Condition: OfClass(1)}},
		"conditioned on a class from 0 to 9":                            {class, Picture{Condition: OfText("a cat")}},
		"there is no condition; this model is conditioned on a class":   {class, Picture{}},
		"there is no class 10, wanted one from 0 to 9":                  {class, Picture{Condition: OfClass(10)}},
		"there is no class -1":                                          {class, Picture{Condition: OfClass(-1)}},
		"there is no condition; this model is conditioned on a grid":    {grid, Picture{}},
		"a grid of 4 rows of 5 tokens":                                  {grid, Picture{Condition: OfGrid(wide)}},
		"the condition has the token 40":                                {grid, Picture{Condition: OfGrid(foreign)}},
		"the condition is an embedding":                                 {class, Picture{Condition: Condition{Class: new(int64(1)), Embedding: []float32{1}}}},
		"the embedding has 3 elements, wanted 8":                        {text, Picture{Condition: OfEmbedding([]float32{1, 2, 3})}},
		"the embedding has no direction":                                {text, Picture{Condition: OfEmbedding(make([]float32, 8))}},
		"the prompt is empty":                                           {text, Picture{Condition: OfText(" ")}},
		"the prompt is too long":                                        {text, Picture{Condition: OfText(strings.Repeat("cat ", 20))}},
		"this model reads 7":                                            {bart, Picture{Condition: OfText("a b c a b c")}},
		`the vocabulary lacks "z"`:                                      {bart, Picture{Condition: OfText("a z")}},
		"the start is a grid of 4 rows of 5":                            {text, Picture{Start: &wide, Keep: KeepTop(4, 4, 1)}},
		"the start has the token 40":                                    {text, Picture{Start: &foreign, Keep: KeepTop(4, 4, 1)}},
		"the mask has 20 elements":                                      {text, Picture{Start: &whole, Keep: KeepTop(4, 5, 1)}},
		"there are 3 random numbers for 16 tokens":                      {text, Picture{Numbers: make([]float32, 3)}},
		"a random number is 1, wanted":                                  {text, Picture{Numbers: []float32{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}},
		"there is no start":                                             {text, Picture{Keep: KeepTop(4, 4, 1)}},
	} {
		t.Run(words, func(t *testing.T) {
			options := each.model.DefaultOptions()
			good := Picture{}
			if each.model == class {
				good.Condition = OfClass(1)
			} else if each.model == grid {
				good.Condition = OfGrid(whole)
			}
			drawings, err := each.model.Draw(t.Context(), []Picture{good, each.picture}, options)
			requireBad(t, err, words)
			assert.ErrorContains(t, err, "picture 1")
			assert.Empty(t, drawings)
		})
	}
	require.ErrorIs(t, text.CheckPrompt(strings.Repeat("cat ", 20)), tokenizer.ErrPromptTooLong)
	require.NoError(t, text.CheckPrompt("a cat"))
	requireBad(t, text.CheckPrompt(""), "empty")
	requireBad(t, class.CheckPrompt("a cat"), "class")
}

func TestAZeroModelGivesErrors(t *testing.T) {
	for _, model := range []*Model{nil, {}} {
		_, err := model.Draw(t.Context(), []Picture{{}}, model.DefaultOptions())
		requireBad(t, err, "prior.Load returns one")
		_, err = model.Logits(t.Context(), Condition{}, ramp(4, 4))
		requireBad(t, err, "prior.Load returns one")
		requireBad(t, model.CheckPrompt("a cat"), "prior.Load returns one")
		requireBad(t, model.CheckVQGAN(nil), "prior.Load returns one")
		assert.Nil(t, model.VQGAN())
		assert.Nil(t, model.ConditionVQGAN())
		assert.Empty(t, model.Config())
		model.Close()
	}
	_, err := GridOf(torch.Zeros(torch.Shape{2, 3}))
	requireBad(t, err, "wanted int64")
	_, err = Decode(t.Context(), nil, ramp(2, 2))
	requireBad(t, err, "the grid")
}
