package prior

// A window is the part of a picture that the model sees while it draws a token: as much as it was trained
// on.
type window struct {
	top, left, height, width int
}

// windowAt returns the window for a token of a picture of height x width tokens. Where the picture is
// larger than the window, the token is in its middle, as far as the borders allow, as in taming's
// sampling; but the window moves sideways by stride columns at a time, since what was computed in it is
// lost when it moves.
func windowAt(row, column, height, width int, size window, stride int) window {
	w := window{height: min(size.height, height), width: size.width}
	w.top = min(max(row-w.height/2, 0), height-w.height)
	left := max(column-w.width/2, 0) / stride * stride
	w.left = min(left, width-w.width)
	return w
}

// place returns where in the window's tokens a token of the picture is.
func (w window) place(row, column int) int { return (row-w.top)*w.width + column - w.left }
