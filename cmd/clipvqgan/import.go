package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
)

// An importing holds the arguments of import.
type importing struct {
	output       string
	architecture string
	storage      string
}

func newImport(s *settings) *cobra.Command {
	var i importing
	command := &cobra.Command{
		Use:   "import SOURCE -o MODEL",
		Short: "Make a model archive from a published checkpoint",
		Long: `Make a model archive from a published checkpoint.

SOURCE is a file, or a folder with its configuration: OpenAI's CLIP models, open_clip's checkpoints,
and Hugging Face's folders of CLIPModel. --clip takes these as they are too; an archive loads faster,
and is one file. No code in a checkpoint is run.`,
		Example: `  clipvqgan import ViT-B-32.pt -o vit-b-32.pt --storage float16
  clipvqgan import CLIP-ViT-H-14-laion2B/ -o vit-h-14.pt`,
		Args: exactlyOne("checkpoint"),
		RunE: func(command *cobra.Command, arguments []string) error {
			return i.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s, arguments[0])
		},
	}
	flags := command.Flags()
	flags.StringVarP(&i.output, "output", "o", "", "the archive to write")
	flags.StringVar(&i.architecture, "architecture", "", "the `name` of the architecture, where the checkpoint does not tell it, such as ViT-B-32")
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
	options := clip.ImportOptions{Architecture: i.architecture}
	if i.storage != "" {
		dtype, err := torch.ParseDType(i.storage)
		if err != nil {
			return fmt.Errorf("--storage is %q, wanted float16, bfloat16 or float32", i.storage)
		}
		options.Storage = &dtype
	}
	var bar *progress
	options.Progress = func(done, total int) error {
		if bar == nil {
			bar = newProgress(problems, total, "tensors")
		}
		if done > bar.done {
			bar.add("")
		}
		return ctx.Err()
	}
	config, err := clip.Import(source, i.output, options)
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return err
	}
	if s.json {
		return printJSON(out, importedModel{i.output, config})
	}
	_, err = fmt.Fprintf(out, "%s: CLIP %s, %s\n", i.output, config.Architecture, config.Storage)
	return err
}

// An importedModel is the JSON result of import.
type importedModel struct {
	Output string      `json:"output"`
	Config clip.Config `json:"config"`
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
