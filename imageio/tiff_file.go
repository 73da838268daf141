package imageio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// TIFF without libtiff: this file reads the directory, and tiff_blocks.go the blocks of samples,
// with decoders of the Go project. Errors say what needs the library.

// The tags that are used, by their names in the specification.
const (
	tiffImageWidth      = 256
	tiffImageLength     = 257
	tiffBitsPerSample   = 258
	tiffCompression     = 259
	tiffPhotometric     = 262
	tiffFillOrder       = 266
	tiffStripOffsets    = 273
	tiffSamplesPerPixel = 277
	tiffRowsPerStrip    = 278
	tiffStripByteCounts = 279
	tiffPlanar          = 284
	tiffT4Options       = 292
	tiffPredictor       = 317
	tiffColorMap        = 320
	tiffTileWidth       = 322
	tiffTileLength      = 323
	tiffTileOffsets     = 324
	tiffTileByteCounts  = 325
	tiffExtraSamples    = 338
	tiffSampleFormat    = 339
	tiffJPEGTables      = 347
)

// needsLibtiff returns the error for a kind of TIFF that needs the library.
func needsLibtiff(format string, args ...any) error {
	return fmt.Errorf("TIFF "+format+" needs libtiff: install its headers and run make again", args...)
}

// tiffTags are the integers in the first directory.
type tiffTags struct {
	order  binary.ByteOrder
	values map[int][]int
}

func (t *tiffTags) first(tag, otherwise int) int {
	if values := t.values[tag]; len(values) > 0 {
		return values[0]
	}
	return otherwise
}

// readTIFFTags reads the first directory of a TIFF or BigTIFF file.
func readTIFFTags(data []byte) (*tiffTags, error) {
	if len(data) < 16 {
		return nil, io.ErrUnexpectedEOF
	}
	t := &tiffTags{order: binary.LittleEndian, values: map[int][]int{}}
	if data[0] == 'M' {
		t.order = binary.BigEndian
	}
	// The number of bytes of an offset. An entry has 12 bytes in classic TIFF and 20 in BigTIFF.
	const classic, big = 4, 8
	width := classic
	if t.order.Uint16(data[2:]) == 43 {
		width = big
	}
	offset := func(b []byte) uint64 {
		if width == big {
			return t.order.Uint64(b)
		}
		return uint64(t.order.Uint32(b))
	}
	directory := offset(data[width:])
	if directory > uint64(len(data)-8) {
		return nil, io.ErrUnexpectedEOF
	}
	entries := data[directory:]
	count := uint64(t.order.Uint16(entries))
	if width == big {
		count = t.order.Uint64(entries)
		entries = entries[8:]
	} else {
		entries = entries[2:]
	}
	length := 4 + 2*width
	if count > uint64(len(entries)/length) {
		return nil, io.ErrUnexpectedEOF
	}
	for i := range int(count) {
		entry := entries[i*length:][:length]
		kind, values := t.order.Uint16(entry[2:]), offset(entry[4:])
		each := tiffWidths[kind]
		if each == 0 {
			continue // strings, fractions and others
		}
		if values > uint64(len(data)/each) {
			return nil, io.ErrUnexpectedEOF
		}
		at := entry[4+width:]
		if size := int(values) * each; size > width {
			start := offset(at)
			if start > uint64(len(data)) || uint64(size) > uint64(len(data))-start {
				return nil, io.ErrUnexpectedEOF
			}
			at = data[start:]
		}
		numbers := make([]int, values)
		for n := range numbers {
			numbers[n] = t.number(at[n*each:], each)
		}
		t.values[int(t.order.Uint16(entry))] = numbers
	}
	return t, nil
}

// tiffWidths are the sizes in bytes of integer types.
var tiffWidths = map[uint16]int{1: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 18: 8}

func (t *tiffTags) number(b []byte, width int) int {
	switch width {
	case 1:
		return int(b[0])
	case 2:
		return int(t.order.Uint16(b))
	case 4:
		return int(t.order.Uint32(b))
	}
	return int(t.order.Uint64(b))
}

// header returns what the image decodes to, as libtiff would.
func (t *tiffTags) header() (h cpicture.TIFFHeader, err error) {
	h = cpicture.TIFFHeader{
		Width: t.first(tiffImageWidth, 0), Height: t.first(tiffImageLength, 0),
		Samples: t.first(tiffSamplesPerPixel, 1), Bits: t.first(tiffBitsPerSample, 1),
		Photometric: t.first(tiffPhotometric, 0), SampleFormat: t.first(tiffSampleFormat, tiffUnsigned),
		Planar: t.first(tiffPlanar, 1), Compression: t.first(tiffCompression, tiffUncompressed),
		ExtraKinds: t.values[tiffExtraSamples],
	}
	const most = 1 << 31
	if h.Width <= 0 || h.Height <= 0 || h.Width >= most || h.Height >= most || h.Samples <= 0 || h.Bits <= 0 {
		return h, fmt.Errorf("its size is %dx%d with %d x %d bits", h.Width, h.Height, h.Samples, h.Bits)
	}
	for _, bits := range t.values[tiffBitsPerSample] {
		if bits != h.Bits {
			return h, fmt.Errorf("TIFF with samples of %d bits beside some of %d is not supported", bits, h.Bits)
		}
	}
	if h.Photometric == tiffYCbCr && h.Samples != 1 {
		if h.Compression != tiffJPEG || h.Planar == tiffPlanes || h.Samples != 3 || h.Bits != 8 {
			return h, needsLibtiff("in YCbCr, but for JPEG,")
		}
		h.Photometric = tiffRGB
	}
	if colors := t.values[tiffColorMap]; h.Photometric == tiffPalette && h.Bits <= 8 {
		count := 1 << h.Bits
		if len(colors) != 3*count {
			return h, errors.New("the TIFF data has no palette")
		}
		for i := range count {
			h.Palette = append(h.Palette, [3]uint8{uint8(colors[i] >> 8), uint8(colors[count+i] >> 8), uint8(colors[2*count+i] >> 8)})
		}
	}
	return h, nil
}

// tiffHeader reads an image's header with libtiff, or without it.
func tiffHeader(data []byte) (cpicture.TIFFHeader, *tiffTags, error) {
	tags, tagsErr := readTIFFTags(data)
	if cpicture.TIFFLibrary() == "" {
		if tagsErr != nil {
			return cpicture.TIFFHeader{}, nil, tagsErr
		}
		header, err := tags.header()
		return header, tags, err
	}
	header, err := cpicture.ReadTIFFHeader(data)
	if err == nil && tagsErr == nil && tags.values[tiffExtraSamples] == nil {
		header.ExtraKinds = nil // libtiff invents what the file does not say
	}
	return header, tags, err
}
