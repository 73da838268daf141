package guided

// largestBatch is the presets' Batch. It bounds memory, and fits all cutouts of most
// configurations.
const largestBatch = 64

// Default returns the usual settings of VQGAN-CLIP, for a VQGAN trained on photographs: 256x256
// pixels, 500 steps of Adam with learning rate 0.1, and 32 cutouts. Set Prompts.
func Default() Config {
	return Config{
		Width:  256,
		Height: 256,
		Steps:  500,
		Optimizer: Optimizer{
			Algorithm:    Adam,
			LearningRate: 0.1,
			Schedule:     ConstantSchedule,
		},
		Start:         RandomStart,
		InitDistance:  SquaredDistance,
		Ground:        white,
		ScorerWeights: []float64{1},
		Cutouts: Cutouts{
			Number:         32,
			MaxSize:        1,
			FullResolution: true,
			Power:          1,
			Rotation:       15,
			Translation:    0.1,
			Zoom:           0.1,
			Shear:          5,
			Perspective:    0.2,
			Jitter:         0.1,
			Noise:          0.1,
		},
		Batch: largestBatch,
	}
}

// OnWhite returns settings for models trained on single objects on white, such as those of package
// models: 64x64 pixels, 150 steps, a start from a disc of noise, cutouts that show all or most of
// the image with white around it, and a loss that keeps the margin white. Set Prompts.
func OnWhite() Config {
	c := Default()
	c.Width, c.Height = 64, 64
	c.Steps = 150
	c.Optimizer.LearningRate = 0.2
	c.Start = CenteredStart
	c.Losses.Margin = 1
	c.Cutouts.Number = 16
	c.Cutouts.MinSize, c.Cutouts.MaxSize = 0.8, 1.4
	c.Cutouts.FullResolution = false
	c.Cutouts.Background = new(white)
	return c
}
