package prior

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// The files of min-dalle: those of mini may have a suffix.
const (
	encoderFile = "encoder.pt"
	decoderFile = "decoder.pt"
	// detokenizerFile is the VQGAN's decoder, which is beside them or where min-dalle puts it.
	detokenizerFile = "detoker.pt"
	minDalleName    = "layers.0.glu.fc0.weight"
)

// identifyMinDalle identifies the encoder of min-dalle, and reads what is beside it.
func (o *opened) identifyMinDalle(file *weights.File) error {
	folder, base := filepath.Split(file.Path)
	if !strings.Contains(base, "encoder") {
		return fmt.Errorf("it is a part of min-dalle: give the folder of %s and %s, or its encoder: %w", encoderFile, decoderFile, torch.ErrModel)
	}
	decoder, err := weights.Open(filepath.Join(folder, strings.Replace(base, "encoder", "decoder", 1)))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("it is the encoder of min-dalle, and its %s is not beside it: %w", strings.Replace(base, "encoder", "decoder", 1), torch.ErrModel)
	}
	if err != nil {
		return err
	}
	o.opened = append(o.opened, decoder)
	suffix := strings.TrimSuffix(strings.TrimPrefix(base, "encoder"), filepath.Ext(base))
	o.files = map[string][]byte{}
	for _, each := range [][2]string{{vocabularyFile, "vocab" + suffix + ".json"}, {mergesFile, "merges" + suffix + ".txt"}} {
		data, err := weights.Beside(file.Path, each[1])
		if err != nil {
			return err
		}
		if data == nil {
			return fmt.Errorf("its tokenizer is not beside it: there is no %s: %w", each[1], torch.ErrModel)
		}
		o.files[each[0]] = data
	}
	for _, decoder := range []string{detokenizerFile, filepath.Join("..", "vqgan", detokenizerFile)} {
		if path := filepath.Join(folder, decoder); o.vqgan == "" && isFile(path) {
			o.vqgan = path
		}
	}
	o.set = weights.NewSet(file.Path, nil)
	o.set.Merge("encoder.", file.Set)
	o.set.Merge("decoder.", decoder.Set)

	const headWidth = 64 // of both published models
	rows := o.set.Size("decoder.embed_tokens.weight", 0)
	width := o.set.Size("decoder.embed_tokens.weight", 1)
	d := &dalleBart{
		Family: dalleBartFamily, ImageVocabulary: rows - 1, ImageTokens: min(1<<14, rows),
		ImageLength:    o.set.Size("decoder.embed_positions.weight", 0),
		TextVocabulary: o.set.Size("encoder.embed_tokens.weight", 0), TextLength: o.set.Size("encoder.embed_positions.weight", 0),
		Layers: o.set.Count("decoder.layers"), Heads: max(1, width/headWidth), Width: width,
		MLPWidth: o.set.Size("decoder."+minDalleName, 0),
		// min_dalle.py and dalle_bart_encoder.py have these numbers.
		Start: 1<<14 - 1, Padding: 1,
	}
	o.design, o.config = d, d.config()
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
