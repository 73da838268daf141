// Package guided makes pictures from text with VQGAN and CLIP (Crowson et al. 2022, "VQGAN-CLIP:
// Open Domain Image Generation and Editing with Natural Language Guidance").
//
// It starts from a random latent of the VQGAN, and repeats: decode the latent to a picture, cut
// pieces out of the picture and disturb each a little, embed them with CLIP, measure how far they
// are from the prompts' embeddings, and take a step of an optimizer on the latent against the
// gradient of that distance.
//
//	result, err := guided.Generate(ctx, vqganModel, clipModel, guided.Options{
//		Prompts: []guided.Prompt{{Text: "a slice of pizza"}},
//		Seed:    7,
//	})
//
// The same seed gives the same picture on the same machine with the same number of threads.
package guided
