package evaluate

import (
	"context"
	"fmt"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Recall is the measures of a search in one direction.
type Recall struct {
	// At1, At5 and At10 are the shares of queries of which a right result is among the first 1, 5 or 10.
	At1, At5, At10 float64
	// MeanRank and MedianRank are those of the best right result, from 1; the median is rounded down, as
	// open_clip's.
	MeanRank, MedianRank float64
}

// Recalls is the measures of pairs, in both directions.
type Recalls struct {
	Images, Texts int
	ImageToText   Recall
	TextToImage   Recall
}

// retrievalRows is the number of queries that are compared at a time.
const retrievalRows = 64

// Retrieval measures how well images [N, D] find their texts [M, D] by the cosine, and texts their images. Text i
// belongs to image imageOf[i]; nil means that text i belongs to image i. An image may have several texts, of which
// it is to find one. What is as similar as a right result counts as found before it. The error is
// [torch.ErrInvalid] for other shapes, or an image without a text.
func Retrieval(ctx context.Context, images, texts *torch.Tensor, imageOf []int) (*Recalls, error) {
	found, err := retrieval(ctx, images, texts, imageOf)
	return found, failed("Retrieval", err)
}

func retrieval(ctx context.Context, images, texts *torch.Tensor, imageOf []int) (*Recalls, error) {
	var units [2]*torch.Tensor
	var textsOf [][]int
	err := torch.Compute(ctx, func(scope *torch.TensorScope) error {
		a, b := images.Shape(), texts.Shape()
		if len(a) != 2 || len(b) != 2 || a[1] != b[1] || a[0] < 1 || b[0] < 1 {
			return fmt.Errorf("embeddings of images %v and of texts %v, wanted [N, D] and [M, D]: %w", a, b, torch.ErrInvalid)
		}
		if imageOf == nil && a[0] != b[0] {
			return fmt.Errorf("there are %d images and %d texts, and not which belong together: %w", a[0], b[0], torch.ErrInvalid)
		}
		if imageOf == nil {
			for i := range int(a[0]) {
				imageOf = append(imageOf, i)
			}
		}
		if len(imageOf) != int(b[0]) {
			return fmt.Errorf("there are %d texts and the images of %d: %w", b[0], len(imageOf), torch.ErrInvalid)
		}
		textsOf = make([][]int, a[0])
		for text, image := range imageOf {
			if image < 0 || image >= int(a[0]) {
				return fmt.Errorf("text %d belongs to image %d of %d: %w", text, image, a[0], torch.ErrInvalid)
			}
			textsOf[image] = append(textsOf[image], text)
		}
		for image, of := range textsOf {
			if of == nil {
				return fmt.Errorf("image %d has no text: %w", image, torch.ErrInvalid)
			}
		}
		for i, t := range []*torch.Tensor{images, texts} {
			units[i] = scope.Keep(t.Detach().To(torch.Float32).Normalize(-1))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer units[0].Close()
	defer units[1].Close()
	result := &Recalls{Images: len(textsOf), Texts: len(imageOf)}
	ranks, err := ranksOf(ctx, units[0], units[1], func(image int) []int { return textsOf[image] })
	if err != nil {
		return nil, err
	}
	result.ImageToText = recallOf(ranks)
	if ranks, err = ranksOf(ctx, units[1], units[0], func(text int) []int { return imageOf[text : text+1] }); err != nil {
		return nil, err
	}
	result.TextToImage = recallOf(ranks)
	return result, nil
}

// ranksOf returns for each query the number of results that are found before the best right one.
func ranksOf(ctx context.Context, queries, results *torch.Tensor, right func(query int) []int) ([]int, error) {
	ranks := make([]int, 0, queries.Size(0))
	for first := int64(0); first < queries.Size(0); first += retrievalRows {
		err := torch.Compute(ctx, func(*torch.TensorScope) error {
			rows := queries.Narrow(0, first, min(retrievalRows, queries.Size(0)-first))
			for _, cosines := range torch.ToRows[float32](rows.MatMul(results.T()).To(torch.CPU)) {
				own := right(len(ranks))
				best := cosines[own[0]]
				for _, each := range own {
					best = max(best, cosines[each])
				}
				before := 0
				for i, cosine := range cosines {
					if cosine >= best && !slices.Contains(own, i) {
						before++
					}
				}
				ranks = append(ranks, before)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return ranks, nil
}

func recallOf(ranks []int) (r Recall) {
	count := float64(len(ranks))
	within := func(most int) float64 {
		found := 0
		for _, rank := range ranks {
			if rank < most {
				found++
			}
		}
		return float64(found) / count
	}
	r.At1, r.At5, r.At10 = within(1), within(5), within(10)
	for _, rank := range ranks {
		r.MeanRank += float64(rank+1) / count
	}
	sorted := slices.Sorted(slices.Values(ranks))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		r.MedianRank = float64(sorted[middle] + 1)
	} else {
		r.MedianRank = float64((sorted[middle-1]+sorted[middle])/2 + 1)
	}
	return r
}
