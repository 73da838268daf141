package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/clipvqgan/clipvqgan/models"
)

// labelFlags are the flags with the labels to choose among. Their labels are joined.
type labelFlags struct {
	list string   // between commas
	each []string // one for each flag, which may contain commas
	file string   // one on each line
}

// set defines the flags.
func (l *labelFlags) set(flags *pflag.FlagSet) {
	flags.StringVar(&l.list, "labels", "", "what to choose among, between commas (default: the names of all emoji)")
	flags.StringArrayVar(&l.each, "label", nil, "one `label`, which may contain commas; may be given several times")
	flags.StringVar(&l.file, "labels-file", "", "a text `file` with a label on each line")
}

// labels returns the labels of all flags, in order: those of --labels, --label and --labels-file.
func (l *labelFlags) labels(flags *pflag.FlagSet) ([]string, error) {
	var all []string
	if flags.Changed("labels") {
		names := withoutEmpty(strings.Split(l.list, ","))
		if len(names) == 0 {
			return nil, errors.New(`--labels is empty; give names between commas, as --labels "a cat,a dog"`)
		}
		all = names
	}
	for _, name := range l.each {
		if name = strings.TrimSpace(name); name == "" {
			return nil, errors.New(`--label is empty; give a name, as --label "a cat"`)
		}
		all = append(all, name)
	}
	if flags.Changed("labels-file") {
		names, err := readLabels(l.file)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	if all == nil {
		return models.Labels(), nil
	}
	return all, eachOnce(all)
}

// eachOnce returns an error for a label that was given twice: the two would share its probability.
func eachOnce(names []string) error {
	known := map[string]bool{}
	for _, name := range names {
		if known[name] {
			return fmt.Errorf("the label %q was given twice; give each once", name)
		}
		known[name] = true
	}
	return nil
}

// largestLabels is the largest size of a file of labels in bytes.
const largestLabels = 16 << 20

// readLabels reads a text file with a label on each line. Empty lines do not count.
func readLabels(path string) ([]string, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--labels-file: %s does not exist", path)
	case err != nil:
		return nil, fmt.Errorf("--labels-file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, largestLabels+1))
	if err != nil {
		return nil, fmt.Errorf("--labels-file: %w", err)
	}
	if len(text) > largestLabels {
		return nil, fmt.Errorf("--labels-file: %s has more than %d bytes", path, largestLabels)
	}
	names := withoutEmpty(strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n"))
	if len(names) == 0 {
		return nil, fmt.Errorf("--labels-file: %s has no labels; write one on each line", path)
	}
	return names, nil
}

// withoutEmpty returns the names that are not empty, without the spaces around them.
func withoutEmpty(names []string) (all []string) {
	for _, name := range names {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}
