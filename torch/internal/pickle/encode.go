package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"unicode/utf8"
)

// An Encoder writes one pickle of protocol 2, which every version of Python reads, instruction by
// instruction. To write a container, write a mark, the items, and the instruction that collects
// them.
type Encoder struct {
	buffer bytes.Buffer
	// memo has the positions of remembered values.
	memo map[any]uint32
}

// NewEncoder starts a pickle.
func NewEncoder() *Encoder {
	e := &Encoder{memo: map[any]uint32{}}
	e.buffer.Write([]byte{opProto, 2})
	return e
}

// Finish ends the pickle and returns it.
func (e *Encoder) Finish() []byte {
	e.buffer.WriteByte(opStop)
	return e.buffer.Bytes()
}

// Recall writes the value remembered under a key, and reports whether there is one.
func (e *Encoder) Recall(key any) bool {
	index, ok := e.memo[key]
	if ok {
		e.indexed(opBinGet, opLongBinGet, index)
	}
	return ok
}

// Remember remembers the value that was written last under a key.
func (e *Encoder) Remember(key any) {
	index := uint32(len(e.memo))
	e.memo[key] = index
	e.indexed(opBinPut, opLongBinPut, index)
}

func (e *Encoder) indexed(short, long byte, index uint32) {
	if index < 256 {
		e.buffer.Write([]byte{short, byte(index)})
		return
	}
	e.buffer.WriteByte(long)
	e.uint32(index)
}

func (e *Encoder) uint32(n uint32) {
	e.buffer.Write(binary.LittleEndian.AppendUint32(nil, n))
}

// None writes None.
func (e *Encoder) None() { e.buffer.WriteByte(opNone) }

// Bool writes True or False.
func (e *Encoder) Bool(value bool) {
	if value {
		e.buffer.WriteByte(opNewTrue)
	} else {
		e.buffer.WriteByte(opNewFalse)
	}
}

// Int writes an integer.
func (e *Encoder) Int(n int64) {
	switch {
	case n >= 0 && n < 1<<8:
		e.buffer.Write([]byte{opBinInt1, byte(n)})
	case n >= math.MinInt32 && n <= math.MaxInt32:
		e.buffer.WriteByte(opBinInt)
		e.uint32(uint32(int32(n)))
	default:
		e.buffer.Write([]byte{opLong1, 8})
		e.buffer.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	}
}

// Big writes an integer of up to 255 bytes.
func (e *Encoder) Big(n *big.Int) error {
	if n.IsInt64() {
		e.Int(n.Int64())
		return nil
	}
	size := n.BitLen()/8 + 1
	if size > math.MaxUint8 {
		return errors.New("a whole number has more than 2039 bits")
	}
	complement := new(big.Int).Set(n)
	if n.Sign() < 0 {
		complement.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	digits := complement.FillBytes(make([]byte, size))
	e.buffer.Write([]byte{opLong1, byte(size)})
	for i := range digits {
		e.buffer.WriteByte(digits[size-1-i])
	}
	return nil
}

// Float writes a float.
func (e *Encoder) Float(value float64) {
	e.buffer.WriteByte(opBinFloat)
	e.buffer.Write(binary.BigEndian.AppendUint64(nil, math.Float64bits(value)))
}

// Text writes a str.
func (e *Encoder) Text(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("a text is not UTF-8")
	}
	if uint64(len(text)) > math.MaxUint32 {
		return errors.New("a text has more than 4 GB")
	}
	if e.Recall(text) {
		return nil
	}
	e.buffer.WriteByte(opBinUnicode)
	e.uint32(uint32(len(text)))
	e.buffer.WriteString(text)
	e.Remember(text)
	return nil
}

// Global writes a class or function.
func (e *Encoder) Global(global Global) {
	if e.Recall(global) {
		return
	}
	e.buffer.WriteByte(opGlobal)
	e.buffer.WriteString(global.Module + "\n" + global.Name + "\n")
	e.Remember(global)
}

// Mark begins the items of a tuple, list or dict.
func (e *Encoder) Mark() { e.buffer.WriteByte(opMark) }

// EmptyTuple writes ().
func (e *Encoder) EmptyTuple() { e.buffer.WriteByte(opEmptyTuple) }

// EmptyList writes [].
func (e *Encoder) EmptyList() { e.buffer.WriteByte(opEmptyList) }

// EmptyDict writes {}.
func (e *Encoder) EmptyDict() { e.buffer.WriteByte(opEmptyDict) }

// Tuple makes a tuple of the items since the mark.
func (e *Encoder) Tuple() { e.buffer.WriteByte(opTuple) }

// Appends adds the items since the mark to the list below it.
func (e *Encoder) Appends() { e.buffer.WriteByte(opAppends) }

// SetItems adds the keys and values since the mark to the dict below it.
func (e *Encoder) SetItems() { e.buffer.WriteByte(opSetItems) }

// Reduce calls the function on the stack with the tuple above it.
func (e *Encoder) Reduce() { e.buffer.WriteByte(opReduce) }

// Build sets the state of the object on the stack to the value above it.
func (e *Encoder) Build() { e.buffer.WriteByte(opBuild) }

// Persistent refers to an external object by the identity on the stack.
func (e *Encoder) Persistent() { e.buffer.WriteByte(opBinPersID) }
