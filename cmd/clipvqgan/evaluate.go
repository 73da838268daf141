package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/clip/evaluate"
	"github.com/clipvqgan/clipvqgan/clip/labels"
	"github.com/clipvqgan/clipvqgan/clip/probe"
	"github.com/clipvqgan/clipvqgan/clip/train"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

func newEvaluate(s *settings) *cobra.Command {
	command := &cobra.Command{
		Use:   "evaluate COMMAND",
		Short: "Measure how well a CLIP tells classes and pairs",
	}
	command.AddCommand(newEvaluateClasses(s), newEvaluatePairs(s))
	return command
}

// A classEvaluation holds the arguments of evaluate classes.
type classEvaluation struct {
	template    []string
	templates   string
	probe       string
	confusion   string
	reliability string
}

func newEvaluateClasses(s *settings) *cobra.Command {
	var e classEvaluation
	command := &cobra.Command{
		Use:   "classes FOLDER",
		Short: "Measure the accuracy over a folder with a sub-folder for each class",
		Long: `Measure the accuracy over a folder with a sub-folder for each class: zero-shot, by the names of the sub-folders
(with spaces for underscores), or of a --probe. Top-1, top-5, the mean over classes, and the expected calibration error.`,
		Example: `  clipvqgan evaluate classes food/ --clip ViT-B-32.pt --templates food --confusion confusion.png
  clipvqgan evaluate classes flowers/ --clip ViT-B-32.pt --probe flowers.safetensors --reliability reliability.png`,
		Args: oneFolder,
		RunE: func(command *cobra.Command, arguments []string) error {
			for flag, path := range map[string]string{"confusion": e.confusion, "reliability": e.reliability} {
				if path == "" {
					continue
				}
				if err := imageio.CheckOutputPath(path); err != nil {
					return errors.New("--" + flag + ": " + oneLine(err))
				}
			}
			if e.probe != "" && (e.template != nil || e.templates != "") {
				return errors.New("templates are texts, and --probe has none: leave --template and --templates out")
			}
			if e.templates != "" {
				known, err := labels.Templates(e.templates)
				if err != nil {
					return errors.New("--templates: " + oneLine(err))
				}
				e.template = append(e.template, known...)
			}
			return e.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s, arguments[0])
		},
	}
	command.Flags().StringArrayVar(&e.template, "template", nil, "the `text` that CLIP reads, with {} for the class; of several, the embeddings are averaged")
	command.Flags().StringVar(&e.templates, "templates", "", "the `name` of well-known templates: "+strings.Join(labels.TemplateNames(), ", "))
	command.Flags().StringVar(&e.probe, "probe", "", "a linear probe, a `file` of clipvqgan probe")
	command.Flags().StringVar(&e.confusion, "confusion", "", "also write a `picture` of which classes are taken for which")
	command.Flags().StringVar(&e.reliability, "reliability", "", "also write a `picture` of the accuracy over the confidence")
	return command
}

// A classesReport is the JSON result of evaluate classes.
type classesReport struct {
	Classes          int     `json:"classes"`
	Pictures         int     `json:"pictures"`
	Top1             float64 `json:"top1"`
	Top5             float64 `json:"top5"`
	MeanPerClass     float64 `json:"mean_per_class"`
	CalibrationError float64 `json:"calibration_error"`
}

