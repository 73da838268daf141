//go:build !models_from_files

package models

import _ "embed" // for the model files

var (
	//go:embed clip.pt
	embeddedCLIP []byte
	//go:embed vqgan.pt
	embeddedVQGAN []byte
	//go:embed drawings.pt
	embeddedDrawings []byte
	//go:embed labels.txt
	embeddedLabels string
)

func clipArchive() []byte     { return embeddedCLIP }
func vqganArchive() []byte    { return embeddedVQGAN }
func drawingsArchive() []byte { return embeddedDrawings }
func labels() string          { return embeddedLabels }
