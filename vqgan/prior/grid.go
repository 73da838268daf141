package prior

import (
	"fmt"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Grid is a picture as tokens of a codebook.
type Grid struct {
	// Height and Width are the numbers of rows and columns.
	Height int `json:"height"`
	Width  int `json:"width"`
	// Tokens are the rows, from the top, one after the other.
	Tokens []int64 `json:"tokens"`
}

// GridOf returns the grid of tokens, int64 [1, h, w] or [h, w], such as those of vqgan's Quantize. The
// error is [torch.ErrInvalid] for another shape.
func GridOf(tokens *torch.Tensor) (grid Grid, err error) {
	err = torch.Try(func() error {
		shape := tokens.Shape()
		if len(shape) == 3 && shape[0] == 1 {
			shape = shape[1:]
		}
		if len(shape) != 2 || tokens.DType() != torch.Int64 {
			return fmt.Errorf("the tokens are %s %v, wanted int64 [1, h, w]: %w", tokens.DType(), tokens.Shape(), torch.ErrInvalid)
		}
		grid = Grid{Height: int(shape[0]), Width: int(shape[1]), Tokens: torch.ToSlice[int64](tokens)}
		return nil
	})
	return grid, failed("GridOf", err)
}

// Tensor returns the tokens as int64 [1, h, w], as vqgan's Embed takes them. It panics if there are not
// Height x Width of them.
func (g Grid) Tensor() *torch.Tensor {
	return torch.FromSlice(g.Tokens, torch.Shape{1, int64(g.Height), int64(g.Width)})
}

// Top returns the first rows of the grid.
func (g Grid) Top(rows int) Grid {
	rows = min(max(rows, 0), g.Height)
	return Grid{Height: rows, Width: g.Width, Tokens: slices.Clone(g.Tokens[:rows*g.Width])}
}

// crop returns a part of the grid.
func (g Grid) crop(top, left, height, width int) []int64 {
	var tokens []int64
	for y := top; y < top+height; y++ {
		tokens = append(tokens, g.Tokens[y*g.Width+left:y*g.Width+left+width]...)
	}
	return tokens
}

// check returns an error for a grid that is not whole, or that has a token outside a vocabulary.
func (g Grid) check(what string, vocabulary int64) error {
	if g.Height < 1 || g.Width < 1 || g.Height > largestSide || g.Width > largestSide || len(g.Tokens) != g.Height*g.Width {
		return fmt.Errorf("%s has %d rows of %d and %d tokens: %w", what, g.Height, g.Width, len(g.Tokens), torch.ErrInvalid)
	}
	for _, token := range g.Tokens {
		if token < 0 || token >= vocabulary {
			return fmt.Errorf("%s has the token %d, wanted one from 0 to %d: %w", what, token, vocabulary-1, torch.ErrInvalid)
		}
	}
	return nil
}

// largestSide limits the memory that a mistyped size can ask for, in tokens.
const largestSide = 1024