func (e *classEvaluation) run(ctx context.Context, out, problems io.Writer, s *settings, path string) error {
	folder, err := labels.OpenFolder(path)
	if err != nil {
		return err
	}
	model, err := s.loadCLIP()
	if err != nil {
		return err
	}
	defer model.Close()
	names, probabilities, closing, err := e.scorer(ctx, model, folder.Classes)
	if err != nil {
		return err
	}
	defer closing()
	places := map[string]int{}
	for i, name := range names {
		places[name] = i
	}
	for _, class := range folder.Classes {
		if _, ok := places[class]; !ok {
			return fmt.Errorf("the probe knows no class %q, which %s has", class, path)
		}
	}
	failed := new(failures)
	examples, err := embed(ctx, model, folder, failed, problems)
	if err != nil {
		return err
	}
	if len(examples.Embeddings) == 0 {
		return failed.result()
	}
	meter := evaluate.NewClassMeter(len(names))
	for i, embedding := range examples.Embeddings {
		row, err := probabilities(embedding)
		if err == nil {
			err = meter.Add(row, places[folder.Classes[examples.ClassOf[i]]])
		}
		if err != nil {
			return err
		}
	}
	measured := meter.Classes()
	if e.confusion != "" {
		drawn, err := measured.ConfusionPicture(names)
		if err == nil {
			err = imageio.Save(e.confusion, drawn)
		}
		if err != nil {
			return err
		}
	}
	if e.reliability != "" {
		drawn, err := measured.Calibration.Picture()
		if err == nil {
			err = imageio.Save(e.reliability, drawn)
		}
		if err != nil {
			return err
		}
	}
	if s.json {
		err = printJSON(out, classesReport{len(names), measured.Count, measured.Top1, measured.Top5, measured.MeanPerClass, measured.Calibration.Error})
	} else {
		_, err = fmt.Fprintf(out, "%d pictures of %d classes\n  top-1              %6.2f %%\n  top-5              %6.2f %%\n  mean over classes  %6.2f %%\n  calibration error  %6.2f %%\n",
			measured.Count, len(names), 100*measured.Top1, 100*measured.Top5, 100*measured.MeanPerClass, 100*measured.Calibration.Error)
	}
	if err != nil {
		return err
	}
	return failed.result()
}

// scorer returns the names of classes, and what gives their probabilities for an embedding.
func (e *classEvaluation) scorer(ctx context.Context, model *clip.Model, classes []string) (names []string, probabilities func(embedding []float32) ([]float32, error), closing func(), err error) {
	row := func(embedding []float32) *torch.Tensor {
		return torch.FromSlice(embedding, torch.Shape{1, int64(len(embedding))}).To(model.Device(), model.DType())
	}
	if e.probe == "" {
		classifier, err := model.NewClassifier(ctx, classes, e.template...)
		if err != nil {
			return nil, nil, nil, err
		}
		return classes, func(embedding []float32) (values []float32, err error) {
			err = torch.Compute(ctx, func(*torch.TensorScope) error {
				found, err := classifier.Probabilities(ctx, row(embedding))
				if err == nil {
					values = found.Float32s()
				}
				return err
			})
			return values, err
		}, classifier.Close, nil
	}
	trained, err := loadProbe(e.probe, model)
	if err != nil {
		return nil, nil, nil, err
	}
	return trained.Classes, func(embedding []float32) (values []float32, err error) {
		err = torch.Compute(ctx, func(*torch.TensorScope) error {
			found, err := trained.Probabilities(ctx, row(embedding))
			if err == nil {
				values = found.Float32s()
			}
			return err
		})
		return values, err
	}, trained.Close, nil
}

// loadProbe loads a probe for a model.
func loadProbe(path string, model *clip.Model) (*probe.Probe, error) {
	trained, err := probe.Load(path)
	if err != nil {
		return nil, errors.New("--probe: " + oneLine(err))
	}
	if config := model.Config(); trained.Source != config.Architecture || int64(trained.Dimension()) != config.EmbeddingDimension {
		defer trained.Close()
		return nil, fmt.Errorf("--probe: %s was trained on embeddings of %s with %d elements, and the model is %s with %d: give its model by --clip", path, trained.Source, trained.Dimension(), config.Architecture, config.EmbeddingDimension)
	}
	return trained, nil
}

func newEvaluatePairs(s *settings) *cobra.Command {
	var columns train.TableColumns
	command := &cobra.Command{
		Use:   "pairs PAIRS",
		Short: "Measure how well pictures find their texts, and texts their pictures",
		Long: `Measure how well pictures find their texts, and texts their pictures: recall at 1, 5 and 10.

PAIRS is what train takes: a folder of pictures with texts beside them, a table, or shards of webdataset. A
picture that a table has several times has several texts.`,
		Example: `  clipvqgan evaluate pairs captions.csv --clip ViT-B-32.pt`,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("%d sources of pairs were given, wanted 1; use: %s", len(arguments), command.UseLine())
			}
			return nil
		},
		RunE: func(command *cobra.Command, arguments []string) error {
			return evaluatePairs(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s, arguments[0], columns)
		},
	}
	command.Flags().StringVar(&columns.Picture, "picture-column", "", "the `column` of a table with the pictures (default: one with a usual name)")
	command.Flags().StringVar(&columns.Text, "text-column", "", "the `column` of a table with the texts (default: one with a usual name)")
	return command
}

