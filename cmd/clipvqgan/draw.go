package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
	"github.com/clipvqgan/clipvqgan/vqgan"
	"github.com/clipvqgan/clipvqgan/vqgan/prior"
)

// A drawing holds the arguments of draw.
type drawing struct {
	prior, output, tokens     string
	number, every             int
	seed                      uint64
	size                      string
	class                     int64
	complete, keep, condition string
	noRank                    bool
	temperature, topP         float64
	topK, batch, stride       int
	guidance                  float64
	changed                   func(flag string) bool

	prompt  string
	start   *imageio.RGB // the picture to complete
	mask    *imageio.RGB // what of it is kept, or nil for its upper half
	by      *imageio.RGB // the picture that is the condition
	options prior.Options
}

func newDraw(s *settings) *cobra.Command {
	var d drawing
	command := &cobra.Command{
		Use:   "draw [PROMPT] --prior MODEL",
		Short: "Draw pictures with a transformer over the VQGAN's tokens, the best first",
		Long: `Draw pictures with a transformer over the VQGAN's tokens, the best first.

The prior is an archive of import, or a checkpoint that import takes; its VQGAN is the one inside it, or
--vqgan. It draws from a text, from the number of a class (--class), from a picture that it was trained to
draw from (--condition), or from nothing, row by row from the top. Several pictures come as one sheet, in
the order of CLIP's score for the prompt. Ctrl-C writes the pictures so far.`,
		Example: `  clipvqgan draw "a red apple" --prior dalle-mini.pt -n 8 -o apples.png
  clipvqgan draw --class 207 --prior imagenet.pt --top-k 250
  clipvqgan draw "a face" --prior dalle-mini.pt --complete photo.png --keep top`,
		RunE: func(command *cobra.Command, arguments []string) error {
			d.changed = command.Flags().Changed
			if err := d.read(arguments); err != nil {
				return err
			}
			return d.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s)
		},
	}
	flags := command.Flags()
	flags.StringVar(&d.prior, "prior", "", "the prior, a `file` or folder")
	flags.StringVarP(&d.output, "output", "o", "drawn.png", "the picture to write (PNG, JPEG or WebP)")
	flags.IntVarP(&d.number, "number", "n", 1, "how many pictures to draw")
	flags.Uint64Var(&d.seed, "seed", 0, "the seed of the first picture; the next have the next seeds")
	flags.Int64Var(&d.class, "class", 0, "the number of the class to draw, for priors of classes")
	flags.StringVar(&d.condition, "condition", "", "a picture to draw from, for priors conditioned on one")
	flags.StringVar(&d.complete, "complete", "", "a picture to complete; - is standard input")
	flags.StringVar(&d.keep, "keep", "top", "what to keep of it: top, for its upper half, or a picture of its size, white where it is kept")
	flags.StringVar(&d.size, "size", "", "width x height in pixels, as 512x256 (default: what the prior was trained on)")
	flags.Float64Var(&d.temperature, "temperature", 1, "how freely to choose tokens; 0 takes the likeliest (default: the prior's)")
	flags.IntVar(&d.topK, "top-k", 0, "choose among so many tokens; 0 is all (default: the prior's)")
	flags.Float64Var(&d.topP, "top-p", 1, "choose among the likeliest tokens that make up this share (default: the prior's)")
	flags.Float64Var(&d.guidance, "guidance", 1, "how strongly to follow the prompt; 1 is not at all more (default: the prior's)")
	flags.IntVar(&d.stride, "stride", 0, "by how many columns the window over a larger picture moves (0: the prior's)")
	flags.IntVar(&d.batch, "batch", 16, "how many pictures are drawn at once; fewer need less memory")
	flags.IntVar(&d.every, "save-every", 0, "also write the pictures every so many rows (0: only at the end)")
	flags.BoolVar(&d.noRank, "no-rank", false, "leave the pictures in the order of their seeds")
	flags.StringVar(&d.tokens, "save-tokens", "", "a JSON `file` for the tokens of the pictures")
	return command
}

