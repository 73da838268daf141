// Package train trains CLIP on pairs of pictures and texts: from fresh weights, or from published ones,
// all parameters, those of the last blocks, or small ones beside them (LoRA).
//
//	model, err := clip.LoadTrainable("ViT-B-32.pt")
//	pairs, err := train.OpenPairs("captions.csv", train.TableColumns{})
//	result, err := train.Run(ctx, model, pairs, train.FineTuning(), train.RunOptions{Checkpoint: "run.ckpt"})
//	err = model.Save("fine-tuned.pt", "fine-tuned from ViT-B-32.pt")
//
// The losses are CLIP's ([ContrastiveLoss], Radford et al. 2021) and SigLIP's ([SigmoidLoss], Zhai et al.
// 2023), as open_clip computes them, with its groups of weight decay and its schedule. All that is random
// depends on the seed, the epoch and the pair alone, so that a run that is interrupted and goes on from its
// checkpoint ends with the same bytes.
//
// [Interpolate] mixes the weights from before and after a fine-tuning (WiSE-FT).
package train

import "fmt"

// failed adds the function's name to an error; nil stays nil.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("train: %s: %w", operation, err)
}
