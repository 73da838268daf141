// Package models holds the small CLIP and VQGAN that come with the module: they were trained on
// open emoji artwork at 64x64 pixels, and are part of the program that imports this package.
//
// Full-size models are loaded from files that scripts/ exports, with clip.Load and vqgan.Load.
package models

import (
	"bytes"
	"strings"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// CLIP loads the small CLIP, on the CPU in float32 where nothing else is said.
func CLIP(where ...torch.Option) (*clip.Model, error) {
	return clip.Read(bytes.NewReader(clipArchive()), where...)
}

// VQGAN loads the small VQGAN, on the CPU in float32 where nothing else is said.
func VQGAN(where ...torch.Option) (*vqgan.Model, error) {
	return vqgan.Read(bytes.NewReader(vqganArchive()), where...)
}

// Labels are the names of the emoji that the models know, over a thousand.
func Labels() []string {
	return strings.Split(strings.TrimSpace(labels()), "\n")
}
