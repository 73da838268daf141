package imageio

import (
	"path/filepath"
	"slices"
	"strings"
)

// extensions are those of files that count as pictures in folders and archives.
var extensions = []string{
	"png", "jpg", "jpeg", "jpe", "jfif", "gif", "webp", "bmp", "tif", "tiff", "pbm", "pgm", "ppm", "pnm", "pfm", "tga", "ico",
}

// Extensions returns the extensions of files, without dots and in lower case, that count as pictures in
// folders and archives. [Load] reads a picture whatever its name is.
func Extensions() []string { return slices.Clone(extensions) }

// HasExtension reports whether a file's name ends with one of [Extensions], in any case.
func HasExtension(name string) bool {
	return slices.Contains(extensions, strings.ToLower(strings.TrimPrefix(filepath.Ext(name), ".")))
}