// A recallReport is the JSON result of one direction.
type recallReport struct {
	At1        float64 `json:"recall@1"`
	At5        float64 `json:"recall@5"`
	At10       float64 `json:"recall@10"`
	MeanRank   float64 `json:"mean_rank"`
	MedianRank float64 `json:"median_rank"`
}

// embeddedPairs are pictures and texts with their embeddings.
type embeddedPairs struct {
	images  [][]float32
	texts   []string
	imageOf []int
}

func evaluatePairs(ctx context.Context, out, problems io.Writer, s *settings, source string, columns train.TableColumns) error {
	pairs, err := train.OpenPairs(source, columns)
	if err != nil {
		return err
	}
	model, err := s.loadCLIP()
	if err != nil {
		return err
	}
	defer model.Close()
	if !model.EncodesTexts() {
		return fmt.Errorf("the model %s has no text encoder, with which pairs are compared", model.Config().Architecture)
	}
	failed := &failures{inputs: pairs.Len() + len(pairs.Problems())}
	for _, problem := range pairs.Problems() {
		failed.add(problem)
	}
	found, err := embedPairs(ctx, model, pairs, failed, problems)
	if err != nil {
		return err
	}
	if len(found.images) == 0 {
		return failed.result()
	}
	var recalls *evaluate.Recalls
	texts, err := model.EncodeText(ctx, found.texts...)
	if err == nil {
		defer texts.Close()
		recalls, err = evaluate.Retrieval(ctx, torch.FromRows(found.images).To(texts.Device(), texts.DType()), texts, found.imageOf)
	}
	if err != nil {
		return err
	}
	if s.json {
		err = printJSON(out, struct {
			Images      int          `json:"images"`
			Texts       int          `json:"texts"`
			ImageToText recallReport `json:"image_to_text"`
			TextToImage recallReport `json:"text_to_image"`
		}{recalls.Images, recalls.Texts, recallReport(recalls.ImageToText), recallReport(recalls.TextToImage)})
	} else {
		_, err = fmt.Fprintf(out, "%d pictures, %d texts     recall@1  recall@5 recall@10\n%s%s", recalls.Images, recalls.Texts,
			recallLine("picture to text", recalls.ImageToText), recallLine("text to picture", recalls.TextToImage))
	}
	if err != nil {
		return err
	}
	return failed.result()
}

func recallLine(direction string, r evaluate.Recall) string {
	return fmt.Sprintf("  %-22s %7.2f %% %7.2f %% %7.2f %%\n", direction, 100*r.At1, 100*r.At5, 100*r.At10)
}

// embedPairs embeds the pictures of pairs, one by one, each once.
func embedPairs(ctx context.Context, model *clip.Model, pairs *train.Pairs, failed *failures, problems io.Writer) (embeddedPairs, error) {
	var names []string
	textsOf := map[string][]string{}
	bar := newProgress(problems, pairs.Len(), "pairs")
	defer bar.end()
	pictures := func(yield func(image.Image) bool) {
		for i := range pairs.Len() {
			pair, err := pairs.Read(i)
			bar.add("")
			if err == nil { // a text that is too long is told by its pair
				_, err = model.Tokenizer().Tokenize(pair.Text)
			}
			if err != nil {
				failed.add(err)
				continue
			}
			known := textsOf[pair.Name] != nil
			textsOf[pair.Name] = append(textsOf[pair.Name], pair.Text)
			if known {
				continue
			}
			names = append(names, pair.Name)
			if !yield(pair.Picture) {
				return
			}
		}
	}
	embeddings := map[string][]float32{}
	for embedding, err := range model.EncodeImages(ctx, pictures) {
		unreadable, ok := errors.AsType[*clip.PictureError](err)
		switch {
		case ok:
			failed.add(fmt.Errorf("%s: %w", names[embedding.Index], unreadable.Err))
		case err != nil:
			return embeddedPairs{}, err
		default:
			embeddings[names[embedding.Index]] = embedding.Vector
		}
	}
	var found embeddedPairs
	for _, name := range names {
		if embeddings[name] == nil {
			continue
		}
		for _, text := range textsOf[name] {
			found.texts = append(found.texts, text)
			found.imageOf = append(found.imageOf, len(found.images))
		}
		found.images = append(found.images, embeddings[name])
	}
	return found, nil
}
