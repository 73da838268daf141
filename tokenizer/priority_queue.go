package tokenizer

// A priorityQueue is a binary heap: the element of the lowest priority comes first. Package
// container/heap allocates for each element.
type priorityQueue[T prioritized] []T

type prioritized interface{ priority() uint64 }

// push adds an element.
func (q *priorityQueue[T]) push(element T) {
	h := append(*q, element)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[i].priority() >= h[parent].priority() {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
	*q = h
}

// pop takes the first element out of a queue that is not empty.
func (q *priorityQueue[T]) pop() T {
	h := *q
	first, last := h[0], len(h)-1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h[child+1].priority() < h[child].priority() {
			child++
		}
		if h[child].priority() >= h[i].priority() {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	*q = h
	return first
}
