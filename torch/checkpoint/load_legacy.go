package checkpoint

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/clipvqgan/clipvqgan/torch"
)

const (
	legacyMagic   = "119547037146038801333356" // 0x1950a86a20f9469cfc6c
	legacyVersion = 1001
)

// loadLegacy reads the format of torch.save before PyTorch 1.6, which it still writes on request:
// pickles of a magic number, a version, the machine's sizes, the value and the storages' keys, and
// then each storage after its number of elements.
func (l *loader) loadLegacy(r *bufio.Reader) (any, error) {
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
	if err := l.readLegacyStorages(r, order); err != nil {
		return nil, err
	}
	return l.value(decoded.Value, 0)
}

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

func (l *loader) readLegacyStorages(r *bufio.Reader, order binary.ByteOrder) error {
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
	for _, key := range keys {
		name, _ := key.(string)
		s := l.storages[name]
		if s == nil || s.base != nil {
			return fmt.Errorf("it lists the storage %v, which nothing refers to, or lists it twice", key)
		}
		var count [8]byte
		if _, err := io.ReadFull(r, count[:]); err != nil {
			return fmt.Errorf("the storage %s is missing", name)
		}
		if has := int64(order.Uint64(count[:])); has != s.count {
			return fmt.Errorf("the storage %s has %d elements, not %d", name, has, s.count)
		}
		if s.base, err = s.readFrom(r, order); err != nil {
			return fmt.Errorf("the storage %s: %w", name, err)
		}
		if err := l.move(s); err != nil {
			return err
		}
	}
	return nil
}
