package checkpoint

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

const (
	legacyMagic   = "119547037146038801333356" // 0x1950a86a20f9469cfc6c
	legacyVersion = 1001
)

// loadLegacy reads the format of torch.save before PyTorch 1.6, which it still writes on request:
// pickles of a magic number, a version, the machine's sizes, the value and the storages' keys, and
// then each storage after its number of elements.
func (l *loader) loadLegacy(file io.ReaderAt, size int64) (any, error) {
	section := io.NewSectionReader(file, 0, size)
	r := bufio.NewReaderSize(section, 1<<16)
	position := func() int64 {
		read, _ := section.Seek(0, io.SeekCurrent)
		return read - int64(r.Buffered())
	}
	magic, err := decodePickle(r)
	if err != nil {
		return nil, err
	}
	if number, ok := magic.Value.(*big.Int); !ok || number.String() != legacyMagic {
		return nil, errors.New("it is a pickle, but not one of torch.save")
	}
	version, err := decodePickle(r)
	if err != nil {
		return nil, err
	}
	if version.Value != int64(legacyVersion) {
		return nil, fmt.Errorf("its version is %v, known is %d", version.Value, legacyVersion)
	}
	order, err := l.legacyOrder(r)
	if err != nil {
		return nil, err
	}
	l.order = order
	decoded, err := decodePickle(r)
	if err != nil {
		return nil, err
	}
	for _, persistent := range decoded.Persistents {
		if _, err := l.storage(persistent); err != nil {
			return nil, err
		}
	}
	each := func(s *fileStorage) error {
		var err error
		if s.base, err = s.readFrom(r, order); err != nil {
			return err
		}
		return l.move(s)
	}
	if l.file != nil {
		places := map[string]int64{}
		l.open = func(s *fileStorage) (*torch.Tensor, error) {
			return s.readFrom(io.NewSectionReader(file, places[s.key], s.bytes()), order)
		}
		each = func(s *fileStorage) error {
			places[s.key] = position()
			if s.bytes() > size-places[s.key] {
				return io.ErrUnexpectedEOF
			}
			_, err := io.CopyN(io.Discard, r, s.bytes())
			return err
		}
	}
	if err := l.legacyStorages(r, order, each); err != nil {
		return nil, err
	}
	return l.value(decoded.Value, 0)
}

// bytes returns the storage's size.
func (s *fileStorage) bytes() int64 { return s.count * s.dtype.ItemSize() }

func (l *loader) legacyOrder(r *bufio.Reader) (binary.ByteOrder, error) {
	decoded, err := decodePickle(r)
	if err != nil {
		return nil, err
	}
	value, err := l.value(decoded.Value, 0)
	if err != nil {
		return nil, err
	}
	if machine, ok := value.(*torch.Dict); ok {
		switch machine.Get("little_endian") {
		case true:
			return binary.LittleEndian, nil
		case false:
			return binary.BigEndian, nil
		}
	}
	return nil, errors.New("it does not say its byte order")
}

// legacyStorages calls each for the storages, in their order, when the reader is at their elements.
func (l *loader) legacyStorages(r *bufio.Reader, order binary.ByteOrder, each func(*fileStorage) error) error {
	decoded, err := decodePickle(r)
	if err != nil {
		return err
	}
	value, err := l.value(decoded.Value, 0)
	if err != nil {
		return err
	}
	keys, ok := value.([]any)
	if !ok {
		return errors.New("it has no list of storages")
	}
	seen := map[string]bool{}
	for _, key := range keys {
		name, _ := key.(string)
		s := l.storages[name]
		if s == nil || seen[name] {
			return fmt.Errorf("it lists the storage %v, which nothing refers to, or lists it twice", key)
		}
		var count [8]byte
		if _, err := io.ReadFull(r, count[:]); err != nil {
			return fmt.Errorf("the storage %s is missing", name)
		}
		if has := int64(order.Uint64(count[:])); has != s.count {
			return fmt.Errorf("the storage %s has %s, not %d", name, words.Count(has, "element"), s.count)
		}
		seen[name] = true
		if err := each(s); err != nil {
			return fmt.Errorf("the storage %s: %w", name, err)
		}
	}
	return nil
}
