package imageio

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math/bits"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"
)

// The compressions of TIFF that are supported without libtiff, and the names of others.
const (
	tiffUncompressed = 1
	tiffGroup3       = 3
	tiffGroup4       = 4
	tiffLZW          = 5
	tiffJPEG         = 7
	tiffDeflate      = 8
	tiffOldDeflate   = 32946
	tiffPackBits     = 32773
)

var tiffCompressions = map[int]string{
	2: "CCITT run lengths", 6: "old JPEG", 9: "JBIG", 32809: "ThunderScan", 34676: "SGI log", 34677: "SGI log", 34712: "JPEG 2000",
	34887: "LERC", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL",
}

// tiffBlocks are the strips or tiles of an image: blocks of samples of the same size.
type tiffBlocks struct {
	*tiffPicture
	tags                   *tiffTags
	data                   []byte
	offsets, counts        []int
	width, height          int // in pixels
	across, down           int // number of blocks in each direction
	channels               int // samples of a pixel in a block
	stride, pictureStride  int // bytes of a row
	fillOrder, predictorIs int
}

// decodeTIFFBlocks does what cpicture.DecodeTIFF does.
func decodeTIFFBlocks(data []byte, t *tiffPicture, tags *tiffTags) ([]uint8, error) {
	b := &tiffBlocks{
		tiffPicture: t, tags: tags, data: data, offsets: tags.values[tiffStripOffsets], counts: tags.values[tiffStripByteCounts],
		width: t.Width, height: min(tags.first(tiffRowsPerStrip, t.Height), t.Height), channels: t.Samples,
		fillOrder: tags.first(tiffFillOrder, 1), predictorIs: tags.first(tiffPredictor, 1),
	}
	planes := 1
	if t.Planar == tiffPlanes {
		planes, b.channels = t.Samples, 1
	}
	if tags.values[tiffTileWidth] != nil {
		b.width, b.height = tags.first(tiffTileWidth, 0), tags.first(tiffTileLength, 0)
		b.offsets, b.counts = tags.values[tiffTileOffsets], tags.values[tiffTileByteCounts]
	}
	const most = 1 << 16 // pixels of a tile's side
	if b.width <= 0 || b.height <= 0 || (b.width > most && b.width != t.Width) || (b.height > most && b.height != t.Height) {
		return nil, fmt.Errorf("the TIFF data has blocks of %dx%d pixels", b.width, b.height)
	}
	b.across, b.down = (t.Width+b.width-1)/b.width, (t.Height+b.height-1)/b.height
	pixelBits := b.channels * t.Bits
	b.stride, b.pictureStride = (b.width*pixelBits+7)/8, (t.Width*pixelBits+7)/8
	if b.across > 1 && b.width*pixelBits%8 != 0 {
		return nil, errors.New("the tiles of the TIFF data end within a byte")
	}
	if len(b.offsets) < planes*b.across*b.down || len(b.counts) < planes*b.across*b.down {
		return nil, io.ErrUnexpectedEOF
	}
	// A tile may be larger than a small image, within limits.
	const largest = 64 << 20
	if size := b.stride * b.height; size > largest && size > b.pictureStride*t.Height {
		return nil, fmt.Errorf("the TIFF data has blocks of %d bytes", size)
	}
	out := make([]uint8, planes*b.pictureStride*t.Height)
	for plane := range planes {
		for i := range b.across * b.down {
			if err := b.place(out[plane*b.pictureStride*t.Height:], plane*b.across*b.down+i, i%b.across, i/b.across); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// place decodes a block and copies it to its place in its plane.
func (b *tiffBlocks) place(plane []uint8, index, column, row int) error {
	offset, count := b.offsets[index], b.counts[index]
	if offset < 0 || count < 0 || offset > len(b.data) || count > len(b.data)-offset {
		return io.ErrUnexpectedEOF
	}
	rows := b.height
	if b.tags.values[tiffTileWidth] == nil {
		rows = min(rows, b.Height-row*b.height) // the last strip may be shorter, tiles may not
	}
	block, err := b.decompress(b.data[offset:offset+count], rows)
	if err != nil {
		return err
	}
	at := column * b.stride
	length := min(b.stride, b.pictureStride-at)
	for y := range min(rows, b.Height-row*b.height) {
		copy(plane[(row*b.height+y)*b.pictureStride+at:][:length], block[y*b.stride:])
	}
	return nil
}

// decompress returns the samples of a block in the processor's byte order.
func (b *tiffBlocks) decompress(in []byte, rows int) ([]byte, error) {
	size := rows * b.stride
	if b.fillOrder == 2 && b.Compression != tiffJPEG {
		reversed := make([]byte, len(in))
		for i, v := range in {
			reversed[i] = bits.Reverse8(v)
		}
		in = reversed
	}
	var out []byte
	var err error
	switch b.Compression {
	case tiffUncompressed:
		if len(in) < size {
			return nil, io.ErrUnexpectedEOF
		}
		out = bytes.Clone(in[:size])
	case tiffLZW:
		out, err = readFull(lzw.NewReader(bytes.NewReader(in), lzw.MSB, 8), size)
	case tiffDeflate, tiffOldDeflate:
		var r io.Reader
		if r, err = zlib.NewReader(bytes.NewReader(in)); err == nil {
			out, err = readFull(r, size)
		}
	case tiffPackBits:
		out, err = unpackPackBits(in, size)
	case tiffGroup3, tiffGroup4:
		out, err = b.fax(in, rows, size)
	case tiffJPEG:
		return b.jpeg(in, rows, size)
	default:
		return nil, needsLibtiff("with compression %d (%s)", b.Compression, tiffCompressions[b.Compression])
	}
	if err != nil {
		return nil, err
	}
	return out, b.undoPredictor(out)
}

func readFull(r io.Reader, size int) ([]byte, error) {
	var out bytes.Buffer
	// In steps, since a short block may claim to be large.
	if _, err := io.CopyN(&out, r, int64(size)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unpackPackBits decodes Apple's run-length encoding.
func unpackPackBits(in []byte, size int) ([]byte, error) {
	if size > 128*len(in) {
		return nil, io.ErrUnexpectedEOF
	}
	out := make([]byte, 0, size)
	for len(out) < size {
		if len(in) < 2 {
			return nil, io.ErrUnexpectedEOF
		}
		count := int(int8(in[0]))
		switch {
		case count >= 0:
			if len(in) < 2+count {
				return nil, io.ErrUnexpectedEOF
			}
			out = append(out, in[1:2+count]...)
			in = in[2+count:]
		case count == -128: // no operation
			in = in[1:]
		default:
			out = append(out, bytes.Repeat(in[1:2], 1-count)...)
			in = in[2:]
		}
	}
	return out[:size], nil
}

// fax decodes a bilevel block, with 1 for black.
func (b *tiffBlocks) fax(in []byte, rows, size int) ([]byte, error) {
	if b.channels != 1 || b.Bits != 1 {
		return nil, errors.New("the TIFF data has a fax's compression and is not bilevel")
	}
	format := ccitt.Group4
	if b.Compression == tiffGroup3 {
		format = ccitt.Group3
		const twoDimensional, uncompressed = 1, 2
		if options := b.tags.first(tiffT4Options, 0); options&(twoDimensional|uncompressed) != 0 {
			return nil, needsLibtiff("of fax group 3 in two dimensions")
		}
	}
	return readFull(ccitt.NewReader(bytes.NewReader(in), ccitt.MSB, format, b.width, rows, &ccitt.Options{Invert: true}), size)
}

// jpeg decodes a block that is a JPEG stream, whose tables may be stored once in the directory.
func (b *tiffBlocks) jpeg(in []byte, rows, size int) ([]byte, error) {
	const startOfImage, endOfImage = "\xff\xd8", "\xff\xd9"
	if !bytes.HasPrefix(in, []byte(startOfImage)) {
		return nil, errors.New("a block of the TIFF data is no JPEG stream")
	}
	var tables []byte
	for _, v := range b.tags.values[tiffJPEGTables] {
		tables = append(tables, byte(v))
	}
	tables = bytes.TrimSuffix(bytes.TrimPrefix(tables, []byte(startOfImage)), []byte(endOfImage))
	// Adobe's marker says which colors these are; without it they are guessed.
	transform := byte(0)
	if b.tags.first(tiffPhotometric, 0) == tiffYCbCr {
		transform = 1
	}
	adobe := append([]byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"), transform)
	stream := bytes.Join([][]byte{[]byte(startOfImage), adobe, tables, in[2:]}, nil)
	stored := &Stored{}
	found, err := jpegSize(stream)
	if err != nil {
		return nil, err
	}
	if found.X != b.width || found.Y < rows || found.Y > max(rows, b.height) || b.Bits != 8 {
		return nil, fmt.Errorf("a block of the TIFF data is a JPEG stream of %dx%d pixels", found.X, found.Y)
	}
	if err := decodeJPEG(stream, stored); err != nil {
		return nil, err
	}
	var out []byte
	switch img := stored.image.(type) {
	case *image.Gray:
		out = packedRows(img.Pix, img.Stride, img.Rect, 1).pix
	case *image.CMYK:
		out = packedRows(img.Pix, img.Stride, img.Rect, 4).pix
		for i := range out {
			out[i] = 255 - out[i] // decodeJPEG takes them as Adobe's
		}
	default:
		out = fromImage(img, nil).Pix
	}
	if len(out) < size || len(out)/found.Y != b.stride {
		return nil, errors.New("a block of the TIFF data is a JPEG stream in other colors")
	}
	return out[:size], nil
}

// undoPredictor adds up differences (2 for integers, 3 for floats), and converts samples to the
// processor's byte order.
func (b *tiffBlocks) undoPredictor(block []byte) error {
	const none, horizontal, floats = 1, 2, 3
	each := b.Bits / 8
	switch {
	case b.predictorIs == floats && b.SampleFormat == tiffFloat && b.Bits == 32:
		for row := range rowsOf(block, b.stride) {
			undoFloatPredictor(row, b.channels, each)
		}
		return nil
	case b.predictorIs != none && b.predictorIs != horizontal:
		return needsLibtiff("with predictor %d in %d bits", b.predictorIs, b.Bits)
	case b.predictorIs == horizontal && b.Bits != 8 && b.Bits != 16 && b.Bits != 32:
		return needsLibtiff("with predictor %d in %d bits", b.predictorIs, b.Bits)
	}
	native, stored := binary.NativeEndian, b.tags.order
	differs := b.predictorIs == horizontal
	for row := range rowsOf(block, b.stride) {
		switch b.Bits {
		case 8:
			for i := b.channels; differs && i < len(row); i++ {
				row[i] += row[i-b.channels]
			}
		case 16:
			for i := 0; i+2 <= len(row); i += 2 {
				v := stored.Uint16(row[i:])
				if back := i - 2*b.channels; differs && back >= 0 {
					v += native.Uint16(row[back:])
				}
				native.PutUint16(row[i:], v)
			}
		case 32:
			for i := 0; i+4 <= len(row); i += 4 {
				v := stored.Uint32(row[i:])
				if back := i - 4*b.channels; differs && back >= 0 {
					v += native.Uint32(row[back:])
				}
				native.PutUint32(row[i:], v)
			}
		}
	}
	return nil
}

// rowsOf returns the rows of a block.
func rowsOf(block []byte, stride int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for ; len(block) >= stride && stride > 0; block = block[stride:] {
			if !yield(block[:stride]) {
				return
			}
		}
	}
}

// undoFloatPredictor adds up bytes, which are sorted by significance, all highest bytes first
// (Adobe's technical note 3).
func undoFloatPredictor(row []byte, channels, each int) {
	for i := channels; i < len(row); i++ {
		row[i] += row[i-channels]
	}
	in := bytes.Clone(row)
	count := len(row) / each
	for i := range count {
		var v uint32
		for j := range each {
			v = v<<8 | uint32(in[j*count+i])
		}
		binary.NativeEndian.PutUint32(row[each*i:], v)
	}
}
