// Package clipvqgan embeds the sources of libctorch, the C library between Go and libtorch, from
// which the program in setup builds it. Programs use packages torch, clip, vqgan, vqgan/guided,
// models and imageio instead.
package clipvqgan

import "embed"

// Sources are the files of the CMake project that builds libctorch.
//
//go:embed CMakeLists.txt cmake csrc
var Sources embed.FS
