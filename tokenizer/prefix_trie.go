package tokenizer

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// A prefixTrie finds the keys that a text starts with. Nodes are numbered breadth first, so that
// the children of a node have consecutive numbers; 0 is the root.
type prefixTrie struct {
	firstChild []int32 // by node, and one more: the children of n are firstChild[n] to firstChild[n+1]
	label      []byte  // by node: the byte that leads to it
	value      []int32 // by node: of the key that ends there, or noValue
}

const noValue = -1

// newPrefixTrie builds a trie. Empty keys are left out; of equal keys the last one counts.
func newPrefixTrie(keys []string, values []int32) *prefixTrie {
	order := make([]int, 0, len(keys))
	for i, key := range keys {
		if key != "" {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(strings.Compare(keys[a], keys[b]), a-b) })

	// The keys below a node are a range of the sorted ones, which share their first depth bytes.
	type pending struct{ low, high, depth int }
	t := &prefixTrie{label: []byte{0}, value: []int32{noValue}}
	queue := []pending{{0, len(order), 0}}
	for n := 0; n < len(queue); n++ {
		p := queue[n]
		queue[n] = pending{}
		t.firstChild = append(t.firstChild, int32(len(queue)))
		for i := p.low; i < p.high; {
			key := keys[order[i]]
			if len(key) == p.depth {
				t.value[n] = values[order[i]]
				i++
				continue
			}
			end := i + 1
			for end < p.high && keys[order[end]][p.depth] == key[p.depth] {
				end++
			}
			t.label = append(t.label, key[p.depth])
			t.value = append(t.value, noValue)
			queue = append(queue, pending{i, end, p.depth + 1})
			i = end
		}
	}
	t.firstChild = append(t.firstChild, int32(len(queue)))
	return t
}

// child returns the node that byte b leads to from node n, or -1.
func (t *prefixTrie) child(n int32, b byte) int32 {
	first := t.firstChild[n]
	i := bytes.IndexByte(t.label[first:t.firstChild[n+1]], b)
	if i < 0 {
		return -1
	}
	return first + int32(i)
}

// longestPrefix returns the length of the longest key that text starts with, and its value; the
// length is 0 if there is none.
func (t *prefixTrie) longestPrefix(text string) (length int, value int32) {
	value = noValue
	n := int32(0)
	for i := 0; i < len(text); i++ {
		if n = t.child(n, text[i]); n < 0 {
			break
		}
		if t.value[n] != noValue {
			length, value = i+1, t.value[n]
		}
	}
	return length, value
}
