package tokenizer

import "testing"

const tenWords = "a photo of a small red cat in New York"

func BenchmarkSentencePieceUnigram(b *testing.B) {
	model := parseModel(b, "t5")
	for b.Loop() {
		_, _ = model.Encode(tenWords)
	}
}

func BenchmarkSentencePieceBytePairs(b *testing.B) {
	model := parseModel(b, "gemma")
	for b.Loop() {
		_, _ = model.Encode(tenWords)
	}
}

func BenchmarkHuggingFace(b *testing.B) {
	for _, name := range []string{"clip", "t5", "siglip2", "bert", "roberta", "gpt4"} {
		b.Run(name, func(b *testing.B) {
			tokenizer := parseJSON(b, name)
			for b.Loop() {
				_, _ = tokenizer.Encode(tenWords)
			}
		})
	}
}