// read checks everything that needs no model, so that errors are reported at once.
func (d *drawing) read(arguments []string) error {
	switch {
	case len(arguments) > 1:
		return fmt.Errorf("%d prompts were given, wanted one in quotes", len(arguments))
	case len(arguments) == 1 && strings.TrimSpace(arguments[0]) == "":
		return errors.New("the prompt is empty")
	case d.prior == "":
		return errors.New("no prior was given, and none comes with the program; give one with --prior FILE")
	case d.number < 1 || d.number > mostDrawn:
		return fmt.Errorf("--number is %d, wanted a number from 1 to %d", d.number, mostDrawn)
	case d.every < 0:
		return fmt.Errorf("--save-every is %d, wanted 0 or more", d.every)
	case d.changed("keep") && d.complete == "":
		return errors.New("--keep says what to keep of a picture; give the picture with --complete")
	}
	if len(arguments) == 1 {
		d.prompt = arguments[0]
	}
	if err := imageio.CheckOutputPath(d.output); err != nil {
		return err
	}
	if d.tokens != "" {
		if info, err := os.Stat(filepath.Dir(d.tokens)); err != nil || !info.IsDir() {
			return fmt.Errorf("the folder of --save-tokens %s does not exist", d.tokens)
		}
	}
	var err error
	if d.condition != "" {
		if d.by, err = loadOne("--condition", d.condition); err != nil {
			return err
		}
	}
	if d.complete == "" {
		return nil
	}
	if d.start, err = loadOne("--complete", d.complete); err != nil {
		return err
	}
	if d.keep == "top" {
		return nil
	}
	if d.mask, err = loadOne("--keep", d.keep); err != nil {
		return err
	}
	if mask, start := d.mask.Bounds().Size(), d.start.Bounds().Size(); mask != start {
		return fmt.Errorf("the mask %s has %d x %d pixels, the picture %s %d x %d", d.keep, mask.X, mask.Y, d.complete, start.X, start.Y)
	}
	return nil
}

// mostDrawn limits what a typing error can ask for.
const mostDrawn = 4096

func (d *drawing) run(ctx context.Context, out, problems io.Writer, s *settings) error {
	device, err := s.place()
	if err != nil {
		return err
	}
	model, err := prior.Load(d.prior, device)
	if err != nil {
		return err
	}
	defer model.Close()
	decoder, err := d.decoder(s, model)
	if err != nil {
		return err
	}
	if decoder != model.VQGAN() {
		defer decoder.Close()
	}
	pictures, err := d.pictures(ctx, model, decoder)
	if err != nil {
		return err
	}
	started := time.Now()
	if !s.json {
		fmt.Fprintf(out, "%s on %s, seed %d\n", d.title(), model.Device(), d.seed)
	}
	work := &drawn{drawing: d, ctx: context.WithoutCancel(ctx), decoder: decoder, all: make([]prior.Drawing, d.number)}
	batches := (d.number + d.options.Batch - 1) / d.options.Batch
	bar := newProgress(problems, batches*d.options.Height, "rows")
	d.options.OnRow = func(row prior.Row) error {
		bar.add("")
		work.take(row)
		soFar := work.snapshot()
		s.lastWord.set(func() error { return soFar.interrupted(errors.New("interrupted")) })
		if d.every == 0 || row.Number%d.every != 0 || row.Number == row.Rows {
			return nil
		}
		return s.lastWord.save(soFar.write)
	}
	s.lastWord.set(func() error { return errors.New("interrupted before there was a picture") })
	made, err := model.Draw(ctx, pictures, d.options)
	bar.end()
	if len(made) == 0 {
		return err
	}
	work.all = made
	if err != nil {
		return s.lastWord.save(func() error { return work.interrupted(err) })
	}
	unranked := work.snapshot()
	s.lastWord.set(func() error { return unranked.interrupted(errors.New("interrupted")) })
	if err := work.rank(ctx, s); err != nil {
		return s.lastWord.finish(func() error { return errors.Join(work.write(), err) })
	}
	return s.lastWord.finish(func() error {
		if err := work.write(); err != nil {
			return err
		}
		if s.json {
			return printJSON(out, work.result(time.Since(started).Seconds(), device.String()))
		}
		fmt.Fprintf(out, "wrote %s: %d %s in %.1f s\n", d.output, d.number, plural(d.number, "picture"), time.Since(started).Seconds())
		work.printScores(out)
		return nil
	})
}

func plural(count int, one string) string {
	if count == 1 {
		return one
	}
	return one + "s"
}

// decoder returns the VQGAN of the prior's tokens.
func (d *drawing) decoder(s *settings, model *prior.Model) (*vqgan.Model, error) {
	if s.vqgan == "" && model.VQGAN() != nil {
		return model.VQGAN(), nil
	}
	if s.vqgan == "" {
		return nil, fmt.Errorf("%s has no VQGAN inside: give the one whose tokens it draws with --vqgan FILE", d.prior)
	}
	decoder, err := s.loadVQGAN()
	if err != nil {
		return nil, err
	}
	if err := model.CheckVQGAN(decoder); err != nil {
		decoder.Close()
		return nil, err
	}
	return decoder, nil
}

