package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/clip/train"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A training holds the arguments of train.
type training struct {
	config       train.Config
	columns      train.TableColumns
	output       string
	architecture string
	checkpoint   string
	every        int
	curve        string
	mix          float64
	loss         string
	precision    string
	lora         int
	loraAlpha    float64
	crop         float64
	jitter       float64
}

func newTrain(s *settings) *cobra.Command {
	t := training{config: train.FineTuning()}
	command := &cobra.Command{
		Use:   "train PAIRS -o MODEL",
		Short: "Train a CLIP on pictures with texts",
		Long: `Train a CLIP on pictures with texts: the model of --clip goes on, or with --architecture a new one begins.

PAIRS is a folder of pictures with texts beside them (a.jpg with a.txt), a table (.csv or .tsv, with a header), or
shards of webdataset (a .tar, a folder of them, or a pattern in quotes). Pairs that cannot be read are left out,
and told at the end.

All parameters are trained, or those of the last --blocks of each encoder, or with --lora small matrices beside
the weights. A run that was interrupted goes on with the same command, and ends with the same bytes.`,
		Example: `  clipvqgan train photos/ -o mine.pt --clip ViT-B-32.pt --lora 8 --learning-rate 5e-4
  clipvqgan train captions.csv -o mine.pt --clip ViT-B-32.pt --blocks 2 --mix 0.5 --curve loss.png
  clipvqgan train "shards/*.tar" -o new.pt --architecture ViT-B-32 --epochs 32 --batch 1024 --chunk 64 --learning-rate 5e-4 --warmup 2000 --precision bfloat16`,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("%d sources of pairs were given, wanted 1; use: %s", len(arguments), command.UseLine())
			}
			return nil
		},
		RunE: func(command *cobra.Command, arguments []string) error {
			if err := t.finish(command.Flags(), s); err != nil {
				return err
			}
			return t.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s, arguments[0])
		},
	}
	flags := command.Flags()
	flags.StringVarP(&t.output, "output", "o", "", "the `archive` to write")
	flags.StringVar(&t.architecture, "architecture", "", "begin with fresh weights of this architecture, in open_clip's or OpenAI's spelling")
	flags.StringVar(&t.checkpoint, "checkpoint", "", "the `file` from which an interrupted run goes on (default: OUTPUT.checkpoint, which is removed at the end)")
	flags.IntVar(&t.every, "save-every", 100, "steps between checkpoints")
	flags.StringVar(&t.curve, "curve", "", "also write the losses as a `picture` (PNG, JPEG or WebP)")
	flags.IntVar(&t.config.Epochs, "epochs", t.config.Epochs, "how often each pair is seen")
	flags.IntVar(&t.config.Steps, "steps", 0, "steps, in place of --epochs")
	flags.IntVar(&t.config.BatchSize, "batch", t.config.BatchSize, "pairs that are compared with each other in a step")
	flags.IntVar(&t.config.ChunkSize, "chunk", 0, "pairs in memory at a time, with the gradients of the whole batch all the same (default: --batch)")
	flags.Float64Var(&t.config.LearningRate, "learning-rate", t.config.LearningRate, "AdamW's learning rate after the warm-up")
	flags.IntVar(&t.config.Warmup, "warmup", t.config.Warmup, "steps in which the learning rate rises")
	flags.Float64Var(&t.config.WeightDecay, "weight-decay", t.config.WeightDecay, "AdamW's weight decay of matrices")
	flags.Float64Var(&t.config.ClipNorm, "clip-norm", t.config.ClipNorm, "the largest norm of the gradients; 0 for none")
	flags.IntVar(&t.config.Blocks, "blocks", 0, "train only the last blocks of each encoder, so many; 0 for all parameters")
	flags.IntVar(&t.lora, "lora", 0, "train matrices of this rank beside the weights; 0 for none")
	flags.Float64Var(&t.loraAlpha, "lora-alpha", 0, "the factor of LoRA's matrices, times their rank (default: twice the rank)")
	flags.BoolVar(&t.config.FreezeImages, "freeze-images", false, "leave the image encoder as it is")
	flags.BoolVar(&t.config.FreezeTexts, "freeze-texts", false, "leave the text encoder as it is")
	flags.StringVar(&t.loss, "loss", "auto", "contrastive, sigmoid, or auto for what the model was trained with")
	flags.StringVar(&t.precision, "precision", "float32", "float32; or bfloat16, or float16 on a GPU, for mixed precision")
	flags.Float64Var(&t.mix, "mix", 1, "the share of the trained weights in the output, from 0 to 1; the rest are those before (WiSE-FT)")
	flags.Float64Var(&t.crop, "crop", 0.9, "the least share of a picture's area that is seen; 0 for no random crops")
	flags.Float64Var(&t.config.Augmentation.Mirror, "mirror", 0, "the probability that a picture is mirrored")
	flags.Float64Var(&t.jitter, "jitter", 0, "the probability that brightness, contrast and saturation change by up to 40 %")
	flags.Float64Var(&t.config.Augmentation.Grayscale, "grayscale", 0, "the probability that a picture loses its colors")
	flags.Uint64Var(&t.config.Seed, "seed", 0, "the seed of the order and the augmentations, and of fresh weights")
	flags.StringVar(&t.columns.Picture, "picture-column", "", "the `column` of a table with the pictures (default: one with a usual name)")
	flags.StringVar(&t.columns.Text, "text-column", "", "the `column` of a table with the texts (default: one with a usual name)")
	return command
}

