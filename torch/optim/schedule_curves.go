package optim

import (
	"cmp"
	"math"

	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// scaled returns rates * factor.
func scaled(rates []float64, factor float64) []float64 {
	to := make([]float64, len(rates))
	for i, rate := range rates {
		to[i] = rate * factor
	}
	return to
}

// between returns least + share * (rate - least) for each rate.
func between(rates []float64, least, share float64) []float64 {
	to := make([]float64, len(rates))
	for i, rate := range rates {
		to[i] = least + (rate-least)*share
	}
	return to
}

// wave goes from 1 to 0 along half a cosine as epoch goes from 0 to length.
func wave(epoch, length int) float64 {
	return (1 + math.Cos(math.Pi*float64(epoch)/float64(length))) / 2
}

func positive(operation, what string, value int) error {
	if value <= 0 {
		return invalid(operation, "the %s is %d: it must be 1 or more", what, value)
	}
	return nil
}

func shareAboveZero(operation, what string, value float64) error {
	if !(value > 0 && value <= 1) {
		return invalid(operation, "the %s is %v: it must be above 0 and at most 1", what, value)
	}
	return nil
}

// StepLR multiplies the learning rates by gamma every stepSize epochs.
func StepLR(optimizer Scheduled, stepSize int, gamma float64) (*LRScheduler, error) {
	return newSchedule("StepLR", optimizer, &stepCurve{stepSize, gamma})
}

type stepCurve struct {
	size  int
	gamma float64
}

func (c *stepCurve) rates(s *LRScheduler, now []float64) []float64 {
	if s.epoch == 0 || s.epoch%c.size != 0 {
		return now
	}
	return scaled(now, c.gamma)
}

func (c *stepCurve) closed(s *LRScheduler) []float64 {
	return scaled(s.base, math.Pow(c.gamma, float64(s.epoch/c.size)))
}

func (c *stepCurve) check(name string) error { return positive(name, "step size", c.size) }

func (c *stepCurve) fields() []field { return []field{{"step_size", &c.size}, {"gamma", &c.gamma}} }

// MultiStepLR multiplies the learning rates by gamma at each of the epochs in milestones, twice at
// an epoch that is listed twice.
func MultiStepLR(optimizer Scheduled, milestones []int, gamma float64) (*LRScheduler, error) {
	curve := &multiStepCurve{map[int]int{}, gamma}
	for _, milestone := range milestones {
		curve.milestones[milestone]++
	}
	return newSchedule("MultiStepLR", optimizer, curve)
}

type multiStepCurve struct {
	// milestones is how often each epoch is listed.
	milestones map[int]int
	gamma      float64
}

func (c *multiStepCurve) rates(s *LRScheduler, now []float64) []float64 {
	return scaled(now, math.Pow(c.gamma, float64(c.milestones[s.epoch])))
}

func (c *multiStepCurve) closed(s *LRScheduler) []float64 {
	passed := 0
	for milestone, times := range c.milestones {
		if milestone <= s.epoch {
			passed += times
		}
	}
	return scaled(s.base, math.Pow(c.gamma, float64(passed)))
}

func (c *multiStepCurve) check(string) error { return nil }

func (c *multiStepCurve) fields() []field {
	return []field{{"milestones", &c.milestones}, {"gamma", &c.gamma}}
}

// ExponentialLR multiplies the learning rates by gamma in each epoch.
func ExponentialLR(optimizer Scheduled, gamma float64) (*LRScheduler, error) {
	return newSchedule("ExponentialLR", optimizer, &exponentialCurve{gamma})
}

type exponentialCurve struct{ gamma float64 }

func (c *exponentialCurve) rates(s *LRScheduler, now []float64) []float64 {
	if s.initial {
		return now
	}
	return scaled(now, c.gamma)
}

func (c *exponentialCurve) closed(s *LRScheduler) []float64 {
	return scaled(s.base, math.Pow(c.gamma, float64(s.epoch)))
}

func (c *exponentialCurve) check(string) error { return nil }

func (c *exponentialCurve) fields() []field { return []field{{"gamma", &c.gamma}} }

// ConstantLR multiplies the learning rates by factor for the given number of epochs, then restores
// them.
func ConstantLR(optimizer Scheduled, factor float64, epochs int) (*LRScheduler, error) {
	return newSchedule("ConstantLR", optimizer, &constantCurve{factor, epochs})
}

type constantCurve struct {
	factor float64
	epochs int
}

func (c *constantCurve) rates(s *LRScheduler, now []float64) []float64 {
	switch s.epoch {
	case 0:
		return scaled(now, c.factor)
	case c.epochs:
		return scaled(now, 1/c.factor)
	default:
		return now
	}
}

func (c *constantCurve) closed(s *LRScheduler) []float64 {
	if s.epoch >= c.epochs {
		return scaled(s.base, 1)
	}
	return scaled(s.base, c.factor)
}

func (c *constantCurve) check(name string) error {
	// A factor of 0 could not be undone.
	return shareAboveZero(name, "factor", c.factor)
}

func (c *constantCurve) fields() []field {
	return []field{{"factor", &c.factor}, {"total_iters", &c.epochs}}
}

// LinearLR multiplies the learning rates by a factor that goes linearly from start to end over the
// given number of epochs, for example for a warm-up.
func LinearLR(optimizer Scheduled, start, end float64, epochs int) (*LRScheduler, error) {
	return newSchedule("LinearLR", optimizer, &linearCurve{start, end, epochs})
}

type linearCurve struct {
	start, end float64
	epochs     int
}

func (c *linearCurve) rates(s *LRScheduler, now []float64) []float64 {
	if s.epoch == 0 {
		return scaled(now, c.start)
	}
	if s.initial || s.epoch > c.epochs {
		return now
	}
	before := float64(c.epochs)*c.start + float64(s.epoch-1)*(c.end-c.start)
	return scaled(now, 1+(c.end-c.start)/before)
}

func (c *linearCurve) closed(s *LRScheduler) []float64 {
	gone := float64(min(c.epochs, s.epoch))
	return scaled(s.base, c.start+(c.end-c.start)*gone/float64(c.epochs))
}

func (c *linearCurve) check(name string) error {
	if !(c.end >= 0 && c.end <= 1) {
		return invalid(name, "the factor at the end is %v: it must be in [0, 1]", c.end)
	}
	if err := shareAboveZero(name, "factor at the start", c.start); err != nil {
		return err
	}
	return positive(name, "number of epochs", c.epochs)
}

func (c *linearCurve) fields() []field {
	return []field{{"start_factor", &c.start}, {"end_factor", &c.end}, {"total_iters", &c.epochs}}
}

// PolynomialLR multiplies the learning rates by (1 - epoch/epochs)^power, so that they reach 0
// after the given number of epochs.
func PolynomialLR(optimizer Scheduled, epochs int, power float64) (*LRScheduler, error) {
	return newSchedule("PolynomialLR", optimizer, &polynomialCurve{epochs, power})
}

type polynomialCurve struct {
	epochs int
	power  float64
}

func (c *polynomialCurve) left(epoch int) float64 {
	return 1 - float64(min(c.epochs, epoch))/float64(c.epochs)
}

func (c *polynomialCurve) rates(s *LRScheduler, now []float64) []float64 {
	if s.initial || s.epoch > c.epochs {
		return now
	}
	return scaled(now, math.Pow(c.left(s.epoch)/c.left(s.epoch-1), c.power))
}

func (c *polynomialCurve) closed(s *LRScheduler) []float64 {
	return scaled(s.base, math.Pow(c.left(s.epoch), c.power))
}

func (c *polynomialCurve) check(name string) error {
	return positive(name, "number of epochs", c.epochs)
}

func (c *polynomialCurve) fields() []field {
	return []field{{"total_iters", &c.epochs}, {"power", &c.power}}
}

// CosineAnnealingLR lowers the learning rates to least along half a cosine over the given number of
// epochs, and raises them again over as many (Loshchilov and Hutter 2017).
func CosineAnnealingLR(optimizer Scheduled, epochs int, least float64) (*LRScheduler, error) {
	return newSchedule("CosineAnnealingLR", optimizer, &cosineCurve{epochs, least})
}

type cosineCurve struct {
	epochs int
	least  float64
}

func (c *cosineCurve) rates(s *LRScheduler, now []float64) []float64 {
	switch {
	case s.initial:
		return now
	case s.steps == 1 && s.epoch > 0:
		return c.closed(s)
	case (s.epoch-1-c.epochs)%(2*c.epochs) == 0:
		// The current rate is least, from which no multiple leads back.
		rates := make([]float64, len(now))
		for i, rate := range now {
			rates[i] = rate + (s.base[i]-c.least)*(1-math.Cos(math.Pi/float64(c.epochs)))/2
		}
		return rates
	default:
		return between(now, c.least, wave(s.epoch, c.epochs)/wave(s.epoch-1, c.epochs))
	}
}

func (c *cosineCurve) closed(s *LRScheduler) []float64 {
	return between(s.base, c.least, wave(s.epoch, c.epochs))
}

func (c *cosineCurve) check(name string) error {
	return positive(name, "number of epochs", c.epochs)
}

func (c *cosineCurve) fields() []field {
	return []field{{"T_max", &c.epochs}, {"eta_min", &c.least}}
}

// CosineAnnealingWarmRestarts lowers the learning rates to least along half a cosine over the given
// number of epochs, then starts again from the top, each time over factor times as many epochs
// (Loshchilov and Hutter 2017).
func CosineAnnealingWarmRestarts(optimizer Scheduled, epochs, factor int, least float64) (*LRScheduler, error) {
	return newSchedule("CosineAnnealingWarmRestarts", optimizer, &restartCurve{epochs, epochs, factor, -1, least})
}

type restartCurve struct {
	first, length, factor int
	// at is the number of epochs since the last restart.
	at    int
	least float64
}

func (c *restartCurve) advance(s *LRScheduler) {
	if s.epoch < 0 {
		s.epoch, c.at, c.length = 0, 0, c.first
		return
	}
	s.epoch++
	c.at++
	if c.at >= c.length {
		c.at %= c.length
		c.length *= c.factor
	}
}

func (c *restartCurve) rates(s *LRScheduler, _ []float64) []float64 {
	return between(s.base, c.least, wave(c.at, c.length))
}

func (c *restartCurve) check(name string) error {
	return cmp.Or(positive(name, "number of epochs", c.first), positive(name, "factor", c.factor),
		positive(name, "length of the present period", c.length))
}

func (c *restartCurve) fields() []field {
	return []field{{"T_0", &c.first}, {"T_i", &c.length}, {"T_mult", &c.factor},
		{"T_cur", &c.at}, {"eta_min", &c.least}}
}

// LambdaLR sets the learning rates to the initial ones times a function of the epoch, counted from
// 0. There is one function for all groups, or one for each.
func LambdaLR(optimizer Scheduled, factors ...func(epoch int) float64) (*LRScheduler, error) {
	const operation = "LambdaLR"
	groups, err := groupsOfScheduled(operation, optimizer)
	if err != nil {
		return nil, err
	}
	count := len(groups.learningRates())
	if len(factors) != 1 && len(factors) != count {
		return nil, invalid(operation, "%s for %s of parameters", words.Count(len(factors), "function"), words.Count(count, "group"))
	}
	for _, factor := range factors {
		if factor == nil {
			return nil, invalid(operation, "a function is nil")
		}
	}
	return newSchedule(operation, optimizer, &lambdaCurve{factors: factors, unsaved: make([]any, count)})
}

type lambdaCurve struct {
	factors []func(epoch int) float64
	// unsaved stands for Python's functions in the state, which are None.
	unsaved []any
}

func (c *lambdaCurve) rates(s *LRScheduler, now []float64) []float64 {
	rates := make([]float64, len(now))
	for i := range rates {
		rates[i] = s.base[i] * c.factors[min(i, len(c.factors)-1)](s.epoch)
	}
	return rates
}

func (c *lambdaCurve) check(string) error { return nil }

func (c *lambdaCurve) fields() []field { return []field{{"lr_lambdas", &c.unsaved}} }
