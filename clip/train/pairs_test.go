package train_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip/train"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// encoded is a PNG whose first pixel says which it is.
func encoded(t testing.TB, number uint8) []byte {
	t.Helper()
	picture := imageio.NewRGB(2, 3)
	picture.Set(0, 0, color.RGBA{number, 0, 0, 255})
	var data bytes.Buffer
	require.NoError(t, imageio.EncodePNG(&data, picture))
	return data.Bytes()
}

func write(t testing.TB, folder string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}
}

// texts returns the texts of pairs with the numbers of their pictures.
func texts(t *testing.T, pairs *train.Pairs) (all []string) {
	t.Helper()
	for i := range pairs.Len() {
		pair, err := pairs.Read(i)
		if err != nil {
			all = append(all, "error")
			continue
		}
		all = append(all, fmt.Sprint(pair.Picture.Pix[0], " ", pair.Text))
	}
	return all
}

func ExampleFolderPairs() {
	_, err := train.FolderPairs("testdata")
	fmt.Println(err)
	// Output: train: FolderPairs: testdata has no picture with a text of the same name, such as a.jpg with a.txt: there are no pairs
}

func TestFolderPairs(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string][]byte{
		"b.png": encoded(t, 2), "b.txt": []byte("\ufefftwo\r\n"), "sub/a.JPG": encoded(t, 1), "sub/a.txt": []byte(" one "),
		"alone.png": encoded(t, 3), "text.txt": []byte("no picture"), ".hidden.png": encoded(t, 4), ".hidden.txt": []byte("x"),
		"bad.png": []byte("no picture"), "bad.txt": []byte("bad"), "z.png": encoded(t, 5), "z.txt": []byte(strings.Repeat("long ", 300_000)),
	})
	pairs, err := train.OpenPairs(folder, train.TableColumns{})
	require.NoError(t, err)
	assert.Equal(t, []string{"2 two", "error", "1 one", "error"}, texts(t, pairs))
	require.Len(t, pairs.Problems(), 1)
	assert.ErrorContains(t, pairs.Problems()[0], "alone.png has no text beside it: alone.txt is missing")
	_, err = pairs.Read(1)
	assert.ErrorContains(t, err, "bad.png")
	_, err = pairs.Read(3)
	assert.ErrorContains(t, err, "z.txt has more than 1048576 bytes")
	_, err = pairs.Read(4)
	assert.ErrorIs(t, err, torch.ErrInvalid)
}

func TestTablePairs(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string][]byte{"a.png": encoded(t, 1), "b/c.png": encoded(t, 2)})
	absolute := filepath.Join(folder, "a.png")
	for name, table := range map[string]struct {
		text    string
		columns train.TableColumns
		want    []string
		problem string
	}{
		"commas":         {"filepath,title\na.png,\"a cat, black\"\nb/c.png,dog\n", train.TableColumns{}, []string{"1 a cat, black", "2 dog"}, ""},
		"tabs":           {"\ufefftitle\tfilepath\r\na 5\" cat\t" + absolute + "\r\n", train.TableColumns{}, []string{"1 a 5\" cat"}, ""},
		"semicolons":     {"id;Caption;File_Name\n7;one;a.png\n8;two;none.png\n", train.TableColumns{}, []string{"1 one", "error"}, ""},
		"columns":        {"x,y,caption\na.png,why,no\n", train.TableColumns{Picture: "x", Text: "y"}, []string{"1 why"}, ""},
		"bad lines":      {"image,text\na.png\na.png,one\n,two\n", train.TableColumns{}, []string{"1 one"}, "line 2 has 1 cells, wanted at least 2"},
		"several lines":  {"image,text\na.png,\"one\ntwo\"\n", train.TableColumns{}, []string{"1 one\ntwo"}, ""},
		"not UTF-8":      {"image,text\na.png,\xff\n", train.TableColumns{}, []string{"error"}, ""},
		"an empty table": {"", train.TableColumns{}, nil, ""},
		"no lines":       {"image,text\n", train.TableColumns{}, nil, ""},
		"other columns":  {"a,b\n1,2\n", train.TableColumns{}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, "table.csv")
			require.NoError(t, os.WriteFile(path, []byte(table.text), 0o600))
			pairs, err := train.OpenPairs(path, table.columns)
			if table.want == nil {
				require.ErrorContains(t, err, "table.csv")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, table.want, texts(t, pairs))
			if table.problem != "" {
				assert.ErrorContains(t, pairs.Problems()[0], table.problem)
			} else {
				assert.Empty(t, pairs.Problems())
			}
		})
	}
}

// A file in a shard.
type file struct {
	name string
	data []byte
}

