// Package prior draws pictures with transformers over the tokens of a VQGAN's codebook. A transformer
// predicts the tokens of a picture one after the other, row by row, from those before and from a
// condition: a class, a text, a CLIP embedding, or another grid of tokens.
//
//	model, err := prior.Load("imagenet_transformer.ckpt", torch.CUDA(0))
//	options := model.DefaultOptions()
//	options.TopK = 250
//	drawings, err := model.Draw(ctx, []prior.Picture{{Condition: prior.OfClass(207), Seed: 1}}, options)
//	picture, err := prior.Decode(ctx, model.VQGAN(), drawings[0].Grid)
//
// The models are the transformers of "Taming Transformers for High-Resolution Image Synthesis" (Esser,
// Rombach and Ommer 2021), those of DALL-E mini and mega in min-dalle's layout, and this project's own small
// one, which draws from texts and embeddings. [Load] opens archives of [Import], and the published
// checkpoints that it reads.
//
// Keys and values of the tokens so far are kept on the device, in memory that is allocated once for a
// batch. Each picture has random numbers of its own, so that it does not depend on the others in its
// batch, but for rounding. Invalid input is an error, never a panic.
package prior
