package numpy

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/tensorfile"
)

const extension = ".npy"

const (
	// A compressed archive of zeros is a thousand times smaller than its contents, whether it is
	// honest or not. So an archive may expand to alwaysAllowed bytes whatever its size, and beyond
	// that to mostExpansion times its size.
	alwaysAllowed = 256 << 20
	mostExpansion = 100
)

// LoadZ reads all arrays of a .npz file, compressed or not, in the file's order, to the CPU or to
// the [torch.Device] and dtype in the options. Arrays whose elements no tensor can have, such as
// strings, are skipped: the others are returned together with a [*torch.UnreadableError].
//
// An archive that expands to more than 256 MB and to more than 100 times its size is refused.
func LoadZ(path string, where ...torch.Option) ([]torch.NamedTensor, error) {
	const operation = "LoadZ"
	file, size, err := tensorfile.Open("numpy", operation, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readZ(operation, path, file, size, where)
}

// ReadZ is [LoadZ] for any io.ReaderAt of the given size in bytes.
func ReadZ(r io.ReaderAt, size int64, where ...torch.Option) ([]torch.NamedTensor, error) {
	return readZ("ReadZ", "the data", r, size, where)
}

func readZ(operation, name string, r io.ReaderAt, size int64, where []torch.Option) ([]torch.NamedTensor, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, failure(operation, name, fmt.Errorf("it is no .npz file: %w", err))
	}
	if err := checkSizes(archive, size); err != nil {
		return nil, failure(operation, name, err)
	}
	var tensors []torch.NamedTensor
	leftOut := &torch.UnreadableError{File: name}
	seen := map[string]bool{}
	for _, entry := range archive.File {
		array := strings.TrimSuffix(entry.Name, extension)
		err := fmt.Errorf("it has two arrays named %q", array)
		var tensor *torch.Tensor
		if !seen[array] {
			tensor, err = readEntry(entry, where)
		}
		seen[array] = true
		if kind := (*unreadable)(nil); errors.As(err, &kind) {
			leftOut.Add(array, kind.Error())
			continue
		}
		if err != nil {
			tensorfile.CloseAll(tensors)
			return nil, failure(operation, name, err)
		}
		tensors = append(tensors, torch.NamedTensor{Name: array, Tensor: tensor})
	}
	return tensors, leftOut.OrNil()
}

func checkSizes(archive *zip.Reader, size int64) error {
	var stored, full uint64
	for _, entry := range archive.File {
		stored += min(entry.CompressedSize64, 1<<50)
		full += min(entry.UncompressedSize64, 1<<50)
		if stored > uint64(size) {
			return errors.New("its arrays reach beyond it, or over one another")
		}
	}
	if full > max(alwaysAllowed, mostExpansion*uint64(size)) {
		return fmt.Errorf("it has %d bytes, and claims to hold %d: that is no honest compression", size, full)
	}
	return nil
}

func readEntry(entry *zip.File, where []torch.Option) (*torch.Tensor, error) {
	wrap := func(err error) error { return asError(entry.Name, torch.ErrFormat, entry.Name+": ", err) }
	if !strings.HasSuffix(entry.Name, extension) {
		return nil, wrap(errors.New("it is no array"))
	}
	file, err := entry.Open()
	if err != nil {
		return nil, wrap(err)
	}
	defer file.Close()
	tensor, err := read(file, where)
	if kind := (*unreadable)(nil); errors.As(err, &kind) {
		return nil, kind
	}
	if err != nil {
		return nil, wrap(err)
	}
	// Reading to the end compares the archive's checksum.
	if err := atEnd(file); err != nil {
		tensor.Close()
		return nil, wrap(err)
	}
	return tensor, nil
}

// SaveZ writes named arrays to an uncompressed .npz file, as np.savez does. The file is replaced
// only when it has been written completely.
func SaveZ(path string, tensors []torch.NamedTensor) error {
	return saveZ("SaveZ", path, tensors, zip.Store)
}

// SaveZCompressed is [SaveZ] with compression, as np.savez_compressed. It is slow and saves little
// on weights.
func SaveZCompressed(path string, tensors []torch.NamedTensor) error {
	return saveZ("SaveZCompressed", path, tensors, zip.Deflate)
}

func saveZ(operation, path string, tensors []torch.NamedTensor, method uint16) error {
	heads, err := headersOf(operation, tensors)
	if err != nil {
		return err
	}
	err = atomicfile.Write(path, func(w io.Writer) error { return writeZ(w, heads, tensors, method) })
	if err != nil {
		return fmt.Errorf("torch: numpy.%s: %s cannot be written: %w", operation, path, err)
	}
	return nil
}

// WriteZ is [SaveZ] to a stream.
func WriteZ(w io.Writer, tensors []torch.NamedTensor) error {
	const operation = "WriteZ"
	heads, err := headersOf(operation, tensors)
	if err != nil {
		return err
	}
	if err := writeZ(w, heads, tensors, zip.Store); err != nil {
		return fmt.Errorf("torch: numpy.%s: %w", operation, err)
	}
	return nil
}

func headersOf(operation string, tensors []torch.NamedTensor) ([][]byte, error) {
	heads := make([][]byte, len(tensors))
	seen := map[string]bool{}
	for i, named := range tensors {
		if named.Name == "" || seen[named.Name] {
			return nil, &torch.Error{Operation: "numpy." + operation, Kind: torch.ErrInvalid,
				Message: fmt.Sprintf("the name %q is empty or comes twice", named.Name)}
		}
		seen[named.Name] = true
		var err error
		if heads[i], err = headerOf(operation, named.Tensor); err != nil {
			return nil, err
		}
	}
	return heads, nil
}

func writeZ(w io.Writer, heads [][]byte, tensors []torch.NamedTensor, method uint16) error {
	archive := zip.NewWriter(w)
	for i, named := range tensors {
		file, err := archive.CreateHeader(&zip.FileHeader{Name: named.Name + extension, Method: method})
		if err != nil {
			return err
		}
		if err := write(file, heads[i], named.Tensor); err != nil {
			return fmt.Errorf("%q: %w", named.Name, err)
		}
	}
	return archive.Close()
}
