package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// quiet is the time between messages about long work if the output is not a terminal.
const quiet = 10 * time.Second

// A progress shows the progress of work: on a terminal with a bar, otherwise with a line after each
// tenth of the work or every ten seconds.
type progress struct {
	out         io.Writer
	unit        string
	total, done int
	bar         *progressbar.ProgressBar // nil if the output is not a terminal
	started     time.Time
	told        time.Time
	tenths      int
}

// newProgress shows the progress of total units, such as "steps".
func newProgress(out io.Writer, total int, unit string) *progress {
	now := time.Now()
	p := &progress{out: out, unit: unit, total: total, started: now, told: now}
	if isTerminal(out) {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(out),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(unit),
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond),
		)
	}
	return p
}

// isTerminal reports whether a stream is a terminal that can rewrite a line.
func isTerminal(stream any) bool {
	if output, ok := stream.(*output); ok {
		stream = output.file
	}
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
}

// add counts one more unit as done, with a note such as its loss, or "".
func (p *progress) add(note string) {
	p.done++
	if p.bar != nil {
		p.bar.Describe(note)
		p.bar.Add(1)
		return
	}
	now, tenths := time.Now(), p.done*10/p.total
	if tenths == p.tenths && now.Sub(p.told) < quiet {
		return
	}
	p.told, p.tenths = now, tenths
	if note != "" {
		note = ", " + note
	}
	passed := now.Sub(p.started)
	left := ""
	if p.done < p.total {
		left = fmt.Sprintf(", about %v left", (passed * time.Duration(p.total-p.done) / time.Duration(p.done)).Round(time.Second))
	}
	fmt.Fprintf(p.out, "%d of %d %s%s, %v passed%s\n", p.done, p.total, p.unit, note, passed.Round(time.Second), left)
}

// end completes the bar's line, so that other output can follow.
func (p *progress) end() {
	if p.bar != nil && p.done > 0 {
		fmt.Fprintln(p.out)
	}
}

// pause removes the bar, so that a line can be written in its place.
func (p *progress) pause() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
