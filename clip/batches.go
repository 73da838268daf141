package clip

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A source is a picture that is still to be read.
type source struct {
	path string // empty for a picture in memory
	read func() (*imageio.RGB, error)
}

// A batch is pictures that go through the image encoder together.
type batch struct {
	first    int // the place of its first picture among all
	sources  []source
	failures []error   // one for each source, nil for those that could be read
	pixels   []float32 // [len(sources), 3, S, S]
	done     chan struct{}
}

// batchSize is how many pictures go through the encoder at once. More makes a CPU no faster; a GPU
// needs more to be busy.
func (m *Model) batchSize() int {
	if m.device.IsCUDA() {
		return 128
	}
	return 32
}

// readers is how many pictures are read at once, and whether they are read while the model works. On
// the CPU they are only where the model leaves processors free: OpenMP's threads wait for each other by
// spinning, so that a model that has to share its processors takes several times as long.
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

// encodeBatches embeds pictures batch by batch, in their order. While the model works on one batch,
// the next is read, so that two batches are in memory at most. handle gets each
// batch with the embeddings of the pictures that could be read, [n, D], nil where there is none; it
// owns them, and its error ends the work. pictures runs on the caller's goroutine.
func (m *Model) encodeBatches(ctx context.Context, pictures iter.Seq[source],
	handle func(b *batch, embeddings *torch.Tensor) error) error {
	reading, cancel := context.WithCancel(ctx)
	gathered, ready := new(batch), new(batch) // their buffers are used in turns
	readers, besideModel := m.readers()
	defer func() {
		cancel()
		ready.wait()
	}()
	// next starts to read what is gathered, and embeds what was read before it.
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

// finish embeds what was read of a batch.
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

// readInto writes the preprocessed picture to pixels. The picture's type may be a stranger's: its
// panic is an error of this picture.
func (m *Model) readInto(pixels []float32, from source) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("reading it failed: %v", reason)
		}
	}()
	square, err := from.read()
	if err == nil {
		imageio.AppendCHW(pixels[:0], square, m.preprocessor.Mean, m.preprocessor.Std)
	}
	return err
}

// picture is the part of the pixels that is picture i's.
func (b *batch) picture(i int) []float32 {
	size := len(b.pixels) / len(b.sources)
	return b.pixels[i*size : (i+1)*size]
}

// wait waits until the batch is read.
func (b *batch) wait() {
	if b.done != nil {
		<-b.done
	}
}

// dropFailures moves the pixels of the pictures that could be read to the front, and returns how many
// there are.
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

// failure is the error of picture i, nil where it could be read.
func (b *batch) failure(i int) error {
	if b.failures[i] == nil {
		return nil
	}
	return &PictureError{Index: b.first + i, Path: b.sources[i].path, Err: b.failures[i]}
}

// reset empties the batch, and keeps its buffers.
func (b *batch) reset(first int) {
	clear(b.sources)
	b.first, b.sources, b.done = first, b.sources[:0], nil
}

// resize returns a slice of the given length, in values' memory where it suffices.
func resize(values []float32, length int) []float32 {
	if cap(values) < length {
		return make([]float32, length)
	}
	return values[:length]
}

// parallel calls f for 0 to count-1, on so many goroutines at once.
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
