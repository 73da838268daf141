// Package guided makes pictures from text with a VQGAN and CLIP (Crowson et al. 2022, "VQGAN-CLIP:
// Open Domain Image Generation and Editing with Natural Language Guidance").
//
// The VQGAN's latent is optimized. Each step quantizes and decodes it to a picture, takes random
// cutouts of the picture, embeds them with CLIP, and measures the spherical distances between these
// embeddings and those of the prompts. Adam then steps against the gradient of the loss in the latent.
//
//	config := guided.Default()
//	config.Prompts = []guided.Prompt{guided.NewPrompt("a slice of pizza")}
//	config.Seed = 7
//	result, err := guided.Generate(ctx, vqganModel, clipModel, config, guided.RunOptions{})
//
// The same [Config] makes the same picture on the same machine with the same number of threads.
package guided
