package guided

// A Config determines a generation completely. Start from [Default] or [OnWhite], which set all
// fields. Fields are used as they are: 0 means 0.
//
// A Config can be written to JSON or YAML and read back without loss. To read a file that has only
// some of the fields, decode it into the result of [Default] or [OnWhite].
type Config struct {
	// Prompts are the texts that the image moves towards or away from. At least one must have a
	// weight other than 0.
	Prompts []Prompt `json:"prompts" yaml:"prompts"`

	// Width and Height are the size of the image in pixels, from 1 to 8192. They are rounded down
	// to multiples of the VQGAN's downsampling factor, and must not be smaller than that.
	Width  int `json:"width" yaml:"width"`
	Height int `json:"height" yaml:"height"`

	// Steps is the number of optimization steps, 0 or more. With 0 the result is the start.
	Steps int `json:"steps" yaml:"steps"`

	// Optimizer says how the latent moves.
	Optimizer Optimizer `json:"optimizer" yaml:"optimizer"`

	// LatentEMA is the decay of an exponential moving average of the latent over the steps, from 0
	// to below 1. Above 0 the image is decoded from the average, corrected for its start (as in
	// big-sleep, which has 0.99): it is calmer than the latent. With 0 it is decoded from the latent.
	LatentEMA float64 `json:"latent_ema" yaml:"latent_ema"`

	// Patience ends the generation early: when the mean loss over the last Patience steps is not
	// below that of the Patience steps before them. 0 means never.
	Patience int `json:"patience" yaml:"patience"`

	// Seed determines all random numbers of the generation.
	Seed uint64 `json:"seed" yaml:"seed"`

	// Start says how the latent is initialized.
	Start Start `json:"start" yaml:"start"`

	// Init is the path of the initial image for [PictureStart]. It must be empty for other starts,
	// and if [RunOptions] has an initial image.
	Init string `json:"init" yaml:"init"`

	// InitWeight is the weight, 0 or more, of the distance between the latent, or the image, and its
	// start. Above 0 it keeps the image close to its start.
	InitWeight float64 `json:"init_weight" yaml:"init_weight"`

	// InitDistance is the distance that InitWeight weighs.
	InitDistance InitDistance `json:"init_distance" yaml:"init_distance"`

	// Keep is the path of an image that says what stays as it is in the start: the latent's cells
	// where the image, resized to the Config's size, is white; black ones are free, and gray ones
	// stay in part. "" means that all is free. [RunOptions] may have the image instead.
	Keep string `json:"keep" yaml:"keep"`

	// Ground is the color around the disc of [CenteredStart], and the color that Losses.Margin
	// compares with.
	Ground Color `json:"ground" yaml:"ground"`

	// Losses are the weights of what the image should be like besides its prompts.
	Losses Losses `json:"losses" yaml:"losses"`

	// ScorerWeights are the weights of the scorers, one for each, 0 or more. They multiply the
	// prompts' weights.
	ScorerWeights []float64 `json:"scorer_weights" yaml:"scorer_weights"`

	// Cutouts says how the image is presented to CLIP.
	Cutouts Cutouts `json:"cutouts" yaml:"cutouts"`

	// Batch is the largest number of cutouts that go through CLIP at once, 1 or more. Smaller
	// batches need less memory, and give the same gradient up to rounding.
	Batch int `json:"batch" yaml:"batch"`
}

// Cutouts says how the image is presented to CLIP in each step: as square crops with random sizes
// and positions, augmented at random and resized to CLIP's input size. Sizes are drawn as in
// VQGAN-CLIP. The augmentations are a warp (Rotation to Flip), then Jitter, then Noise, with
// uniformly drawn amounts.
type Cutouts struct {
	// Number is the number of cutouts in each step, from 1 to 4096.
	Number int `json:"number" yaml:"number"`
	// MinSize and MaxSize are the sides of the smallest and the largest cutout, relative to the
	// shorter side of the image: 0 <= MinSize <= MaxSize <= 4, and MaxSize above 0. A cutout is at
	// least one pixel. If it is larger than the image, it includes the surroundings.
	MinSize float64 `json:"min_size" yaml:"min_size"`
	MaxSize float64 `json:"max_size" yaml:"max_size"`
	// FullResolution raises the smallest size to CLIP's input size, or to the largest that the
	// image and MaxSize allow, so that cutouts are not enlarged if that can be avoided.
	FullResolution bool `json:"full_resolution" yaml:"full_resolution"`
	// Power shapes the distribution of sizes between the smallest and the largest: U^Power of the
	// way, where U is uniform in [0, 1). It is 0 or more; above 1 it favors small cutouts.
	Power float64 `json:"power" yaml:"power"`
	// Background is the color around the image. nil means that the pixels at the edge of the image
	// are repeated outwards.
	Background *Color `json:"background" yaml:"background"`
	// Rotation is the largest rotation in degrees, in both directions, from 0 to 180.
	Rotation float64 `json:"rotation" yaml:"rotation"`
	// Translation is the largest shift along each axis, relative to the cutout's side, from 0 to 1.
	Translation float64 `json:"translation" yaml:"translation"`
	// Zoom is the largest change of scale, from 0 to below 1: 0.1 means scales from 0.9 to 1.1.
	Zoom float64 `json:"zoom" yaml:"zoom"`
	// Shear is the largest shear angle in degrees, in both directions, from 0 to below 90.
	Shear float64 `json:"shear" yaml:"shear"`
	// Perspective is the largest distance by which each corner moves inwards along each axis,
	// relative to half the side, from 0 to below 1.
	Perspective float64 `json:"perspective" yaml:"perspective"`
	// Flip is the probability of a horizontal flip, from 0 to 1.
	Flip float64 `json:"flip" yaml:"flip"`
	// Jitter is the largest relative change of brightness, contrast and saturation, from 0 to 1.
	Jitter float64 `json:"jitter" yaml:"jitter"`
	// Noise is the largest standard deviation, 0 or more, of normal noise added to a cutout's
	// pixels, with values from 0 to 1. The standard deviation is drawn for each cutout.
	Noise float64 `json:"noise" yaml:"noise"`
}

// WithoutAugmentation returns the cutouts without warp and jitter, as plain crops. Noise stays.
func (c Cutouts) WithoutAugmentation() Cutouts {
	c.Rotation, c.Translation, c.Zoom, c.Shear, c.Perspective, c.Flip, c.Jitter = 0, 0, 0, 0, 0, 0, 0
	return c
}
