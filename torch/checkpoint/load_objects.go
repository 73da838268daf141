package checkpoint

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/pickle"
)

// An unknownKind is why a tensor or storage that a file describes well cannot be had here. It alone is
// missing then: the file is whole.
type unknownKind struct{ text string }

func (u *unknownKind) Error() string { return u.text }

func unknown(format string, arguments ...any) error {
	return &unknownKind{fmt.Sprintf(format, arguments...)}
}

// isKnown reports whether a class or function has a meaning here. Of all others there is only a
// description: nothing is ever run.
func isKnown(function pickle.Global) bool {
	switch function {
	case torchSize, torchDevice, rebuildTensor, rebuildV2, rebuildV3, rebuildParam, rebuildState, rebuildType,
		encodeText, pythonBytes, byteArray, pythonSet, frozenSet, pythonComplex:
		return true
	}
	return false
}

// object describes an object of a class that has no meaning here. What of it cannot be read is left
// out, with the reason: the object may be of no interest to who reads the file.
func (l *loader) object(call *pickle.Call, depth int) *torch.Object {
	object := &torch.Object{Class: call.Function.String()}
	if what, ok := unsupported[call.Function]; ok {
		object.Problem = "it is " + what + ", which is not supported"
		return object
	}
	keep := func(err error) {
		if err != nil && object.Problem == "" {
			object.Problem = err.Error()
		}
	}
	arguments, err := l.items(call.Arguments.Items, depth)
	keep(err)
	if err == nil {
		object.Arguments = arguments
	}
	object.State, err = l.value(call.State, depth+1)
	keep(err)
	if call.Named != nil {
		object.Named, err = l.dict(call.Named, depth+1)
		keep(err)
	}
	if call.Items != nil {
		object.Items, err = l.items(call.Items, depth)
		keep(err)
	}
	if call.Pairs != nil {
		object.Pairs, err = l.dict(&pickle.Dict{Pairs: call.Pairs}, depth+1)
		keep(err)
	}
	return object
}
