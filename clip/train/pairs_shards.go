package train

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// A member is the contents of a file in a shard.
type member struct{ offset, size int64 }

// A shardPair is a picture and a text in a shard.
type shardPair struct {
	shard         int
	key           string
	picture, text member
}

// ShardPairs returns the pairs of webdataset's shards: tar files in which files that follow each other with the
// same name up to its first dot are a pair, a picture and a .txt. The headers are read once; pictures are read
// where they are. What lacks a picture or a text is one of [Pairs.Problems], as is the rest of a shard that
// is damaged. Compressed shards cannot be read in any order, and are an error.
func ShardPairs(shards ...string) (*Pairs, error) {
	p := &Pairs{}
	var pairs []shardPair
	for i, shard := range shards {
		found, problems, err := indexShard(shard, i)
		if err != nil {
			return nil, failed("ShardPairs", err)
		}
		pairs = append(pairs, found...)
		p.problems = append(p.problems, problems...)
	}
	if len(pairs) == 0 {
		return nil, failed("ShardPairs", fmt.Errorf("no picture with a text is in %s: %w", strings.Join(shards, ", "), errors.Join(append([]error{ErrNoPairs}, p.problems...)...)))
	}
	p.count = len(pairs)
	p.read = func(i int) (Pair, error) { return pairs[i].read(shards[pairs[i].shard]) }
	return p, nil
}

// indexShard returns the pairs of one shard.
func indexShard(name string, shard int) (pairs []shardPair, problems []error, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if err := notCompressed(file, name); err != nil {
		return nil, nil, err
	}
	var at shardPair
	finish := func() {
		switch {
		case at.key == "" || at.picture.size == 0 && at.text.size == 0:
		case at.picture.size == 0:
			problems = append(problems, fmt.Errorf("%s: %s has a text and no picture", name, at.key))
		case at.text.size == 0:
			problems = append(problems, fmt.Errorf("%s: %s has a picture and no text", name, at.key))
		default:
			pairs = append(pairs, at)
		}
		at = shardPair{}
	}
	headers := tar.NewReader(file)
	for {
		header, err := headers.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			finish()
			problems = append(problems, fmt.Errorf("%s is damaged after %d pairs: %w", name, len(pairs), err))
			break
		}
		offset, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, nil, err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if offset+header.Size > info.Size() {
			finish()
			problems = append(problems, fmt.Errorf("%s is damaged after %d pairs: it ends within %s", name, len(pairs), header.Name))
			break
		}
		folder, base := path.Split(header.Name)
		key, extension, _ := strings.Cut(base, ".")
		if key = folder + key; key != at.key {
			finish()
			at = shardPair{shard: shard, key: key}
		}
		switch extension = strings.ToLower(extension); {
		case extension == "txt":
			at.text = member{offset, header.Size}
		case imageio.HasExtension("." + extension):
			at.picture = member{offset, header.Size}
		}
	}
	finish()
	return pairs, problems, nil
}

// notCompressed returns an error for the first bytes of gzip, bzip2, xz and zstd.
func notCompressed(file io.ReaderAt, name string) error {
	start := make([]byte, 6)
	if _, err := file.ReadAt(start, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for magic, kind := range map[string]string{"\x1f\x8b": "gzip", "BZh": "bzip2", "\xfd7zXZ\x00": "xz", "\x28\xb5\x2f\xfd": "zstd"} {
		if strings.HasPrefix(string(start), magic) {
			return fmt.Errorf("%s is compressed by %s, in which pairs cannot be read in any order: decompress it first", name, kind)
		}
	}
	return nil
}

func (s shardPair) read(shard string) (Pair, error) {
	file, err := os.Open(shard)
	if err != nil {
		return Pair{}, err
	}
	defer file.Close()
	name := shard + ":" + s.key
	picture, err := imageio.Decode(io.NewSectionReader(file, s.picture.offset, s.picture.size), imageio.Options{})
	if err != nil {
		return Pair{}, fmt.Errorf("%s: %w", name, err)
	}
	text, err := limited(io.NewSectionReader(file, s.text.offset, s.text.size), name)
	return Pair{name, picture, text}, err
}
