package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
	"github.com/clipvqgan/clipvqgan/vqgan/prior"
)

// An importing holds the arguments of import.
type importing struct {
	output       string
	architecture string
	// configuration is a YAML file of a VQGAN.
	configuration string
	storage       string
	conditioning  string
	firstStage    bool
}

func newImport(s *settings) *cobra.Command {
	var i importing
	command := &cobra.Command{
		Use:   "import SOURCE -o MODEL",
		Short: "Make a model archive from a published checkpoint",
		Long: `Make a model archive from a published checkpoint.

SOURCE is a file, or a folder with its configuration. CLIP: OpenAI's models, open_clip's checkpoints,
Apple's of MobileCLIP, and Hugging Face's folders of CLIPModel and SiglipModel. VQGAN: checkpoints of
taming-transformers and latent-diffusion, diffusers' VQModel, and DALL-E's discrete VAE. Priors, which
draw: checkpoints of taming-transformers' Net2NetTransformer and min-dalle's folders, with their VQGANs,
or --vqgan for one to put inside. What it is, is told by its contents.
--clip and --vqgan take these as they are too; an archive loads faster, and is one file. No code in a
checkpoint is run.`,
		Example: `  clipvqgan import ViT-B-32.pt -o vit-b-32.pt --storage float16
  clipvqgan import CLIP-ViT-H-14-laion2B/ -o vit-h-14.pt
  clipvqgan import vqgan_imagenet_f16_16384.ckpt -o vqgan.pt`,
		Args: exactlyOne("checkpoint"),
		RunE: func(command *cobra.Command, arguments []string) error {
			return i.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s, arguments[0])
		},
	}
	flags := command.Flags()
	flags.StringVarP(&i.output, "output", "o", "", "the archive to write")
	flags.StringVar(&i.architecture, "architecture", "", "the `name` of the architecture, where the checkpoint does not tell it, such as ViT-B-32")
	flags.StringVar(&i.configuration, "config", "", "the YAML `file` of a VQGAN or a prior of taming-transformers, where it is not beside it")
	flags.StringVar(&i.conditioning, "conditioning", "", "what a prior is conditioned on, where no YAML file tells it: none, class, grid or coordinates")
	flags.BoolVar(&i.firstStage, "first-stage", false, "take the VQGAN alone out of a prior's checkpoint")
	flags.StringVar(&i.storage, "storage", "", "how to store the weights: float16, bfloat16 or float32 (default: as the checkpoint)")
	return command
}

// exactlyOne is cobra.ExactArgs(1) with a message in words.
func exactlyOne(what string) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if len(arguments) > 1 {
			return fmt.Errorf("%d arguments were given, wanted one %s; use: %s", len(arguments), what, command.UseLine())
		}
		return atLeastOne(what)(command, arguments)
	}
}

func (i *importing) run(ctx context.Context, out, problems io.Writer, s *settings, source string) error {
	if i.output == "" {
		return errors.New("no output was given; name the archive to write with -o, as -o model.pt")
	}
	if same, err := sameFile(source, i.output); err != nil || same {
		return errors.Join(err, onlyIf(same, fmt.Errorf("%s is the source too: give another output", i.output)))
	}
	var storage *torch.DType
	if i.storage != "" {
		dtype, err := torch.ParseDType(i.storage)
		if err != nil {
			return fmt.Errorf("--storage is %q, wanted float16, bfloat16 or float32", i.storage)
		}
		storage = &dtype
	}
	var bar *progress
	tell := func(done, total int) error {
		if bar == nil {
			bar = newProgress(problems, total, "tensors")
		}
		if done > bar.done {
			bar.add("")
		}
		return ctx.Err()
	}
	config, name, err := i.to(s, source, storage, tell)
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return err
	}
	if s.json {
		return printJSON(out, importedModel{fileName(i.output), config})
	}
	_, err = fmt.Fprintf(out, "%s: %s\n", i.output, name)
	return err
}

// to imports any kind of model, and returns its configuration and what it is.
func (i *importing) to(s *settings, source string, storage *torch.DType, tell func(done, total int) error) (config any, name string, err error) {
	if !i.firstStage && isPrior(source, prior.ImportOptions{Configuration: i.configuration, Conditioning: i.conditioning}) {
		made, err := prior.Import(source, i.output, prior.ImportOptions{Configuration: i.configuration,
			Conditioning: i.conditioning, VQGAN: s.vqgan, Storage: storage, Progress: tell})
		return made, fmt.Sprintf("prior %s, %s", made.Architecture, made.Storage), err
	}
	if i.conditioning != "" {
		return nil, "", fmt.Errorf("--conditioning is for priors, and %s is none", source)
	}
	kind := archive.Kind(source)
	if kind != "vqgan" {
		if i.configuration == "" {
			made, err := clip.Import(source, i.output, clip.ImportOptions{Architecture: i.architecture, Storage: storage, Progress: tell})
			if kind == "clip" || !isNoCLIP(err) {
				return made, fmt.Sprintf("CLIP %s, %s", made.Architecture, made.Storage), err
			}
		} else if _, err := clip.ReadConfig(source); !isNoCLIP(err) {
			return nil, "", errors.New("--config is for checkpoints of taming-transformers and latent-diffusion; a CLIP's configuration lies beside it")
		}
	}
	made, err := vqgan.Import(source, i.output, vqgan.ImportOptions{
		Architecture: i.architecture, Configuration: i.configuration, Storage: storage, Progress: tell})
	return made, fmt.Sprintf("VQGAN %s, %s", made.Architecture, made.Storage), err
}

// isNoCLIP reports whether a checkpoint may be one of package vqgan, by the error of package clip for
// it: it holds no CLIP's tensors, or is a folder whose files have other names.
func isNoCLIP(err error) bool {
	return errors.Is(err, clip.ErrNoCLIP) || errors.Is(err, weights.ErrNoWeights)
}

// isPrior reports whether a checkpoint is taken for one of package vqgan/prior.
func isPrior(source string, options prior.ImportOptions) bool {
	if kind := archive.Kind(source); kind != "" {
		return kind == "prior"
	}
	_, err := prior.ReadConfigWith(source, options)
	if err == nil || errors.Is(err, prior.ErrNoPrior) {
		return err == nil
	}
	// A prior that is incomplete, or the checkpoint of a VQGAN with parts of one.
	_, vqganErr := vqgan.ReadConfig(source)
	return vqganErr != nil
}

// An importedModel is the JSON result of import.
type importedModel struct {
	Output fileName `json:"output"`
	Config any      `json:"config"`
}

// sameFile reports whether two paths are one existing file.
func sameFile(a, b string) (bool, error) {
	first, err := os.Stat(a)
	if err != nil {
		return false, nil // told when it is opened
	}
	second, err := os.Stat(b)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(first, second), nil
}

func onlyIf(condition bool, err error) error {
	if condition {
		return err
	}
	return nil
}
