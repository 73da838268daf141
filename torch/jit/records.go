package jit

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// records are the files in an archive of PyTorch's, a zip file, by name. The name of the folder
// that contains them all is left out.
type records map[string]*zip.File

var errDamaged = errors.New("it is damaged")

// openRecords reads an archive's directory, and checks that every record is intact and where the
// directory says. libtorch checks neither: it would load damaged weights, and crash on other
// damage.
func openRecords(r io.ReaderAt, size int64) (records, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w or cut short: %v", errDamaged, err)
	}
	all := records{}
	for _, file := range archive.File {
		_, name, _ := strings.Cut(file.Name, "/")
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("%w: it has %s twice", errDamaged, file.Name)
		}
		// libtorch returns uninitialized memory for a record that is marked as a folder.
		const folder = 0x10
		if file.ExternalAttrs&folder != 0 || strings.HasSuffix(file.Name, "/") {
			return nil, fmt.Errorf("%w: %s is marked as a folder", errDamaged, file.Name)
		}
		all[name] = file
	}
	if err := checkPlaces(r, archive.File); err != nil {
		return nil, err
	}
	return all, checkSums(archive.File)
}

// checkPlaces checks that each record's name precedes its data. The checksums do not cover the
// names in the directory.
func checkPlaces(r io.ReaderAt, files []*zip.File) error {
	type place struct {
		file       *zip.File
		begin, end int64
	}
	var places []place
	for _, file := range files {
		begin, err := file.DataOffset()
		if err != nil {
			return fmt.Errorf("%w at %s: %v", errDamaged, file.Name, err)
		}
		places = append(places, place{file, begin, begin + int64(file.CompressedSize64)})
	}
	slices.SortFunc(places, func(a, b place) int { return int(a.begin - b.begin) })
	end := int64(0)
	for _, each := range places {
		// A record's own header, with padding that aligns the data.
		const longest = 1 << 17
		gap := each.begin - end
		if gap < 0 || gap > longest {
			return fmt.Errorf("%w: %s is not where its directory says", errDamaged, each.file.Name)
		}
		header := make([]byte, gap)
		if _, err := r.ReadAt(header, end); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !bytes.Contains(header, []byte(each.file.Name)) {
			return fmt.Errorf("%w: its directory misnames %s", errDamaged, each.file.Name)
		}
		end = each.end
	}
	return nil
}

func checkSums(files []*zip.File) error {
	const share = 1 << 20 // enough work for a goroutine
	size := uint64(0)
	for _, file := range files {
		size += file.UncompressedSize64
	}
	failures := make([]error, len(files))
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 1+int(min(size, 1<<40)/share)) {
		group.Go(func() {
			buffer := make([]byte, min(size+1, 1<<18))
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				failures[i] = checkSum(files[i], buffer)
			}
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkSum(file *zip.File, buffer []byte) error {
	contents, err := openRecord(file)
	if err != nil {
		return fmt.Errorf("%w at %s: %v", errDamaged, file.Name, err)
	}
	sum := crc32.NewIEEE()
	// The wrappers keep CopyBuffer from bypassing the buffer, which all records share.
	size, err := io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{contents}, buffer)
	if err != nil || size != int64(file.UncompressedSize64) || sum.Sum32() != file.CRC32 {
		return fmt.Errorf("%w at %s", errDamaged, file.Name)
	}
	return nil
}

// openRecord avoids zip's own check of the checksum, which takes a sum of 0 for an absent one,
// where it can.
func openRecord(file *zip.File) (io.Reader, error) {
	if file.Method == zip.Store {
		return file.OpenRaw()
	}
	return file.Open()
}

// extraFolder is the folder of the extra files in an archive.
const extraFolder = "extra/"

// extraFiles reads the extra files.
func (r records) extraFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, file := range r {
		short, ok := strings.CutPrefix(name, extraFolder)
		if !ok || !isRecordName(short) {
			continue
		}
		contents, err := file.Open()
		if err != nil {
			return nil, err
		}
		if files[short], err = io.ReadAll(contents); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func isRecordName(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.Contains(name, "\x00")
}

func (r records) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return r[name] != nil })
}

// notModule says what an archive is that is not a TorchScript module; "" for a module.
func (r records) notModule() string {
	switch {
	case r.has("constants.pkl", "model.json"):
		return ""
	case r.has("archive_format", "serialized_exported_program.json", "serialized_exported_program.pt"):
		return "is a program of torch.export, not a TorchScript module: " + howToScript
	case r.has("data.pkl"):
		if class := r.pickledClass(); class != "" {
			return "is an object of the Python class " + class + ", pickled by torch.save, which only that " +
				"class's Python code can load: " + howToScript
		}
		return "has tensors, written by torch.save, and no TorchScript module: " + howToLoadTensors
	default:
		return "is a zip file, but no TorchScript module: " + howToScript
	}
}

const (
	howToScript      = "in Python, write torch.jit.script(model).save(path)"
	howToLoadTensors = "read them with checkpoint.Load, and give them to Module.LoadStateDict"
)

var (
	// A class in a pickle of PyTorch's: opcode, module, name.
	pickledGlobal = regexp.MustCompile(`c([A-Za-z_][\w.]*)\n([A-Za-z_]\w*)\n`)
	// The modules that a pickle of tensors, numbers, lists and dicts refers to.
	plainModule = regexp.MustCompile(`^(torch|torch\._utils|torch\._tensor|torch\.storage|torch\.serialization|` +
		`torch\.nn\.parameter|collections|numpy|numpy\..*|_codecs|builtins|__builtin__)$`)
)

// pickledClass returns a class that a pickle of tensors does not contain, or "".
func (r records) pickledClass() string {
	contents, err := r["data.pkl"].Open()
	if err != nil {
		return ""
	}
	const enough = 1 << 20
	pickle, err := io.ReadAll(io.LimitReader(contents, enough))
	if err != nil {
		return ""
	}
	for _, global := range pickledGlobal.FindAllSubmatch(pickle, -1) {
		if !plainModule.Match(global[1]) {
			return string(global[1]) + "." + string(global[2])
		}
	}
	return ""
}

// notArchive says what kind of file begins with begin, which is not a zip file.
func notArchive(begin []byte) string {
	starts := func(prefix string) bool { return bytes.HasPrefix(begin, []byte(prefix)) }
	lower := bytes.ToLower(bytes.TrimSpace(begin))
	switch {
	case len(begin) == 0:
		return "is empty"
	case starts("\x80\x02") || starts("\x80\x03") || starts("\x80\x04") || starts("\x80\x05"):
		return "is a Python pickle, as torch.save wrote before PyTorch 1.6, not a TorchScript module: " + howToScript
	case len(begin) > 8 && begin[8] == '{' && bytes.Equal(begin[4:8], make([]byte, 4)):
		return "is a safetensors file, which has tensors and no TorchScript module: " +
			"read them with package torch/safetensors, and give them to Module.LoadStateDict"
	case starts("version https://git-lfs"):
		return "is a pointer of Git LFS, not the file that it stands for: run git lfs pull"
	case bytes.HasPrefix(lower, []byte("<!doctype html")) || bytes.HasPrefix(lower, []byte("<html")):
		return "is a web page, not a TorchScript module: the download went wrong"
	default:
		return "is no TorchScript module: " + howToScript
	}
}
