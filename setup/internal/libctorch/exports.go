package libctorch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Exports are the lines for a POSIX shell with which go build links the library in prefix: the packages
// compile with their own module's headers, and CGO_LDFLAGS says where to link. PKG_CONFIG_PATH is for
// the tag ctorch_installed, which a vendored copy of the module needs.
func Exports(prefix string) string {
	folder := filepath.Dir(prefix)
	library := filepath.Join(prefix, "lib")
	ours := func(field string) bool { return strings.Contains(field, folder) }

	flags := fields(os.Getenv("CGO_LDFLAGS"))
	if len(flags) == 0 {
		flags = []string{"-O2", "-g"} // Go's own default, which the variable replaces
	}
	flags = append(slices.DeleteFunc(flags, ours), quoted("-L"+library), quoted("-Wl,-rpath,"+library))

	path := slices.DeleteFunc(filepath.SplitList(os.Getenv("PKG_CONFIG_PATH")), ours)
	path = append([]string{filepath.Join(library, "pkgconfig")}, path...)
	return "export CGO_LDFLAGS=" + shell(strings.Join(flags, " ")) + "\n" +
		"export PKG_CONFIG_PATH=" + shell(strings.Join(path, string(filepath.ListSeparator))) + "\n"
}

// fields splits flags as go build does: at white space outside quotes. The quotes stay.
func fields(text string) []string {
	var all []string
	var field strings.Builder
	quote := rune(0)
	for _, r := range text {
		switch {
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			if field.Len() > 0 {
				all = append(all, field.String())
				field.Reset()
			}
			continue
		case quote == 0 && field.Len() == 0 && (r == '"' || r == '\''):
			quote = r
		case quote == r:
			quote = 0
		}
		field.WriteRune(r)
	}
	if field.Len() > 0 {
		all = append(all, field.String())
	}
	return all
}

// quoted is a flag as go build reads it.
func quoted(flag string) string {
	if strings.ContainsAny(flag, " \t\n'") {
		return `"` + flag + `"`
	}
	return flag
}

// shell is a word of a POSIX shell.
func shell(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
