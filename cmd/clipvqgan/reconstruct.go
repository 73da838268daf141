package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A reconstruction holds the arguments of reconstruct.
type reconstruction struct {
	output string // a file, or a folder for several images
	format string // the extension of the files in a folder, or "" for that of output or of defaultReconstructed
}

const (
	defaultReconstructed       = "reconstructed" // and the format's extension
	defaultReconstructedFolder = "reconstructed"
	defaultFormat              = "png"
)

func newReconstruct(s *settings) *cobra.Command {
	var r reconstruction
	command := &cobra.Command{
		Use:   "reconstruct PICTURE...",
		Short: "Show what the VQGAN keeps of each picture: encode it, quantize it, decode it",
		Long: "Show what the VQGAN keeps of each picture: encode it, quantize it, decode it.\n\n" + aboutPictures + `
A picture of more pixels than the model can take is made smaller first.
One picture is written to a file; several, or one from a folder or a pattern, are written into a folder, in
the sub-folders that they came from.`,
		Example: `  clipvqgan reconstruct photo.png -o again.png
  clipvqgan reconstruct photos/ -o again/ --format webp`,
		Args: atLeastOne("picture"),
		RunE: func(command *cobra.Command, arguments []string) error {
			return r.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s, arguments)
		},
	}
	command.Flags().StringVarP(&r.output, "output", "o", "",
		"the picture to write (PNG, JPEG or WebP), or the folder for several (default: "+defaultReconstructed+"."+defaultFormat+", or the folder "+defaultReconstructedFolder+")")
	command.Flags().StringVar(&r.format, "format", "", "what pictures are written as: png, jpg or webp (default: what --output says, or "+defaultFormat+")")
	return command
}

func (r *reconstruction) run(ctx context.Context, out, problems io.Writer, s *settings, arguments []string) error {
	if err := r.checkFormat(); err != nil {
		return err
	}
	inputs, failed := expand(arguments)
	if s.json {
		if err := failed.tellJSON(out); err != nil {
			return err
		}
	}
	if len(inputs) == 0 {
		return failed.result()
	}
	outputs, err := r.outputs(arguments, inputs, failed.inputs)
	if err == nil {
		err = notItself(inputs, outputs)
	}
	if err != nil {
		return err
	}
	var model *vqgan.Model
	var bar *progress
	if len(inputs) > 1 {
		bar = newProgress(problems, len(inputs), "pictures")
		defer bar.end()
	}
	for i, input := range inputs {
		picture, err := imageio.Load(input.path, imageio.Options{})
		if err == nil && model == nil { // without an image no model is loaded
			if model, err = s.loadVQGAN(); err != nil {
				return err
			}
			defer model.Close()
		}
		if err == nil {
			err = r.one(ctx, s, model, picture, outputs[i])
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if bar != nil {
			bar.pause()
		}
		if err != nil {
			err = input.told(err)
			failed.add(err)
		}
		if err := r.tell(out, s, input, outputs[i], err); err != nil {
			return err
		}
		if bar != nil {
			bar.add("")
		}
	}
	return failed.result()
}

// checkFormat checks the flag --format.
func (r *reconstruction) checkFormat() error {
	if r.format != "" && !slices.Contains(outputExtensions, r.format) {
		return fmt.Errorf("--format is %q, wanted png, jpg or webp", r.format)
	}
	return nil
}

// notItself is an error if an output would replace an input.
func notItself(inputs []input, outputs []string) error {
	for _, output := range outputs {
		there, err := os.Stat(output)
		if err != nil {
			continue
		}
		for _, input := range inputs {
			if given, err := os.Stat(input.path); err == nil && os.SameFile(given, there) {
				return fmt.Errorf("%s would be replaced by its own reconstruction: choose another --output", input.name)
			}
		}
	}
	return nil
}

// outputs returns the files to write, one for each input; count includes inputs that do not exist.
func (r *reconstruction) outputs(arguments []string, inputs []input, count int) ([]string, error) {
	info, err := os.Stat(r.output)
	isFolder := err == nil && info.IsDir() || strings.HasSuffix(r.output, "/")
	isOne := count == 1 && (inputs[0].name == arguments[0] || filepath.Ext(r.output) != "")
	if isOne && !isFolder {
		path, err := r.file()
		if err != nil {
			return nil, err
		}
		return []string{path}, imageio.CheckOutputPath(path)
	}
	folder := r.output
	if folder == "" {
		folder = defaultReconstructedFolder
	} else if filepath.Ext(folder) != "" && !isFolder {
		return nil, fmt.Errorf("%d pictures were given, and --output is %s: wanted a folder, as --output %s/",
			count, folder, strings.TrimSuffix(folder, filepath.Ext(folder)))
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	format := cmp.Or(r.format, defaultFormat)
	var outputs []string
	taken := map[string]bool{}
	for _, input := range inputs {
		name := cmp.Or(input.below, filepath.Base(input.name))
		name = strings.TrimSuffix(name, filepath.Ext(name))
		if input.path == standardInput {
			name = "standard-input"
		}
		path := filepath.Join(folder, name+"."+format)
		for n := 2; taken[path]; n++ { // for a.png and a.jpg, or files of two folders
			path = filepath.Join(folder, fmt.Sprintf("%s-%d.%s", name, n, format))
		}
		taken[path] = true
		outputs = append(outputs, path)
	}
	return outputs, imageio.CheckOutputPath(filepath.Join(folder, filepath.Base(outputs[0])))
}

// file returns the file to write for one image.
func (r *reconstruction) file() (string, error) {
	extension := strings.ToLower(strings.TrimPrefix(filepath.Ext(r.output), "."))
	isJPEG := func(format string) bool { return format == "jpg" || format == "jpeg" }
	switch {
	case r.output == "":
		return defaultReconstructed + "." + cmp.Or(r.format, defaultFormat), nil
	case r.format != "" && r.format != extension && !(isJPEG(r.format) && isJPEG(extension)):
		return "", fmt.Errorf("--output is %s and --format is %s: give an --output that ends in .%s, or leave --format out",
			r.output, r.format, r.format)
	}
	return r.output, nil
}

func (r *reconstruction) one(ctx context.Context, s *settings, model *vqgan.Model, picture *imageio.RGB, output string) error {
	if width, height := model.FitSize(picture.Width, picture.Height); width != picture.Width || height != picture.Height {
		var err error
		if picture, err = imageio.Resize(picture, width, height, imageio.Lanczos); err != nil {
			return err
		}
	}
	reconstructed, err := model.Reconstruct(ctx, picture)
	if err != nil {
		return err
	}
	return s.lastWord.save(func() error {
		if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil { // a sub-folder, as where the picture came from
			return err
		}
		return imageio.Save(output, reconstructed)
	})
}

// tell prints the result of an input.
func (r *reconstruction) tell(out io.Writer, s *settings, input input, output string, failure error) error {
	switch {
	case s.json && failure != nil:
		return printJSON(out, failedInput{fileName(input.name), oneLine(failure)})
	case s.json:
		return printJSON(out, struct {
			Picture fileName `json:"picture"`
			Output  fileName `json:"output"`
		}{fileName(input.name), fileName(output)})
	case failure == nil:
		_, err := fmt.Fprintf(out, "wrote %s\n", output)
		return err
	}
	return nil
}
