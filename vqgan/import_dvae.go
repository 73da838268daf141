package vqgan

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// The name of the first convolution's weights in the encoder and in the decoder of DALL-E's
// discrete VAE.
const dvaeFirst = "blocks.input.w"

// addOtherHalf opens the decoder of DALL-E's discrete VAE beside its encoder, or the encoder beside
// the decoder, if the checkpoint is one of them alone.
func (o *opened) addOtherHalf() error {
	if !o.set.Has(dvaeFirst) || !o.set.HasPrefix("blocks.group_1.") {
		return nil
	}
	half, other := "decoder", "encoder"
	if o.set.Size(dvaeFirst, 3) > 1 {
		half, other = other, half // it takes pictures, by a large kernel
	}
	base := filepath.Base(o.path)
	path := filepath.Join(filepath.Dir(o.path), strings.Replace(base, half, other, 1))
	missing := fmt.Errorf("%s is the %s of a discrete VAE alone: give the folder that has %s.pkl and %s.pkl: %w",
		o.path, half, half, other, torch.ErrModel)
	if filepath.Base(path) == base {
		return missing
	}
	file, err := weights.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return missing
	}
	if err != nil {
		return weights.ModelError("", err)
	}
	if !file.Has(dvaeFirst) || (file.Size(dvaeFirst, 3) > 1) != (other == "encoder") {
		file.Close()
		return fmt.Errorf("%s is no %s of a discrete VAE, which belongs to %s: %w", path, other, o.path, torch.ErrModel)
	}
	o.files = append(o.files, file)
	both := weights.NewSet(o.path, nil)
	both.Merge(half+".", o.set)
	both.Merge(other+".", file.Set)
	o.set = both
	return nil
}

// dvaeTensors returns the tensors of DALL-E's discrete VAE with encoder. and decoder. before their
// names, or nil if there are none. DALLE-pytorch calls them enc. and dec., and has them within its
// transformer.
func dvaeTensors(set *weights.Set) *weights.Set {
	for _, halves := range [][2]string{{"encoder.", "decoder."}, {"enc.", "dec."}} {
		for _, name := range set.Names() {
			prefix, ok := strings.CutSuffix(name, halves[0]+dvaeFirst)
			if !ok || prefix != "" && !strings.HasSuffix(prefix, ".") || !set.Has(prefix+halves[1]+dvaeFirst) {
				continue
			}
			return set.Rename(func(name string) string {
				for i, half := range []string{"encoder.", "decoder."} {
					if rest, ok := strings.CutPrefix(name, prefix+halves[i]+"blocks."); ok {
						return half + "blocks." + rest
					}
				}
				return ""
			})
		}
	}
	return nil
}

// identifyDVAE identifies DALL-E's discrete VAE, whose shapes tell everything.
func identifyDVAE(set *weights.Set) (*identified, error) {
	d := newDVAE(
		set.Size("decoder."+dvaeFirst, 1), set.Size("decoder."+dvaeFirst, 0), set.Size("encoder."+dvaeFirst, 0),
		set.Size("decoder.blocks.output.conv.w", 1), set.Count("encoder.blocks.group_4"))
	return &identified{design: d, set: fromDVAE(set)}, nil
}

// fromDVAE gives the tensors our names. The weights of the decoder's first convolution are the
// codebook.
func fromDVAE(set *weights.Set) *weights.Set {
	renamed := set.Rename(func(name string) string {
		switch name {
		case "decoder." + dvaeFirst:
			return name
		case "decoder.blocks.input.b":
			return "decoder.bias"
		}
		if rest, ok := strings.CutSuffix(name, ".w"); ok {
			return rest + ".weight"
		}
		if rest, ok := strings.CutSuffix(name, ".b"); ok {
			return rest + ".bias"
		}
		return name
	})
	renamed.Reshape("decoder."+dvaeFirst, renamed.Size("decoder."+dvaeFirst, 0), -1)
	renamed.Transpose("decoder."+dvaeFirst, "quantizer.embedding.weight")
	return renamed
}
