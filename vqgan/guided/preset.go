package guided

import "image/color"

// OnWhite are options for models that were trained on single things over white, as the ones of
// package models were: the run starts from a disc of noise, CLIP sees the whole picture or nearly so,
// now and then with white around it, and the picture's margin is held white. Fields can be changed
// afterwards.
func OnWhite() Options {
	return Options{
		LearningRate: 0.2,
		Margin:       1,
		CentredStart: true,
		Cutouts: Cutouts{
			Number:     16,
			MinSize:    0.8,
			MaxSize:    1.4,
			Background: color.White,
		},
	}
}
