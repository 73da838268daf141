package checkpoint

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"io"
	"strconv"

	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

const (
	// savedFolder is the folder of all files in an archive. Python accepts any name.
	savedFolder = "archive"
	// storageAlignment is the alignment of files in an archive in PyTorch, so that
	// torch.load(mmap=True) can use storages in place.
	storageAlignment = 64
	// localHeaderSize is the size of a zip file's header without name and extra field;
	// extraHeaderSize is that of an extra field's header.
	localHeaderSize = 30
	extraHeaderSize = 4
)

// write writes the archive. Storages are written from where they are, without a copy.
func (s *saver) write(w io.Writer) error {
	counted := &countingWriter{w: w}
	archive := zip.NewWriter(counted)
	add := func(name string, data []byte) error { return addStored(archive, counted, name, data) }
	for _, file := range []struct {
		name string
		data []byte
	}{
		{"data.pkl", s.data},
		{".format_version", []byte("1")},
		{".storage_alignment", []byte(strconv.Itoa(storageAlignment))},
		{"byteorder", []byte("little")},
	} {
		if err := add(file.name, file.data); err != nil {
			return err
		}
	}
	for i, storage := range s.storages {
		err := bridge.WithElements(s.operation, storage, func(memory []byte) error {
			return add("data/"+strconv.Itoa(i), memory)
		})
		if err != nil {
			return err
		}
	}
	if err := add("version", []byte("3\n")); err != nil {
		return err
	}
	return archive.Close()
}

// addStored adds an uncompressed file with aligned contents. Size and checksum precede the
// contents, as libtorch's reader of mapped files requires.
func addStored(archive *zip.Writer, counted *countingWriter, name string, data []byte) error {
	if err := archive.Flush(); err != nil {
		return err
	}
	header := &zip.FileHeader{
		Name: savedFolder + "/" + name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
	}
	begin := counted.count + localHeaderSize + int64(len(header.Name)) + extraHeaderSize
	padding := int(-begin & (storageAlignment - 1))
	// "FB" is the extra field that libtorch pads with.
	header.Extra = append([]byte{'F', 'B', byte(padding), 0}, bytes.Repeat([]byte{'Z'}, padding)...)
	file, err := archive.CreateRaw(header)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return err
}

type countingWriter struct {
	w     io.Writer
	count int64
}

func (c *countingWriter) Write(data []byte) (int, error) {
	n, err := c.w.Write(data)
	c.count += int64(n)
	return n, err
}
