package checkpoint

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/pickle"
)

// An unknownKind is the reason why a tensor or storage in an intact file cannot be loaded. Only
// this one is missing then.
type unknownKind struct{ text string }

func (u *unknownKind) Error() string { return u.text }

func unknown(format string, arguments ...any) error {
	return &unknownKind{fmt.Sprintf(format, arguments...)}
}

// isKnown reports whether a class or function is converted to a Go value. All others are only
// described: nothing is ever run.
func isKnown(function pickle.Global) bool {
	switch function {
	case torchSize, torchDevice, rebuildTensor, rebuildV2, rebuildV3, rebuildParam, rebuildState, rebuildType,
		encodeText, pythonBytes, byteArray, pythonSet, frozenSet, pythonComplex:
		return true
	}
	return false
}

// object describes an object of a class without a Go counterpart. Parts of it that cannot be read
// are left out, with the reason, since the object may not matter to the reader.
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
