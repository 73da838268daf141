//go:build models_from_files

package models

import (
	"os"
	"path/filepath"
)

// With the build tag models_from_files the models are not part of the program: it reads them from
// the directory that the environment variable CLIPVQGAN_MODELS names. Many programs of one bundle
// need them once that way.
func read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(os.Getenv("CLIPVQGAN_MODELS"), name))
	if err != nil {
		panic("models: CLIPVQGAN_MODELS must name the directory of the model files: " + err.Error())
	}
	return data
}

func clipArchive() []byte  { return read("clip.pt") }
func vqganArchive() []byte { return read("vqgan.pt") }
func labels() string       { return string(read("labels.txt")) }
