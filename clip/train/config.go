package train

import (
	"fmt"
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Config says how a model is trained. Start from [Default] or [FineTuning].
type Config struct {
	// Loss is what training makes small; the zero value is the loss of the model's head.
	Loss Loss
	// Epochs is how often each pair is seen. Steps is the number of steps in place of that, if it is not 0.
	Epochs, Steps int
	// BatchSize is the number of pairs that are compared with each other in a step.
	BatchSize int
	// ChunkSize bounds memory: so many pairs go through the encoders at a time. The gradients are those of
	// the whole batch all the same: embeddings are computed first, chunk by chunk, then the gradient of the
	// loss in them, and then, chunk by chunk again, that in the parameters (Gao et al. 2021, "Scaling Deep
	// Contrastive Learning Batch Size under Memory Limited Setup"). 0 means BatchSize. Batch
	// normalizations see the chunk, not the batch.
	ChunkSize int

	// LearningRate is that of AdamW after Warmup steps, in which it rises linearly; from there it falls to
	// 0 along half a cosine, as open_clip's cosine_lr.
	LearningRate float64
	Warmup       int
	// WeightDecay is that of open_clip's group of decayed parameters: those of two dimensions and more that
	// are no normalization, bias or logit scale.
	WeightDecay float64
	// Betas and Epsilon are those of AdamW.
	Betas   [2]float64
	Epsilon float64
	// ClipNorm is the largest norm of all gradients together; 0 means that they are not clipped.
	ClipNorm float64

	// Blocks trains the last blocks of each encoder alone, so many, and what comes after them; 0 trains
	// all parameters.
	Blocks int
	// LoRA trains small matrices beside the weights, if its Rank is not 0.
	LoRA LoRA
	// FreezeImages and FreezeTexts leave an encoder as it is.
	FreezeImages, FreezeTexts bool

	// Precision is [torch.Float32], the default, or [torch.BFloat16] or [torch.Float16] for mixed
	// precision; the latter on GPUs alone, with a scaled loss.
	Precision torch.DType
	// Augmentation changes the pictures each time they are seen.
	Augmentation Augmentation
	// Seed determines the order of the pairs and the augmentations.
	Seed uint64
	// Readers is the number of pictures that are read at once; 0 means one for each processor.
	Readers int
}

// Default returns open_clip's settings for training from fresh weights: 32 epochs, batches of 64, a
// learning rate of 5e-4 after 10,000 steps, a weight decay of 0.2, betas of 0.9 and 0.98, epsilon 1e-6,
// and crops of at least 90 % of a picture.
func Default() Config {
	return Config{
		Epochs: 32, BatchSize: 64, LearningRate: 5e-4, Warmup: 10_000, WeightDecay: 0.2,
		Betas: [2]float64{0.9, 0.98}, Epsilon: 1e-6, Precision: torch.Float32, Augmentation: DefaultAugmentation(),
	}
}

// FineTuning returns settings to go on from trained weights: as [Default], with 3 epochs, a learning rate
// of 1e-5 after 20 steps, and gradients clipped at a norm of 1.
func FineTuning() Config {
	config := Default()
	config.Epochs, config.LearningRate, config.Warmup, config.ClipNorm = 3, 1e-5, 20, 1
	return config
}

// LowRank returns settings for LoRA: as [FineTuning], with matrices of rank 8 and a learning rate of 5e-4.
func LowRank() Config {
	config := FineTuning()
	config.LearningRate, config.LoRA = 5e-4, LoRA{Rank: 8, Alpha: 16}
	return config
}

// Validate returns an error of kind [torch.ErrInvalid] that names the first setting that cannot be used.
func (c Config) Validate() error {
	for _, check := range []struct {
		ok   bool
		what string
		got  any
		want string
	}{
		{c.Loss >= ModelLoss && c.Loss <= Sigmoid, "Loss", int(c.Loss), "ModelLoss, Contrastive or Sigmoid"},
		{c.Epochs >= 0 && c.Epochs <= 1e6, "Epochs", c.Epochs, "0 to 1000000"},
		{c.Steps >= 0 && c.Steps <= 1e9, "Steps", c.Steps, "0 to 1000000000"},
		{c.Epochs > 0 || c.Steps > 0, "Epochs", c.Epochs, "at least 1, or Steps"},
		{c.BatchSize >= 2 && c.BatchSize <= 1<<20, "BatchSize", c.BatchSize, "2 to 1048576: a pair is compared with others"},
		{c.ChunkSize >= 0, "ChunkSize", c.ChunkSize, "0, or more"},
		{c.LearningRate > 0 && c.LearningRate <= 1, "LearningRate", c.LearningRate, "above 0, to 1"},
		{c.Warmup >= 0 && c.Warmup <= 1e9, "Warmup", c.Warmup, "0 to 1000000000"},
		{c.WeightDecay >= 0 && c.WeightDecay <= 10, "WeightDecay", c.WeightDecay, "0 to 10"},
		{c.Betas[0] >= 0 && c.Betas[0] < 1 && c.Betas[1] > 0 && c.Betas[1] < 1, "Betas", c.Betas, "numbers from 0 to below 1, the second above 0"},
		{c.Epsilon > 0 && c.Epsilon <= 1, "Epsilon", c.Epsilon, "above 0, to 1"},
		{c.ClipNorm >= 0 && !math.IsInf(c.ClipNorm, 1), "ClipNorm", c.ClipNorm, "0, or more"},
		{c.Blocks >= 0, "Blocks", c.Blocks, "0 for all, or more"},
		{c.LoRA.Rank >= 0 && c.LoRA.Rank <= 1<<12, "LoRA.Rank", c.LoRA.Rank, "0 for none, to 4096"},
		{c.LoRA.Rank == 0 || c.LoRA.Alpha > 0 && !math.IsInf(c.LoRA.Alpha, 1), "LoRA.Alpha", c.LoRA.Alpha, "above 0"},
		{c.Precision == torch.Float32 || c.Precision == torch.BFloat16 || c.Precision == torch.Float16, "Precision", c.Precision, "float32, bfloat16 or float16"},
		{!c.FreezeImages || !c.FreezeTexts, "FreezeTexts", c.FreezeTexts, "false, since nothing is left to train with FreezeImages"},
		{c.Readers >= 0 && c.Readers <= 1<<12, "Readers", c.Readers, "0 to 4096"},
	} {
		if !check.ok {
			return failed("Config", fmt.Errorf("the setting %s is %v, wanted %s: %w", check.what, check.got, check.want, torch.ErrInvalid))
		}
	}
	return c.Augmentation.validate()
}

// rate returns the learning rate of a step, from 0, of steps: open_clip_train's cosine_lr.
func (c Config) rate(step, steps int) float64 {
	if step < c.Warmup {
		return c.LearningRate * float64(step+1) / float64(c.Warmup)
	}
	return 0.5 * (1 + math.Cos(math.Pi*float64(step-c.Warmup)/float64(steps-c.Warmup))) * c.LearningRate
}
