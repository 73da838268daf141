package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// quiet is how long a log hears nothing of something that takes long.
const quiet = 10 * time.Second

// A progress tells how far some work is: on a terminal by a bar, elsewhere by a line each ten seconds and
// after each tenth of the work.
type progress struct {
	out         io.Writer
	unit        string
	total, done int
	bar         *progressbar.ProgressBar // nil where there is no terminal
	started     time.Time
	told        time.Time
	tenths      int
}

// newProgress is about so many units, such as "steps".
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

// isTerminal says whether a person looks at a stream, on a terminal that can write a line again.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
}

// add tells that one more is done, with a note such as its loss, or "".
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

// end makes room for what is written next.
func (p *progress) end() {
	if p.bar != nil && p.done > 0 {
		fmt.Fprintln(p.out)
	}
}

// pause takes the bar away, so that a line can be written in its place.
func (p *progress) pause() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
