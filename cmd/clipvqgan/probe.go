package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/clip/labels"
	"github.com/clipvqgan/clipvqgan/clip/probe"
)

// A probing holds the arguments of probe.
type probing struct {
	output         string
	validation     string
	holdOut        int
	regularization float64
}

func newProbe(s *settings) *cobra.Command {
	var p probing
	command := &cobra.Command{
		Use:   "probe FOLDER -o PROBE",
		Short: "Learn to tell classes of pictures by their embeddings",
		Long: `Learn to tell classes of pictures by their embeddings: a linear probe, for classify --probe and evaluate.

FOLDER has a sub-folder with pictures for each class. The regularization is chosen on pictures that are held
out, or on those of --validation; then all of them are learned from.`,
		Example: `  clipvqgan probe flowers/ -o flowers.safetensors --clip ViT-B-32.pt
  clipvqgan classify garden.jpg --probe flowers.safetensors --clip ViT-B-32.pt`,
		Args: oneFolder,
		RunE: func(command *cobra.Command, arguments []string) error {
			if p.output == "" {
				return errors.New("--output is missing: give the file to write, as -o probe.safetensors")
			}
			if p.holdOut < 2 {
				return fmt.Errorf("--hold-out is %d, wanted at least 2", p.holdOut)
			}
			if command.Flags().Changed("regularization") && !(p.regularization > 0) {
				return fmt.Errorf("--regularization is %v, wanted above 0", p.regularization)
			}
			if info, err := os.Stat(filepath.Dir(p.output)); err != nil || !info.IsDir() {
				return fmt.Errorf("--output: the folder %s does not exist", filepath.Dir(p.output))
			}
			return p.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s, arguments[0])
		},
	}
	command.Flags().StringVarP(&p.output, "output", "o", "", "the `file` to write (safetensors)")
	command.Flags().StringVar(&p.validation, "validation", "", "a `folder` of the same classes, on which the regularization is chosen")
	command.Flags().IntVar(&p.holdOut, "hold-out", 5, "without --validation: of each class one of so many pictures chooses the regularization")
	command.Flags().Float64Var(&p.regularization, "regularization", 0, "take this one, instead of choosing it")
	return command
}

// oneFolder wants one argument.
func oneFolder(command *cobra.Command, arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("%d folders were given, wanted 1; use: %s", len(arguments), command.UseLine())
	}
	return nil
}

// A probeReport is the JSON result of probe.
type probeReport struct {
	Output         string  `json:"output"`
	Classes        int     `json:"classes"`
	Pictures       int     `json:"pictures"`
	Regularization float64 `json:"regularization"`
	Accuracy       float64 `json:"validation_accuracy,omitempty"`
}

func (p *probing) run(ctx context.Context, out, problems io.Writer, s *settings, folder string) error {
	training, err := labels.OpenFolder(folder)
	if err != nil {
		return err
	}
	var validation *labels.Folder
	if p.validation != "" {
		if validation, err = labels.OpenFolder(p.validation); err != nil {
			return errors.New("--validation: " + oneLine(err))
		}
		if !slices.Equal(training.Classes, validation.Classes) {
			return fmt.Errorf("--validation has the classes %q, and %s has %q: wanted the same", validation.Classes, folder, training.Classes)
		}
	}
	model, err := s.loadCLIP()
	if err != nil {
		return err
	}
	defer model.Close()
	failed := new(failures)
	learn, err := embed(ctx, model, training, failed, problems)
	if err != nil {
		return err
	}
	options := probe.Options{Source: model.Config().Architecture, Regularization: p.regularization}
	report := probeReport{Output: p.output, Classes: len(training.Classes), Pictures: len(learn.Embeddings)}
	var trained *probe.Probe
	if p.regularization > 0 {
		trained, err = probe.Fit(ctx, learn, training.Classes, options)
	} else {
		var held probe.Examples
		if validation == nil {
			learn, held = holdOut(learn, p.holdOut)
			if len(held.Embeddings) == 0 {
				return fmt.Errorf("no class has %d pictures, of which one could be held out: give more, --validation or a smaller --hold-out", p.holdOut)
			}
		} else if held, err = embed(ctx, model, validation, failed, problems); err != nil {
			return err
		}
		var trials []probe.Trial
		trained, trials, err = probe.Choose(ctx, learn, held, training.Classes, options)
		for _, trial := range trials {
			if trained != nil && trial.Regularization == trained.Regularization {
				report.Accuracy = trial.Accuracy
			}
		}
	}
	if err != nil {
		return err
	}
	defer trained.Close()
	report.Regularization = trained.Regularization
	if err := trained.Save(p.output); err != nil {
		return err
	}
	if s.json {
		if err := printJSON(out, report); err != nil {
			return err
		}
		return failed.result()
	}
	fmt.Fprintf(out, "wrote %s: %d classes, learned from %d pictures with the regularization %.3g", p.output, report.Classes, report.Pictures, report.Regularization)
	if report.Accuracy > 0 {
		fmt.Fprintf(out, "; %.1f %% of those held out are right", 100*report.Accuracy)
	}
	fmt.Fprintln(out)
	return failed.result()
}

// embed returns the embeddings of the pictures in a folder that can be read, with their classes.
func embed(ctx context.Context, model *clip.Model, folder *labels.Folder, failed *failures, problems io.Writer) (probe.Examples, error) {
	var examples probe.Examples
	failed.inputs += len(folder.Paths)
	bar := newProgress(problems, len(folder.Paths), "pictures")
	defer bar.end()
	for embedding, err := range model.EncodeFiles(ctx, slices.Values(folder.Paths)) {
		unreadable, ok := errors.AsType[*clip.PictureError](err)
		switch {
		case ok:
			failed.add(unreadable.Err)
		case err != nil:
			return examples, err
		default:
			examples.Embeddings = append(examples.Embeddings, embedding.Vector)
			examples.ClassOf = append(examples.ClassOf, folder.ClassOf[embedding.Index])
		}
		bar.add("")
	}
	return examples, nil
}

// holdOut takes every so many'th example of each class away.
func holdOut(all probe.Examples, count int) (learn, held probe.Examples) {
	seen := map[int]int{}
	for i, class := range all.ClassOf {
		seen[class]++
		to := &learn
		if seen[class]%count == 0 {
			to = &held
		}
		to.Embeddings = append(to.Embeddings, all.Embeddings[i])
		to.ClassOf = append(to.ClassOf, class)
	}
	return learn, held
}