func shard(t testing.TB, files ...file) []byte {
	t.Helper()
	var data bytes.Buffer
	writer := tar.NewWriter(&data)
	for _, each := range files {
		require.NoError(t, writer.WriteHeader(&tar.Header{Name: each.name, Size: int64(len(each.data)), Mode: 0o600}))
		_, err := writer.Write(each.data)
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
	return data.Bytes()
}

func TestShardPairs(t *testing.T) {
	folder := t.TempDir()
	long := strings.Repeat("a/", 80) + "long"
	first := shard(t, file{"000.png", encoded(t, 1)}, file{"000.txt", []byte("one")}, file{"000.json", []byte("{}")},
		file{"x/001.txt", []byte("two")}, file{"x/001.seg.png", encoded(t, 9)}, file{"x/001.PNG", encoded(t, 2)},
		file{"002.png", encoded(t, 3)}, file{"003.txt", []byte("alone")},
		file{long + ".png", encoded(t, 4)}, file{long + ".txt", []byte("four")})
	second := shard(t, file{"000.png", encoded(t, 5)}, file{"000.txt", []byte("five")}, file{"001.png", encoded(t, 6)}, file{"001.txt", []byte("six")})
	write(t, folder, map[string][]byte{"a.tar": first, "b.tar": second[:len(second)-2*1024-700]})
	for _, path := range []string{folder, filepath.Join(folder, "*.tar")} {
		pairs, err := train.OpenPairs(path, train.TableColumns{})
		require.NoError(t, err)
		assert.Equal(t, []string{"1 one", "2 two", "4 four", "5 five"}, texts(t, pairs))
		var problems []string
		for _, problem := range pairs.Problems() {
			problems = append(problems, problem.Error())
		}
		joined := strings.Join(problems, "\n")
		assert.Contains(t, joined, "a.tar: 002 has a picture and no text")
		assert.Contains(t, joined, "a.tar: 003 has a text and no picture")
		assert.Contains(t, joined, "b.tar is damaged after 1 pairs")
	}

	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	writer.Write(first)
	writer.Close()
	write(t, folder, map[string][]byte{"zipped.tar": compressed.Bytes(), "empty.tar": shard(t), "nothing.tar": []byte("nothing at all")})
	for name, want := range map[string]string{
		"zipped.tar": "is compressed by gzip", "empty.tar": "no picture with a text", "nothing.tar": "damaged after 0 pairs",
		"none.tar": "no such file", "*.tgz": "no file matches", "a.zip": "no such file",
	} {
		_, err := train.OpenPairs(filepath.Join(folder, name), train.TableColumns{})
		assert.ErrorContains(t, err, want)
	}
	write(t, folder, map[string][]byte{"a.zip": nil})
	_, err := train.OpenPairs(filepath.Join(folder, "a.zip"), train.TableColumns{})
	assert.ErrorContains(t, err, "its name does not end with .csv, .tsv or .tar")
}

// FuzzShardPairs: whatever a shard contains, indexing it and reading its pairs ends, without a panic.
func FuzzShardPairs(f *testing.F) {
	f.Add(shard(f, file{"a.png", encoded(f, 1)}, file{"a.txt", []byte("one")}))
	f.Add([]byte{})
	path := filepath.Join(f.TempDir(), "fuzz.tar")
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		if pairs, err := train.ShardPairs(path); err == nil {
			texts(t, pairs)
		}
	})
}

// FuzzTablePairs: whatever a table contains, reading it ends, without a panic.
func FuzzTablePairs(f *testing.F) {
	f.Add([]byte("image,text\na.png,\"one\ntwo\"\n"), "")
	f.Add([]byte("a\tb\n\"\t\x00"), "b")
	path := filepath.Join(f.TempDir(), "fuzz.csv")
	f.Fuzz(func(t *testing.T, data []byte, column string) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		if pairs, err := train.TablePairs(path, train.TableColumns{Text: column}); err == nil {
			assert.Positive(t, pairs.Len())
		}
	})
}

func TestSplit(t *testing.T) {
	pairs, err := train.NewPairs(8, func(i int) (train.Pair, error) {
		return train.Pair{Picture: imageio.NewRGB(1, 1), Text: fmt.Sprint(i)}, nil
	})
	require.NoError(t, err)
	training, validation, err := pairs.Split(3)
	require.NoError(t, err)
	assert.Equal(t, []string{"0 0", "0 1", "0 3", "0 4", "0 6", "0 7"}, texts(t, training))
	assert.Equal(t, []string{"0 2", "0 5"}, texts(t, validation))
	for _, count := range []int{1, 9} {
		_, _, err = pairs.Split(count)
		assert.ErrorIs(t, err, torch.ErrInvalid)
	}
	_, err = train.NewPairs(1, nil)
	assert.ErrorIs(t, err, torch.ErrInvalid)
}
