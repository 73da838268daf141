package main

import (
	"fmt"
	"os"
)

// An output is standard output that keeps the first failure to write, such as that of a full disk:
// what prints looks at no error, and results must not be lost in silence.
type output struct {
	file *os.File
	err  error
}

func (o *output) Write(data []byte) (int, error) {
	n, err := o.file.Write(data)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// failure returns the error of a command: its own, or that of its output.
func (o *output) failure(err error) error {
	if err == nil && o.err != nil {
		return fmt.Errorf("the results cannot be written: %w", o.err)
	}
	return err
}
