package prior

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// The kinds of tokenizers in a description.
const (
	// openAITokenizer is CLIP's, whose merges are the extra file mergesFile, without its tokens for start
	// and end. The unused positions have a token each.
	openAITokenizer = "openai-bpe"
	// dalleMiniTokenizer is that of DALL-E mini and mega, whose files are vocabularyFile and mergesFile.
	dalleMiniTokenizer = "dalle-mini"
)

// The extra files of tokenizers.
const (
	mergesFile     = "bpe_merges.txt"
	vocabularyFile = "vocab.json"
)

// A textReader makes a model's input of texts.
type textReader interface {
	// read returns the row of tokens of a text; that of "" is the null condition.
	read(text string) ([]int64, error)
}

// newTextReader makes the reader that a description names from the extra files of its archive, or nil if
// the model takes no texts.
func newTextReader(c Config, files map[string][]byte) (textReader, error) {
	if c.Conditioning != TextCondition {
		return nil, nil
	}
	if c.TextLength < 1 {
		return nil, errors.New("its config.json has no text_length")
	}
	merges, ok := files[mergesFile]
	if !ok {
		return nil, fmt.Errorf("it lacks the file %s", mergesFile)
	}
	switch c.Tokenizer {
	case openAITokenizer:
		return newPaddedReader(c, merges)
	case dalleMiniTokenizer:
		return newDalleMiniReader(c, files[vocabularyFile], merges)
	}
	return nil, fmt.Errorf("its tokenizer %q is not known: known are %s and %s", c.Tokenizer, openAITokenizer, dalleMiniTokenizer)
}

// textRow returns the row of tokens of a text.
func (m *Model) textRow(text string) ([]int64, error) {
	row, err := m.texts.read(text)
	if err != nil && !errors.Is(err, torch.ErrInvalid) {
		err = fmt.Errorf("%w (%w)", err, torch.ErrInvalid)
	}
	return row, err
}

// tooLong is the error for a text with too many tokens.
func tooLong(text string, tokens, most int64) error {
	return fmt.Errorf("%w: %q has %d tokens, this model reads %d", tokenizer.ErrPromptTooLong, text, tokens, most)
}

// A paddedReader gives the tokens of texts numbers after those of the codebook, and each unused position
// a token of its own after these, as DALL-E does (section 2.2 of "Zero-Shot Text-to-Image Generation").
type paddedReader struct {
	tokenizer            *tokenizer.CLIP
	codebook, vocabulary int64
	length               int64
}

func newPaddedReader(c Config, merges []byte) (*paddedReader, error) {
	made, err := tokenizer.NewCLIP(bytes.NewReader(merges), int(c.TextLength)+2)
	if err != nil {
		return nil, err
	}
	if got := int64(made.VocabularySize()); got != c.TextVocabulary {
		return nil, fmt.Errorf("its %s makes a vocabulary of %d, the model has one of %d", mergesFile, got, c.TextVocabulary)
	}
	return &paddedReader{tokenizer: made, codebook: c.CodebookSize, vocabulary: c.TextVocabulary, length: c.TextLength}, nil
}

func (r *paddedReader) read(text string) ([]int64, error) {
	var tokens []int64
	if text != "" {
		var err error
		if tokens, err = r.tokenizer.Encode(text); err != nil {
			return nil, err
		}
	}
	if int64(len(tokens)) > r.length {
		return nil, tooLong(text, int64(len(tokens)), r.length)
	}
	row := make([]int64, r.length)
	for i := range row {
		row[i] = r.codebook + r.vocabulary + int64(i)
		if i < len(tokens) {
			row[i] = r.codebook + tokens[i]
		}
	}
	return row, nil
}

// splitMerges returns the pairs of a file of merges, without the line that tells its version.
func splitMerges(merges []byte) [][2]string {
	var pairs [][2]string
	for line := range strings.Lines(string(merges)) {
		first, second, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && !strings.HasPrefix(line, "#version") {
			pairs = append(pairs, [2]string{first, strings.TrimSpace(second)})
		}
	}
	return pairs
}