// finish turns the flags into a configuration, and checks it.
func (t *training) finish(flags *pflag.FlagSet, s *settings) error {
	if t.output == "" {
		return errors.New("--output is missing: give the archive to write, as -o model.pt")
	}
	if info, err := os.Stat(filepath.Dir(t.output)); err != nil || !info.IsDir() {
		return fmt.Errorf("--output: the folder %s does not exist", filepath.Dir(t.output))
	}
	if t.architecture != "" && s.clip != "" {
		return errors.New("--architecture and --clip were both given; choose one")
	}
	if !(t.mix >= 0 && t.mix <= 1) {
		return fmt.Errorf("--mix is %v, wanted 0 to 1", t.mix)
	}
	if t.architecture != "" && t.mix != 1 {
		return errors.New("--mix is for a model that goes on: there are no weights before those of --architecture")
	}
	if t.every < 1 {
		return fmt.Errorf("--save-every is %d, wanted at least 1", t.every)
	}
	if t.curve != "" {
		if err := imageio.CheckOutputPath(t.curve); err != nil {
			return errors.New("--curve: " + oneLine(err))
		}
	}
	losses := map[string]train.Loss{"auto": train.ModelLoss, "contrastive": train.Contrastive, "sigmoid": train.Sigmoid}
	loss, ok := losses[t.loss]
	if !ok {
		return fmt.Errorf("--loss is %q, wanted auto, contrastive or sigmoid", t.loss)
	}
	t.config.Loss = loss
	dtype, err := torch.ParseDType(t.precision)
	if err != nil {
		return fmt.Errorf("--precision is %q, wanted float32, bfloat16 or float16", t.precision)
	}
	t.config.Precision = dtype
	if t.lora > 0 {
		t.config.LoRA = train.LoRA{Rank: t.lora, Alpha: cmp.Or(t.loraAlpha, 2*float64(t.lora))}
		if !flags.Changed("learning-rate") {
			t.config.LearningRate = train.LowRank().LearningRate
		}
	}
	if t.crop == 0 {
		t.config.Augmentation.Scale = [2]float64{}
	} else {
		t.config.Augmentation.Scale[0] = t.crop
	}
	if t.jitter != 0 {
		a := &t.config.Augmentation
		a.Jitter, a.Brightness, a.Contrast, a.Saturation = t.jitter, 0.4, 0.4, 0.4
	}
	return t.config.Validate()
}

// load loads the model to train, and says where it is from.
func (t *training) load(s *settings) (model *clip.Trainable, source string, err error) {
	device, err := s.place()
	if err != nil {
		return nil, "", err
	}
	switch {
	case t.architecture != "":
		folder, err := os.MkdirTemp("", "clipvqgan")
		if err != nil {
			return nil, "", err
		}
		defer os.RemoveAll(folder)
		torch.ManualSeed(t.config.Seed)
		fresh := filepath.Join(folder, "fresh.pt")
		if _, err := clip.Create(fresh, t.architecture); err != nil {
			return nil, "", err
		}
		model, err = clip.LoadTrainable(fresh, device)
		return model, "trained from fresh weights", err
	case s.clip != "":
		model, err = clip.LoadTrainable(s.clip, device)
		return model, "fine-tuned from " + filepath.Base(s.clip), err
	}
	model, err = models.TrainableCLIP(device)
	return model, "fine-tuned from the small model of clipvqgan", err
}

