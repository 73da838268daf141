package train

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A loader reads batches.
type loader struct {
	pairs        *Pairs
	preprocessor clip.Preprocessor
	tokenizer    tokenizer.Tokenizer
	augmentation Augmentation
	seed         uint64
	readers      int
}

// A batch is the pairs of one step that could be read.
type batch struct {
	count    int
	pixels   []float32 // [count, 3, S, S], preprocessed
	tokens   []int64   // [count, L]
	failures map[int]error
}

// order returns the pairs in the order of an epoch.
func (l *loader) order(epoch int) []int {
	return rand.New(rand.NewPCG(l.seed, uint64(epoch))).Perm(l.pairs.Len())
}

// load reads pairs. Texts that are too long are cut, as open_clip does.
func (l *loader) load(ctx context.Context, epoch int, indices []int) *batch {
	side := l.preprocessor.Size
	size, length := 3*side*side, l.tokenizer.ContextLength()
	b := &batch{pixels: make([]float32, size*len(indices)), tokens: make([]int64, length*len(indices)), failures: map[int]error{}}
	failures := make([]error, len(indices))
	readers := l.readers
	if readers == 0 {
		readers = runtime.GOMAXPROCS(0)
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(readers, len(indices)) {
		workers.Go(func() {
			for i := range next {
				if failures[i] = ctx.Err(); failures[i] == nil {
					failures[i] = l.one(epoch, indices[i], b.pixels[i*size:(i+1)*size], b.tokens[i*length:(i+1)*length])
				}
			}
		})
	}
	for i := range indices {
		next <- i
	}
	close(next)
	workers.Wait()
	for i, failure := range failures {
		if failure != nil {
			b.failures[indices[i]] = failure
			continue
		}
		copy(b.pixels[b.count*size:], b.pixels[i*size:(i+1)*size])
		copy(b.tokens[b.count*length:], b.tokens[i*length:(i+1)*length])
		b.count++
	}
	b.pixels, b.tokens = b.pixels[:b.count*size], b.tokens[:b.count*length]
	return b
}

// one reads a pair into its part of a batch.
func (l *loader) one(epoch, index int, pixels []float32, tokens []int64) error {
	pair, err := l.pairs.Read(index)
	if err != nil {
		return err
	}
	rows, err := l.tokenizer.TokenizeTruncated(pair.Text)
	if err != nil {
		return fmt.Errorf("%s: %w", pair.Name, err)
	}
	copy(tokens, rows[0])
	// Of the pair and the epoch alone, whatever is read before or beside it.
	random := rand.New(rand.NewPCG(l.seed^uint64(epoch+1)*0x9e3779b97f4a7c15, uint64(index)))
	if err := l.augmented(random, pair.Picture, pixels); err != nil {
		return fmt.Errorf("%s: %w", pair.Name, err)
	}
	return nil
}

// augmented writes a picture as the model is to see it.
func (l *loader) augmented(random *rand.Rand, picture *imageio.RGB, pixels []float32) error {
	side := l.preprocessor.Size
	var square *imageio.RGB
	var err error
	if l.augmentation.Scale == [2]float64{} {
		square, err = l.preprocessor.Crop(picture)
	} else {
		part := l.augmentation.crop(random, picture.Width, picture.Height)
		square, err = imageio.Resize(cut(picture, part), side, side, l.preprocessor.Filter)
	}
	if err != nil {
		return err
	}
	imageio.AppendCHW(pixels[:0], square, [3]float32{}, [3]float32{})
	l.augmentation.colors(random, pixels)
	if l.augmentation.Mirror > 0 && random.Float64() < l.augmentation.Mirror {
		mirror(pixels, side)
	}
	for channel := range 3 {
		mean, deviation := l.preprocessor.Mean[channel], l.preprocessor.Std[channel]
		plane := pixels[channel*side*side : (channel+1)*side*side]
		for i, value := range plane {
			plane[i] = (value - mean) / deviation
		}
	}
	return nil
}

// tensors returns a part of the pictures [n, 3, S, S] and the tokens [n, L].
func (b *batch) tensors(from, to int) (pictures, tokens *torch.Tensor) {
	size, length := len(b.pixels)/b.count, len(b.tokens)/b.count
	side := int64(isqrt(size / 3))
	count := int64(to - from)
	return torch.FromSlice(b.pixels[from*size:to*size], torch.Shape{count, 3, side, side}),
		torch.FromSlice(b.tokens[from*length:to*length], torch.Shape{count, int64(length)})
}

// isqrt returns the root of a square.
func isqrt(square int) int {
	root := 0
	for root*root < square {
		root++
	}
	return root
}

// told returns the failures of pairs, each once, in the order of the pairs.
func told(failures map[int]error, count int) []error {
	var all []error
	for i := range count {
		if err := failures[i]; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			all = append(all, err)
		}
	}
	return all
}
