package main

import (
	"cmp"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// configFlags are the flags that set the fields of a guided.Config, by the names that its errors
// begin with.
var configFlags = map[string]string{
	"width":           "--size: the width",
	"height":          "--size: the height",
	"width x height":  "--size",
	"seed":            "--seed",
	"steps":           "--steps",
	"learning_rate":   "--learning-rate",
	"total_variation": "--smoothness",
	"init":            "--init",
	"init_weight":     "--init-weight",
	"cutouts.number":  "--cutouts",
	"batch":           "--batch",
}

var (
	atField  = regexp.MustCompile(`^(width x height|[a-z_.]+) is `)
	atPrompt = regexp.MustCompile(`^prompts\[(\d+)\]\.(\w+) is `)
)

// inFlags returns an error about a field of a guided.Config in the words of the command line.
func inFlags(err error) error {
	if err == nil {
		return nil
	}
	text := oneLine(err)
	if found := atField.FindStringSubmatch(text); found != nil {
		field := found[1]
		last := field[strings.LastIndexByte(field, '.')+1:] // of a field in a part of the configuration
		if flag := cmp.Or(configFlags[field], configFlags[last]); flag != "" {
			return reworded{flag + text[len(field):], err}
		}
	}
	if found := atPrompt.FindStringSubmatch(text); found != nil {
		number, failed := strconv.Atoi(found[1])
		return errors.Join(failed, reworded{"prompt " + strconv.Itoa(number+1) + ": its " + found[2] + text[len(found[0])-len(" is "):], err})
	}
	return err
}

// A reworded error has another text.
type reworded struct {
	text string
	err  error
}

// Error returns the text.
func (r reworded) Error() string { return r.text }

// Unwrap returns the error with its own text.
func (r reworded) Unwrap() error { return r.err }
