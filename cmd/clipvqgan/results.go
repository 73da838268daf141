package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/clipvqgan/clipvqgan/clip"
)

// results print what classify finds, each as it comes.
type results interface {
	// picture prints the labels of a picture, which were chosen among a number of them.
	picture(input input, among int, predictions []clip.Prediction) error
	// failure prints an input that could not be read; as text it is told at the end.
	failure(failed failedInput) error
	// note prints what is no result.
	note(text string) error
}

// newResults returns the form that the flags want.
func newResults(out io.Writer, asJSON, asCSV bool) (results, error) {
	switch {
	case asJSON && asCSV:
		return nil, errors.New("--json and --csv were both given; choose one")
	case asJSON:
		return jsonResults{out}, nil
	case asCSV:
		lines := &csvResults{csv.NewWriter(out)}
		return lines, lines.write("picture", "label", "probability", "error")
	}
	return textResults{out}, nil
}

type textResults struct{ out io.Writer }

func (r textResults) picture(input input, among int, predictions []clip.Prediction) error {
	name := input.name
	if name == "-" {
		name = "standard input"
	}
	fmt.Fprintf(r.out, "%s, among %d labels:\n", name, among)
	if len(predictions) == 0 {
		fmt.Fprintln(r.out, "  none above the threshold")
	}
	printPredictions(r.out, predictions)
	return nil
}

func (textResults) failure(failedInput) error { return nil }

func (r textResults) note(text string) error {
	_, err := fmt.Fprintln(r.out, text)
	return err
}

// printPredictions prints labels, a line each.
func printPredictions(out io.Writer, predictions []clip.Prediction) {
	for _, prediction := range predictions {
		fmt.Fprintf(out, "  %6.2f %%  %s\n", 100*prediction.Probability, prediction.Label)
	}
}

type jsonResults struct{ out io.Writer }

// A classifiedPicture is the JSON result for an image.
type classifiedPicture struct {
	Picture     fileName     `json:"picture"`
	Labels      int          `json:"labels"` // the number of labels compared
	Predictions []prediction `json:"predictions"`
}

type prediction struct {
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
}

func (r jsonResults) picture(input input, among int, predictions []clip.Prediction) error {
	return printJSON(r.out, classifiedPicture{fileName(input.name), among, forJSON(predictions)})
}

func (r jsonResults) failure(failed failedInput) error { return printJSON(r.out, failed) }

func (jsonResults) note(string) error { return nil }

func forJSON(predictions []clip.Prediction) []prediction {
	all := []prediction{}
	for _, p := range predictions {
		all = append(all, prediction(p))
	}
	return all
}

// csvResults are lines of a picture and one of its labels; without a label where none was found.
type csvResults struct{ out *csv.Writer }

func (r *csvResults) write(fields ...string) error {
	if err := r.out.Write(fields); err != nil {
		return err
	}
	r.out.Flush()
	return r.out.Error()
}

func (r *csvResults) picture(input input, _ int, predictions []clip.Prediction) error {
	if len(predictions) == 0 {
		return r.write(input.name, "", "", "")
	}
	for _, p := range predictions {
		if err := r.write(input.name, p.Label, strconv.FormatFloat(p.Probability, 'g', 6, 64), ""); err != nil {
			return err
		}
	}
	return nil
}

func (r *csvResults) failure(failed failedInput) error {
	return r.write(string(failed.Picture), "", "", failed.Error)
}

func (*csvResults) note(string) error { return nil }
