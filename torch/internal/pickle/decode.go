package pickle

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
)

const (
	// mostValues limits the memory that a pickle of one-byte instructions can ask for.
	mostValues = 5_000_000
	// mostDigits limits the bytes of an integer.
	mostDigits = 1024
	// longestName limits the bytes of a module's or class's name.
	longestName = 1024
)

// A Decoded is the contents of a pickle.
type Decoded struct {
	Value any
	// Persistents are the references to objects outside of the pickle, in order.
	Persistents []*Persistent
}

// Decode reads one pickle and leaves r after its end. allow is called with each class and function
// that the pickle names; an error from it ends the reading. dictLike are the classes that items are
// set on.
func Decode(r *bufio.Reader, allow func(Global) error, dictLike ...Global) (Decoded, error) {
	d := &decoder{r: r, allow: allow, dictLike: map[Global]bool{}, memo: map[uint32]any{}}
	for _, class := range dictLike {
		d.dictLike[class] = true
	}
	value, err := d.run()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the pickle ends too soon")
	}
	return Decoded{value, d.persistents}, err
}

type decoder struct {
	r        *bufio.Reader
	allow    func(Global) error
	dictLike map[Global]bool

	stack       []any
	marks       []int
	memo        map[uint32]any
	persistents []*Persistent
	values      int
}

var (
	errStack = errors.New("the pickle is damaged: an instruction lacks its operands")
	errMark  = errors.New("the pickle is damaged: an instruction lacks its mark")
)

func (d *decoder) run() (any, error) {
	for {
		code, err := d.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if code == opStop {
			return d.pop()
		}
		if err := d.step(code); err != nil {
			return nil, err
		}
	}
}

func (d *decoder) step(code byte) error {
	switch code {
	case opProto:
		version, err := d.r.ReadByte()
		if err == nil && version > newestProtocol {
			err = fmt.Errorf("the pickle has protocol %d, known is up to %d", version, newestProtocol)
		}
		return err
	case opFrame: // a hint for buffering
		_, err := d.unsigned(8)
		return err
	case opMark:
		if err := d.count(); err != nil {
			return err
		}
		d.marks = append(d.marks, len(d.stack))
		return nil
	case opPop:
		_, err := d.pop()
		return err
	case opGlobal, opStackGlobal:
		return d.global(code)
	case opBinPersID:
		return d.persistent()
	case opReduce, opNewObj, opNewObjNamed:
		return d.call(code)
	case opBuild:
		return d.build()
	case opBinGet, opLongBinGet, opBinPut, opLongBinPut, opMemoize:
		return d.remember(code)
	case opAppend, opAppends, opAddItems, opSetItem, opSetItems:
		return d.insert(code)
	case opTuple, opTuple1, opTuple2, opTuple3, opFrozenSet:
		return d.collect(code)
	}
	value, err := d.scalar(code)
	if err != nil {
		return err
	}
	return d.push(value)
}

// scalar returns what an instruction pushes that needs only its own bytes.
func (d *decoder) scalar(code byte) (any, error) {
	switch code {
	case opNone:
		return nil, nil
	case opNewTrue:
		return true, nil
	case opNewFalse:
		return false, nil
	case opEmptyTuple:
		return &Tuple{}, nil
	case opEmptyList:
		return &List{}, nil
	case opEmptyDict:
		return &Dict{}, nil
	case opEmptySet:
		return &Set{}, nil
	case opBinInt1, opBinInt2:
		n, err := d.unsigned(map[byte]int{opBinInt1: 1, opBinInt2: 2}[code])
		return int64(n), err
	case opBinInt:
		n, err := d.unsigned(4)
		return int64(int32(n)), err
	case opBinFloat:
		data, err := d.read(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(data)), nil
	case opLong1, opLong4:
		return d.long(code)
	case opBinUnicode, opShortBinUnicode, opBinUnicode8:
		data, err := d.sized(map[byte]int{opShortBinUnicode: 1, opBinUnicode: 4, opBinUnicode8: 8}[code])
		return string(data), err
	case opShortBinString, opBinString: // strings of Python 2
		data, err := d.sized(map[byte]int{opShortBinString: 1, opBinString: 4}[code])
		return string(data), err
	case opShortBinBytes, opBinBytes, opBinBytes8, opByteArray8:
		data, err := d.sized(map[byte]int{opShortBinBytes: 1, opBinBytes: 4, opBinBytes8: 8, opByteArray8: 8}[code])
		return data, err
	}
	return nil, fmt.Errorf("the pickle has the instruction 0x%02x, which is not supported", code)
}

