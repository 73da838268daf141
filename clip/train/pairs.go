package train

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A Pair is a picture and the text that describes it.
type Pair struct {
	// Name says where it is from, for errors.
	Name    string
	Picture *imageio.RGB
	Text    string
}

// Pairs are pictures with texts, to be read in any order. They may be used from many goroutines at once.
type Pairs struct {
	count    int
	read     func(i int) (Pair, error)
	problems []error
}

// NewPairs returns pairs that a function reads: it is called with 0 to count-1, from many goroutines at
// once, and its error does not end the work on the others. The error is [torch.ErrInvalid] if count is
// negative or read is nil.
func NewPairs(count int, read func(i int) (Pair, error)) (*Pairs, error) {
	if count < 0 || read == nil {
		return nil, failed("NewPairs", fmt.Errorf("there are %d pairs and a function that is nil: %v, wanted 0 or more and a function: %w", count, read == nil, torch.ErrInvalid))
	}
	return &Pairs{count: count, read: read}, nil
}

// Len returns the number of pairs.
func (p *Pairs) Len() int {
	if p == nil {
		return 0
	}
	return p.count
}

// Read reads pair i. The error names it.
func (p *Pairs) Read(i int) (pair Pair, err error) {
	if i < 0 || i >= p.Len() {
		return Pair{}, failed("Read", fmt.Errorf("there is no pair %d of %d: %w", i, p.Len(), torch.ErrInvalid))
	}
	defer func() {
		if reason := recover(); reason != nil { // the function may be anyone's
			err = failed("Read", fmt.Errorf("reading pair %d failed: %v", i, reason))
		}
	}()
	pair, err = p.read(i)
	switch {
	case err != nil:
		return Pair{}, failed("Read", err)
	case pair.Picture == nil:
		return Pair{}, failed("Read", fmt.Errorf("%s has no picture: %w", pair.Name, torch.ErrInvalid))
	case strings.TrimSpace(pair.Text) == "":
		return Pair{}, failed("Read", fmt.Errorf("%s has an empty text: %w", pair.Name, torch.ErrInvalid))
	case !utf8.ValidString(pair.Text):
		return Pair{}, failed("Read", fmt.Errorf("%s has a text that is not UTF-8: %w", pair.Name, torch.ErrInvalid))
	}
	return pair, nil
}

// Problems returns what was no pair when they were opened, such as a picture without a text.
func (p *Pairs) Problems() []error {
	if p == nil {
		return nil
	}
	return slices.Clone(p.problems)
}

// ErrNoPairs is the error for a source without a pair.
var ErrNoPairs = errors.New("there are no pairs")

// Split returns two parts: of each count pairs in turn one, for validation, in the second.
func (p *Pairs) Split(count int) (training, validation *Pairs, err error) {
	if count < 2 || p.Len() < count {
		return nil, nil, failed("Split", fmt.Errorf("one of each %d of %d pairs, wanted at least 2, and as many pairs: %w", count, p.Len(), torch.ErrInvalid))
	}
	held := p.Len() / count
	training = &Pairs{count: p.Len() - held, problems: p.problems, read: func(i int) (Pair, error) {
		return p.read(i + min(i/(count-1), held))
	}}
	validation = &Pairs{count: held, read: func(i int) (Pair, error) { return p.read(i*count + count - 1) }}
	return training, validation, nil
}

// OpenPairs opens a folder of pictures with captions ([FolderPairs]), a table ([TablePairs]) whose name ends
// with .csv or .tsv, or shards of webdataset ([ShardPairs]): a .tar file, a pattern such as "data/*.tar", or a
// folder of them. columns are those of a table.
func OpenPairs(path string, columns TableColumns) (*Pairs, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		if shards, _ := filepath.Glob(filepath.Join(path, "*.tar")); len(shards) > 0 {
			return ShardPairs(shards...)
		}
		return FolderPairs(path)
	case err != nil && strings.ContainsAny(path, "*?["):
		shards, err := filepath.Glob(path)
		if err != nil {
			return nil, failed("OpenPairs", fmt.Errorf("%q is no pattern: %w", path, err))
		}
		if len(shards) == 0 {
			return nil, failed("OpenPairs", fmt.Errorf("no file matches %s: %w", path, ErrNoPairs))
		}
		return ShardPairs(shards...)
	case err != nil:
		return nil, failed("OpenPairs", err)
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv":
		return TablePairs(path, columns)
	case ".tar":
		return ShardPairs(path)
	}
	return nil, failed("OpenPairs", fmt.Errorf("%s is no folder, and its name does not end with .csv, .tsv or .tar: %w", path, torch.ErrInvalid))
}

// largestText is far above the size of any caption.
const largestText = 1 << 20

// FolderPairs returns the pictures in a folder and below it, except hidden ones, with the texts in the files
// of the same name with the extension .txt, in the order of their names. A picture without such a file is one
// of [Pairs.Problems].
func FolderPairs(folder string) (*Pairs, error) {
	var pictures []string
	p := &Pairs{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == folder:
		case strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(entry.Name(), ".") || entry.IsDir() || !imageio.HasExtension(path) || !isFile(path):
		case !isFile(captionOf(path)):
			p.problems = append(p.problems, fmt.Errorf("%s has no text beside it: %s is missing", path, filepath.Base(captionOf(path))))
		default:
			pictures = append(pictures, path)
		}
		return nil
	})
	if err != nil {
		return nil, failed("FolderPairs", err)
	}
	if len(pictures) == 0 {
		return nil, failed("FolderPairs", fmt.Errorf("%s has no picture with a text of the same name, such as a.jpg with a.txt: %w", folder, ErrNoPairs))
	}
	p.count = len(pictures)
	p.read = func(i int) (Pair, error) {
		picture, err := imageio.Load(pictures[i], imageio.Options{})
		if err != nil {
			return Pair{}, err
		}
		text, err := readText(captionOf(pictures[i]))
		return Pair{pictures[i], picture, text}, err
	}
	return p, nil
}

func captionOf(picture string) string {
	return strings.TrimSuffix(picture, filepath.Ext(picture)) + ".txt"
}

// isFile reports whether a path is a regular file, or a link to one.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// readText reads a file that is not larger than any caption.
func readText(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return limited(file, path)
}

// limited reads a text of which name says where it is.
func limited(r io.Reader, name string) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, largestText+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > largestText {
		return "", fmt.Errorf("%s has more than %d bytes, too many for a text about a picture: %w", name, largestText, torch.ErrInvalid)
	}
	return strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")), nil
}
