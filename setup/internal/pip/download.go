package pip

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"github.com/clipvqgan/clipvqgan/setup/internal/pins"
)

// Download downloads a wheel to path and checks its hash. An incomplete download is kept as path +
// ".part", and a later call continues it. progress is called with the number of bytes downloaded
// and the total (0 if unknown).
func (c *Client) Download(ctx context.Context, file File, pin pins.Pin, path string, progress func(done, total int64)) error {
	part := path + ".part"
	resumed := size(part) > 0
	err := c.fetch(ctx, file, part, progress)
	if err == nil {
		err = verify(ctx, part, pin)
	}
	if errors.Is(err, ErrOtherFile) && resumed {
		// The partial file may be that of another wheel.
		if err = os.Remove(part); err == nil {
			return c.Download(ctx, file, pin, path, progress)
		}
	}
	if err != nil {
		if errors.Is(err, ErrOtherFile) {
			os.Remove(part)
		}
		return err
	}
	return os.Rename(part, path)
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// fetch downloads all of a file to part.
func (c *Client) fetch(ctx context.Context, file File, part string, progress func(done, total int64)) error {
	if file.URL.Scheme == "file" {
		in, err := os.Open(file.URL.Path)
		if err != nil {
			return err
		}
		defer in.Close()
		return appendTo(ctx, part, 0, in, file.Size, progress)
	}
	var offset int64
	ask := func(header http.Header) {
		if offset = size(part); offset > 0 {
			header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		}
	}
	read := func(response *http.Response, body io.Reader) error {
		var from int64
		if response.StatusCode == http.StatusPartialContent {
			if _, err := fmt.Sscanf(response.Header.Get("Content-Range"), "bytes %d-", &from); err != nil || from != offset {
				from = -1
			}
		}
		if from < 0 {
			os.Remove(part)
			return &NetworkError{file.URL.Host, errors.New("it sends another part of the file than the one that was asked for")}
		}
		total := file.Size
		if response.ContentLength > 0 {
			total = from + response.ContentLength
		}
		return appendTo(ctx, part, from, body, total, progress)
	}
	err := c.get(ctx, file.URL, ask, read)
	if refused, ok := errors.AsType[*StatusError](err); ok && refused.Code == http.StatusRequestedRangeNotSatisfiable && offset > 0 {
		// All of it is there already, or more.
		return nil
	}
	return err
}

// appendTo writes in after the first bytes of a file.
func appendTo(ctx context.Context, path string, from int64, in io.Reader, total int64, progress func(done, total int64)) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := out.Truncate(from); err != nil {
		return err
	}
	if _, err := out.Seek(from, io.SeekStart); err != nil {
		return err
	}
	done := from
	buffer := make([]byte, 1<<18)
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := in.Read(buffer)
		if _, err := out.Write(buffer[:n]); err != nil {
			return err
		}
		done += int64(n)
		progress(done, total)
		if err == io.EOF {
			return out.Close()
		}
		if err != nil {
			return err
		}
	}
}

// verify checks that a file has one of the pin's hashes.
func verify(ctx context.Context, path string, pin pins.Pin) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	buffer := make([]byte, 1<<20)
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := file.Read(buffer)
		hash.Write(buffer[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if !slices.Contains(pin.SHA256, hex.EncodeToString(hash.Sum(nil))) {
		return ErrOtherFile
	}
	return nil
}
