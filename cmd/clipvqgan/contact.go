package main

import (
	"fmt"
	"image"
	"io"
	"os"
	"sync"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/imageio/sheet"
)

// A contactSheet is the picture of classify --sheet. Its methods do nothing if it is nil.
type contactSheet struct {
	path  string
	mutex sync.Mutex
	sheet *sheet.Sheet
	saved bool
	// left is the number of pictures that had no room.
	left int
	// copied is a file with what came from standard input, which can be read only once.
	copied string
}

const (
	contactSide = 160
	// contactLines is the most lines below each picture.
	contactLines = 5
)

// newContactSheet returns the sheet for a path, or nil if there is none; top is the most labels of a picture.
func newContactSheet(path string, top int) (*contactSheet, error) {
	if path == "" {
		return nil, nil
	}
	if err := imageio.CheckOutputPath(path); err != nil {
		return nil, fmt.Errorf("--sheet: %w", err)
	}
	return &contactSheet{path: path, sheet: sheet.New(sheet.Options{Side: contactSide, Lines: min(top, contactLines) + 1})}, nil
}

// prepare copies standard input to a file, if it is one of the inputs, and puts that in its place.
func (c *contactSheet) prepare(inputs []input) error {
	if c == nil {
		return nil
	}
	for i, given := range inputs {
		if given.path != standardInput {
			continue
		}
		file, err := os.CreateTemp("", "clipvqgan")
		if err != nil {
			return err
		}
		c.copied, inputs[i].path = file.Name(), file.Name()
		// One byte more than a picture may have is told as too many by its decoder.
		_, err = io.Copy(file, io.LimitReader(os.Stdin, imageio.DefaultMaxStreamBytes+1))
		if closing := file.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
	}
	return nil
}

// add adds a picture with its name and labels.
func (c *contactSheet) add(input input, predictions []clip.Prediction) error {
	if c == nil {
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.sheet.Len() >= sheet.Largest {
		c.left++
		return nil
	}
	picture, err := imageio.Load(input.path, imageio.Options{AtLeast: image.Pt(contactSide, contactSide)})
	if err != nil {
		return input.told(err) // it has changed since it was classified
	}
	lines := []string{input.name}
	for _, p := range predictions {
		lines = append(lines, fmt.Sprintf("%.1f %% %s", 100*p.Probability, p.Label))
	}
	return c.sheet.Add(picture, lines...)
}

// save writes the sheet, once. There is none of no pictures.
func (c *contactSheet) save() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.saved || c.sheet.Len() == 0 {
		return nil
	}
	c.saved = true
	return imageio.Save(c.path, c.sheet.Image())
}

// message says what was written.
func (c *contactSheet) message() string {
	switch {
	case c.sheet.Len() == 0:
		return "no sheet was written: no picture could be read"
	case c.left > 0:
		return fmt.Sprintf("wrote %s with the first %d pictures; %d more have no room on it", c.path, c.sheet.Len(), c.left)
	}
	return "wrote " + c.path
}

// close removes the copy of standard input.
func (c *contactSheet) close() {
	if c != nil && c.copied != "" {
		os.Remove(c.copied)
	}
}
