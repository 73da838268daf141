// Package missing has the error for a file that does not exist.
package missing

import "io/fs"

// Error returns an error that what, such as "the file a.pt", does not exist. It wraps
// [fs.ErrNotExist] without its text, which says so a second time.
func Error(what string) error { return notThere(what) }

type notThere string

func (n notThere) Error() string { return string(n) + " does not exist" }

func (n notThere) Unwrap() error { return fs.ErrNotExist }