// pictures returns what is to be drawn.
func (d *drawing) pictures(ctx context.Context, model *prior.Model, decoder *vqgan.Model) ([]prior.Picture, error) {
	if err := d.setOptions(model, decoder); err != nil {
		return nil, err
	}
	factor := int(decoder.Config().DownsamplingFactor)
	width, height := d.options.Width*factor, d.options.Height*factor
	var whole prior.Picture
	if d.prompt != "" {
		if err := model.CheckPrompt(d.prompt); err != nil {
			return nil, err
		}
		whole.Condition.Text = d.prompt
	} else if model.Config().Conditioning == prior.TextCondition {
		return nil, errors.New("no prompt was given, and this prior draws from texts")
	}
	if d.changed("class") {
		whole.Condition.Class = &d.class
	}
	if d.by != nil {
		stage := model.ConditionVQGAN()
		if stage == nil {
			return nil, errors.New("--condition is a picture, and this prior has no VQGAN inside to encode one")
		}
		grid, err := prior.Encode(ctx, stage, d.by, d.options.Width*int(stage.Config().DownsamplingFactor), d.options.Height*int(stage.Config().DownsamplingFactor))
		if err != nil {
			return nil, err
		}
		whole.Condition.Grid = &grid
	}
	if d.start != nil {
		grid, err := prior.Encode(ctx, decoder, d.start, width, height)
		if err != nil {
			return nil, err
		}
		whole.Start = &grid
		if whole.Keep, err = d.kept(); err != nil {
			return nil, err
		}
	}
	var pictures []prior.Picture
	for i := range d.number {
		whole.Seed = d.seed + uint64(i)
		pictures = append(pictures, whole)
	}
	return pictures, nil
}

// setOptions applies the flags that were set to the prior's settings.
func (d *drawing) setOptions(model *prior.Model, decoder *vqgan.Model) error {
	o := model.DefaultOptions()
	o.Batch = d.batch
	if d.stride != 0 {
		o.Stride = d.stride
	}
	for flag, apply := range map[string]func(){
		"temperature": func() { o.Temperature = d.temperature },
		"top-k":       func() { o.TopK = d.topK },
		"top-p":       func() { o.TopP = d.topP },
		"guidance":    func() { o.Guidance = d.guidance },
	} {
		if d.changed(flag) {
			apply()
		}
	}
	if d.batch < 1 {
		return fmt.Errorf("--batch is %d, wanted 1 or more", d.batch)
	}
	if d.size != "" {
		var width, height int
		if n, err := fmt.Sscanf(d.size+" ", "%dx%d ", &width, &height); n != 2 || err != nil {
			return fmt.Errorf("--size is %q, wanted width x height, as 512x256", d.size)
		}
		factor := int(decoder.Config().DownsamplingFactor)
		if width < factor || height < factor || width%factor != 0 || height%factor != 0 {
			return fmt.Errorf("--size is %s, wanted multiples of %d", d.size, factor)
		}
		o.Width, o.Height = width/factor, height/factor
	}
	d.options = o
	return nil
}

// kept returns which tokens of the picture to complete are kept: those of its upper half, or those more
// than half of whose pixels are white in the mask.
func (d *drawing) kept() ([]bool, error) {
	if d.mask == nil {
		return prior.KeepTop(d.options.Height, d.options.Width, d.options.Height/2), nil
	}
	small, err := imageio.Resize(d.mask, d.options.Width, d.options.Height, imageio.Box)
	if err != nil {
		return nil, err
	}
	var keep []bool
	for y := range d.options.Height {
		for x := range d.options.Width {
			keep = append(keep, color.GrayModel.Convert(small.At(x, y)).(color.Gray).Y > 127)
		}
	}
	return keep, nil
}

func (d *drawing) title() string {
	switch {
	case d.prompt != "":
		return fmt.Sprintf("%q", d.prompt)
	case d.changed("class"):
		return fmt.Sprintf("class %d", d.class)
	}
	return "pictures"
}

// drawn are the pictures of a run, as far as they are drawn.
type drawn struct {
	*drawing
	ctx     context.Context
	decoder *vqgan.Model
	all     []prior.Drawing
	order   []int     // the best first, or nil
	scores  []float64 // CLIP's, or nil
}

// take keeps a row.
func (w *drawn) take(row prior.Row) {
	for i, drawing := range row.Drawings {
		w.all[row.First+i] = drawing
	}
}

