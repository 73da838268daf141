package clip

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// bookkeeping are numbers among the tensors of OpenAI's files, which no other's have.
var bookkeeping = []string{"input_resolution", "context_length", "vocab_size"}

// isOpenAI reports whether the tensors are from one of OpenAI's files.
func isOpenAI(set *weights.Set) bool {
	return !slices.ContainsFunc(bookkeeping, func(name string) bool { return !set.Has(name) })
}

// networkFromShapes reads a network off the shapes of tensors with openai/CLIP's names, as
// build_model does in its clip/model.py. Shapes tell neither the activation nor the number of
// heads, which are 64 wide in all of OpenAI's models.
func networkFromShapes(set *weights.Set) (*network, error) {
	if set.HasPrefix("visual.trunk.") || set.HasPrefix("visual.attn_pool.") {
		return nil, fmt.Errorf("its shapes do not tell its image encoder: import it with the architecture by name, or put its open_clip_config.json beside it: %w", torch.ErrModel)
	}
	side := func(positions string) int64 {
		return int64(math.Round(math.Sqrt(float64(set.Size(positions, 0) - 1))))
	}
	width := set.Size("ln_final.weight", 0)
	n := &network{
		EmbeddingDimension: set.Size("text_projection", 1),
		Text: textNetwork{
			ContextLength:  set.Size("positional_embedding", 0),
			VocabularySize: set.Size("token_embedding.weight", 0),
			Width:          width,
			Heads:          max(width/64, 1),
			Layers:         set.Count("transformer.resblocks"),
		},
	}
	n.Text.MLPWidth = set.Size("transformer.resblocks.0.mlp.c_fc.weight", 0)
	switch {
	case set.Has("visual.proj"):
		patch := set.Size("visual.conv1.weight", 3)
		n.Vision = visionNetwork{
			ImageSize: side("visual.positional_embedding") * patch,
			Layers:    layers{count: set.Count("visual.transformer.resblocks")},
			Width:     set.Size("visual.conv1.weight", 0),
			PatchSize: patch,
		}
		n.Vision.MLPWidth = set.Size("visual.transformer.resblocks.0.mlp.c_fc.weight", 0)
	case set.Has("visual.attnpool.positional_embedding"):
		n.Vision = visionNetwork{
			ImageSize: side("visual.attnpool.positional_embedding") * 32,
			Layers: layers{stages: []int64{set.Count("visual.layer1"), set.Count("visual.layer2"),
				set.Count("visual.layer3"), set.Count("visual.layer4")}},
			Width: set.Size("visual.layer1.0.conv1.weight", 0),
		}
	default:
		return nil, fmt.Errorf("its image encoder is of no known family: %w", torch.ErrModel)
	}
	n.Text.simplify(n.Text.Width)
	n.Vision.simplify(n.Vision.Width)
	return n, nil
}

// simplify leaves out a width that is the default.
func (e *encoder) simplify(width int64) {
	if e.MLPWidth == 4*width {
		e.MLPWidth = 0
	}
}

// sameShapes reports whether the tensors of both networks have the same shapes, as far as
// networkFromShapes reads them.
func (n *network) sameShapes(other *network) bool {
	shapes := func(n *network) []any {
		v, t := n.Vision, n.Text
		if v.TimmName != "" { // whose sizes its name tells
			v.Width, v.PatchSize, v.Layers = 0, 0, layers{}
		}
		return []any{n.EmbeddingDimension, v.TimmName, v.TimmPool, v.TimmProjection, v.ImageSize, v.Layers.count, fmt.Sprint(v.Layers.stages), v.Width, v.PatchSize,
			v.hidden(v.Width, v.MLPRatio), t.ClassToken, v.AttentionalPool, t.ContextLength, t.VocabularySize, t.Width, t.Layers, t.hidden(t.Width, t.MLPRatio)}
	}
	return slices.Equal(shapes(n), shapes(other))
}

// decide returns the network of tensors with openai/CLIP's names, and its name: by its name if it
// is given, else by its shapes.
func decide(set *weights.Set, name string) (*network, string, error) {
	if name != "" {
		if quick := name + "-quickgelu"; isOpenAI(set) && networks[quick] != nil {
			name = quick // both name it, and OpenAI's have that activation
		}
		return byName(name)
	}
	n, err := networkFromShapes(set)
	if err != nil {
		return nil, "", err
	}
	var fitting []string
	for _, known := range Architectures() {
		if networks[known].sameShapes(n) {
			fitting = append(fitting, known)
		}
	}
	if isOpenAI(set) {
		n.QuickGELU = true
		for _, known := range fitting {
			if networks[known].QuickGELU {
				return networks[known], known, nil
			}
		}
		return n, n.describe(), nil
	}
	switch len(fitting) {
	case 0:
		return nil, "", fmt.Errorf("its shapes are those of no known architecture (%s), and do not tell the activation: put its open_clip_config.json beside it, or import it with an architecture by name: %w",
			n.describe(), torch.ErrModel)
	case 1:
		return networks[fitting[0]], fitting[0], nil
	}
	return nil, "", fmt.Errorf("its shapes fit %s, which differ in what shapes do not tell: import it with one of them as the architecture, or put its open_clip_config.json beside it: %w",
		strings.Join(fitting, " and "), torch.ErrModel)
}

// describe names a network by its sizes.
func (n *network) describe() string {
	v := n.Vision
	if n.Only == "text" {
		return fmt.Sprintf("text-%dx%d", n.Text.Layers, n.Text.Width)
	}
	if v.TimmName != "" {
		return v.TimmName
	}
	if v.Layers.stages != nil {
		return fmt.Sprintf("RN%vx%d@%d", v.Layers.stages, v.Width, v.ImageSize)
	}
	return fmt.Sprintf("ViT-%dx%d/%d@%d", v.Layers.count, v.Width, v.PatchSize, v.ImageSize)
}
