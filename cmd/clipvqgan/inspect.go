package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/vqgan"
	"github.com/clipvqgan/clipvqgan/vqgan/prior"
)

func newInspect(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "inspect MODEL...",
		Short: "Tell what a model file is",
		Long: `Tell what a model file is: its kind and architecture, sizes, dtypes and number of parameters, its
tokenizer and preprocessing, and what it was made from; or what is missing in it.

MODEL is a file or folder that import takes, or an archive. No weights are read.`,
		Example: "  clipvqgan inspect ViT-B-32.pt\n  clipvqgan inspect models/*.pt --json",
		Args:    atLeastOne("model"),
		RunE: func(command *cobra.Command, arguments []string) error {
			var failed failures
			for _, source := range arguments {
				if err := inspect(command.OutOrStdout(), s, source); err != nil {
					failed.add(err)
					if s.json {
						if err := printJSON(command.OutOrStdout(), failedModel{fileName(source), oneLine(err)}); err != nil {
							return err
						}
					}
				}
			}
			return failed.result()
		},
	}
}

// A failedModel is the JSON result for a model that cannot be loaded.
type failedModel struct {
	Model fileName `json:"model"`
	Error string   `json:"error"`
}

// An inspectedModel is the JSON result for a model.
type inspectedModel struct {
	Model      fileName       `json:"model"`
	Kind       string         `json:"kind"`
	Format     string         `json:"format"`
	Bytes      int64          `json:"bytes"`
	Tensors    int            `json:"tensors"`
	Parameters int64          `json:"parameters"`
	DTypes     map[string]int `json:"dtypes"` // the number of tensors of each dtype
	Config     any            `json:"config"`
}

func inspect(out io.Writer, s *settings, source string) error {
	model := inspectedModel{Model: fileName(source), DTypes: map[string]int{}}
	lines, err := model.describe(source)
	if err != nil {
		return err
	}
	if s.json {
		return printJSON(out, model)
	}
	model.print(out, lines)
	return nil
}

// describe sets what is known of any kind of model, and returns its description in lines.
func (m *inspectedModel) describe(source string) ([][2]string, error) {
	if isPrior(source, prior.ImportOptions{}) {
		config, err := prior.ReadConfig(source)
		if err != nil {
			return nil, err
		}
		m.Kind, m.Config = "prior", config
		return describePrior(config), m.countFiles(prior.Files(source))
	}
	kind := archive.Kind(source)
	if kind != "vqgan" {
		config, err := clip.ReadConfig(source)
		if err == nil {
			m.Kind, m.Config = "clip", config
			return describeCLIP(config), m.countCLIP(source)
		}
		if kind == "clip" || !isNoCLIP(err) {
			return nil, err
		}
	}
	config, err := vqgan.ReadConfig(source)
	if err != nil {
		return nil, err
	}
	m.Kind, m.Config = "vqgan", config
	return describeVQGAN(config), m.countFiles(vqgan.Files(source))
}

// countCLIP counts the tensors.
func (m *inspectedModel) countCLIP(source string) error {
	file, err := weights.OpenSource(source, clip.WeightFiles())
	if err != nil {
		return err
	}
	defer file.Close()
	return m.add(file)
}

