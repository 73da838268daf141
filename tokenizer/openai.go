package tokenizer

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"sync"
)

// The first 48,894 merges of bpe_simple_vocab_16e6.txt.gz in openai/CLIP (MIT licence), which are
// those that its tokenizer uses.
//
//go:embed openai_merges.txt.gz
var packedMerges []byte

var unpackedMerges = sync.OnceValue(func() []byte {
	reader, err := gzip.NewReader(bytes.NewReader(packedMerges))
	if err != nil {
		panic(fmt.Sprintf("tokenizer: the embedded merges: %v", err))
	}
	merges, err := io.ReadAll(reader)
	if err != nil {
		panic(fmt.Sprintf("tokenizer: the embedded merges: %v", err))
	}
	return merges
})

// OpenAIMerges returns the merges of OpenAI's vocabulary of 49,408 tokens, one "a b" in each line.
// All of OpenAI's models have it, and most that were trained with open_clip.
func OpenAIMerges() []byte { return bytes.Clone(unpackedMerges()) }
