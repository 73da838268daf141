package checkpoint

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/pickle"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A zipFile is the format of torch.save since PyTorch 1.6: a zip archive with the pickle of the
// value, data.pkl, and a file for each storage, data/0 and so on, all in one folder and
// uncompressed.
type zipFile struct {
	entries map[string]*zip.File
	folder  string
	order   binary.ByteOrder
	// left is the number of bytes that may still be read: entries must not overlap.
	left int64
}

func (l *loader) loadZip(r io.ReaderAt, size int64) (any, error) {
	archive, err := openZip(r, size)
	if err != nil {
		return nil, err
	}
	isModule := archive.has("constants.pkl")
	if isModule && l.file == nil {
		return nil, errors.New("it is a TorchScript archive, which jit.Load loads")
	}
	if !archive.has("data.pkl") {
		return nil, errors.New("it is a zip archive, but not one of torch.save: it has no data.pkl")
	}
	if archive.has("byteorder") {
		if err := archive.readOrder(); err != nil {
			return nil, err
		}
	}
	file, err := archive.open("data.pkl")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	decoded, err := decodePickle(bufio.NewReader(file))
	if err != nil {
		return nil, err
	}
	l.order = archive.order
	l.open = func(s *fileStorage) (*torch.Tensor, error) { return archive.storage(s) }
	if l.file != nil {
		l.file.isModule = isModule
		l.open = func(s *fileStorage) (*torch.Tensor, error) {
			archive.left = size // each read stands for itself
			return archive.storage(s)
		}
	}
	return l.value(decoded.Value, 0)
}

func openZip(r io.ReaderAt, size int64) (*zipFile, error) {
	reader, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("the zip archive is damaged: %w", err)
	}
	archive := &zipFile{entries: map[string]*zip.File{}, order: binary.LittleEndian, left: size}
	for i, entry := range reader.File {
		if i == 0 {
			archive.folder, _, _ = strings.Cut(entry.Name, "/")
		}
		if archive.entries[entry.Name] != nil {
			return nil, fmt.Errorf("the archive has two files named %q", entry.Name)
		}
		archive.entries[entry.Name] = entry
	}
	return archive, nil
}

func (z *zipFile) has(name string) bool { return z.entries[z.folder+"/"+name] != nil }

// open opens an entry, which must be uncompressed, and so is no larger than the archive.
func (z *zipFile) open(name string) (io.ReadCloser, error) {
	entry := z.entries[z.folder+"/"+name]
	if entry == nil {
		return nil, fmt.Errorf("the archive has no %s", name)
	}
	size := entry.UncompressedSize64
	if entry.Method != zip.Store || size != entry.CompressedSize64 {
		return nil, fmt.Errorf("%s is compressed, which torch.save never does", name)
	}
	if size > uint64(z.left) {
		return nil, fmt.Errorf("%s reaches beyond the archive, or over another of its files", name)
	}
	z.left -= int64(size)
	file, err := entry.Open()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return file, nil
}

func (z *zipFile) readOrder() error {
	file, err := z.open("byteorder")
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 16))
	if err != nil {
		return fmt.Errorf("byteorder cannot be read: %w", err)
	}
	switch string(text) {
	case "little":
	case "big":
		z.order = binary.BigEndian
	default:
		return fmt.Errorf("the byte order is %q, not little or big", text)
	}
	return nil
}

// storage reads a storage directly to its tensor's memory.
func (z *zipFile) storage(s *fileStorage) (*torch.Tensor, error) {
	name := "data/" + s.key
	if !z.has(name) {
		return nil, fmt.Errorf("the archive has no %s", name)
	}
	size := s.bytes()
	if has := z.entries[z.folder+"/"+name].UncompressedSize64; has != uint64(size) {
		return nil, fmt.Errorf("%s has %s, %d of %s need %d", name, words.Count(has, "byte"), s.count, s.dtype, size)
	}
	file, err := z.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	base, err := s.readFrom(file, z.order)
	if err != nil {
		var known *torch.Error
		if errors.As(err, &known) && known.Kind == torch.ErrFormat {
			return nil, fmt.Errorf("%s: %s", name, known.Message)
		}
		return nil, err
	}
	// Reading to the end compares the archive's checksum.
	if _, err := file.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		base.Close()
		return nil, fmt.Errorf("%s is damaged: %v", name, err)
	}
	return base, nil
}

func decodePickle(r *bufio.Reader) (pickle.Decoded, error) {
	return pickle.Decode(r, func(pickle.Global) error { return nil }, orderedDict, counter)
}

func isZip(start []byte) bool { return len(start) >= 4 && string(start[:4]) == "PK\x03\x04" }
