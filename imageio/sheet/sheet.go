// Package sheet makes contact sheets: many pictures on one, each with lines of text below it.
//
//	s := sheet.New(sheet.Options{})
//	err := s.Add(picture, "a cat 93.1 %", "a dog 6.2 %")
//	err = imageio.Save("sheet.png", s.Image())
package sheet

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// Options say how a sheet looks. A value of 0 means its default.
type Options struct {
	// Side is the width and height, in pixels, of the square in which each picture is; 160 by default.
	Side int
	// Lines is the largest number of lines of text below each picture; 2 by default. There is room for as many
	// as any picture has.
	Lines int
	// Columns is the number of pictures in a row; by default rows and columns are as many.
	Columns int
}

const (
	defaultSide  = 160
	defaultLines = 2
	gap          = 8 // between pictures
	fontSize     = 12
	lineHeight   = 15
	// Largest is the number of pictures that a sheet has room for; in the default size they take 77 MB.
	Largest = 1000
)

// A Sheet collects pictures. It keeps small copies of them, not the pictures.
type Sheet struct {
	options Options
	cells   []cell
}

type cell struct {
	picture *imageio.RGB
	lines   []string
}

// New returns an empty sheet. A negative option counts as 0.
func New(options Options) *Sheet {
	for _, option := range []struct {
		value *int
		other int
	}{{&options.Side, defaultSide}, {&options.Lines, defaultLines}} {
		if *option.value <= 0 {
			*option.value = option.other
		}
	}
	return &Sheet{options: options}
}

// Len returns the number of pictures.
func (s *Sheet) Len() int { return len(s.cells) }

// Add adds a picture and the texts of its lines; a text that is too long is cut. The error is that of
// [imageio.CheckImage], or says that the sheet is full.
func (s *Sheet) Add(picture image.Image, lines ...string) error {
	if len(s.cells) >= Largest {
		return fmt.Errorf("sheet: it has room for %d pictures", Largest)
	}
	rgb, err := imageio.FromImage(picture, nil)
	if err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	width, height := within(rgb.Width, rgb.Height, s.options.Side)
	small, err := imageio.Resize(rgb, width, height, imageio.Bicubic)
	if err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	s.cells = append(s.cells, cell{small, lines[:min(len(lines), s.options.Lines)]})
	return nil
}

// within scales a size so that its longer side is that of the square.
func within(width, height, side int) (int, int) {
	if width >= height {
		return side, max(1, side*height/width)
	}
	return max(1, side*width/height), side
}

// Image draws the sheet. That of no pictures is one white square.
func (s *Sheet) Image() *image.RGBA {
	columns := s.options.Columns
	if columns <= 0 {
		columns = int(math.Ceil(math.Sqrt(float64(len(s.cells)))))
	}
	columns = max(1, min(columns, len(s.cells)))
	rows := max(1, (len(s.cells)+columns-1)/columns)
	lines := 0
	for _, cell := range s.cells {
		lines = max(lines, len(cell.lines))
	}
	width, height := s.options.Side+gap, s.options.Side+lines*lineHeight+gap
	drawn := image.NewRGBA(image.Rect(0, 0, columns*width+gap, rows*height+gap))
	draw.Draw(drawn, drawn.Bounds(), image.White, image.Point{}, draw.Src)
	face := newFace()
	for i, cell := range s.cells {
		corner := image.Pt(i%columns*width+gap, i/columns*height+gap)
		size := cell.picture.Bounds().Size()
		at := corner.Add(image.Pt((s.options.Side-size.X)/2, (s.options.Side-size.Y)/2))
		draw.Draw(drawn, image.Rectangle{Min: at, Max: at.Add(size)}, cell.picture, image.Point{}, draw.Src)
		for j, line := range cell.lines {
			write(drawn, face, fit(face, line, s.options.Side), corner.X, corner.Y+s.options.Side+(j+1)*lineHeight-3)
		}
	}
	return drawn
}

// regular is the font, which has Latin, Greek and Cyrillic letters.
var regular = sync.OnceValue(func() *opentype.Font {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic(err) // it is part of the program
	}
	return parsed
})

// newFace returns the font in the size of the lines. A face must not be used by two goroutines.
func newFace() font.Face {
	face, err := opentype.NewFace(regular(), &opentype.FaceOptions{Size: fontSize, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic(err) // the options are constant
	}
	return face
}

// fit cuts a text to a width in pixels, with three dots in place of what is missing.
func fit(face font.Face, text string, width int) string {
	text = strings.Join(strings.Fields(text), " ")
	if font.MeasureString(face, text).Ceil() <= width {
		return text
	}
	letters := []rune(text)
	for len(letters) > 0 && font.MeasureString(face, string(letters)+"…").Ceil() > width {
		letters = letters[:len(letters)-1]
	}
	return string(letters) + "…"
}

func write(onto draw.Image, face font.Face, text string, x, y int) {
	drawer := font.Drawer{Dst: onto, Src: image.NewUniform(color.Black), Face: face, Dot: fixed.P(x, y)}
	drawer.DrawString(text)
}
