// Package pickle reads and writes Python's pickles as data: it runs no code, and makes of a call or
// an object what it says, not what it does. What classes mean is left to the caller.
//
// It is written for the files of torch.save, whose state dicts no other way reads. libtorch's own
// unpickler takes no BUILD (the _metadata of a module's state dict), no torch.dtype or torch.Size,
// no protocol but 2 and no whole number of more than 8 bytes, and believes what a file says of
// strides and offsets; its pickler writes lists as torch.jit._pickle types, which Python's
// torch.load(weights_only=True) refuses. github.com/kisielk/og-rek has neither BUILD nor items of an
// OrderedDict, and loses the order of dicts; github.com/nlpodyssey/gopickle has had no release since
// 2023, makes buffers of whatever length a file names, and panics where a format is not known to it.
package pickle

// A Global is a class or function by its name, as Global{"collections", "OrderedDict"}.
type Global struct{ Module, Name string }

// String is the full name, as "collections.OrderedDict".
func (g Global) String() string { return g.Module + "." + g.Name }

// The containers are pointers, since a pickle may refer to one of them many times. Other values are
// nil, bool, int64, *big.Int beyond it, float64, string, []byte and Global.
type (
	// A Tuple is a tuple.
	Tuple struct{ Items []any }
	// A List is a list.
	List struct{ Items []any }
	// A Set is a set or a frozenset.
	Set struct{ Items []any }
	// A Dict is a dict or, where Class is set, an object of a class that behaves like one.
	Dict struct {
		// Pairs is key, value, key, value and so on, as they were set; a key may come again.
		Pairs []any
		Class Global
		// Arguments are what the class was called with; nil for a plain dict.
		Arguments *Tuple
		// State is what was set on the object itself, or nil.
		State any
	}
	// A Call is a function or class and what it is called with.
	Call struct {
		Function  Global
		Arguments *Tuple
		// Named are the arguments by name, or nil.
		Named *Dict
		// State is what was set on the result, or nil. Items were put into it as into a list, and Pairs
		// as into a dict: key, value, key, value and so on.
		State        any
		Items, Pairs []any
	}
	// A Persistent is something outside of the pickle, by its identity.
	Persistent struct{ ID any }
)
