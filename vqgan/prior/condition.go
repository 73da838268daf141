package prior

import (
	"fmt"
	"math"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// The kinds of conditions that models have.
const (
	// NoCondition is that of models of one kind of picture.
	NoCondition = "none"
	// ClassCondition is the number of a class.
	ClassCondition = "class"
	// GridCondition is another grid of tokens, as large as the picture's: that of a depth map or of a
	// segmentation.
	GridCondition = "grid"
	// CoordinateCondition is where in the picture each token is, which needs no input (taming's
	// CoordStage).
	CoordinateCondition = "coordinates"
	// TextCondition is a text, and with models that have an EmbeddingDimension also an embedding of CLIP.
	TextCondition = "text"
)

// A Condition says what a picture shows. The zero Condition says nothing: models without a condition take
// it, and those with a null condition.
type Condition struct {
	// Text is the text, or "".
	Text string
	// Class is the number of the class.
	Class *int64
	// Grid are the tokens of the conditioning stage.
	Grid *Grid
	// Embedding is CLIP's embedding of a text or of a picture, of any length.
	Embedding []float32
}

// OfText returns the condition that is a text.
func OfText(text string) Condition { return Condition{Text: text} }

// OfClass returns the condition that is a class.
func OfClass(class int64) Condition { return Condition{Class: &class} }

// OfGrid returns the condition that is a grid of tokens of the conditioning stage.
func OfGrid(grid Grid) Condition { return Condition{Grid: &grid} }

// OfEmbedding returns the condition that is an embedding of CLIP.
func OfEmbedding(embedding []float32) Condition { return Condition{Embedding: embedding} }

// A prefix is what comes before the picture's tokens.
type prefix struct {
	tokens    []int64
	embedding []float32
}

// key tells equal prefixes.
func (p prefix) key() string { return fmt.Sprint(p.tokens, p.embedding) }

// A conditioner makes the prefixes of a picture in windows.
type conditioner func(w window) prefix

// always returns a conditioner for a prefix that is the same in all windows.
func always(tokens ...int64) conditioner {
	return func(window) prefix { return prefix{tokens: tokens} }
}

// condition returns how a condition is told to the model, for a picture of height x width tokens.
func (m *Model) condition(c Condition, height, width int) (conditioner, error) {
	config := m.config
	if err := m.takes(c); err != nil {
		return nil, err
	}
	switch config.Conditioning {
	case NoCondition:
		return always(config.StartToken), nil
	case ClassCondition:
		if *c.Class < 0 || *c.Class >= config.Classes {
			return nil, fmt.Errorf("there is no class %d, wanted one from 0 to %d: %w", *c.Class, config.Classes-1, torch.ErrInvalid)
		}
		return always(*c.Class), nil
	case GridCondition:
		if err := c.Grid.check("the condition", config.ConditionVocabulary); err != nil {
			return nil, err
		}
		if c.Grid.Height != height || c.Grid.Width != width {
			return nil, fmt.Errorf("the condition is a grid of %d rows of %d tokens, the picture one of %d rows of %d: %w",
				c.Grid.Height, c.Grid.Width, height, width, torch.ErrInvalid)
		}
		grid := *c.Grid
		return func(w window) prefix { return prefix{tokens: grid.crop(w.top, w.left, w.height, w.width)} }, nil
	case CoordinateCondition:
		grid := coordinates(height, width, config.ConditionVocabulary, config.DownsamplingFactor)
		return func(w window) prefix { return prefix{tokens: grid.crop(w.top, w.left, w.height, w.width)} }, nil
	}
	tokens, err := m.textRow(c.Text)
	if err != nil {
		return nil, err
	}
	embedding, err := m.checkEmbedding(c.Embedding)
	if err != nil {
		return nil, err
	}
	return func(window) prefix { return prefix{tokens, embedding} }, nil
}

// takes returns an error for a condition of a kind that the model does not have.
func (m *Model) takes(c Condition) error {
	kind := m.config.Conditioning
	given := []struct {
		is   bool
		kind string
		what string
	}{
		{c.Text != "", TextCondition, "a text"}, {c.Class != nil, ClassCondition, "a class"},
		{c.Grid != nil, GridCondition, "a grid of tokens"},
	}
	for _, each := range given {
		if each.is && kind != each.kind {
			return fmt.Errorf("the condition is %s; this model is conditioned on %s: %w", each.what, m.wants(), torch.ErrInvalid)
		}
		if !each.is && kind == each.kind && kind != TextCondition {
			return fmt.Errorf("there is no condition; this model is conditioned on %s: %w", m.wants(), torch.ErrInvalid)
		}
	}
	if c.Embedding != nil && m.config.EmbeddingDimension == 0 {
		return fmt.Errorf("the condition is an embedding; this model is conditioned on %s: %w", m.wants(), torch.ErrInvalid)
	}
	return nil
}

// wants says what the model is conditioned on.
func (m *Model) wants() string {
	switch m.config.Conditioning {
	case ClassCondition:
		return fmt.Sprintf("a class from 0 to %d", m.config.Classes-1)
	case GridCondition:
		return "a grid of tokens, as large as the picture's"
	case TextCondition:
		if m.config.EmbeddingDimension > 0 {
			return "a text, an embedding, or both"
		}
		return "a text"
	}
	return "nothing"
}

// checkEmbedding returns an embedding as the model was trained with it: of unit length times the square
// root of its dimension, so that its elements are about 1.
func (m *Model) checkEmbedding(embedding []float32) ([]float32, error) {
	if embedding == nil {
		return nil, nil
	}
	if int64(len(embedding)) != m.config.EmbeddingDimension {
		return nil, fmt.Errorf("the embedding has %d elements, wanted %d: %w", len(embedding), m.config.EmbeddingDimension, torch.ErrInvalid)
	}
	squares := 0.0
	for _, x := range embedding {
		squares += float64(x) * float64(x)
	}
	if !(squares > 0) || math.IsInf(squares, 0) {
		return nil, fmt.Errorf("the embedding has no direction: its length is %v: %w", math.Sqrt(squares), torch.ErrInvalid)
	}
	scaled := make([]float32, len(embedding))
	for i, x := range embedding {
		scaled[i] = float32(float64(x) * math.Sqrt(float64(len(embedding))/squares))
	}
	return scaled, nil
}

// hasNull reports whether the model was trained without its condition too, which guidance needs.
func (m *Model) hasNull() bool { return m.config.Conditioning == TextCondition }

// coordinates returns the tokens of taming's CoordStage for a whole picture: the number of each pixel in
// it, from 0 to 1, averaged over the token's pixels and rounded to the vocabulary.
func coordinates(height, width int, vocabulary, factor int64) Grid {
	grid := Grid{Height: height, Width: width}
	f := float64(factor)
	columns := f * float64(width)
	pixels := columns * f * float64(height)
	for y := range height {
		for x := range width {
			row, column := f*float64(y)+(f-1)/2, f*float64(x)+(f-1)/2
			token := math.RoundToEven(float64(vocabulary) * (row*columns + column) / pixels)
			grid.Tokens = append(grid.Tokens, min(int64(token), vocabulary-1))
		}
	}
	return grid
}

// CheckPrompt returns an error for a text that the model cannot be conditioned on: one that is empty, too
// long, or has what the vocabulary lacks.
func (m *Model) CheckPrompt(text string) error {
	if err := m.usable(); err != nil {
		return failed("CheckPrompt", err)
	}
	if strings.TrimSpace(text) == "" {
		return failed("CheckPrompt", fmt.Errorf("the prompt is empty: %w", torch.ErrInvalid))
	}
	if err := m.takes(OfText(text)); err != nil {
		return failed("CheckPrompt", err)
	}
	_, err := m.textRow(text)
	return failed("CheckPrompt", err)
}
