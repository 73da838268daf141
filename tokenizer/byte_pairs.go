package tokenizer

import (
	"bufio"
	"container/heap"
	"fmt"
	"io"
	"strings"
)

// endOfWord marks the last symbol of a word in the vocabulary.
const endOfWord = "</w>"

// bytePairs is a byte-pair encoding: a vocabulary of symbols, and the pairs of symbols to merge, in
// the order in which they were learned.
type bytePairs struct {
	symbols []string // by token; without the two special tokens
	merges  map[symbolPair]merge
	// single[b] is the token of the byte b; that token plus 256 is the same byte at the end of a
	// word.
	single [256]int32
	byteOf map[rune]byte // the byte that a character of the vocabulary stands for
}

type symbolPair struct{ left, right int32 }

// merge is the token that a pair becomes, and the rank of the pair.
type merge struct{ rank, token int32 }

// readBytePairs reads merges, "a b" in each line, and builds the vocabulary: 256 bytes, 256 bytes
// that end a word, and the merges in their order.
func readBytePairs(r io.Reader) (*bytePairs, error) {
	var pairs [][2]string
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) != 2 {
			return nil, fmt.Errorf("tokenizer: line %d of the tokenizer's merges is %s, not two symbols with a space between",
				len(pairs)+1, quoteShort(scanner.Text()))
		}
		pairs = append(pairs, [2]string{fields[0], fields[1]})
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("tokenizer: reading the tokenizer's merges: %w", err)
	}

	b := &bytePairs{
		symbols: make([]string, 0, 512+len(pairs)),
		merges:  make(map[symbolPair]merge, len(pairs)),
		byteOf:  make(map[rune]byte, 256),
	}
	for i, byteValue := range byteOrder() {
		b.single[byteValue] = int32(i)
		b.byteOf[byteCharacter(byteValue)] = byteValue
		b.symbols = append(b.symbols, string(byteCharacter(byteValue)))
	}
	for i := range 256 {
		b.symbols = append(b.symbols, b.symbols[i]+endOfWord)
	}
	for _, pair := range pairs {
		b.symbols = append(b.symbols, pair[0]+pair[1])
	}
	// If two merges give the same symbol, the later one counts, as in the reference.
	tokens := make(map[string]int32, len(b.symbols))
	for i, symbol := range b.symbols {
		tokens[symbol] = int32(i)
	}
	for rank, pair := range pairs {
		left, okLeft := tokens[pair[0]]
		right, okRight := tokens[pair[1]]
		if !okLeft || !okRight {
			return nil, fmt.Errorf("tokenizer: line %d of the tokenizer's merges, %s, has a symbol that is not in the vocabulary",
				rank+1, quoteShort(pair[0]+" "+pair[1]))
		}
		b.merges[symbolPair{left, right}] = merge{int32(rank), tokens[pair[0]+pair[1]]}
	}
	return b, nil
}

// isPrintableByte reports whether a byte stands for itself in the vocabulary.
func isPrintableByte(b byte) bool {
	return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae
}

// byteOrder returns the 256 bytes in the order of their tokens: the printable ones first.
func byteOrder() []byte {
	order := make([]byte, 0, 256)
	for _, printable := range []bool{true, false} {
		for b := range 256 {
			if isPrintableByte(byte(b)) == printable {
				order = append(order, byte(b))
			}
		}
	}
	return order
}

// byteCharacter returns the character that stands for a byte in the vocabulary: printable bytes
// stand for themselves, and the others follow from U+0100 in order.
func byteCharacter(b byte) rune {
	if isPrintableByte(b) {
		return rune(b)
	}
	r := rune(0x100)
	for other := range b {
		if !isPrintableByte(other) {
			r++
		}
	}
	return r
}

// appendWord appends the tokens of one word, which must not be empty.
func (b *bytePairs) appendWord(tokens []int64, word string) []int64 {
	var buffer [64]int32
	symbols := buffer[:0]
	for i := range len(word) {
		symbols = append(symbols, b.single[word[i]])
	}
	symbols[len(symbols)-1] += 256
	if len(symbols) <= len(buffer) {
		symbols = b.mergeShort(symbols)
	} else {
		symbols = b.mergeLong(symbols)
	}
	for _, symbol := range symbols {
		tokens = append(tokens, int64(symbol))
	}
	return tokens
}

// mergeShort merges in place: all occurrences of the pair of lowest rank, from left to right, until
// no pair is known. It takes quadratic time.
func (b *bytePairs) mergeShort(symbols []int32) []int32 {
	for len(symbols) > 1 {
		var best merge
		var pair symbolPair
		found := false
		for i := range len(symbols) - 1 {
			candidate := symbolPair{symbols[i], symbols[i+1]}
			if m, ok := b.merges[candidate]; ok && (!found || m.rank < best.rank) {
				best, pair, found = m, candidate, true
			}
		}
		if !found {
			break
		}
		merged := symbols[:0]
		for i := 0; i < len(symbols); i++ {
			if i+1 < len(symbols) && symbols[i] == pair.left && symbols[i+1] == pair.right {
				merged = append(merged, best.token)
				i++
			} else {
				merged = append(merged, symbols[i])
			}
		}
		symbols = merged
	}
	return symbols
}

// mergeLong gives the same result as mergeShort in O(n log n), so that a long text without spaces
// cannot stall a server.
func (b *bytePairs) mergeLong(symbols []int32) []int32 {
	next := make([]int32, len(symbols)) // position of the symbol that follows
	previous := make([]int32, len(symbols))
	for i := range symbols {
		next[i], previous[i] = int32(i+1), int32(i-1)
	}
	end := int32(len(symbols))

	var queue pairQueue
	push := func(left int32) {
		if left < 0 || next[left] == end {
			return
		}
		pair := symbolPair{symbols[left], symbols[next[left]]}
		if m, ok := b.merges[pair]; ok {
			heap.Push(&queue, queuedPair{m, pair, left})
		}
	}
	for i := range end {
		push(i)
	}
	var changed []int32
	for len(queue) > 0 {
		// All occurrences of one pair are merged before new pairs count.
		rank := queue[0].rank
		changed = changed[:0]
		for len(queue) > 0 && queue[0].rank == rank {
			p := heap.Pop(&queue).(queuedPair)
			left := p.left
			right := next[left]
			if symbols[left] != p.pair.left || right == end || symbols[right] != p.pair.right {
				continue // one of the two has been merged since
			}
			symbols[left], symbols[right] = p.token, -1
			next[left] = next[right]
			if next[left] != end {
				previous[next[left]] = left
			}
			changed = append(changed, left)
		}
		for _, left := range changed {
			push(previous[left])
			push(left)
		}
	}
	merged := symbols[:0]
	for i := int32(0); i < end; i = next[i] {
		merged = append(merged, symbols[i])
	}
	return merged
}

// queuedPair is a pair of symbols that can be merged, at the position left.
type queuedPair struct {
	merge
	pair symbolPair
	left int32
}

// pairQueue is a heap with the pair of lowest rank on top, and among equal ones the leftmost.
type pairQueue []queuedPair

func (q pairQueue) Len() int { return len(q) }
func (q pairQueue) Less(i, j int) bool {
	return q[i].rank < q[j].rank || (q[i].rank == q[j].rank && q[i].left < q[j].left)
}
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(queuedPair)) }
func (q *pairQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
