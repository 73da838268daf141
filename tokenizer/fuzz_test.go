package tokenizer

import (
	"errors"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// A hostile file is an error, or a tokenizer that does not panic.

func FuzzSentencePiece(f *testing.F) {
	for _, name := range []string{"t5", "gemma", "unigram_bytes", "bpe", "spaces", "words", "characters"} {
		f.Add(readGzip(f, name+".model.gz"), "a photo of <sep> a cat, 2024 é\u0301\x00▁")
	}
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		model, err := ParseSentencePiece(data)
		if err != nil {
			return
		}
		ids, err := model.Encode(text)
		if !utf8.ValidString(text) {
			assert.ErrorIs(t, err, ErrInvalidUTF8)
			return
		}
		assert.NoError(t, err)
		for _, id := range ids {
			assert.True(t, id >= 0 && id < int64(model.VocabularySize()))
		}
		assert.True(t, utf8.ValidString(model.Decode(append(ids, -1, 1<<40))))
	})
}

func FuzzTokenizerJSON(f *testing.F) {
	for _, name := range []string{"clip", "t5", "xlm_roberta", "siglip2", "bert", "roberta", "gpt4", "prefixed", "words"} {
		f.Add(readGzip(f, name+".json.gz"), "a photo of <sep> a cat, 2024 é\u0301\x00▁<|endoftext|>")
	}
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		tokenizer, err := FromTokenizerJSON(data, Options{ContextLength: 16})
		if err != nil {
			return
		}
		rows, err := tokenizer.TokenizeTruncated(text)
		if err != nil {
			return
		}
		assert.Len(t, rows[0], 16)
		for _, id := range rows[0] {
			assert.True(t, id >= 0 && id < int64(tokenizer.VocabularySize()))
		}
		assert.True(t, utf8.ValidString(tokenizer.Decode(append(rows[0], -1, 1<<40))))
	})
}

func FuzzFolder(f *testing.F) {
	folders, _ := readRows(f)
	for name := range folders.Folders {
		files := folders.folder(f, name)
		read := func(name string) []byte {
			if file, ok := files[name]; ok {
				return file.Data
			}
			return nil
		}
		f.Add(read("tokenizer_config.json"), read("config.json"), read("vocab.json"), read("merges.txt"), read("vocab.txt"), "a photo of a cat")
	}
	f.Fuzz(func(t *testing.T, config, model, vocabulary, merges, words []byte, text string) {
		tokenizer, err := ForHuggingFace(fstest.MapFS{
			"tokenizer_config.json": {Data: config}, "config.json": {Data: model},
			"vocab.json": {Data: vocabulary}, "merges.txt": {Data: merges}, "vocab.txt": {Data: words},
		}, Options{ContextLength: 16})
		if err != nil {
			return
		}
		rows, err := tokenizer.TokenizeTruncated(text)
		if err == nil {
			assert.Len(t, rows[0], 16)
		} else {
			assert.False(t, errors.Is(err, ErrPromptTooLong))
		}
		assert.True(t, utf8.ValidString(tokenizer.Decode([]int64{0, 1, 2})))
	})
}
