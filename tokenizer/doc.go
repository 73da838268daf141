// Package tokenizer converts text to the tokens of text encoders.
//
// [CLIP] is the byte-pair encoding of OpenAI's CLIP, including its cleaning of the text:
//
//	clip, err := tokenizer.NewCLIP(merges, 77)
//	rows, err := clip.Tokenize("a photo of a cat") // one row of 77 tokens
//
// [NewOpenCLIP] is the same with the clean-ups of open_clip. Other models bring their tokenizer in
// files: [ForHuggingFace] opens a folder of transformers, [ForOpenCLIP] one of open_clip,
// [FromSentencePiece] a SentencePiece model, [FromTokenizerJSON] a tokenizer.json, and [FromBPE] a
// vocab.json with its merges.txt. They give the tokens that sentencepiece 0.2.3, tokenizers 0.23.3,
// transformers 5.24 and open_clip 3.3 give.
//
// All of these are a [Tokenizer]. A text of which nothing is left is [ErrEmptyPrompt], where the
// Python packages make a row of padding.
//
// The package does not use tensors: tokens are a []int64 for each text.
package tokenizer
