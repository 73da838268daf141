package clip

import (
	"fmt"
	"image"
	"runtime"
	"sync"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Preprocessor turns pictures into what the image encoder takes. A copy of it with ReferenceExact
// set treats unusual pictures exactly as openai/CLIP does.
func (m *Model) Preprocessor() Preprocessor { return m.preprocessor }

// EncodeImage is the embeddings of pictures, [N, D], not of unit length. Each is resized so that
// its shorter side fits, and its middle is taken, as in openai/CLIP.
func (m *Model) EncodeImage(pictures ...image.Image) (*torch.Tensor, error) {
	return m.encodeEach("EncodeImage", len(pictures), func(i int) ([]float32, error) {
		return m.preprocessor.Image(pictures[i])
	})
}

// EncodeFile is [Model.EncodeImage] for picture files, which are decoded in parallel. The error
// names the first file that cannot be read.
func (m *Model) EncodeFile(paths ...string) (*torch.Tensor, error) {
	return m.encodeEach("EncodeFile", len(paths), func(i int) ([]float32, error) {
		return m.preprocessor.Load(paths[i])
	})
}

// encodeEach preprocesses count pictures on all processors, and embeds them in one batch.
func (m *Model) encodeEach(operation string, count int, read func(int) ([]float32, error)) (*torch.Tensor, error) {
	if count == 0 {
		return nil, fmt.Errorf("clip: %s: there is no picture: %w", operation, torch.ErrInvalid)
	}
	size := int(3 * m.config.ImageSize * m.config.ImageSize)
	pixels := make([]float32, count*size)
	failures := make([]error, count)
	parallel(count, func(i int) {
		var values []float32
		values, failures[i] = read(i)
		copy(pixels[i*size:], values)
	})
	for i, err := range failures {
		if err != nil {
			return nil, fmt.Errorf("clip: %s: picture %d of %d: %w", operation, i+1, count, err)
		}
	}
	return m.encode(operation, "encode_image", func() *torch.Tensor {
		shape := []int64{int64(count), 3, m.config.ImageSize, m.config.ImageSize}
		return torch.FromSlice(pixels, shape).To(m.device, m.dtype).ChannelsLast()
	})
}

// parallel calls f for 0 to count-1, as many at once as there are processors.
func parallel(count int, f func(int)) {
	if count == 1 {
		f(0)
		return
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(count, runtime.GOMAXPROCS(0)) {
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
