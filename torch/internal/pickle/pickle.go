// Package pickle reads and writes Python's pickles as data. It runs no code: calls and objects are
// represented by what the pickle says about them, and their meaning is left to the caller.
//
// It exists for the files of torch.save, whose state dicts no other library reads. libtorch's own
// unpickler supports neither BUILD (used for the _metadata of a module's state dict), nor
// torch.dtype and torch.Size, nor protocols other than 2, nor integers of more than 8 bytes, and
// does not check strides and offsets; its pickler writes lists as torch.jit._pickle types, which
// Python's torch.load(weights_only=True) refuses. github.com/kisielk/og-rek supports neither BUILD
// nor items of an OrderedDict, and loses the order of dicts. github.com/nlpodyssey/gopickle has had
// no release since 2023, allocates buffers of whatever length a file claims, and panics on unknown
// formats.
package pickle

// A Global is the name of a class or function, such as Global{"collections", "OrderedDict"}.
type Global struct{ Module, Name string }

// String returns the full name, such as "collections.OrderedDict".
func (g Global) String() string { return g.Module + "." + g.Name }

// Containers are pointers, since a pickle may refer to one of them many times. Other values are
// nil, bool, int64, *big.Int if larger, float64, string, []byte and Global.
type (
	// A Tuple is a tuple.
	Tuple struct{ Items []any }
	// A List is a list.
	List struct{ Items []any }
	// A Set is a set or a frozenset.
	Set struct{ Items []any }
	// A Dict is a dict or, if Class is set, an object of a class that behaves like one.
	Dict struct {
		// Pairs are the keys and values, alternating, in the order in which they were set; a key
		// may occur more than once.
		Pairs []any
		Class Global
		// Arguments are the arguments of the class, or nil for a plain dict.
		Arguments *Tuple
		// State is the state that was set on the object itself, or nil.
		State any
	}
	// A Call is a call of a function or class.
	Call struct {
		Function  Global
		Arguments *Tuple
		// Named are the keyword arguments, or nil.
		Named *Dict
		// State is the state that was set on the result, or nil. Items were appended to it as to a
		// list, and Pairs set in it as in a dict: key, value, key, value and so on.
		State        any
		Items, Pairs []any
	}
	// A Persistent refers to an object outside of the pickle.
	Persistent struct{ ID any }
)
