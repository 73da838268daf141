package guided

import (
	"encoding/hex"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Color is an opaque color in sRGB. Its text form, in JSON and YAML, is "#rrggbb" in hexadecimal.
type Color struct{ R, G, B uint8 }

var white = Color{255, 255, 255}

// RGBA implements [image/color.Color].
func (c Color) RGBA() (r, g, b, a uint32) {
	const wide = 0x101 // from 8 to 16 bits
	return wide * uint32(c.R), wide * uint32(c.G), wide * uint32(c.B), 0xffff
}

// String returns the color as "#rrggbb".
func (c Color) String() string { return "#" + hex.EncodeToString([]byte{c.R, c.G, c.B}) }

// MarshalText returns the color as "#rrggbb".
func (c Color) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText parses "#rrggbb".
func (c *Color) UnmarshalText(text []byte) error {
	if len(text) == len("#rrggbb") && text[0] == '#' {
		if parts, err := hex.DecodeString(string(text[1:])); err == nil {
			*c = Color{parts[0], parts[1], parts[2]}
			return nil
		}
	}
	return bad("the color is %q, wanted #rrggbb, as %s", text, white)
}

// tensor returns the color as an image of one pixel, [1, 3, 1, 1], with values from 0 to 1.
func (c Color) tensor() *torch.Tensor {
	const most = 255
	return torch.FromSlice([]float32{float32(c.R) / most, float32(c.G) / most, float32(c.B) / most}, torch.Shape{1, 3, 1, 1})
}
