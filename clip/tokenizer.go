package clip

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// The kinds of tokenizers in a description.
const (
	openAITokenizer      = "openai-bpe"  // bpe_merges.txt, and openai/CLIP's clean-up
	openCLIPTokenizer    = "open-clip"   // as the network's settings say: bpe_merges.txt or files of Hugging Face
	huggingFaceTokenizer = "huggingface" // files of Hugging Face
)

// mergesFile is the extra file with the merges of a byte-pair encoding, and tokenizerFolder that of
// the files of a tokenizer of Hugging Face.
const (
	mergesFile      = "bpe_merges.txt"
	tokenizerFolder = "tokenizer/"
)

// tokenizerFiles are the files that tokenizer.ForHuggingFace reads.
var tokenizerFiles = []string{
	"tokenizer_config.json", "special_tokens_map.json", "config.json", "tokenizer.json", "spiece.model",
	"vocab.json", "merges.txt", "vocab.txt",
}

// newTokenizer makes the tokenizer that a description names from the extra files of its archive.
func newTokenizer(c Config, files map[string][]byte) (tokenizer.Tokenizer, error) {
	made, err := makeTokenizer(c, files)
	if err != nil {
		return nil, err
	}
	if got := made.VocabularySize(); got > c.VocabularySize {
		return nil, fmt.Errorf("its tokenizer has a vocabulary of %d, the model one of %d", got, c.VocabularySize)
	}
	if got := made.ContextLength(); got != c.ContextLength {
		return nil, fmt.Errorf("its tokenizer makes rows of %d tokens, the model reads %d", got, c.ContextLength)
	}
	return made, nil
}

func makeTokenizer(c Config, files map[string][]byte) (tokenizer.Tokenizer, error) {
	merges, ok := files[mergesFile]
	switch c.Tokenizer {
	case openAITokenizer, "":
		if !ok {
			return nil, fmt.Errorf("it lacks the file %s", mergesFile)
		}
		t, err := tokenizer.NewCLIP(bytes.NewReader(merges), c.ContextLength)
		if err == nil && t.VocabularySize() != c.VocabularySize {
			return nil, fmt.Errorf("its %s makes a vocabulary of %d, the model has one of %d", mergesFile, t.VocabularySize(), c.VocabularySize)
		}
		return t, err
	case openCLIPTokenizer:
		var settings struct {
			Text tokenizer.OpenCLIPText `json:"text_cfg"`
		}
		if err := json.Unmarshal(c.Network, &settings); err != nil {
			return nil, fmt.Errorf("its network cannot be read: %w", err)
		}
		return tokenizer.ForOpenCLIP(extraFiles(files), bytes.NewReader(merges), settings.Text)
	case huggingFaceTokenizer:
		return tokenizer.ForHuggingFace(extraFiles(files), tokenizer.Options{ContextLength: c.ContextLength})
	}
	return nil, fmt.Errorf("its tokenizer %q is not known: known are %s, %s and %s", c.Tokenizer, openAITokenizer, openCLIPTokenizer, huggingFaceTokenizer)
}

// extraFiles are the files of a tokenizer among the extra files of an archive.
type extraFiles map[string][]byte

// Open opens a file by its name without the folder.
func (f extraFiles) Open(name string) (fs.File, error) {
	data, ok := f[tokenizerFolder+name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return memoryFile{bytes.NewReader(data), path.Base(name)}, nil
}

// tokenizerFor returns the kind of a model's tokenizer and its files, by their names in an archive.
func (found *identified) tokenizerFor(checkpoint string) (kind string, files map[string][]byte, err error) {
	if archive.IsArchive(checkpoint) {
		names := []string{mergesFile}
		for _, name := range tokenizerFiles {
			names = append(names, tokenizerFolder+name)
		}
		files, err = archive.ExtraFiles(checkpoint, names...)
		return found.tokenizer, files, err
	}
	files = map[string][]byte{}
	if found.merges != nil {
		files[mergesFile] = found.merges
		return found.tokenizer, files, checkMerges(found.merges, found.network.Text.VocabularySize, "its list of merges")
	}
	if found.tokenizer == huggingFaceTokenizer || found.network.Text.TokenizerName != "" {
		for _, name := range tokenizerFiles {
			data, err := weights.Beside(checkpoint, name)
			if err != nil {
				return "", nil, err
			}
			if data != nil {
				files[tokenizerFolder+name] = data
			}
		}
		if hasVocabulary(files) {
			return found.tokenizer, files, nil
		}
		found.tokenizer = openAITokenizer
	}
	files[mergesFile], err = mergesFor(checkpoint, found.network.Text.VocabularySize, found.tokenizer)
	if name := found.network.Text.TokenizerName; err != nil && name != "" {
		err = fmt.Errorf("its tokenizer is that of %s: %w", name, err)
	}
	return found.tokenizer, files, err
}

func hasVocabulary(files map[string][]byte) bool {
	for _, name := range []string{"tokenizer.json", "spiece.model", "vocab.json", "vocab.txt"} {
		if _, ok := files[tokenizerFolder+name]; ok {
			return true
		}
	}
	return false
}

// openAIVocabulary is the number of tokens of OpenAI's models.
const openAIVocabulary = 49408

// mergesFor returns the merges of a byte-pair encoding: those beside a checkpoint, or OpenAI's. open_clip
// takes OpenAI's for all models that name no other tokenizer, of which coca_base has more tokens.
func mergesFor(checkpoint string, vocabulary int64, kind string) ([]byte, error) {
	for _, name := range []string{mergesFile, "merges.txt"} {
		data, err := weights.Beside(checkpoint, name)
		if err != nil {
			return nil, err
		}
		if data == nil {
			continue
		}
		if first, rest, ok := strings.Cut(string(data), "\n"); ok && strings.HasPrefix(first, "#version") {
			data = []byte(rest)
		}
		if err := checkMerges(data, vocabulary, "the "+name+" beside it"); err != nil {
			return nil, err
		}
		return data, nil
	}
	if vocabulary < openAIVocabulary || vocabulary > openAIVocabulary && kind != openCLIPTokenizer {
		return nil, fmt.Errorf("it has %d tokens, not OpenAI's %d, and no files of a tokenizer are beside it (tokenizer.json, spiece.model, vocab.txt or merges.txt, with tokenizer_config.json): %w", vocabulary, openAIVocabulary, torch.ErrModel)
	}
	return tokenizer.OpenAIMerges(), nil
}