// count limits the number of values in a pickle.
func (d *decoder) count() error {
	if d.values++; d.values > mostValues {
		return fmt.Errorf("the pickle makes more than %d values", mostValues)
	}
	return nil
}

func (d *decoder) push(value any) error {
	if err := d.count(); err != nil {
		return err
	}
	d.stack = append(d.stack, value)
	return nil
}

// base is the lowest usable position of the stack, after the last mark.
func (d *decoder) base() int {
	if len(d.marks) == 0 {
		return 0
	}
	return d.marks[len(d.marks)-1]
}

func (d *decoder) pop() (any, error) {
	last := len(d.stack) - 1
	if last < d.base() {
		return nil, errStack
	}
	value := d.stack[last]
	d.stack[last] = nil
	d.stack = d.stack[:last]
	return value, nil
}

func (d *decoder) top() (any, error) {
	if len(d.stack) <= d.base() {
		return nil, errStack
	}
	return d.stack[len(d.stack)-1], nil
}

// popMany removes the last n values, oldest first.
func (d *decoder) popMany(n int) ([]any, error) {
	from := len(d.stack) - n
	if from < d.base() {
		return nil, errStack
	}
	values := append([]any(nil), d.stack[from:]...)
	clear(d.stack[from:])
	d.stack = d.stack[:from]
	return values, nil
}

// popMark removes the values after the last mark, and the mark.
func (d *decoder) popMark() ([]any, error) {
	if len(d.marks) == 0 {
		return nil, errMark
	}
	values, err := d.popMany(len(d.stack) - d.base())
	d.marks = d.marks[:len(d.marks)-1]
	return values, err
}

// read reads n bytes, and allocates memory only for bytes that exist.
func (d *decoder) read(n uint64) ([]byte, error) {
	const chunk = 1 << 16
	if n <= chunk {
		data := make([]byte, n)
		_, err := io.ReadFull(d.r, data)
		return data, err
	}
	if n > math.MaxInt64 {
		return nil, io.ErrUnexpectedEOF
	}
	var buffer bytes.Buffer
	_, err := io.CopyN(&buffer, d.r, int64(n))
	return buffer.Bytes(), err
}

func (d *decoder) unsigned(width int) (uint64, error) {
	var data [8]byte
	_, err := io.ReadFull(d.r, data[:width])
	return binary.LittleEndian.Uint64(data[:]), err
}

// sized reads bytes that follow their number, which has width bytes.
func (d *decoder) sized(width int) ([]byte, error) {
	n, err := d.unsigned(width)
	if err != nil {
		return nil, err
	}
	return d.read(n)
}

// long reads a little-endian integer in two's complement.
func (d *decoder) long(code byte) (any, error) {
	width := 1
	if code == opLong4 {
		width = 4
	}
	n, err := d.unsigned(width)
	if err != nil {
		return nil, err
	}
	if n > mostDigits {
		return nil, fmt.Errorf("the pickle has a whole number of %d bytes, the limit is %d", n, mostDigits)
	}
	data, err := d.read(n)
	if err != nil {
		return nil, err
	}
	return longFrom(data), nil
}

func longFrom(little []byte) any {
	digits := make([]byte, len(little))
	for i, b := range little {
		digits[len(little)-1-i] = b
	}
	number := new(big.Int).SetBytes(digits)
	if len(digits) > 0 && digits[0] >= 0x80 {
		number.Sub(number, new(big.Int).Lsh(big.NewInt(1), uint(8*len(digits))))
	}
	if number.IsInt64() {
		return number.Int64()
	}
	return number
}

func (d *decoder) line() (string, error) {
	var text []byte
	for {
		b, err := d.r.ReadByte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return string(text), nil
		}
		if len(text) == longestName {
			return "", fmt.Errorf("the pickle has a name of more than %d bytes", longestName)
		}
		text = append(text, b)
	}
}

func (d *decoder) global(code byte) error {
	var global Global
	if code == opGlobal {
		var err error
		if global.Module, err = d.line(); err != nil {
			return err
		}
		if global.Name, err = d.line(); err != nil {
			return err
		}
	} else {
		names, err := d.popMany(2)
		if err != nil {
			return err
		}
		module, isText := names[0].(string)
		name, isTextToo := names[1].(string)
		if !isText || !isTextToo {
			return errors.New("the pickle is damaged: a class has no name")
		}
		global = Global{module, name}
	}
	if global.Module == "__builtin__" { // its name in Python 2, which protocol 2 uses
		global.Module = "builtins"
	}
	if err := d.allow(global); err != nil {
		return err
	}
	return d.push(global)
}

