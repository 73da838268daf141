// Package words puts numbers and types into sentences of error messages.
package words

import (
	"fmt"
	"reflect"
	"strings"
)

// Count returns a number with its noun: "1 element", "2 elements".
func Count[N int | int32 | int64 | uint64](number N, noun string) string {
	if number == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", number, noun)
}

// Type returns the type of a value with its article: "a string", "an int", "a *torch.Tensor"; or "nil".
func Type(value any) string { return described(reflect.TypeOf(value)) } // value does not escape

func described(t reflect.Type) string {
	if t == nil {
		return "nil"
	}
	return WithArticle(t.String())
}

// WithArticle puts "a" or "an" before the name of a type: "a uint8", "an int64".
func WithArticle(name string) string {
	if name != "" && strings.Contains("aeio", strings.ToLower(name[:1])) { // a u is spoken as in uint
		return "an " + name
	}
	return "a " + name
}
