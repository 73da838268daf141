// Package stream reads streams.
package stream

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// ReadAll is io.ReadAll that allocates once if r knows its length.
func ReadAll(r io.Reader) ([]byte, error) {
	if r == nil {
		return nil, errors.New("the reader is nil")
	}
	var buffer bytes.Buffer
	switch source := r.(type) {
	case interface{ Len() int }:
		buffer.Grow(source.Len() + bytes.MinRead)
	case *os.File:
		if info, err := source.Stat(); err == nil {
			buffer.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	_, err := buffer.ReadFrom(r)
	return buffer.Bytes(), err
}