// countFiles counts the tensors of all files of a model.
func (m *inspectedModel) countFiles(paths []string, err error) error {
	if err != nil {
		return err
	}
	for _, path := range paths {
		file, err := weights.Open(path)
		if err != nil {
			return err
		}
		err = m.add(file)
		file.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *inspectedModel) add(file *weights.File) error {
	m.Format = string(file.Format)
	for _, part := range file.Parts {
		info, err := os.Stat(part)
		if err != nil {
			return err
		}
		m.Bytes += info.Size()
	}
	for _, name := range file.Names() {
		m.Tensors++
		elements := int64(1)
		for _, size := range file.Shape(name) {
			elements *= size
		}
		m.Parameters += elements
		m.DTypes[file.DType(name).String()]++
	}
	return nil
}

var english = message.NewPrinter(language.English)

func (m *inspectedModel) print(out io.Writer, lines [][2]string) {
	var dtypes []string
	for dtype, count := range m.DTypes {
		dtypes = append(dtypes, fmt.Sprintf("%s (%d)", dtype, count))
	}
	slices.Sort(dtypes)
	fmt.Fprintln(out, m.Model)
	lines = append(lines,
		[2]string{"file", english.Sprintf("%s, %d bytes", m.Format, m.Bytes)},
		[2]string{"parameters", english.Sprintf("%d in %d tensors: %s", m.Parameters, m.Tensors, strings.Join(dtypes, ", "))})
	for _, line := range lines {
		if line[1] != "" {
			fmt.Fprintf(out, "  %-14s %s\n", line[0], line[1])
		}
	}
}

func describeCLIP(c clip.Config) [][2]string {
	lines := [][2]string{{"kind", "CLIP"}, {"architecture", c.Architecture}}
	switch {
	case c.ContextLength == 0:
		lines[0][1] = "CLIP, its image encoder alone"
	case c.ImageSize == 0:
		lines[0][1] = "CLIP, its text encoder alone"
	}
	if c.ImageSize != 0 {
		way := "the longer side cropped"
		if c.ResizeMode == "squash" {
			way = "both sides scaled"
		}
		lines = append(lines, [2]string{"pictures", fmt.Sprintf("%d x %d pixels, %s, %s, mean %v, standard deviation %v",
			c.ImageSize, c.ImageSize, c.Interpolation, way, c.Mean, c.StandardDeviation)})
	}
	if c.ContextLength != 0 {
		lines = append(lines, [2]string{"texts", fmt.Sprintf("%d tokens of %d, %s", c.ContextLength, c.VocabularySize, c.Tokenizer)})
	}
	return append(lines,
		[2]string{"embeddings", fmt.Sprintf("%d elements", c.EmbeddingDimension)},
		[2]string{"activation", c.Activation},
		[2]string{"made from", madeFrom(c.Source, c.SourceSHA256)})
}

func describeVQGAN(c vqgan.Config) [][2]string {
	return [][2]string{
		{"kind", "VQGAN"},
		{"architecture", c.Architecture},
		{"pictures", fmt.Sprintf("trained at %d x %d pixels; a token for each %d x %d", c.ImageSize, c.ImageSize, c.DownsamplingFactor, c.DownsamplingFactor)},
		{"codebook", fmt.Sprintf("%d rows of %d elements", c.CodebookSize, c.EmbeddingDimension)},
		{"made from", madeFrom(c.Source, c.SourceSHA256)},
	}
}

func describePrior(c prior.Config) [][2]string {
	condition := c.Conditioning
	switch c.Conditioning {
	case prior.ClassCondition:
		condition = fmt.Sprintf("class, one of %d", c.Classes)
	case prior.GridCondition:
		condition = fmt.Sprintf("grid of tokens, of %d", c.ConditionVocabulary)
	case prior.TextCondition:
		condition = fmt.Sprintf("text of %d tokens of %d, %s", c.TextLength, c.TextVocabulary, c.Tokenizer)
		if c.EmbeddingDimension > 0 {
			condition += fmt.Sprintf("; embedding of %d elements", c.EmbeddingDimension)
		}
	}
	decoder := "none inside"
	if c.VQGAN != nil {
		decoder = c.VQGAN.Architecture
	}
	return [][2]string{
		{"kind", "prior"},
		{"architecture", c.Architecture},
		{"condition", condition},
		{"pictures", fmt.Sprintf("trained on %d rows of %d tokens, of %d", c.GridHeight, c.GridWidth, c.CodebookSize)},
		{"VQGAN", decoder},
		{"made from", madeFrom(c.Source, c.SourceSHA256)},
	}
}

func madeFrom(source, hash string) string {
	if hash == "" {
		return source
	}
	return strings.TrimSpace(fmt.Sprintf("%s (sha256 %s)", filepath.Base(source), hash))
}
