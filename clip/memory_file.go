package clip

import (
	"bytes"
	"io/fs"
	"time"
)

// A memoryFile is a file whose contents are in memory.
type memoryFile struct {
	*bytes.Reader
	name string
}

// Stat, Close and the other methods make it a file without a place on disk.
func (f memoryFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f memoryFile) Close() error               { return nil }
func (f memoryFile) Name() string               { return f.name }
func (f memoryFile) Mode() fs.FileMode          { return 0o444 }
func (f memoryFile) ModTime() time.Time         { return time.Time{} }
func (f memoryFile) IsDir() bool                { return false }
func (f memoryFile) Sys() any                   { return nil }
