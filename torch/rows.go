package torch

import "github.com/clipvqgan/clipvqgan/torch/internal/words"

// FromRows copies rows of equal length to a new tensor [rows, columns] of the rows' dtype. The
// options may be a [Device] and [Pinned]. It panics with an [*Error] if the rows differ in length.
//
//	torch.FromRows([][]float32{{1, 2}, {3, 4}})
func FromRows[T Element](rows [][]T, where ...Option) *Tensor {
	columns := 0
	if len(rows) > 0 {
		columns = len(rows[0])
	}
	data := make([]T, 0, len(rows)*columns)
	for i, row := range rows {
		if len(row) != columns {
			panic(invalid("FromRows", "row %d has %s and row 0 has %d", i, words.Count(len(row), "element"), columns))
		}
		data = append(data, row...)
	}
	return FromSlice(data, []int64{int64(len(rows)), int64(columns)}, where...)
}

// ToRows copies a tensor [rows, columns] to new slices. It panics with an [*Error] if t does not
// have two dimensions, or if T is not its element type.
func ToRows[T Element](t *Tensor) [][]T {
	shape := t.Shape()
	if len(shape) != 2 {
		panic(invalid("ToRows", "the tensor is %v, wanted [rows, columns]", shape))
	}
	data := ToSlice[T](t)
	rows, columns := make([][]T, shape[0]), int(shape[1])
	for i := range rows {
		rows[i] = data[i*columns : (i+1)*columns : (i+1)*columns]
	}
	return rows
}
