// Package guided generates images from text with a VQGAN and CLIP (Crowson et al. 2022,
// "VQGAN-CLIP: Open Domain Image Generation and Editing with Natural Language Guidance").
//
// It optimizes the VQGAN's latent. Each step quantizes the latent and decodes it to an image, takes
// random cutouts of the image, embeds them with CLIP, and computes the spherical distances between
// these embeddings and those of the prompts. Adam then descends the gradient of the loss with
// respect to the latent.
//
//	config := guided.Default()
//	config.Prompts = []guided.Prompt{guided.NewPrompt("a slice of pizza")}
//	config.Seed = 7
//	result, err := guided.Generate(ctx, vqganModel, clipModel, config, guided.RunOptions{})
//
// [NewRun] takes one step at a time, with any number of scorers and further terms of the loss. A
// [Snapshot] is the whole state of a run: a run that continues from one, in another process too, ends
// in the same bytes.
//
// The same [Config] gives the same image on the same machine with the same number of threads.
package guided
