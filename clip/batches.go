package clip

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A source is an image that is still to be read.
type source struct {
	path string // empty for an image in memory
	read func() (*imageio.RGB, error)
}

// A batch is a group of images that are encoded together.
type batch struct {
	first    int // index of its first image among all
	sources  []source
	failures []error   // one for each source, nil for those that could be read
	pixels   []float32 // [len(sources), 3, S, S]
	done     chan struct{}
}

// batchSize returns the number of images encoded at a time. Larger batches are not faster on a CPU;
// a GPU needs more to be busy.
func (m *Model) batchSize() int {
	if m.device.IsCUDA() {
		return 128
	}
	return 32
}

// readers returns how many images are read at once, and whether while the model computes. On the
// CPU they are read then only if the model leaves processors free: OpenMP's threads spin while they
// wait for each other, so that a model that shares its processors is several times slower.
func (m *Model) readers() (count int, besideModel bool) {
	processors, threads := runtime.GOMAXPROCS(0), torch.NumThreads()
	switch {
	case m.device.IsCUDA() || threads == 1:
		return processors, true
	case threads < processors:
		return processors - threads, true
	}
	return processors, false
}

// encodeBatches encodes images batch by batch, in order. While the model computes one batch, the
// next is read, so at most two are in memory. handle gets each batch with the embeddings [n, D] of
// the images that could be read, or nil if there is none; it owns them, and an error from it ends
// the work. pictures runs on the caller's goroutine.
func (m *Model) encodeBatches(ctx context.Context, pictures iter.Seq[source],
	handle func(b *batch, embeddings *torch.Tensor) error) error {
	if err := cmp.Or(m.usable(), m.needImages()); err != nil {
		return err
	}
	if ctx == nil {
		ctx = context.Background()
	}
	reading, cancel := context.WithCancel(ctx)
	gathered, ready := new(batch), new(batch) // used alternately
	readers, besideModel := m.readers()
	defer func() {
		cancel()
		ready.wait()
	}()
	// next starts to read the gathered batch, and encodes the one before it.
	next := func() error {
		m.startReading(reading, gathered, readers)
		gathered, ready = ready, gathered
		if !besideModel {
			ready.wait()
		}
		err := m.finish(ctx, gathered, handle)
		gathered.reset(ready.first + len(ready.sources))
		return err
	}
	for picture := range pictures {
		gathered.sources = append(gathered.sources, picture)
		if len(gathered.sources) < m.batchSize() {
			continue
		}
		if err := next(); err != nil {
			return err
		}
	}
	for len(gathered.sources) > 0 || len(ready.sources) > 0 {
		if err := next(); err != nil {
			return err
		}
	}
	return nil
}

// finish encodes the images of a batch that could be read.
func (m *Model) finish(ctx context.Context, b *batch,
	handle func(b *batch, embeddings *torch.Tensor) error) error {
	if len(b.sources) == 0 {
		return nil
	}
	b.wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	count := b.dropFailures()
	if count == 0 {
		return handle(b, nil)
	}
	embeddings, err := m.encode(ctx, "encode_image", func() *torch.Tensor {
		shape := torch.Shape{int64(count), 3, m.config.ImageSize, m.config.ImageSize}
		return torch.FromSlice(b.pixels, shape).To(m.device, m.dtype).ChannelsLast()
	})
	if err != nil {
		return err
	}
	return handle(b, embeddings)
}

// startReading reads and preprocesses a batch in the background.
func (m *Model) startReading(ctx context.Context, b *batch, readers int) {
	if len(b.sources) == 0 {
		return
	}
	size := m.preprocessor.Size
	count := len(b.sources)
	b.failures = make([]error, count)
	b.pixels = resize(b.pixels, count*3*size*size)
	b.done = make(chan struct{})
	go func() {
		defer close(b.done)
		parallel(count, readers, func(i int) {
			if b.failures[i] = ctx.Err(); b.failures[i] != nil {
				return
			}
			b.failures[i] = m.readInto(b.picture(i), b.sources[i])
		})
	}()
}

// readInto writes the preprocessed image to pixels. The image may be of any type: a panic in its
// methods becomes its error.
func (m *Model) readInto(pixels []float32, from source) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("reading it failed: %v", reason)
		}
	}()
	square, err := from.read()
	if err == nil {
		_, err = imageio.AppendCHW(pixels[:0], square, m.preprocessor.Mean, m.preprocessor.Std)
	}
	return err
}

// picture returns the part of the pixels that belongs to image i.
func (b *batch) picture(i int) []float32 {
	size := len(b.pixels) / len(b.sources)
	return b.pixels[i*size : (i+1)*size]
}

// wait waits until the batch has been read.
func (b *batch) wait() {
	if b.done != nil {
		<-b.done
	}
}

// dropFailures moves the pixels of the images that could be read to the front, and returns their
// number.
func (b *batch) dropFailures() int {
	read, size := 0, len(b.pixels)/len(b.sources)
	for i, failure := range b.failures {
		if failure != nil {
			continue
		}
		if read < i {
			copy(b.pixels[read*size:(read+1)*size], b.pixels[i*size:])
		}
		read++
	}
	b.pixels = b.pixels[:read*size]
	return read
}

// failure returns the error of image i, or nil.
func (b *batch) failure(i int) error {
	if b.failures[i] == nil {
		return nil
	}
	return &PictureError{Index: b.first + i, Path: b.sources[i].path, Err: b.failures[i]}
}

// reset empties the batch and keeps its buffers.
func (b *batch) reset(first int) {
	clear(b.sources)
	b.first, b.sources, b.done = first, b.sources[:0], nil
}

// resize returns a slice of the given length, reusing the memory of values if it suffices.
func resize(values []float32, length int) []float32 {
	if cap(values) < length {
		return make([]float32, length)
	}
	return values[:length]
}

// parallel calls f with 0 to count-1 on the given number of goroutines.
func parallel(count, goroutines int, f func(int)) {
	if count == 1 {
		f(0)
		return
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(count, goroutines) {
		workers.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	workers.Wait()
}
