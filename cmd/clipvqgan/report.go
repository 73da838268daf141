package main

import (
	"context"
	"image"
	"io"
	"time"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// A report is the JSON result of generate.
type report struct {
	Output      fileName        `json:"output"`      // "" if no picture was written
	Interrupted bool            `json:"interrupted"` // by Ctrl-C or SIGTERM
	Error       string          `json:"error,omitempty"`
	Prompts     []guided.Prompt `json:"prompts"`
	Seed        uint64          `json:"seed"`
	Steps       int             `json:"steps"`
	Seconds     float64         `json:"seconds"`
	Width       int             `json:"width"`
	Height      int             `json:"height"`
	Device      string          `json:"device"`
	Losses      []*float64      `json:"losses"`              // nil for one that is no finite number, which JSON lacks
	Judgement   *judgement      `json:"judgement,omitempty"` // not for a run that ended early
}

// A reporter prints the report of a generation.
type reporter struct {
	out     io.Writer
	signals context.Context // ended by Ctrl-C and SIGTERM
	started time.Time
	device  string
}

// begin notes when and where the run began. The last word may read it at the same time.
func (r *reporter) begin(started time.Time, device torch.Device) error {
	r.started, r.device = started, device.String()
	return nil
}

// tell prints the report of a complete run.
func (g *generation) tell(result *guided.Result, seconds float64, judged judgement) error {
	report := g.newReport(result.Picture, result.Losses, seconds)
	report.Judgement = &judged
	return printJSON(g.report.out, report)
}

// tellEnd prints the report of a run that an error or a signal ended, if --json was given, and
// returns the error. picture is the one that was written, or nil; losses has one for each step.
func (g *generation) tellEnd(picture image.Image, losses []float64, ended error) error {
	if g.report == nil {
		return ended
	}
	var seconds float64
	if !g.report.started.IsZero() {
		seconds = time.Since(g.report.started).Seconds()
	}
	report := g.newReport(picture, losses, seconds)
	report.Interrupted = g.report.signals.Err() != nil
	report.Error = oneLine(ended)
	if err := printJSON(g.report.out, report); err != nil {
		return err
	}
	return ended
}

func (g *generation) newReport(picture image.Image, losses []float64, seconds float64) report {
	made := report{
		Prompts: g.config.Prompts, Seed: g.config.Seed, Steps: len(losses), Seconds: seconds,
		Device: g.report.device, Losses: finite(losses),
	}
	if picture != nil {
		made.Output = fileName(g.output)
		made.Width, made.Height = picture.Bounds().Dx(), picture.Bounds().Dy()
	}
	return made
}
