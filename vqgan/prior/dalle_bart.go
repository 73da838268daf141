package prior

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
)

const dalleBartFamily = "dalle-bart"

// A dalleBart says how DALL-E mini or mega is built, in the arguments of min-dalle's DalleBartEncoder and
// DalleBartDecoder.
type dalleBart struct {
	Family string `json:"family"` // dalleBartFamily
	// ImageVocabulary is the number of image tokens, without the one for the start; ImageTokens are
	// those that are drawn.
	ImageVocabulary int64 `json:"image_vocab_count"`
	ImageTokens     int64 `json:"image_tokens"`
	ImageLength     int64 `json:"image_token_count"`
	TextVocabulary  int64 `json:"text_vocab_count"`
	TextLength      int64 `json:"text_token_count"`
	Layers          int64 `json:"layer_count"`
	Heads           int64 `json:"attention_head_count"`
	Width           int64 `json:"embed_count"`
	MLPWidth        int64 `json:"glu_embed_count"`
	// Start is the token before the picture's first, and Padding that of texts.
	Start   int64 `json:"start"`
	Padding int64 `json:"padding"`
}

func (d *dalleBart) check() error {
	if err := checkSizes(size{"image_vocab_count", d.ImageVocabulary}, size{"image_tokens", d.ImageTokens},
		size{"image_token_count", d.ImageLength}, size{"text_vocab_count", d.TextVocabulary}, size{"text_token_count", d.TextLength},
		size{"layer_count", d.Layers}, size{"attention_head_count", d.Heads}, size{"embed_count", d.Width},
		size{"glu_embed_count", d.MLPWidth}); err != nil {
		return err
	}
	switch {
	case d.ImageTokens > d.ImageVocabulary+1:
		return fmt.Errorf("it draws %d tokens and knows %d", d.ImageTokens, d.ImageVocabulary+1)
	case d.Start < 0 || d.Start > d.ImageVocabulary:
		return fmt.Errorf("its start token is %d", d.Start)
	case d.Padding < 0 || d.Padding >= d.TextVocabulary:
		return fmt.Errorf("its padding is %d", d.Padding)
	}
	return checkTransformer(d.Width, d.Layers, d.Heads)
}

func (d *dalleBart) describe() string {
	return fmt.Sprintf("dalle-bart-%d-%d-%d", d.Layers, d.Width, d.ImageTokens)
}

// noBias is a layer as all those of DALL-E mini, with the initial weights of BART.
var noBias = architecture.Layer{NoBias: true, Weight: architecture.Normal(0.02)}

func (d *dalleBart) root(weights architecture.Weights) *architecture.Node {
	root := architecture.New("DalleBart", weights)
	d.embeddings(root.Child("encoder", "DalleBartEncoder"), d.TextVocabulary, d.TextLength, func(layer *architecture.Node) {
		d.attention(layer, "self_attn", "EncoderSelfAttention")
	}, "EncoderLayer")
	decoder := root.Child("decoder", "DalleBartDecoder")
	d.embeddings(decoder, d.ImageVocabulary+1, d.ImageLength, func(layer *architecture.Node) {
		d.attention(layer, "self_attn", "DecoderSelfAttention")
		d.attention(layer, "encoder_attn", "DecoderCrossAttention")
	}, "DecoderLayer")
	decoder.Linear("lm_head", d.Width, d.ImageVocabulary+1, noBias)
	return root.Set("layers", d.Layers).Set("heads", d.Heads).Set("text_length", d.TextLength).Set("image_tokens", d.ImageTokens).
		Set("start", d.Start).Set("padding", d.Padding)
}

// embeddings adds what the encoder and the decoder share.
func (d *dalleBart) embeddings(node *architecture.Node, vocabulary, length int64, attention func(*architecture.Node), class string) {
	node.Embedding("embed_tokens", vocabulary, d.Width, architecture.Normal(0.02))
	node.Embedding("embed_positions", length, d.Width, architecture.Normal(0.02))
	layers := node.Child("layers", "")
	for range d.Layers {
		layer := layers.Item(class)
		attention(layer)
		glu := layer.Child("glu", "GLU")
		glu.LayerNorm("ln0", d.Width, normEps)
		glu.LayerNorm("ln1", d.MLPWidth, normEps)
		glu.Linear("fc0", d.Width, d.MLPWidth, noBias)
		glu.Linear("fc1", d.Width, d.MLPWidth, noBias)
		glu.Linear("fc2", d.MLPWidth, d.Width, noBias)
	}
	node.LayerNorm("layernorm_embedding", d.Width, normEps)
	node.LayerNorm("final_ln", d.Width, normEps)
}

// attention adds an attention with the normalizations before and after it.
func (d *dalleBart) attention(layer *architecture.Node, name, class string) {
	layer.LayerNorm("pre_"+name+"_layer_norm", d.Width, normEps)
	node := layer.Child(name, class).Set("heads", d.Heads)
	for _, projection := range []string{"k_proj", "v_proj", "q_proj", "out_proj"} {
		node.Linear(projection, d.Width, d.Width, noBias)
	}
	layer.LayerNorm(name+"_layer_norm", d.Width, normEps)
}