// A trainingReport is the JSON result of train.
type trainingReport struct {
	Output  string     `json:"output"` // "" if nothing was written
	Error   string     `json:"error,omitempty"`
	Steps   int        `json:"steps"`
	Seconds float64    `json:"seconds"`
	Losses  []*float64 `json:"losses"` // nil for a step without pairs that could be read
	LeftOut []string   `json:"left_out"`
}

func (t *training) run(ctx context.Context, out, problems io.Writer, s *settings, source string) error {
	started := time.Now()
	pairs, err := train.OpenPairs(source, t.columns)
	if err != nil {
		return err
	}
	model, from, err := t.load(s)
	if err != nil {
		return err
	}
	defer model.Close()
	checkpoint := cmp.Or(t.checkpoint, t.output+".checkpoint")
	if !s.json {
		fmt.Fprintf(out, "%d pairs, %s\n", pairs.Len(), from)
		if _, err := os.Stat(checkpoint); err == nil {
			fmt.Fprintf(out, "going on from %s\n", checkpoint)
		}
	}
	var bar *progress
	saved := 0
	s.lastWord.set(func() error {
		return fmt.Errorf("interrupted in a step; the same command goes on after step %d", saved)
	})
	result, err := train.Run(ctx, model, pairs, t.config, train.RunOptions{Checkpoint: checkpoint, Every: t.every, OnStep: func(step train.Step) error {
		if bar == nil {
			bar = newProgress(problems, step.Steps, "steps")
			bar.done = step.Number - 1
			saved = step.Number - 1
		}
		if step.Number%t.every == 0 {
			saved = step.Number
		}
		bar.add(fmt.Sprintf("loss %.4f", step.Loss))
		return nil
	}})
	if bar != nil {
		bar.end()
	}
	report := trainingReport{Steps: len(result.Losses), Losses: finite(result.Losses), LeftOut: []string{}}
	for _, failure := range append(pairs.Problems(), result.Failures...) {
		report.LeftOut = append(report.LeftOut, oneLine(failure))
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("after step %d, %w; the same command goes on", len(result.Losses), cause)
	}
	if err == nil {
		err = s.lastWord.finish(func() error { return t.write(model, s, from, result.Losses) })
	}
	if err == nil {
		report.Output = t.output
		if t.checkpoint == "" {
			if removing := os.Remove(checkpoint); removing != nil && !errors.Is(removing, fs.ErrNotExist) {
				return removing
			}
		}
	}
	report.Seconds = time.Since(started).Seconds()
	if s.json {
		if err != nil {
			report.Error = oneLine(err)
		}
		return cmp.Or(printJSON(out, report), err)
	}
	t.tell(out, problems, report)
	return err
}

// write writes the model and the curve.
func (t *training) write(model *clip.Trainable, s *settings, from string, losses []float64) error {
	if t.mix != 1 {
		original, _, err := t.load(s)
		if err != nil {
			return err
		}
		defer original.Close()
		if err := train.Mix(original, model, t.mix); err != nil {
			return err
		}
		model, from = original, fmt.Sprintf("%s, with %g of the change", from, t.mix)
	}
	if err := model.Save(t.output, from); err != nil || t.curve == "" {
		return err
	}
	drawn, err := train.Curve(losses)
	if err != nil {
		return err
	}
	return imageio.Save(t.curve, drawn)
}

// mostTold is the largest number of pairs that are told one by one as text.
const mostTold = 20

// tell prints what was left out and what was written.
func (t *training) tell(out, problems io.Writer, report trainingReport) {
	for i, line := range report.LeftOut {
		if i == mostTold {
			fmt.Fprintf(problems, "and %d more pairs were left out; --json names all\n", len(report.LeftOut)-i)
			break
		}
		fmt.Fprintln(problems, "left out: "+line)
	}
	if report.Output == "" {
		return
	}
	fmt.Fprintf(out, "wrote %s: %d steps in %.0f s", report.Output, report.Steps, report.Seconds)
	if n := len(report.Losses); n > 0 && report.Losses[0] != nil && report.Losses[n-1] != nil {
		fmt.Fprintf(out, ", loss %.4f to %.4f", *report.Losses[0], *report.Losses[n-1])
	}
	fmt.Fprintln(out)
}

// finite returns numbers for JSON, which has none that are not finite: nil in their place.
func finite(numbers []float64) []*float64 {
	all := make([]*float64, len(numbers))
	for i, number := range numbers {
		if !math.IsNaN(number) && !math.IsInf(number, 0) {
			all[i] = &number
		}
	}
	return all
}
