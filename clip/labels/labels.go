// Package labels has what zero-shot classification chooses among: the class names of well-known data
// sets, the templates of texts around them, and labels from files. data/README.md names the sources.
//
//	set, err := labels.Named("food101")
//	classifier, err := model.NewClassifier(ctx, set.Labels, set.Templates...)
package labels

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed data/*.txt
var data embed.FS

// A Set is the classes of a data set, and the templates with which OpenAI classified them.
type Set struct {
	// Name is one of [Names].
	Name string
	// Labels are the names of the classes, in the order of the data set.
	Labels []string
	// Templates are texts with {} in place of the label.
	Templates []string
}

// templatesOf are the templates of each set.
var templatesOf = map[string]string{"imagenet": "openai", "cifar10": "cifar", "cifar100": "cifar", "food101": "food"}

// Names returns the names of the sets that [Named] knows: cifar10, cifar100, food101 and imagenet.
func Names() []string { return []string{"cifar10", "cifar100", "food101", "imagenet"} }

// Named returns the set with one of [Names]. The names of ImageNet's classes contain two twice, as in
// the data set's usual list: "missile" and "sunglasses".
func Named(name string) (Set, error) {
	templates, ok := templatesOf[name]
	if !ok {
		return Set{}, fmt.Errorf("labels: there are no labels of %q; known are %s", name, strings.Join(Names(), ", "))
	}
	return Set{Name: name, Labels: lines(name), Templates: lines("templates_" + templates)}, nil
}

// TemplateNames returns the names of the templates that [Templates] knows: best, cifar, food, openai
// and simple.
func TemplateNames() []string { return []string{"best", "cifar", "food", "openai", "simple"} }

// Templates returns texts with {} in place of the label: "openai" are the 80 of the CLIP paper for
// ImageNet, "best" the 7 of them that do as well together, "simple" is "a photo of a {}." alone, and
// "cifar" and "food" are those for these data sets.
func Templates(name string) ([]string, error) {
	if !slices.Contains(TemplateNames(), name) {
		return nil, fmt.Errorf("labels: there are no templates %q; known are %s", name, strings.Join(TemplateNames(), ", "))
	}
	return lines("templates_" + name), nil
}

// lines returns the lines of an embedded file.
func lines(name string) []string {
	text, err := data.ReadFile("data/" + name + ".txt")
	if err != nil {
		panic(err) // it is embedded
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// Largest is the largest size of a file of labels in bytes.
const Largest = 16 << 20

// The kinds of errors of [Load] and [Read].
var (
	// ErrNone is for a file without labels.
	ErrNone = errors.New("there are no labels; write one on each line")
	// ErrNotText is for a file that is not text in UTF-8.
	ErrNotText = errors.New("it is not text in UTF-8")
	// ErrTooLarge is for a file of more than Largest bytes.
	ErrTooLarge = fmt.Errorf("it has more than %d bytes", Largest)
)

// Load reads a text file with a label on each line. Spaces around labels and empty lines do not count.
// The errors are those of [os.Open] and [Read], with the name of the file.
func Load(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	defer file.Close()
	found, err := Read(file)
	if err != nil {
		return nil, fmt.Errorf("labels: %s: %w", path, err)
	}
	return found, nil
}

// Read is [Load] from a stream. The error is [ErrNone], [ErrNotText] or [ErrTooLarge], or the stream's.
func Read(r io.Reader) ([]string, error) {
	text, err := io.ReadAll(io.LimitReader(r, Largest+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > Largest:
		return nil, ErrTooLarge
	case !utf8.Valid(text):
		return nil, ErrNotText
	}
	var found []string
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		if line = strings.TrimSpace(line); line != "" {
			found = append(found, line)
		}
	}
	if len(found) == 0 {
		return nil, ErrNone
	}
	return found, nil
}
