package guided

import "github.com/clipvqgan/clipvqgan/torch"

// A view is the cutouts of a step for the scorers with one size of input.
type view struct {
	cutter  *cutter
	scorers []int // which see it
	cutouts []cutout
	noise   *torch.Tensor // standard normal [n, 3, side, side], or nil
}

// views returns a view, still without cutouts, for each size of the scorers' inputs.
func newViews(scorers []Scorer, background *Color, where ...torch.Option) (views []view) {
	bySide := map[int64]int{}
	for i, scorer := range scorers {
		side := scorer.ImageSize()
		at, known := bySide[side]
		if !known {
			at = len(views)
			bySide[side] = at
			views = append(views, view{cutter: newCutter(side, background, where...)})
		}
		views[at].scorers = append(views[at].scorers, i)
	}
	return views
}

// noiseOf returns the noise of some of the cutouts, or nil.
func (v view) noiseOf(start, end int) *torch.Tensor {
	if v.noise == nil {
		return nil
	}
	return v.noise.Narrow(0, int64(start), int64(end-start))
}
