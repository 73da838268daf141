package tokenizer

import (
	"fmt"
	"slices"
)

// A piece is a part of the normalized text.
type piece struct {
	text string
	// token is the added token that the piece is, or noToken. Such pieces are not split further.
	token int64
	// start is how many bytes of the piece stand for the first character of the original text; 0 for
	// pieces further on.
	start int
}

const noToken = -1

// A splitBehavior is what becomes of what a pattern matches: SplitDelimiterBehavior in
// tokenizer/normalizer.rs of Hugging Face's tokenizers.
type splitBehavior int

const (
	removed splitBehavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

func parseSplitBehavior(name string) (splitBehavior, error) {
	for behavior, names := range [][2]string{
		{"Removed", "removed"}, {"Isolated", "isolated"}, {"MergedWithPrevious", "merged_with_previous"},
		{"MergedWithNext", "merged_with_next"}, {"Contiguous", "contiguous"},
	} {
		if name == names[0] || name == names[1] {
			return splitBehavior(behavior), nil
		}
	}
	return 0, fmt.Errorf("the behavior %s is not supported", quoteShort(name))
}

// apply joins the spans that a pattern found, or leaves them out. The matched field of what it
// returns has no meaning.
func (b splitBehavior) apply(spans []span) []span {
	switch b {
	case removed:
		return slices.DeleteFunc(spans, func(s span) bool { return s.matched })
	case mergedWithPrevious:
		return joinSpans(spans, func(s span, previousMatched bool) bool { return s.matched && !previousMatched })
	case contiguous:
		return joinSpans(spans, func(s span, previousMatched bool) bool { return s.matched == previousMatched })
	case mergedWithNext:
		// From the right, a match goes with the one after it.
		out := make([]span, 0, len(spans))
		nextMatched := false
		for _, s := range slices.Backward(spans) {
			if s.matched && !nextMatched && len(out) > 0 {
				out[len(out)-1].start = s.start
			} else {
				out = append(out, s)
			}
			nextMatched = s.matched
		}
		slices.Reverse(out)
		return out
	}
	return spans
}

// joinSpans joins each span with the one before it, if join says so.
func joinSpans(spans []span, join func(s span, previousMatched bool) bool) []span {
	out := make([]span, 0, len(spans))
	previousMatched := false
	for _, s := range spans {
		if len(out) > 0 && join(s, previousMatched) {
			out[len(out)-1].end = s.end
		} else {
			out = append(out, s)
		}
		previousMatched = s.matched
	}
	return out
}

// splitPiece appends the parts of a piece that a pattern and a behavior make of it.
func splitPiece(pieces []piece, p piece, find pattern, behavior splitBehavior) ([]piece, error) {
	if p.text == "" {
		return pieces, nil
	}
	spans, err := find(p.text)
	if err != nil {
		return nil, err
	}
	for _, s := range behavior.apply(spans) {
		if s.start < s.end {
			pieces = append(pieces, piece{p.text[s.start:s.end], noToken, max(p.start-s.start, 0)})
		}
	}
	return pieces, nil
}
