package clip

import (
	"context"
	"errors"
	"fmt"
	"image"
	"iter"
	"slices"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// An Embedding is one result of [Model.EncodeImages] or [Model.EncodeFiles].
type Embedding struct {
	// Index is the position of the image among all, from 0.
	Index int
	// Path is the file of the image, or "" for an image in memory.
	Path string
	// Vector is the embedding, of D elements and not normalized; nil if there is an error.
	Vector []float32
}

// A PictureError is the error of one image of several that could not be read.
type PictureError struct {
	// Index is the position of the image among all, from 0.
	Index int
	// Path is the file of the image, or "" for an image in memory.
	Path string
	// Err is the reason, an error of package imageio or os.
	Err error
}

// Error returns the reason with the position of the image, counted from 1.
func (e *PictureError) Error() string { return fmt.Sprintf("picture %d: %v", e.Index+1, e.Err) }

// Unwrap returns the reason.
func (e *PictureError) Unwrap() error { return e.Err }

// EncodeImage returns the embeddings of images, [N, D], not normalized. The images are preprocessed
// (see [Preprocessor]) and encoded in batches, so that memory does not grow with their number,
// except for the result. An empty image is a [PictureError], which ends the work. Without images
// the error is [torch.ErrInvalid].
func (m *Model) EncodeImage(ctx context.Context, pictures ...image.Image) (*torch.Tensor, error) {
	return m.encodeTogether(ctx, "EncodeImage", m.imageSources(slices.Values(pictures)))
}

// EncodeFile is [Model.EncodeImage] for image files. The first file that cannot be read ends the
// work with a [PictureError]; [Model.EncodeFiles] continues with the others.
func (m *Model) EncodeFile(ctx context.Context, paths ...string) (*torch.Tensor, error) {
	return m.encodeTogether(ctx, "EncodeFile", m.fileSources(slices.Values(paths)))
}

// EncodeImages is [Model.EncodeFiles] for images in memory. Each image is taken from the sequence
// shortly before it is encoded, and released afterwards.
func (m *Model) EncodeImages(ctx context.Context, pictures iter.Seq[image.Image]) iter.Seq2[Embedding, error] {
	return m.encodeEach(ctx, "EncodeImages", m.imageSources(pictures))
}

// EncodeFiles embeds any number of image files in bounded memory, and yields the results in the
// order of the files. Several files are read and decoded at once, also while the model computes if
// that leaves processors free.
//
// A file that cannot be read yields a [PictureError] together with an Embedding that has its index
// and path, and the work continues. Any other error is the last result: the model failed, or ctx
// ended, which ends the work within one batch.
//
//	for embedding, err := range model.EncodeFiles(ctx, slices.Values(paths)) {
//		var unreadable *clip.PictureError
//		if errors.As(err, &unreadable) {
//			log.Print(err)
//			continue
//		} else if err != nil {
//			return err
//		}
//		store(embedding.Path, embedding.Vector)
//	}
func (m *Model) EncodeFiles(ctx context.Context, paths iter.Seq[string]) iter.Seq2[Embedding, error] {
	return m.encodeEach(ctx, "EncodeFiles", m.fileSources(paths))
}

func (m *Model) imageSources(pictures iter.Seq[image.Image]) iter.Seq[source] {
	if pictures == nil {
		pictures = slices.Values[[]image.Image](nil)
	}
	return func(yield func(source) bool) {
		for picture := range pictures {
			if !yield(source{read: func() (*imageio.RGB, error) { return m.preprocessor.Crop(picture) }}) {
				return
			}
		}
	}
}

func (m *Model) fileSources(paths iter.Seq[string]) iter.Seq[source] {
	if paths == nil {
		paths = slices.Values[[]string](nil)
	}
	return func(yield func(source) bool) {
		for path := range paths {
			if !yield(source{path, func() (*imageio.RGB, error) { return m.preprocessor.loadSquare(path) }}) {
				return
			}
		}
	}
}

// encodeTogether returns all embeddings as one tensor, or the first error.
func (m *Model) encodeTogether(ctx context.Context, operation string, pictures iter.Seq[source]) (*torch.Tensor, error) {
	var rows joined
	defer rows.close()
	err := m.encodeBatches(ctx, pictures, func(b *batch, embeddings *torch.Tensor) error {
		if embeddings != nil {
			rows.add(embeddings)
		}
		for i := range b.sources {
			if err := b.failure(i); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(rows.parts) == 0 {
		err = fmt.Errorf("there is no picture: %w", torch.ErrInvalid)
	}
	if err != nil {
		return nil, failed(operation, err)
	}
	all, err := rows.join(ctx)
	return all, failed(operation, err)
}

// errStop says that the caller wants no more results.
var errStop = errors.New("stop")

// encodeEach yields the embeddings one by one.
func (m *Model) encodeEach(ctx context.Context, operation string, pictures iter.Seq[source]) iter.Seq2[Embedding, error] {
	return func(yield func(Embedding, error) bool) {
		count := 0
		err := m.encodeBatches(ctx, pictures, func(b *batch, embeddings *torch.Tensor) error {
			values, err := toFloats(embeddings)
			if err != nil {
				return err
			}
			dimension := int(m.config.EmbeddingDimension)
			for i, source := range b.sources {
				embedding := Embedding{Index: count, Path: source.path}
				err := b.failure(i)
				if err == nil {
					embedding.Vector, values = values[:dimension:dimension], values[dimension:]
				}
				count++
				if !yield(embedding, failed(operation, err)) {
					return errStop
				}
			}
			return nil
		})
		if err != nil && err != errStop {
			yield(Embedding{Index: count}, failed(operation, err))
		}
	}
}

// toFloats copies a tensor's elements to a slice and closes the tensor; nil gives none.
func toFloats(t *torch.Tensor) (values []float32, err error) {
	if t == nil {
		return nil, nil
	}
	defer t.Close()
	err = torch.Try(func() error {
		values = t.Float32s()
		return nil
	})
	return values, err
}
