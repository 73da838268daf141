// Package tokenizer converts text to the tokens of text encoders. [CLIP] is the byte-pair encoding
// of OpenAI's CLIP, including its cleaning of the text.
//
//	clip, err := tokenizer.NewCLIP(merges, 77)
//	rows, err := clip.Tokenize("a photo of a cat") // one row of 77 tokens
//
// The package does not use tensors: tokens are a []int64 for each text.
package tokenizer
