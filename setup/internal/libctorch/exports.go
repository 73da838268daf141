package libctorch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Exports returns the lines for a POSIX shell that make go build link the library in prefix:
// packages are compiled with the headers of their own module, and CGO_LDFLAGS says what to link.
// PKG_CONFIG_PATH is for the tag ctorch_installed, which vendored copies of the module need.
func Exports(prefix string) string {
	folder := filepath.Dir(prefix)
	library := filepath.Join(prefix, "lib")
	ours := func(field string) bool { return strings.Contains(field, folder) }

	flags := fields(os.Getenv("CGO_LDFLAGS"))
	if len(flags) == 0 {
		flags = []string{"-O2", "-g"} // Go's default, which the variable replaces
	}
	flags = append(slices.DeleteFunc(flags, ours), quoted("-L"+library), quoted("-Wl,-rpath,"+library))

	path := slices.DeleteFunc(filepath.SplitList(os.Getenv("PKG_CONFIG_PATH")), ours)
	path = append([]string{filepath.Join(library, "pkgconfig")}, path...)
	return "export CGO_LDFLAGS=" + shell(strings.Join(flags, " ")) + "\n" +
		"export PKG_CONFIG_PATH=" + shell(strings.Join(path, string(filepath.ListSeparator))) + "\n"
}

// fields splits flags as go build does, at white space outside of quotes. It keeps the quotes.
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

// quoted quotes a flag for go build.
func quoted(flag string) string {
	if strings.ContainsAny(flag, " \t\n'") {
		return `"` + flag + `"`
	}
	return flag
}

// shell quotes a word for a POSIX shell.
func shell(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
