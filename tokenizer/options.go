package tokenizer

import (
	"fmt"
	"io"
	"strings"
)

// Options say how the [Tokenizer] of a text encoder is made from a vocabulary.
type Options struct {
	// ContextLength is the length of a row, special tokens included. 0 is that of the file; a
	// SentencePiece model has none.
	ContextLength int
	// CleanUp is done to a text first.
	CleanUp CleanUp
	// StartToken and EndToken are put before and after a text. "" is what the file says, or none.
	StartToken, EndToken string
	// PaddingToken fills a row. "" is what the file says, or the token 0, as OpenAI's CLIP has it.
	PaddingToken string
	// PadLeft puts the padding before the text.
	PadLeft bool
	// ClearedToken becomes 0 in a row; "" is none. open_clip does it to the separator of BERT
	// (strip_sep_token).
	ClearedToken string
}

// FromSentencePiece returns the tokenizer of a SentencePiece model, the contents of a .model file.
// SigLIP's is
//
//	FromSentencePiece(data, Options{ContextLength: 64, CleanUp: CleanUpCanonicalize, EndToken: "</s>", PaddingToken: "</s>"})
func FromSentencePiece(data []byte, o Options) (*TextTokenizer, error) {
	model, err := ParseSentencePiece(data)
	if err != nil {
		return nil, err
	}
	return newTextTokenizer(model, rowFormat{}, o)
}

// FromTokenizerJSON returns the tokenizer of a tokenizer.json. Its post-processor says which tokens
// start and end a row.
func FromTokenizerJSON(data []byte, o Options) (*TextTokenizer, error) {
	model, err := ParseTokenizerJSON(data)
	if err != nil {
		return nil, err
	}
	return newTextTokenizer(model, model.rowFormat(), o)
}

// FromBPE returns the tokenizer of CLIP's older layout on Hugging Face: a vocab.json with a number
// for each symbol, and a merges.txt. It gives the same tokens as CLIPTokenizer of transformers 5,
// whose clean-up is Unicode's form C, one space for white space, and lower case. Without options,
// start and end are <|startoftext|> and <|endoftext|>, the padding <|endoftext|>, and the context
// length 77.
func FromBPE(vocabulary, merges io.Reader, o Options) (*TextTokenizer, error) {
	names := clipSpecialTokens{startOfText, endOfText, endOfText, endOfText}
	model, err := readCLIPFiles(vocabulary, merges, names)
	if err != nil {
		return nil, err
	}
	return newTextTokenizer(model, rowFormat{contextLength: 77}, o.orElse(Options{
		StartToken: startOfText, EndToken: endOfText, PaddingToken: endOfText,
	}))
}

// orElse returns the options with those of other for the ones that are not set.
func (o Options) orElse(other Options) Options {
	if o.ContextLength == 0 {
		o.ContextLength = other.ContextLength
	}
	if o.CleanUp == CleanUpNone {
		o.CleanUp = other.CleanUp
	}
	for _, pair := range [][2]*string{
		{&o.StartToken, &other.StartToken}, {&o.EndToken, &other.EndToken},
		{&o.PaddingToken, &other.PaddingToken}, {&o.ClearedToken, &other.ClearedToken},
	} {
		if *pair[0] == "" {
			*pair[0] = *pair[1]
		}
	}
	o.PadLeft = o.PadLeft || other.PadLeft
	return o
}

// newTextTokenizer makes a tokenizer of an encoder, the file's format of a row, and options.
func newTextTokenizer(encoder textEncoder, format rowFormat, o Options) (*TextTokenizer, error) {
	clean, err := o.CleanUp.function()
	if err != nil {
		return nil, err
	}
	for _, named := range []struct {
		name, option string
		set          func(id int64)
	}{
		{o.StartToken, "StartToken", func(id int64) { format.start = []int64{id} }},
		{o.EndToken, "EndToken", func(id int64) { format.end = []int64{id} }},
		{o.PaddingToken, "PaddingToken", func(id int64) { format.padding = id }},
		{o.ClearedToken, "ClearedToken", func(id int64) { format.cleared = []int64{id} }},
	} {
		if named.name == "" {
			continue
		}
		id, ok := encoder.Token(named.name)
		if !ok {
			return nil, fmt.Errorf("tokenizer: the %s %s is not in the vocabulary", named.option, quoteShort(named.name))
		}
		named.set(id)
	}
	if o.ContextLength != 0 {
		format.contextLength = o.ContextLength
	}
	if format.contextLength == 0 {
		return nil, fmt.Errorf("tokenizer: neither the file nor ContextLength says how many tokens the model reads")
	}
	format.padLeft = format.padLeft || o.PadLeft
	if format.padding < 0 || format.padding >= int64(encoder.VocabularySize()) {
		return nil, fmt.Errorf("tokenizer: the padding is the token %d, and the largest is %d", format.padding, encoder.VocabularySize()-1)
	}
	if err := format.check(); err != nil {
		return nil, err
	}
	return &TextTokenizer{encoder, clean, format}, nil
}

// rowFormat is what a tokenizer.json says about a row.
func (t *HuggingFace) rowFormat() rowFormat {
	f := rowFormat{start: t.template.before, end: t.template.after}
	if t.padding != nil {
		f.padding = t.padding.PadID
		f.padLeft, f.tellsSide = strings.EqualFold(t.padding.Direction, "left"), true
		f.contextLength = t.padding.Strategy.Fixed
	}
	if t.truncation != nil {
		f.truncateLeft = strings.EqualFold(t.truncation.Direction, "left")
		f.contextLength = t.truncation.MaxLength
	}
	return f
}
