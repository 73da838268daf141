// Package numpy reads and writes NumPy's files: .npy with one array, and .npz, a zip archive of
// named arrays.
//
//	x, err := numpy.Load("x.npy")
//	err = numpy.SaveZ("all.npz", []torch.NamedTensor{{Name: "x", Tensor: x}})
//
// It supports the types bool, int8 to int64, uint8 to uint64, float16 to float64, complex64 and
// complex128, in either byte order. NumPy has no bfloat16, float8, complex32 and bits. Arrays of
// Python objects are refused, since reading them would run code.
//
// A damaged file is an error of kind [torch.ErrFormat].
package numpy

// The format is a short header before the elements, so this package reads it itself. Of the Go
// modules for it, github.com/sbinet/npyio has had no release since January 2022, has no float16,
// and reads into Go slices, whose length it takes from the header, and from which a tensor would be
// copied again; github.com/kshedden/gonpy has no release at all, and neither float16 nor bool nor
// .npz.
