// Package tokenizer turns text into the tokens that a text encoder reads. [CLIP] is OpenAI's
// byte-pair encoding, token for token, with its clean-up of the text.
//
//	clip, err := tokenizer.NewCLIP(merges, 77)
//	rows, err := clip.Tokenize("a photo of a cat") // one row of 77 tokens
//
// The package uses no tensors: tokens are int64, a []int64 for each text.
package tokenizer
