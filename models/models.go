// Package models contains a small CLIP and two small VQGANs, trained on open artwork. They are
// embedded in programs that use them.
//
// Use clip.Load and vqgan.Load for full-size models, which open published checkpoints.
package models

import (
	"bytes"
	"strings"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// CLIP loads the small CLIP. By default it is in float32 on the CPU; options may be a device and a
// dtype.
func CLIP(where ...torch.Option) (*clip.Model, error) {
	return clip.Read(bytes.NewReader(clipArchive()), where...)
}

// TrainableCLIP loads the small CLIP to train it on.
func TrainableCLIP(where ...torch.Option) (*clip.Trainable, error) {
	return clip.ReadTrainable(bytes.NewReader(clipArchive()), where...)
}

// DrawingVQGAN loads a VQGAN for drawings and emoji of 128x128 pixels, with 16x16 tokens of 2,048
// (f8-2048-drawings). It is sharper than [VQGAN], and a step of guided generation takes several times
// as long.
func DrawingVQGAN(where ...torch.Option) (*vqgan.Model, error) {
	return vqgan.Read(bytes.NewReader(drawingsArchive()), where...)
}

// VQGAN loads the small VQGAN for emoji of 64x64 pixels. By default it is in float32 on the CPU; options may be a device and
// a dtype.
func VQGAN(where ...torch.Option) (*vqgan.Model, error) {
	return vqgan.Read(bytes.NewReader(vqganArchive()), where...)
}

// Labels returns the names of the emoji that the models know, over a thousand.
func Labels() []string {
	return strings.Split(strings.TrimSpace(labels()), "\n")
}
