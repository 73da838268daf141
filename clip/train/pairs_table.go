package train

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// TableColumns name the columns of a table. An empty name stands for the first column with one of the usual
// names: filepath, filename, file_name, image, image_path, path or file; and title, caption, text or sentence.
type TableColumns struct {
	Picture, Text string
}

var (
	pictureColumns = []string{"filepath", "filename", "file_name", "image", "image_path", "path", "file"}
	textColumns    = []string{"title", "caption", "text", "sentence"}
)

// TablePairs returns the pairs of a table with a header, a line each (open_clip's csv). Cells are separated by
// tabs if the header has one, else by semicolons or commas. Paths of pictures are relative to the table's folder. A
// line with too few cells is one of [Pairs.Problems].
func TablePairs(path string, columns TableColumns) (*Pairs, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, failed("TablePairs", err)
	}
	defer file.Close()
	p, err := readTable(file, filepath.Dir(path), columns)
	if err != nil {
		return nil, failed("TablePairs", fmt.Errorf("%s: %w", path, err))
	}
	for i, problem := range p.problems {
		p.problems[i] = fmt.Errorf("%s: %w", path, problem)
	}
	return p, nil
}

// longestHeader bounds the part of a file in which its header must end.
const longestHeader = 1 << 16

func readTable(r io.Reader, folder string, columns TableColumns) (*Pairs, error) {
	buffered := bufio.NewReaderSize(r, longestHeader)
	start, err := buffered.Peek(longestHeader)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	start = bytes.TrimPrefix(start, []byte("\ufeff"))
	header, _, _ := bytes.Cut(start, []byte("\n"))
	table := csv.NewReader(buffered)
	table.Comma = separator(header)
	table.LazyQuotes = true
	table.FieldsPerRecord = -1
	table.ReuseRecord = true
	names, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("its header cannot be read: %w: %w", err, ErrNoPairs)
	}
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	picture, err := column(names, columns.Picture, pictureColumns, "pictures")
	if err != nil {
		return nil, err
	}
	text, err := column(names, columns.Text, textColumns, "texts")
	if err != nil {
		return nil, err
	}
	var rows [][2]string
	p := &Pairs{}
	for {
		cells, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := table.FieldPos(0)
		switch malformed := (*csv.ParseError)(nil); {
		case errors.As(err, &malformed):
			p.problems = append(p.problems, fmt.Errorf("line %d: %w", malformed.StartLine, malformed.Err))
		case err != nil:
			return nil, err
		case len(cells) <= max(picture, text):
			p.problems = append(p.problems, fmt.Errorf("line %d has %d cells, wanted at least %d", line, len(cells), max(picture, text)+1))
		case strings.TrimSpace(cells[picture]) == "" || strings.TrimSpace(cells[text]) == "":
			p.problems = append(p.problems, fmt.Errorf("line %d has no picture or no text", line))
		default:
			rows = append(rows, [2]string{strings.Clone(cells[picture]), strings.Clone(cells[text])})
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("it has no line with a picture and a text: %w", ErrNoPairs)
	}
	p.count = len(rows)
	p.read = func(i int) (Pair, error) {
		name := rows[i][0]
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		picture, err := imageio.Load(name, imageio.Options{})
		return Pair{name, picture, strings.TrimSpace(rows[i][1])}, err
	}
	return p, nil
}

// separator returns what separates the cells of a header.
func separator(header []byte) rune {
	for _, candidate := range "\t;" {
		if bytes.ContainsRune(header, candidate) {
			return candidate
		}
	}
	return ','
}

// column returns the place of a column by its name, or by one of the usual ones.
func column(names []string, name string, usual []string, what string) (int, error) {
	wanted := usual
	if name != "" {
		wanted = []string{name}
	}
	for _, each := range wanted {
		at := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), each) })
		if at >= 0 {
			return at, nil
		}
	}
	return 0, fmt.Errorf("its header %q has no column %s for the %s: %w", names, strings.Join(wanted, ", "), what, torch.ErrInvalid)
}
