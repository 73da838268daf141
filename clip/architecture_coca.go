package clip

import (
	_ "embed"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
)

//go:embed coca.py
var cocaText string

// addClassToken adds CoCa's class token, which the text encoder appends to the tokens.
func (t *textNetwork) addClassToken(root *architecture.Node) {
	root.Parameter("cls_emb", architecture.Normal(0.01), t.Width)
	if t.CorrectClassMask {
		root.Set("correct_class_mask", true)
	}
	if !t.NotCausal {
		root.Set("causal_class_mask", true)
	}
}

func (v *visionNetwork) poolQueries() int64 {
	if v.PoolQueries == 0 {
		return 256
	}
	return v.PoolQueries
}

func (v *visionNetwork) poolHeads() int64 {
	if v.PoolHeads == 0 {
		return 8
	}
	return v.PoolHeads
}

// addAttentionalPool adds open_clip's AttentionalPooler (transformer.py there).
func (v *visionNetwork) addAttentionalPool(node *architecture.Node, dimension int64) {
	const eps = 1e-5
	normal := architecture.Normal
	pool := node.Child("attn_pool", "AttentionalPooler")
	pool.Parameter("query", normal(1), v.poolQueries(), dimension)
	attention := pool.Child("attn", "CrossAttention").Set("heads", v.poolHeads())
	if v.Width == dimension {
		attention.Parameter("in_proj_weight", normal(0.02), 3*dimension, dimension)
	} else {
		attention.Parameter("q_proj_weight", normal(0.02), dimension, dimension)
		attention.Parameter("k_proj_weight", normal(0.02), dimension, v.Width)
		attention.Parameter("v_proj_weight", normal(0.02), dimension, v.Width)
	}
	attention.Parameter("in_proj_bias", architecture.Zeros, 3*dimension)
	attention.Linear("out_proj", dimension, dimension, timmLayer())
	pool.LayerNorm("ln_q", dimension, eps)
	pool.LayerNorm("ln_k", v.Width, eps)
}
