package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// An Augmentation says how a picture is changed each time it is seen. [DefaultAugmentation] is
// open_clip's; the zero value changes nothing.
type Augmentation struct {
	// Scale is the least and the largest share of the picture's area in the crop that is resized to the
	// model's size, and Ratio the bounds of its width divided by its height (torchvision's
	// RandomResizedCrop). Without a Scale the picture is preprocessed as it is without training.
	Scale, Ratio [2]float64
	// Mirror is the probability that left and right change places.
	Mirror float64
	// Jitter is the probability of a change of colors: the brightness, the contrast and the saturation are
	// each multiplied by a factor of at most 1 plus, and at least 1 minus, theirs (torchvision's ColorJitter
	// without hue).
	Jitter                           float64
	Brightness, Contrast, Saturation float64
	// Grayscale is the probability that the colors are lost.
	Grayscale float64
}

// DefaultAugmentation returns open_clip's: crops of 90 to 100 % of the area, 3/4 to 4/3 as wide as high.
func DefaultAugmentation() Augmentation {
	return Augmentation{Scale: [2]float64{0.9, 1}, Ratio: [2]float64{3. / 4, 4. / 3}}
}

func (a Augmentation) validate() error {
	share := func(x float64) bool { return x >= 0 && x <= 1 }
	for _, check := range []struct {
		ok   bool
		what string
		got  any
		want string
	}{
		{a.Scale == [2]float64{} || a.Scale[0] > 0 && a.Scale[0] <= a.Scale[1] && a.Scale[1] <= 1, "Scale", a.Scale, "two shares above 0, to 1, the least first"},
		{a.Scale == [2]float64{} || a.Ratio[0] > 0 && a.Ratio[0] <= a.Ratio[1] && a.Ratio[1] <= 100, "Ratio", a.Ratio, "two numbers above 0, to 100, the least first"},
		{share(a.Mirror), "Mirror", a.Mirror, "0 to 1"},
		{share(a.Jitter), "Jitter", a.Jitter, "0 to 1"},
		{share(a.Brightness), "Brightness", a.Brightness, "0 to 1"},
		{share(a.Contrast), "Contrast", a.Contrast, "0 to 1"},
		{share(a.Saturation), "Saturation", a.Saturation, "0 to 1"},
		{share(a.Grayscale), "Grayscale", a.Grayscale, "0 to 1"},
	} {
		if !check.ok {
			return failed("Config", fmt.Errorf("the setting Augmentation.%s is %v, wanted %s: %w", check.what, check.got, check.want, torch.ErrInvalid))
		}
	}
	return nil
}

// A box is a part of a picture.
type box struct{ left, top, width, height int }

// crop draws the part of a picture that is resized: RandomResizedCrop.get_params of torchvision.
func (a Augmentation) crop(random *rand.Rand, width, height int) box {
	area := float64(width) * float64(height)
	least, most := math.Log(a.Ratio[0]), math.Log(a.Ratio[1])
	for range 10 {
		target := area * (a.Scale[0] + random.Float64()*(a.Scale[1]-a.Scale[0]))
		ratio := math.Exp(least + random.Float64()*(most-least))
		w := int(math.RoundToEven(math.Sqrt(target * ratio)))
		h := int(math.RoundToEven(math.Sqrt(target / ratio)))
		if w > 0 && w <= width && h > 0 && h <= height {
			return box{random.IntN(width - w + 1), random.IntN(height - h + 1), w, h}
		}
	}
	w, h := width, height
	switch ratio := float64(width) / float64(height); {
	case ratio < a.Ratio[0]:
		h = int(math.RoundToEven(float64(w) / a.Ratio[0]))
	case ratio > a.Ratio[1]:
		w = int(math.RoundToEven(float64(h) * a.Ratio[1]))
	}
	w, h = max(1, min(w, width)), max(1, min(h, height))
	return box{(width - w) / 2, (height - h) / 2, w, h}
}

// cut returns a part of a picture.
func cut(picture *imageio.RGB, part box) *imageio.RGB {
	if part == (box{0, 0, picture.Width, picture.Height}) {
		return picture
	}
	to := imageio.NewRGB(part.width, part.height)
	for y := range part.height {
		from := 3 * ((part.top+y)*picture.Width + part.left)
		copy(to.Pix[3*y*part.width:3*(y+1)*part.width], picture.Pix[from:])
	}
	return to
}

// colors changes the values, [3, pixels] from 0 to 1.
func (a Augmentation) colors(random *rand.Rand, values []float32) {
	if a.Jitter > 0 && random.Float64() < a.Jitter {
		for _, which := range random.Perm(3) {
			switch which {
			case 0:
				blend(values, a.factor(random, a.Brightness), func(int) float32 { return 0 })
			case 1:
				mean := meanGray(values)
				blend(values, a.factor(random, a.Contrast), func(int) float32 { return mean })
			case 2:
				gray := grays(values)
				blend(values, a.factor(random, a.Saturation), func(i int) float32 { return gray[i] })
			}
		}
	}
	if a.Grayscale > 0 && random.Float64() < a.Grayscale {
		gray := grays(values)
		blend(values, 0, func(i int) float32 { return gray[i] })
	}
}

// factor draws a factor around 1.
func (Augmentation) factor(random *rand.Rand, most float64) float32 {
	return float32(1 - most + 2*most*random.Float64())
}

// blend mixes values with others, which are the same in each channel, as torchvision's _blend does.
func blend(values []float32, factor float32, other func(pixel int) float32) {
	pixels := len(values) / 3
	for i := range pixels {
		with := (1 - factor) * other(i)
		for channel := range 3 {
			v := &values[channel*pixels+i]
			*v = min(max(factor**v+with, 0), 1)
		}
	}
}

// grays returns the luminance of each pixel, with the weights of ITU-R 601-2.
func grays(values []float32) []float32 {
	pixels := len(values) / 3
	gray := make([]float32, pixels)
	for i := range gray {
		gray[i] = 0.2989*values[i] + 0.587*values[pixels+i] + 0.114*values[2*pixels+i]
	}
	return gray
}

func meanGray(values []float32) float32 {
	sum := 0.0
	for _, gray := range grays(values) {
		sum += float64(gray)
	}
	return float32(sum / float64(len(values)/3))
}

// mirror lets left and right change places in values [3, side, side].
func mirror(values []float32, side int) {
	for row := 0; row < len(values); row += side {
		for left, right := row, row+side-1; left < right; left, right = left+1, right-1 {
			values[left], values[right] = values[right], values[left]
		}
	}
}
