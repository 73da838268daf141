package tokenizer

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A tokenizer may be used from many goroutines at once.
func TestConcurrentUse(t *testing.T) {
	tokenizers := []Tokenizer{}
	for _, name := range []string{"clip", "t5", "gpt4"} {
		tokenizer, err := FromTokenizerJSON(readGzip(t, name+".json.gz"), Options{ContextLength: 24})
		require.NoError(t, err)
		tokenizers = append(tokenizers, tokenizer)
	}
	siglip, err := FromSentencePiece(readGzip(t, "t5.model.gz"), Options{ContextLength: 24})
	require.NoError(t, err)
	for _, tokenizer := range append(tokenizers, siglip) {
		want, err := tokenizer.Tokenize(tenWords)
		require.NoError(t, err)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 50 {
					got, err := tokenizer.Tokenize(tenWords)
					assert.NoError(t, err)
					assert.Equal(t, want, got)
				}
			})
		}
		group.Wait()
	}
}
