package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// pictureExtensions are the extensions of the files in a folder that count as images.
var pictureExtensions = imageio.Extensions()

// aboutPictures describes image arguments in the help of commands.
const aboutPictures = `A picture is a file, a folder (all pictures in it and below it), a pattern such as "photos/*.jpg", or
- for standard input. What cannot be read is told at the end; the others are done all the same. With --json,
a byte of a file's name that is not UTF-8 is written as Python's surrogateescape does: \udcXX.`

// standardInput is the file for the argument -.
const standardInput = "/dev/stdin"

// An input is an image given as an argument.
type input struct {
	name string // the name that the user gave
	path string
	// below is the path below the folder that the user gave; "" if it was no folder.
	below string
}

// told adds the input's name to an error.
func (i input) told(err error) error {
	if i.path != standardInput {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), standardInput, "standard input"))
}

// expand returns the images that the arguments refer to. An argument without any is a failure.
func expand(arguments []string) ([]input, *failures) {
	var inputs []input
	failed := new(failures)
	for _, argument := range arguments {
		found, err := expandOne(argument)
		if err == nil && argument == "-" && slices.Contains(inputs, found[0]) {
			err = errors.New("- was given twice, and standard input can be read only once")
		}
		if err != nil {
			failed.add(err)
			failed.inputs++
			failed.arguments = append(failed.arguments, failedInput{fileName(argument), oneLine(err)})
			continue
		}
		inputs = append(inputs, found...)
	}
	failed.inputs += len(inputs)
	return inputs, failed
}

func expandOne(argument string) ([]input, error) {
	switch argument {
	case "":
		return nil, errors.New(`the name of a picture is empty: "" was given`)
	case "-":
		return []input{{name: "-", path: standardInput}}, nil
	}
	info, err := os.Stat(argument)
	switch {
	case err == nil && info.IsDir():
		return picturesIn(argument)
	case err == nil:
		return []input{{name: argument, path: argument}}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !strings.ContainsAny(argument, "*?["):
		return nil, fmt.Errorf("%s does not exist", argument)
	}
	paths, err := filepath.Glob(argument)
	if err != nil {
		return nil, fmt.Errorf("%q is no pattern: %w", argument, err)
	}
	var inputs []input
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			inputs = append(inputs, input{name: path, path: path})
		}
	}
	if len(inputs) == 0 {
		return nil, fmt.Errorf("no file matches %s", argument)
	}
	return inputs, nil
}

// picturesIn returns the images in a folder and below it, sorted by name, except hidden ones.
func picturesIn(folder string) ([]input, error) {
	var inputs []input
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == folder:
		case strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(entry.Name(), ".") || entry.IsDir():
		case !isFile(path): // a pipe would be waited for
		case imageio.HasExtension(path):
			below, err := filepath.Rel(folder, path)
			if err != nil {
				return err
			}
			inputs = append(inputs, input{name: path, path: path, below: below})
		}
		return nil
	})
	if err == nil && len(inputs) == 0 {
		err = fmt.Errorf("there is no picture in the folder %s", folder)
	}
	return inputs, err
}

// isFile reports whether a path is a regular file, or a link to one.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// loadOne loads the single image that an argument refers to.
func loadOne(flag, argument string) (*imageio.RGB, error) {
	inputs, err := expandOne(argument)
	if err != nil {
		return nil, err
	}
	if len(inputs) != 1 {
		return nil, fmt.Errorf("%s %s stands for %d pictures, wanted one", flag, argument, len(inputs))
	}
	picture, err := imageio.Load(inputs[0].path, imageio.Options{})
	if err != nil {
		return nil, inputs[0].told(err)
	}
	return picture, nil
}
