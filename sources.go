// Package clipvqgan holds the sources of libctorch, the C library between Go and libtorch, for the program
// in setup/ to build from. What programs use is in the packages torch, clip, vqgan, vqgan/guided, models and
// imageio.
package clipvqgan

import "embed"

// Sources are the files of the CMake project that builds libctorch.
//
//go:embed CMakeLists.txt cmake csrc
var Sources embed.FS
