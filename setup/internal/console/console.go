// Package console tells a person at a terminal, or the reader of a log, what goes on.
package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// quiet is how long a log hears nothing of something that takes long.
const quiet = 15 * time.Second

// A Console writes lines, and the state of what is going on: on a terminal as one line that is written
// again and again, elsewhere as a line now and then.
type Console struct {
	out      io.Writer
	terminal bool
	last     time.Time
	width    int // of the state's line, which has no end yet
}

// New is a console on a file, such as os.Stderr.
func New(file *os.File) *Console {
	info, err := file.Stat()
	return &Console{out: file, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0, last: time.Now()}
}

// Say writes a line.
func (c *Console) Say(format string, arguments ...any) {
	c.Clear()
	c.last = time.Now()
	fmt.Fprintf(c.out, format+"\n", arguments...)
}

// Show tells the state.
func (c *Console) Show(format string, arguments ...any) {
	if c.terminal {
		text := fmt.Sprintf(format, arguments...)
		width := utf8.RuneCountInString(text)
		fmt.Fprint(c.out, "\r"+text+strings.Repeat(" ", max(0, c.width-width)))
		c.width = width
	} else if time.Since(c.last) >= quiet {
		c.Say(format, arguments...)
	}
}

// Clear removes the state from a terminal.
func (c *Console) Clear() {
	if c.width > 0 {
		fmt.Fprint(c.out, "\r"+strings.Repeat(" ", c.width)+"\r")
		c.width = 0
	}
}
