package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/clipvqgan/clipvqgan/clip/labels"
	"github.com/clipvqgan/clipvqgan/models"
)

// labelFlags are the flags with the labels to choose among. Their labels are joined.
type labelFlags struct {
	list string   // between commas
	each []string // one for each flag, which may contain commas
	file string   // one on each line
	set  string   // the name of a data set

	template  []string // texts with {} in place of the label
	templates string   // the name of a set of them
}

// define defines the flags.
func (l *labelFlags) define(flags *pflag.FlagSet) {
	flags.StringVar(&l.list, "labels", "", "what to choose among, between commas (default: the names of all emoji)")
	flags.StringArrayVar(&l.each, "label", nil, "one `label`, which may contain commas; may be given several times")
	flags.StringVar(&l.file, "labels-file", "", "a text `file` with a label on each line")
	flags.StringVar(&l.set, "labels-of", "", "the classes of a data `set`, in OpenAI's words: "+strings.Join(labels.Names(), ", ")+"; with its templates, unless others are given")
	flags.StringArrayVar(&l.template, "template", nil, "the `text` that CLIP reads, with {} for the label (default: {}); of several, the embeddings are averaged")
	flags.StringVar(&l.templates, "templates", "", "the `name` of well-known templates: "+strings.Join(labels.TemplateNames(), ", "))
}

// given returns the labels of all flags, in order: those of --labels, --label, --labels-file and
// --labels-of; and the templates.
func (l *labelFlags) given(flags *pflag.FlagSet) (names, templates []string, err error) {
	if names, templates, err = l.labels(flags); err != nil {
		return nil, nil, err
	}
	if flags.Changed("template") {
		templates = l.template
	}
	if flags.Changed("templates") {
		known, err := labels.Templates(l.templates)
		if err != nil {
			return nil, nil, errors.New("--templates: " + oneLine(err))
		}
		if !flags.Changed("template") {
			templates = nil
		}
		templates = append(slices.Clip(templates), known...)
	}
	return names, templates, nil
}

// labels returns the labels, and the templates of their data set if they are of one alone.
func (l *labelFlags) labels(flags *pflag.FlagSet) (all, templates []string, err error) {
	if flags.Changed("labels") {
		names := withoutEmpty(strings.Split(l.list, ","))
		if len(names) == 0 {
			return nil, nil, errors.New(`--labels is empty; give names between commas, as --labels "a cat,a dog"`)
		}
		all = names
	}
	for _, name := range l.each {
		if name = strings.TrimSpace(name); name == "" {
			return nil, nil, errors.New(`--label is empty; give a name, as --label "a cat"`)
		}
		all = append(all, name)
	}
	if flags.Changed("labels-file") {
		names, err := labels.Load(l.file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil, fmt.Errorf("--labels-file: %s does not exist", l.file)
		case err != nil:
			return nil, nil, errors.New("--labels-file: " + oneLine(err))
		}
		all = append(all, names...)
	}
	// The classes of a data set may share a name, as two of ImageNet's do.
	if err := eachOnce(all); err != nil {
		return nil, nil, err
	}
	if flags.Changed("labels-of") {
		set, err := labels.Named(l.set)
		if err != nil {
			return nil, nil, errors.New("--labels-of: " + oneLine(err))
		}
		if all == nil {
			templates = set.Templates
		}
		all = append(all, set.Labels...)
	}
	if all == nil {
		return models.Labels(), nil, nil
	}
	return all, templates, nil
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

// withoutEmpty returns the names that are not empty, without the spaces around them.
func withoutEmpty(names []string) (all []string) {
	for _, name := range names {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}