func (d *decoder) persistent() error {
	id, err := d.pop()
	if err != nil {
		return err
	}
	if class, ok := moduleClass(id); ok {
		return d.push(class)
	}
	persistent := &Persistent{id}
	d.persistents = append(d.persistents, persistent)
	return d.push(persistent)
}

// moduleClass returns the class in ("module", class, file, source), as which torch.save referred to
// the classes of modules before PyTorch 1.6, to keep their source.
func moduleClass(id any) (Global, bool) {
	tuple, ok := id.(*Tuple)
	if !ok || len(tuple.Items) != 4 || tuple.Items[0] != any("module") {
		return Global{}, false
	}
	class, ok := tuple.Items[1].(Global)
	return class, ok
}

func (d *decoder) call(code byte) error {
	count := 2
	if code == opNewObjNamed {
		count = 3
	}
	operands, err := d.popMany(count)
	if err != nil {
		return err
	}
	function, isFunction := functionOf(operands[0])
	arguments, isTuple := operands[1].(*Tuple)
	if !isFunction || !isTuple {
		return errors.New("the pickle is damaged: it calls what is no function")
	}
	if code == opNewObjNamed {
		named, isDict := operands[2].(*Dict)
		if !isDict {
			return errors.New("the pickle is damaged: it calls what is no function")
		}
		return d.push(&Call{Function: function, Arguments: arguments, Named: named})
	}
	if d.dictLike[function] {
		return d.push(&Dict{Class: function, Arguments: arguments})
	}
	return d.push(&Call{Function: function, Arguments: arguments})
}

// functionOf is what is called: a function by its name, or what another call gave, as getattr does.
func functionOf(value any) (Global, bool) {
	switch v := value.(type) {
	case Global:
		return v, true
	case *Call:
		return Global{v.Function.Module, v.Function.Name + "(...)"}, len(v.Function.Name) < longestName
	default:
		return Global{}, false
	}
}

func (d *decoder) build() error {
	state, err := d.pop()
	if err != nil {
		return err
	}
	object, err := d.top()
	if err != nil {
		return err
	}
	switch o := object.(type) {
	case *Dict:
		o.State = state
	case *Call:
		o.State = state
	default:
		return errors.New("the pickle is damaged: it gives a state to what has none")
	}
	return nil
}

func (d *decoder) remember(code byte) error {
	index := uint64(len(d.memo))
	if code != opMemoize {
		width := 1
		if code == opLongBinGet || code == opLongBinPut {
			width = 4
		}
		var err error
		if index, err = d.unsigned(width); err != nil {
			return err
		}
	}
	if code == opBinGet || code == opLongBinGet {
		value, ok := d.memo[uint32(index)]
		if !ok {
			return errors.New("the pickle is damaged: it refers to what was not there before")
		}
		return d.push(value)
	}
	value, err := d.top()
	if err != nil {
		return err
	}
	d.memo[uint32(index)] = value
	return d.count()
}

// insert adds values to the container below them.
func (d *decoder) insert(code byte) error {
	var values []any
	var err error
	switch code {
	case opAppend:
		values, err = d.popMany(1)
	case opSetItem:
		values, err = d.popMany(2)
	default:
		values, err = d.popMark()
	}
	if err != nil {
		return err
	}
	container, err := d.top()
	if err != nil {
		return err
	}
	switch c := container.(type) {
	case *List:
		if code == opAppend || code == opAppends {
			c.Items = append(c.Items, values...)
			return nil
		}
	case *Set:
		if code == opAddItems {
			c.Items = append(c.Items, values...)
			return nil
		}
	case *Dict:
		if (code == opSetItem || code == opSetItems) && len(values)%2 == 0 {
			c.Pairs = append(c.Pairs, values...)
			return nil
		}
	case *Call: // an object of a class that is a list or a dict too
		switch code {
		case opAppend, opAppends, opAddItems:
			c.Items = append(c.Items, values...)
			return nil
		case opSetItem, opSetItems:
			if len(values)%2 == 0 {
				c.Pairs = append(c.Pairs, values...)
				return nil
			}
		}
	}
	return errors.New("the pickle is damaged: it puts items into what holds none")
}

func (d *decoder) collect(code byte) error {
	var items []any
	var err error
	switch code {
	case opTuple1:
		items, err = d.popMany(1)
	case opTuple2:
		items, err = d.popMany(2)
	case opTuple3:
		items, err = d.popMany(3)
	default:
		items, err = d.popMark()
	}
	if err != nil {
		return err
	}
	if code == opFrozenSet {
		return d.push(&Set{items})
	}
	return d.push(&Tuple{items})
}
