package optim

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A lineSearch searches along a direction for a point that satisfies the strong Wolfe conditions:
// the loss has decreased enough for the distance, and its slope has become flat enough. The
// constants and the order of trials are PyTorch's.
type lineSearch struct {
	// evaluate returns the loss and its gradient at a length along the direction.
	evaluate  func(length float64, direction *torch.Tensor) (float64, *torch.Tensor)
	direction *torch.Tensor
}

// A trial is a point at which the loss was evaluated.
type trial struct {
	length, loss, slope float64
	gradient            *torch.Tensor
}

func (s lineSearch) try(length float64) trial {
	loss, gradient := s.evaluate(length, s.direction)
	return trial{length, loss, dot(gradient, s.direction), gradient}
}

// run starts with the given length, from a point with the given loss, gradient and slope, and
// evaluates about limit points at most. It returns the loss, gradient and length of the best point,
// and the number of evaluations.
func (s lineSearch) run(length, loss float64, gradient *torch.Tensor, slope float64, limit int64) (float64, *torch.Tensor, float64, int64) {
	const (
		sufficient = 1e-4 // share of the decrease that the slope predicts
		flattened  = 0.9  // share of the initial slope
		narrowest  = 1e-9 // smallest remaining interval
	)
	tooHigh := func(t trial) bool { return t.loss > loss+sufficient*t.length*slope }
	flat := func(t trial) bool { return math.Abs(t.slope) <= -flattened*slope }

	start := trial{0, loss, slope, gradient}
	before, latest := start, s.try(length)
	tried, round, found := int64(1), int64(0), false
	var ends [2]trial
	for ends[1].gradient == nil {
		switch {
		case round >= limit:
			ends = [2]trial{start, latest}
		case tooHigh(latest) || (round > 1 && latest.loss >= before.loss):
			ends = [2]trial{before, latest}
		case flat(latest):
			ends, found = [2]trial{latest, latest}, true
		case latest.slope >= 0:
			ends = [2]trial{before, latest}
		default: // go farther
			next := interpolate(before, latest, latest.length+0.01*(latest.length-before.length), latest.length*10)
			before, latest = latest, s.try(next)
			tried++
			round++
		}
	}
	lower := func() (low, high *trial) {
		if ends[0].loss <= ends[1].loss {
			return &ends[0], &ends[1]
		}
		return &ends[1], &ends[0]
	}
	low, high := lower()

	// Zoom in between the two ends.
	reach := largest(s.direction)
	hesitated := false
	for !found && round < limit && math.Abs(high.length-low.length)*reach >= narrowest {
		left, right := min(low.length, high.length), max(low.length, high.length)
		next := interpolate(*low, *high, left, right)
		margin := 0.1 * (right - left)
		switch {
		case min(right-next, next-left) >= margin:
			hesitated = false
		case hesitated || next >= right || next <= left:
			// At an end, or close to one twice in a row: move away from it.
			if math.Abs(next-right) < math.Abs(next-left) {
				next = right - margin
			} else {
				next = left + margin
			}
			hesitated = false
		default:
			hesitated = true
		}
		latest = s.try(next)
		tried++
		round++
		if tooHigh(latest) || latest.loss >= low.loss {
			*high = latest
			low, high = lower()
			continue
		}
		if flat(latest) {
			found = true
		} else if latest.slope*(high.length-low.length) >= 0 {
			*high = *low
		}
		*low = latest
	}
	return low.loss, low.gradient, low.length, tried
}

// interpolate returns the minimum, within bounds, of the cubic through two points with their
// slopes.
func interpolate(a, b trial, lowest, highest float64) float64 {
	if a.length > b.length {
		a, b = b, a
	}
	tilt := a.slope + b.slope - 3*(a.loss-b.loss)/(a.length-b.length)
	square := tilt*tilt - a.slope*b.slope
	if !(square >= 0) {
		return (lowest + highest) / 2
	}
	root := math.Sqrt(square)
	place := b.length - (b.length-a.length)*((b.slope+root-tilt)/(b.slope-a.slope+2*root))
	return min(max(place, lowest), highest)
}
