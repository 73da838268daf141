package prior

import (
	"context"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A batch is pictures that are drawn together. With guidance there are two streams for each: the first
// half of the streams are the pictures with their conditions, the second half those without.
type batch struct {
	model    *Model
	options  Options
	first    int // the index of the first picture
	requests []request
	drawings []Drawing

	tokens  *torch.Tensor   // int64 [N, height * width]
	uniform *torch.Tensor   // float32 [N, height * width]
	keep    *torch.Tensor   // bool [N, height * width], or nil
	cache   []*torch.Tensor // streams in dimension 2, positions in dimension 4

	window  window
	started *torch.Tensor // the logits of the window's first token
	fed     int           // how many tokens of the window are in the cache
}

func (b *batch) draw(ctx context.Context) error {
	defer b.close()
	if err := torch.Compute(ctx, b.begin); err != nil {
		return err
	}
	for row := range b.options.Height {
		for column := range b.options.Width {
			if b.isGiven(row*b.options.Width + column) {
				continue
			}
			err := torch.Compute(ctx, func(scope *torch.TensorScope) error { return b.step(scope, row, column) })
			if err != nil {
				return err
			}
		}
		if err := torch.Compute(ctx, func(*torch.TensorScope) error { return b.readRow(row) }); err != nil {
			return err
		}
		if b.options.OnRow == nil {
			continue
		}
		// Outside of Compute, since OnRow may wait for other computations.
		err := torch.Try(func() (err error) {
			torch.Scope(func(*torch.TensorScope) {
				err = b.options.OnRow(Row{First: b.first, Drawings: b.drawings, Number: row + 1, Rows: b.options.Height})
			})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// begin allocates what the batch keeps on the device.
func (b *batch) begin(scope *torch.TensorScope) error {
	var tokens []int64
	var numbers []float32
	var keep []bool
	given := false
	count := b.options.Height * b.options.Width
	for _, r := range b.requests {
		tokens, numbers = append(tokens, r.start...), append(numbers, r.uniforms...)
		if r.keep == nil {
			keep = append(keep, make([]bool, count)...)
		} else {
			keep, given = append(keep, r.keep...), true
		}
	}
	n := int64(len(b.requests))
	shape := torch.Shape{n, int64(count)}
	b.tokens = scope.Keep(torch.FromSlice(tokens, shape, b.model.device))
	b.uniform = scope.Keep(torch.FromSlice(numbers, shape, b.model.device))
	if given {
		b.keep = scope.Keep(torch.FromSlice(keep, shape, b.model.device))
	}
	size := b.largestWindow()
	var err error
	b.cache, err = b.model.newCache(int64(b.streams()), int64(size.height*size.width))
	for _, tensor := range b.cache {
		scope.Keep(tensor)
	}
	return err
}

func (b *batch) close() {
	for _, tensor := range append([]*torch.Tensor{b.tokens, b.uniform, b.keep, b.started}, b.cache...) {
		if tensor != nil {
			tensor.Close()
		}
	}
}

func (b *batch) streams() int {
	if b.isGuided() {
		return 2 * len(b.requests)
	}
	return len(b.requests)
}

func (b *batch) isGuided() bool { return b.options.Guidance != 1 }

func (b *batch) largestWindow() window {
	config := b.model.config
	return window{height: min(int(config.GridHeight), b.options.Height), width: int(config.GridWidth)}
}

// isGiven reports whether a token is given in all pictures.
func (b *batch) isGiven(at int) bool {
	return !slices.ContainsFunc(b.requests, func(r request) bool { return r.keep == nil || !r.keep[at] })
}

// step draws one token of each picture.
func (b *batch) step(scope *torch.TensorScope, row, column int) (err error) {
	torch.NoGrad(func() {
		var logits *torch.Tensor
		if logits, err = b.logits(scope, row, column); err != nil {
			return
		}
		logits = logits.To(torch.Float32)
		if b.isGuided() {
			logits = guide(logits, b.options.Guidance)
		}
		at := int64(row*b.options.Width + column)
		place := b.tokens.Narrow(1, at, 1)
		token := choose(logits, b.uniform.Narrow(1, at, 1), b.options).Unsqueeze(1)
		if b.keep != nil {
			token = torch.Where(b.keep.Narrow(1, at, 1), place, token)
		}
		place.CopyInPlace(token)
	})
	return err
}

// logits returns the logits [streams, K] of a token. It feeds the tokens of its window that are not in the
// cache yet.
func (b *batch) logits(scope *torch.TensorScope, row, column int) (*torch.Tensor, error) {
	w := windowAt(row, column, b.options.Height, b.options.Width, b.largestWindow(), b.options.Stride)
	if b.started == nil || w != b.window {
		// A condition that is the same everywhere stays in the cache.
		if b.started == nil || b.model.config.prefixHasGrid() {
			if err := b.start(scope, w); err != nil {
				return nil, err
			}
		}
		b.window, b.fed = w, 0
	}
	place := w.place(row, column)
	if place == 0 {
		return b.started, nil
	}
	seen := b.seen(b.fed, place)
	index := torch.Arange(b.fed, place, 1, b.model.device)
	logits, err := b.model.loaded.Frozen.CallTensor("step", seen, index, place, place-b.fed > 1, b.cache)
	b.fed = place
	return logits, err
}

// seen returns the tokens of the window from one place to another, for each stream.
func (b *batch) seen(from, to int) *torch.Tensor {
	n, w := int64(len(b.requests)), b.window
	tokens := b.tokens.Reshape(torch.Shape{n, int64(b.options.Height), int64(b.options.Width)}).
		Narrow(1, int64(w.top), int64(w.height)).Narrow(2, int64(w.left), int64(w.width)).
		Reshape(torch.Shape{n, -1}).Narrow(1, int64(from), int64(to-from))
	if b.isGuided() {
		tokens = torch.Cat([]*torch.Tensor{tokens, tokens}, 0)
	}
	return tokens
}

// start puts the conditions in a window into the cache, and computes the logits of its first token. Each
// condition is computed once, however many streams have it.
func (b *batch) start(scope *torch.TensorScope, w window) error {
	var prefixes []prefix
	for _, r := range b.requests {
		prefixes = append(prefixes, r.condition(w))
	}
	if b.isGuided() {
		for _, r := range b.requests {
			prefixes = append(prefixes, r.null(w))
		}
	}
	done := map[string]int64{}
	logits := make([]*torch.Tensor, len(prefixes))
	for stream, p := range prefixes {
		if from, ok := done[p.key()]; ok {
			logits[stream] = logits[from]
			for _, tensor := range b.cache {
				tensor.Narrow(2, int64(stream), 1).CopyInPlace(tensor.Narrow(2, from, 1))
			}
			continue
		}
		done[p.key()] = int64(stream)
		var err error
		if logits[stream], err = b.model.begin(p, b.cache, int64(stream)); err != nil {
			return err
		}
	}
	if b.started != nil {
		b.started.Close()
	}
	b.started = scope.Keep(torch.Cat(logits, 0))
	return nil
}

// readRow copies a row of tokens to the drawings.
func (b *batch) readRow(row int) error {
	width := b.options.Width
	tokens := torch.ToSlice[int64](b.tokens.Narrow(1, int64(row*width), int64(width)))
	for i := range b.drawings {
		copy(b.drawings[i].Grid.Tokens[row*width:], tokens[i*width:(i+1)*width])
		b.drawings[i].Rows = row + 1
	}
	return nil
}
