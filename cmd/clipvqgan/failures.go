package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/torch"
)

// failures are the errors of those of several inputs that failed.
type failures struct {
	inputs    int // the number of all inputs
	errors    []error
	arguments []failedInput // those that stand for no file
}

// add adds the error of an input.
func (f *failures) add(err error) { f.errors = append(f.errors, err) }

// tellJSON prints a line for each argument that stands for no file.
func (f *failures) tellJSON(out io.Writer) error {
	for _, failed := range f.arguments {
		if err := printJSON(out, failed); err != nil {
			return err
		}
	}
	return nil
}

// result returns the command's error, or nil if no input failed.
func (f *failures) result() error {
	if len(f.errors) == 0 {
		return nil
	}
	return f
}

// Error returns one line for each failure.
func (f *failures) Error() string { return strings.Join(lines(f), "\n") }

// Unwrap returns the errors.
func (f *failures) Unwrap() []error { return f.errors }

// lines returns an error's text as one line for each failure.
func lines(err error) []string {
	f, several := errors.AsType[*failures](err)
	if !several {
		return []string{oneLine(err)}
	}
	var all []string
	for _, failure := range f.errors {
		all = append(all, oneLine(failure))
	}
	if f.inputs > 1 {
		all = append(all, fmt.Sprintf("%d of %d inputs failed", len(f.errors), f.inputs))
	}
	return all
}

// inPackages matches the names of packages and functions with which an error's text begins.
var inPackages = regexp.MustCompile(`^((clip|evaluate|guided|imageio|labels|prior|probe|safetensors|sheet|tokenizer|torch|train|vqgan): (([a-z]+\.)?[A-Z][A-Za-z]+: )?)+`)

// kinds are what an error's text may end with for [errors.Is], and what tells a user nothing.
var kinds = []error{archive.ErrWrongModel, torch.ErrInvalid, torch.ErrModel, torch.ErrFormat, torch.ErrOther}

// oneLine returns an error's text on one line, without the names of packages and functions and
// without its kind.
func oneLine(err error) string {
	text := inPackages.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), "")
	for before := ""; text != before; {
		before = text
		for _, kind := range kinds {
			for _, tail := range []string{": " + kind.Error(), " (" + kind.Error() + ")"} {
				text = strings.TrimSuffix(text, tail)
			}
		}
	}
	return text
}