// snapshot returns a copy that does not change.
func (w *drawn) snapshot() *drawn {
	soFar := *w
	soFar.all = slices.Clone(w.all)
	for i := range soFar.all {
		soFar.all[i].Grid.Tokens = slices.Clone(soFar.all[i].Grid.Tokens)
	}
	return &soFar
}

// decode returns the pictures, as far as they are drawn, or nil for those that are not begun.
func (w *drawn) decode() ([]image.Image, error) {
	pictures := make([]image.Image, len(w.all))
	for i, drawing := range w.all {
		if drawing.Rows == 0 {
			continue
		}
		var err error
		if pictures[i], err = prior.Decode(w.ctx, w.decoder, drawing.Grid.Top(drawing.Rows)); err != nil {
			return nil, err
		}
	}
	return pictures, nil
}

// write writes the sheet, and the tokens.
func (w *drawn) write() error {
	pictures, err := w.decode()
	if err != nil {
		return err
	}
	if w.order != nil {
		ordered := make([]image.Image, len(pictures))
		for place, i := range w.order {
			ordered[place] = pictures[i]
		}
		pictures = ordered
	}
	factor := int(w.decoder.Config().DownsamplingFactor)
	err = imageio.Save(w.output, grid(pictures, w.options.Width*factor, w.options.Height*factor),
		imageio.Text{Keyword: "Software", Value: "clipvqgan"},
		imageio.Text{Keyword: "Description", Value: w.title()},
		imageio.Text{Keyword: "Seed", Value: fmt.Sprint(w.seed)},
	)
	if err != nil || w.tokens == "" {
		return err
	}
	return atomicfile.WriteFile(w.tokens, func(file *os.File) error {
		return json.NewEncoder(file).Encode(w.results())
	})
}

// interrupted writes the pictures so far, and returns the error that ended the run.
func (w *drawn) interrupted(ended error) error {
	rows := 0
	for _, drawing := range w.all {
		rows += drawing.Rows
	}
	if rows == 0 {
		return fmt.Errorf("%w before there was a picture", ended)
	}
	if err := w.write(); err != nil {
		return errors.Join(ended, err)
	}
	return fmt.Errorf("%w; wrote the %d of %d rows that are drawn to %s", ended, rows, len(w.all)*w.options.Height, w.output)
}

// rank orders the pictures by CLIP's score, the cosine between prompt and picture.
func (w *drawn) rank(ctx context.Context, s *settings) error {
	if w.prompt == "" || w.noRank {
		return nil
	}
	scorer, err := s.loadCLIP()
	if err != nil {
		return err
	}
	defer scorer.Close()
	pictures, err := w.decode()
	if err != nil {
		return err
	}
	scores, err := cosines(ctx, scorer, w.prompt, pictures)
	if err != nil {
		return err
	}
	w.scores = scores
	for i := range scores {
		w.order = append(w.order, i)
	}
	slices.SortStableFunc(w.order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	return nil
}

// A drawnPicture is a picture in the JSON results.
type drawnPicture struct {
	Seed  uint64      `json:"seed"`
	Score *float64    `json:"score,omitempty"` // CLIP's
	Rows  int         `json:"rows"`            // how many are drawn
	Grid  *prior.Grid `json:"grid,omitempty"`
}

// results returns the pictures in the order of the sheet.
func (w *drawn) results() []drawnPicture {
	results := []drawnPicture{}
	for place := range w.all {
		i := place
		if w.order != nil {
			i = w.order[place]
		}
		one := drawnPicture{Seed: w.seed + uint64(i), Rows: w.all[i].Rows, Grid: &w.all[i].Grid}
		if w.scores != nil {
			one.Score = &w.scores[i]
		}
		results = append(results, one)
	}
	return results
}

// A drawnReport is the JSON result of draw.
type drawnReport struct {
	Output   string         `json:"output"`
	Prompt   string         `json:"prompt,omitempty"`
	Seconds  float64        `json:"seconds"`
	Device   string         `json:"device"`
	Pictures []drawnPicture `json:"pictures"`
}

func (w *drawn) result(seconds float64, device string) drawnReport {
	pictures := w.results()
	for i := range pictures {
		pictures[i].Grid = nil
	}
	return drawnReport{w.output, w.prompt, seconds, device, pictures}
}

func (w *drawn) printScores(out io.Writer) {
	if w.scores == nil || len(w.all) == 1 {
		return
	}
	var texts []string
	for _, i := range w.order {
		texts = append(texts, fmt.Sprintf("%d (%.3f)", w.seed+uint64(i), w.scores[i]))
	}
	fmt.Fprintf(out, "by CLIP's score, seeds: %s\n", strings.Join(texts, ", "))
}
