package clip

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Similarity returns the cosines [N, M] between the rows of a [N, D] and the rows of b [M, D].
// Multiplied by [Model.LogitScale] they are CLIP's logits. Gradients flow back to both. The error
// is [torch.ErrInvalid] for other shapes.
func Similarity(ctx context.Context, a, b *torch.Tensor) (cosines *torch.Tensor, err error) {
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		products, err := similarity(a, b)
		if err == nil {
			cosines = scope.Keep(products)
		}
		return err
	})
	return cosines, failed("Similarity", err)
}

func similarity(a, b *torch.Tensor) (*torch.Tensor, error) {
	if err := checkEmbeddings(a, b); err != nil {
		return nil, err
	}
	return a.Normalize(-1).MatMul(b.Normalize(-1).T()), nil
}

func checkEmbeddings(a, b *torch.Tensor) error {
	if a.Dim() != 2 || b.Dim() != 2 || a.Size(1) != b.Size(1) {
		return fmt.Errorf("embeddings of shapes %v and %v, wanted [N, D] and [M, D]: %w", a.Shape(), b.Shape(), torch.ErrInvalid)
	}
	return nil
}

// similarityBlock is the number of rows on each side of a block, whose cosines take 4 MiB.
const similarityBlock = 1024

// A SimilarityBlock has the cosines between some rows of a and some rows of b.
type SimilarityBlock struct {
	// Row and Column are the places in a and in b of its first cosine.
	Row, Column int
	// Cosines is [n, m] in float32, of at most 1,024 rows and columns. It is the receiver's, to be closed.
	Cosines *torch.Tensor
}

// SimilarityBlocks yields [Similarity] of any two sets of embeddings in blocks, row by row, so that memory
// does not grow with the product of their sizes: images with texts, images with images, texts with texts.
// An error is the last result: [torch.ErrInvalid] for other shapes than [N, D] and [M, D], or ctx's, which
// ends the work within one block. Gradients do not flow back.
func SimilarityBlocks(ctx context.Context, a, b *torch.Tensor) iter.Seq2[SimilarityBlock, error] {
	return func(yield func(SimilarityBlock, error) bool) {
		err := eachBlock(ctx, a, b, func(block SimilarityBlock, scope *torch.TensorScope) { scope.Keep(block.Cosines) }, func(block SimilarityBlock) error {
			if !yield(block, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && err != errStop {
			yield(SimilarityBlock{}, failed("SimilarityBlocks", err))
		}
	}
}

// eachBlock computes the blocks. inside is called with each in the scope in which it was computed, and
// after outside of it, where other goroutines may compute.
func eachBlock(ctx context.Context, a, b *torch.Tensor, inside func(SimilarityBlock, *torch.TensorScope), after func(SimilarityBlock) error) error {
	var units [2]*torch.Tensor
	err := torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if err := checkEmbeddings(a, b); err != nil {
			return err
		}
		for i, t := range []*torch.Tensor{a, b} {
			units[i] = scope.Keep(t.Detach().To(torch.Float32).Normalize(-1))
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer units[0].Close()
	defer units[1].Close()
	rows, columns := units[0].Size(0), units[1].Size(0)
	for row := int64(0); row < rows; row += similarityBlock {
		for column := int64(0); column < columns; column += similarityBlock {
			block := SimilarityBlock{Row: int(row), Column: int(column)}
			err := torch.Compute(ctx, func(scope *torch.TensorScope) error {
				left := units[0].Narrow(0, row, min(similarityBlock, rows-row))
				right := units[1].Narrow(0, column, min(similarityBlock, columns-column))
				block.Cosines = left.MatMul(right.T())
				inside(block, scope)
				return nil
			})
			if err != nil {
				return err
			}
			if err := after(block); err != nil {
				return err
			}
		}
	}
	return nil
}

// A Match is a row that is similar to another.
type Match struct {
	// Index is its place among the rows that were searched.
	Index int
	// Cosine is from -1 to 1.
	Cosine float64
}

// Nearest returns, for each row of a [N, D], the count rows of b [M, D] with the largest cosines, largest
// first; equal ones in the order of b. There are fewer if M is less than count. Memory is bounded as in
// [SimilarityBlocks], except for the result. The error is [torch.ErrInvalid] for other shapes or a count
// below 1.
func Nearest(ctx context.Context, a, b *torch.Tensor, count int) ([][]Match, error) {
	if count < 1 {
		return nil, failed("Nearest", fmt.Errorf("the count is %d, wanted at least 1: %w", count, torch.ErrInvalid))
	}
	var all [][]Match
	var columns int // of the block's best
	var values []float32
	var indices []int64
	err := eachBlock(ctx, a, b, func(block SimilarityBlock, _ *torch.TensorScope) {
		columns = min(count, int(block.Cosines.Size(1)))
		// A stable sort, since TopK gives equal ones in any order.
		sorted, order := block.Cosines.SortStable(1, true)
		values = sorted.Narrow(1, 0, int64(columns)).Contiguous().Float32s()
		indices = torch.ToSlice[int64](order.Narrow(1, 0, int64(columns)).Contiguous())
	}, func(block SimilarityBlock) error {
		if block.Column == 0 {
			all = append(all, make([][]Match, len(values)/columns)...)
		}
		for i := range len(values) / columns {
			best := all[block.Row+i]
			for j := range columns {
				at := i*columns + j
				best = append(best, Match{Index: block.Column + int(indices[at]), Cosine: float64(values[at])})
			}
			slices.SortStableFunc(best, func(x, y Match) int { return cmp.Compare(y.Cosine, x.Cosine) })
			all[block.Row+i] = slices.Clip(best[:min(count, len(best))])
		}
		return nil
	})
	if err != nil {
		return nil, failed("Nearest", err)
	}
	return all, nil
}
