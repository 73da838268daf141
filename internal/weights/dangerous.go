package weights

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// dangerous are modules of Python, and functions, whose call is an attack: no training program puts
// one into a checkpoint.
var dangerous = []string{
	"os.", "posix.", "nt.", "subprocess.", "pty.", "socket.", "runpy.", "shutil.", "importlib.", "ctypes.", "webbrowser.",
	"builtins.eval", "builtins.exec", "builtins.compile", "builtins.__import__", "builtins.open",
	"__builtin__.eval", "__builtin__.exec", "__builtin__.execfile", "__builtin__.compile", "__builtin__.__import__", "__builtin__.open",
}

// checkHarmless returns an error that names the code that Python would run on opening the file. It is
// not run here, but such a file is no one's honest work.
func checkHarmless(path string, value any) error {
	seen := map[any]bool{}
	var find func(value any) string
	all := func(values []any) string {
		if len(values) == 0 || seen[&values[0]] {
			return ""
		}
		seen[&values[0]] = true
		for _, each := range values {
			if found := find(each); found != "" {
				return found
			}
		}
		return ""
	}
	find = func(value any) string {
		switch v := value.(type) {
		case *torch.Object:
			if v == nil || seen[v] {
				return ""
			}
			seen[v] = true
			if slices.ContainsFunc(dangerous, func(prefix string) bool {
				return v.Class == prefix || strings.HasSuffix(prefix, ".") && strings.HasPrefix(v.Class, prefix)
			}) {
				return v.Class
			}
			return cmp.Or(find(v.State), find(v.Named), find(v.Pairs), all(v.Arguments), all(v.Items))
		case *torch.Dict:
			if v == nil || seen[v] {
				return ""
			}
			seen[v] = true
			for key, each := range v.All() {
				if found := cmp.Or(find(key), find(each)); found != "" {
					return found
				}
			}
		case []any:
			return all(v)
		case torch.Tuple:
			return all(v)
		case torch.Set:
			return all(v)
		}
		return ""
	}
	if found := find(value); found != "" {
		return fmt.Errorf("%s would run %s if Python opened it, and is not used: %w", path, found, torch.ErrFormat)
	}
	return nil
}
