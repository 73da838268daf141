// Package console reports progress on a terminal or in a log.
package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// quiet is the time between messages about long work if the output is not a terminal.
const quiet = 15 * time.Second

// A Console writes lines and a status: on a terminal the status is one line that is rewritten,
// otherwise a line now and then.
type Console struct {
	out      io.Writer
	terminal bool
	last     time.Time
	width    int // of the status line, which has no line feed yet
}

// New returns a console for a file, such as os.Stderr.
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

// Show shows the status.
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

// Clear removes the status from a terminal.
func (c *Console) Clear() {
	if c.width > 0 {
		fmt.Fprint(c.out, "\r"+strings.Repeat(" ", c.width)+"\r")
		c.width = 0
	}
}
