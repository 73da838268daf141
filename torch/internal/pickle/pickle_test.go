package pickle_test

import (
	"bufio"
	"bytes"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch/internal/pickle"
)

var ordered = pickle.Global{Module: "collections", Name: "OrderedDict"}

func allowAll(pickle.Global) error { return nil }

func decode(data string) (any, error) {
	decoded, err := pickle.Decode(bufio.NewReader(strings.NewReader(data)), allowAll, ordered)
	return decoded.Value, err
}

// TestDecode: instructions as Python's pickletools shows them.
func TestDecode(t *testing.T) {
	huge := new(big.Int).Lsh(big.NewInt(1), 80)
	tuple := func(items ...any) *pickle.Tuple { return &pickle.Tuple{Items: items} }
	for name, test := range map[string]struct {
		data string
		want any
	}{
		"none":             {"\x80\x02N.", nil},
		"true":             {"\x80\x02\x88.", true},
		"small int":        {"K\xff.", int64(255)},
		"int of two bytes": {"M\x00\x01.", int64(256)},
		"negative int":     {"J\xff\xff\xff\xff.", int64(-1)},
		"empty long":       {"\x8a\x00.", int64(0)},
		"negative long":    {"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", int64(math.MinInt64)},
		"positive long":    {"\x8a\x01\x7f.", int64(127)},
		"huge long":        {"\x8a\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01.", huge},
		"long of 4":        {"\x8b\x01\x00\x00\x00\xff.", int64(-1)},
		"float":            {"G\x3f\xe0\x00\x00\x00\x00\x00\x00.", 0.5},
		"text":             {"X\x02\x00\x00\x00\xc3\xa9.", "é"},
		"short text":       {"\x8c\x01a.", "a"},
		"long text":        {"\x8d\x01\x00\x00\x00\x00\x00\x00\x00a.", "a"},
		"Python 2's text":  {"U\x01a.", "a"},
		"bytes":            {"C\x01\xff.", []byte{255}},
		"bytearray":        {"\x96\x01\x00\x00\x00\x00\x00\x00\x00\xff.", []byte{255}},
		"empty tuple":      {").", tuple()},
		"tuple of one":     {"K\x01\x85.", tuple(int64(1))},
		"tuple of two":     {"K\x01K\x02\x86.", tuple(int64(1), int64(2))},
		"tuple of three":   {"K\x01K\x02K\x03\x87.", tuple(int64(1), int64(2), int64(3))},
		"tuple of marked":  {"(K\x01K\x02t.", tuple(int64(1), int64(2))},
		"append":           {"]K\x01a.", &pickle.List{Items: []any{int64(1)}}},
		"appends":          {"](K\x01K\x02e.", &pickle.List{Items: []any{int64(1), int64(2)}}},
		"set item":         {"}K\x01Ns.", &pickle.Dict{Pairs: []any{int64(1), nil}}},
		"set items":        {"}(K\x01NK\x02Nu.", &pickle.Dict{Pairs: []any{int64(1), nil, int64(2), nil}}},
		"set":              {"\x8f(K\x01\x90.", &pickle.Set{Items: []any{int64(1)}}},
		"frozenset":        {"(K\x01\x91.", &pickle.Set{Items: []any{int64(1)}}},
		"popped":           {"NK\x01" + "0.", nil},
		"memo":             {"K\x05q\x00" + "0h\x00.", int64(5)},
		"long memo":        {"K\x05r\x00\x01\x00\x00" + "0j\x00\x01\x00\x00.", int64(5)},
		"memoize":          {"K\x05\x94" + "0h\x00.", int64(5)},
		"frame":            {"\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00N.", nil},
		"class":            {"ca\nb\n.", pickle.Global{Module: "a", Name: "b"}},
		"class by stack":   {"\x8c\x01a\x8c\x01b\x93.", pickle.Global{Module: "a", Name: "b"}},
		"Python 2's class": {"c__builtin__\nset\n.", pickle.Global{Module: "builtins", Name: "set"}},
		"call":             {"ca\nb\n)R.", &pickle.Call{Function: pickle.Global{Module: "a", Name: "b"}, Arguments: tuple()}},
		"state":            {"ca\nb\n)RK\x01b.", &pickle.Call{Function: pickle.Global{Module: "a", Name: "b"}, Arguments: tuple(), State: int64(1)}},
		"new object":       {"ca\nb\n)\x81.", &pickle.Call{Function: pickle.Global{Module: "a", Name: "b"}, Arguments: tuple()}},
		"ordered dict": {"ccollections\nOrderedDict\n)RK\x01Ns}b.",
			&pickle.Dict{Class: ordered, Arguments: tuple(), Pairs: []any{int64(1), nil}, State: &pickle.Dict{}}},
		"persistent": {"K\x01Q.", &pickle.Persistent{ID: int64(1)}},
		"class with its source": {"(X\x06\x00\x00\x00moduleca\nb\nX\x01\x00\x00\x00fX\x01\x00\x00\x00stQ)\x81.",
			&pickle.Call{Function: pickle.Global{Module: "a", Name: "b"}, Arguments: tuple()}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decode(test.data)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestDecodeLeavesTheRest(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("K\x01.K\x02.rest"))
	for _, want := range []int64{1, 2} {
		decoded, err := pickle.Decode(r, allowAll)
		require.NoError(t, err)
		assert.Equal(t, want, decoded.Value)
	}
	rest, err := r.ReadString(0)
	assert.Equal(t, "rest", rest)
	assert.Error(t, err)
}

func TestDamaged(t *testing.T) {
	for name, test := range map[string]struct{ data, says string }{
		"empty":                   {"", "too soon"},
		"no end":                  {"N", "too soon"},
		"nothing made":            {".", "operands"},
		"newer protocol":          {"\x80\x09N.", "protocol 9"},
		"unknown instruction":     {"\xff.", "0xff"},
		"code of Python 2":        {"icos\nsystem\n.", "not supported"},
		"cut int":                 {"J\x01", "too soon"},
		"cut text":                {"X\x05\x00\x00\x00ab", "too soon"},
		"text of 4 GB":            {"X\xff\xff\xff\xffab", "too soon"},
		"text of 2^63 bytes":      {"\x8d\x00\x00\x00\x00\x00\x00\x00\x80ab", "too soon"},
		"bytes of 2^62 bytes":     {"\x8e\x00\x00\x00\x00\x00\x00\x00\x40ab", "too soon"},
		"long of 2 GB":            {"\x8b\xff\xff\xff\x7f\x00", "limit"},
		"long name":               {"c" + strings.Repeat("a", 2000), "name"},
		"tuple of nothing":        {"\x85.", "operands"},
		"tuple below the mark":    {"K\x01(\x85.", "operands"},
		"tuple without mark":      {"K\x01t.", "mark"},
		"append to nothing":       {"K\x01a.", "operands"},
		"append to a number":      {"K\x01K\x01a.", "holds none"},
		"append to a dict":        {"}K\x01a.", "holds none"},
		"odd items":               {"}(K\x01u.", "holds none"},
		"item of a list":          {"]K\x01K\x01s.", "holds none"},
		"set items of a set":      {"\x8f(K\x01K\x01u.", "holds none"},
		"pop of nothing":          {"0.", "operands"},
		"end below the mark":      {"K\x01(.", "operands"},
		"call of text":            {"X\x01\x00\x00\x00a)R.", "no function"},
		"call with no tuple":      {"ca\nb\nNR.", "no function"},
		"state of a number":       {"K\x01Nb.", "none"},
		"memo that is not there":  {"h\x07.", "before"},
		"memo of nothing":         {"q\x00.", "operands"},
		"class without a name":    {"K\x01K\x01\x93.", "no name"},
		"persistent of nothing":   {"Q.", "operands"},
		"more values than fit":    {strings.Repeat("N", 5_000_001) + ".", "more than"},
		"more marks than fit":     {strings.Repeat("(", 5_000_001) + ".", "more than"},
		"more memo than fits":     {strings.Repeat("N", 4_990_000) + strings.Repeat("\x94", 10_001) + ".", "more than"},
		"build of a dict's state": {"}Nb", "too soon"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(test.data)
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestClassesAreAskedFor(t *testing.T) {
	refused := errors.New("refused")
	allow := func(global pickle.Global) error {
		if global.String() == "os.system" {
			return refused
		}
		return nil
	}
	for _, data := range []string{"cos\nsystem\n.", "\x8c\x02os\x8c\x06system\x93."} {
		_, err := pickle.Decode(bufio.NewReader(strings.NewReader(data)), allow)
		assert.ErrorIs(t, err, refused)
	}
}

func TestEncodeAndBack(t *testing.T) {
	e := pickle.NewEncoder()
	huge := new(big.Int).Lsh(big.NewInt(1), 80)
	numbers := []int64{0, 1, 255, 256, 65536, -1, -128, math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MinInt64, math.MaxInt64}
	e.EmptyList()
	e.Mark()
	for _, n := range numbers {
		e.Int(n)
	}
	bigs := []*big.Int{huge, new(big.Int).Neg(huge), new(big.Int).Lsh(big.NewInt(1), 63), big.NewInt(-1)}
	for _, n := range bigs {
		require.NoError(t, e.Big(n))
	}
	e.Float(math.Inf(-1))
	e.None()
	e.Bool(true)
	e.Bool(false)
	for range 2 {
		require.NoError(t, e.Text("é"))
		e.Global(ordered)
	}
	e.Appends()

	got, err := decode(string(e.Finish()))
	require.NoError(t, err)
	want := []any{}
	for _, n := range numbers {
		want = append(want, n)
	}
	want = append(want, bigs[0], bigs[1], bigs[2], int64(-1), math.Inf(-1), nil, true, false, "é", ordered, "é", ordered)
	assert.Equal(t, want, got.(*pickle.List).Items)
}

// TestMemoIsFoundAgain: more than the 256 that the short instructions have room for.
func TestMemoIsFoundAgain(t *testing.T) {
	e := pickle.NewEncoder()
	e.EmptyList()
	e.Mark()
	texts := []any{}
	for range 2 {
		for i := range 300 {
			text := strings.Repeat("x", i)
			require.NoError(t, e.Text(text))
			texts = append(texts, text)
		}
	}
	e.Appends()
	data := e.Finish()
	got, err := decode(string(data))
	require.NoError(t, err)
	assert.Equal(t, texts, got.(*pickle.List).Items)
	assert.Equal(t, 1, bytes.Count(data, []byte("X\x2b\x01\x00\x00")), "a text is written once")
}

func TestWhatCannotBeWritten(t *testing.T) {
	e := pickle.NewEncoder()
	assert.Error(t, e.Text("\xff"))
	assert.Error(t, e.Big(new(big.Int).Lsh(big.NewInt(1), 3000)))
}
