package tokenizer

// A priorityQueue is a binary heap whose first element comes before all others. Package
// container/heap allocates for each element.
type priorityQueue[T interface{ before(T) bool }] []T

// push adds an element.
func (q *priorityQueue[T]) push(element T) {
	h := append(*q, element)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !h[i].before(h[parent]) {
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
		if child+1 < last && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	*q = h
	return first
}
