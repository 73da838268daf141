//go:build models_from_files

package models

import (
	"os"
	"path/filepath"
)

// With the build tag models_from_files the models are not embedded: the program reads them from the
// directory in the environment variable CLIPVQGAN_MODELS. A bundle of many programs then contains
// them only once.
func read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(os.Getenv("CLIPVQGAN_MODELS"), name))
	if err != nil {
		panic("models: CLIPVQGAN_MODELS must name the directory of the model files: " + err.Error())
	}
	return data
}

func clipArchive() []byte     { return read("clip.pt") }
func vqganArchive() []byte    { return read("vqgan.pt") }
func drawingsArchive() []byte { return read("drawings.pt") }
func labels() string          { return string(read("labels.txt")) }
