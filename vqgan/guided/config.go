package guided

// A Config is everything that determines a run. [Default] and [OnWhite] return one with every field
// filled in; change what should differ. What a field holds is what is used: a zero means zero.
//
// It can be written as JSON or YAML and read back without loss. To read a file that holds only some
// of the fields, decode it into the value of a preset.
type Config struct {
	// Prompts are the texts that the picture moves towards or away from. At least one must have a
	// weight other than 0.
	Prompts []Prompt `json:"prompts" yaml:"prompts"`

	// Width and Height are the picture's size in pixels, from 1 to 8192. They are rounded down to
	// multiples of the VQGAN's downsampling factor, and must not be below it.
	Width  int `json:"width" yaml:"width"`
	Height int `json:"height" yaml:"height"`

	// Steps is the number of optimization steps, 0 or more. With 0 the result is the start.
	Steps int `json:"steps" yaml:"steps"`

	// LearningRate is the learning rate of Adam, 0 or more.
	LearningRate float64 `json:"learning_rate" yaml:"learning_rate"`

	// Seed seeds every random number of the run.
	Seed uint64 `json:"seed" yaml:"seed"`

	// Start says what the latent is before the first step.
	Start Start `json:"start" yaml:"start"`

	// Init is the path of the picture that [PictureStart] starts from. It must be empty for another
	// start, and where [RunOptions] hold the picture.
	Init string `json:"init" yaml:"init"`

	// InitWeight is the weight of the mean squared difference between the latent and the one it
	// started from, 0 or more. Above 0 it keeps the picture near its start.
	InitWeight float64 `json:"init_weight" yaml:"init_weight"`

	// Ground is the color that [CenteredStart] puts around the disc, and Margin compares with.
	Ground Color `json:"ground" yaml:"ground"`

	// Margin is the weight of the mean squared difference between the picture's margin, a sixteenth of
	// the picture at each edge, and Ground, 0 or more. It keeps a single thing in the middle.
	Margin float64 `json:"margin" yaml:"margin"`

	// TotalVariation is the weight of the mean squared difference between neighboring pixels, whose
	// values are from 0 to 1. It is 0 or more; more makes a smoother picture, and 1 is much.
	TotalVariation float64 `json:"total_variation" yaml:"total_variation"`

	// Cutouts say how the picture is shown to CLIP.
	Cutouts Cutouts `json:"cutouts" yaml:"cutouts"`

	// Batch is the largest number of cutouts that go through CLIP at once, 1 or more. A smaller one
	// needs less memory, and gives the same gradient up to rounding.
	Batch int `json:"batch" yaml:"batch"`
}

// A Start says what the latent is before the first step.
type Start string

const (
	// RandomStart is a random codebook row for each vector of the latent.
	RandomStart Start = "random"
	// CenteredStart is random codebook rows in a disc in the middle, and the encoding of the color
	// Ground around it.
	CenteredStart Start = "centered"
	// PictureStart is the encoding of a picture, which is resized to the Config's size. The picture is
	// the file Init, or Init of [RunOptions].
	PictureStart Start = "picture"
)

// Cutouts say how CLIP sees the picture in each step: as square crops of random sizes and places,
// each randomly augmented and resized to CLIP's image size. The sizes are those of VQGAN-CLIP's
// cutouts; the augmentations are applied in the order of a warp (Rotation to Flip), Jitter and Noise,
// with every amount drawn uniformly.
type Cutouts struct {
	// Number is the number of cutouts in each step, 1 or more.
	Number int `json:"number" yaml:"number"`
	// MinSize and MaxSize are the sides of the smallest and the largest cutout, as a share of the
	// picture's shorter side: 0 <= MinSize <= MaxSize <= 4, and MaxSize above 0. No cutout is smaller
	// than a pixel. One larger than the picture shows what lies around it too.
	MinSize float64 `json:"min_size" yaml:"min_size"`
	MaxSize float64 `json:"max_size" yaml:"max_size"`
	// FullResolution raises the smallest cutout to CLIP's image size, or to the largest that fits into
	// the picture and MaxSize, so that no cutout is enlarged where that can be avoided.
	FullResolution bool `json:"full_resolution" yaml:"full_resolution"`
	// Power shapes the distribution of the sizes between the smallest and the largest: U^Power of the
	// way, with U uniform in [0, 1). It is 0 or more; above 1 it favors small cutouts.
	Power float64 `json:"power" yaml:"power"`
	// Background is the color around the picture. With nil the pixels at the picture's edge are
	// repeated outwards.
	Background *Color `json:"background" yaml:"background"`
	// Rotation is the largest angle of rotation in degrees, to either side, from 0 to 180.
	Rotation float64 `json:"rotation" yaml:"rotation"`
	// Translation is the largest shift along each axis, as a share of the cutout's side, from 0 to 1.
	Translation float64 `json:"translation" yaml:"translation"`
	// Zoom is the largest change of scale, from 0 to below 1: 0.1 scales by 0.9 to 1.1.
	Zoom float64 `json:"zoom" yaml:"zoom"`
	// Shear is the largest angle of shear in degrees, to either side, from 0 to below 90.
	Shear float64 `json:"shear" yaml:"shear"`
	// Perspective is the largest distance that each corner moves inwards along each axis, as a share
	// of half the side, from 0 to below 1.
	Perspective float64 `json:"perspective" yaml:"perspective"`
	// Flip is the probability of a horizontal flip, from 0 to 1.
	Flip float64 `json:"flip" yaml:"flip"`
	// Jitter is the largest relative change of brightness, contrast and saturation, from 0 to 1.
	Jitter float64 `json:"jitter" yaml:"jitter"`
	// Noise is the largest standard deviation of normal noise that is added to a cutout's pixels,
	// whose values are from 0 to 1. It is 0 or more, and drawn for each cutout.
	Noise float64 `json:"noise" yaml:"noise"`
}

// WithoutAugmentation returns the cutouts with plain crops: no warp and no jitter. Noise stays.
func (c Cutouts) WithoutAugmentation() Cutouts {
	c.Rotation, c.Translation, c.Zoom, c.Shear, c.Perspective, c.Flip, c.Jitter = 0, 0, 0, 0, 0, 0, 0
	return c
}
