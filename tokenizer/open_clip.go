package tokenizer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// OpenCLIPText is what the configuration of an open_clip model says about its tokenizer: the part
// text_cfg of model_cfg in open_clip_config.json.
type OpenCLIPText struct {
	ContextLength   int    `json:"context_length"`    // 0: 77
	HFTokenizerName string `json:"hf_tokenizer_name"` // "": that of OpenAI's CLIP
	TokenizerMode   string `json:"tokenizer_mode"`
	TokenizerKwargs struct {
		Clean         CleanUp `json:"clean"`
		StripSepToken bool    `json:"strip_sep_token"`
		ContextLength int     `json:"context_length"`
		ReductionMask string  `json:"reduction_mask"`
	} `json:"tokenizer_kwargs"`
}

// NewOpenCLIP returns SimpleTokenizer of open_clip: that of OpenAI's CLIP, but for the names of the
// special tokens in a text, <start_of_text> and <end_of_text>, and the clean-up, by default
// [CleanUpLower]. For merges and contextLength see [NewCLIP].
func NewOpenCLIP(merges io.Reader, contextLength int, clean CleanUp) (*CLIP, error) {
	if clean == CleanUpNone {
		clean = CleanUpLower
	}
	function, err := clean.function()
	if err != nil {
		return nil, err
	}
	return newCLIP(merges, contextLength, function, "<start_of_text>", "<end_of_text>")
}

// ForOpenCLIP returns the tokenizer of an open_clip model, as open_clip.get_tokenizer does for a
// folder. A model with a tokenizer of Hugging Face has the files that [ForHuggingFace] reads beside
// its open_clip_config.json; others need OpenAI's merges, for which see [NewCLIP].
func ForOpenCLIP(files fs.FS, merges io.Reader, text OpenCLIPText) (Tokenizer, error) {
	kwargs := text.TokenizerKwargs
	length := text.ContextLength
	if kwargs.ContextLength != 0 {
		length = kwargs.ContextLength
	}
	if length == 0 {
		length = 77
	}
	if kwargs.ReductionMask != "" {
		return nil, fmt.Errorf("tokenizer: the reduction_mask %s, which shortens texts at random, is not supported", quoteShort(kwargs.ReductionMask))
	}
	if text.TokenizerMode != "" {
		return nil, fmt.Errorf("tokenizer: the tokenizer_mode %s is not supported", quoteShort(text.TokenizerMode))
	}
	if text.HFTokenizerName == "" {
		if merges == nil {
			return nil, errors.New("tokenizer: the model has the tokenizer of OpenAI's CLIP, and its merges were not given")
		}
		return NewOpenCLIP(merges, length, kwargs.Clean)
	}
	options := Options{ContextLength: length, CleanUp: kwargs.Clean}
	if options.CleanUp == CleanUpNone {
		options.CleanUp = CleanUpWhitespace
	}
	t, err := ForHuggingFace(files, options)
	if err != nil {
		return nil, err
	}
	if kwargs.StripSepToken {
		t.format.cleared = t.format.end
	}
	return t, nil
}
