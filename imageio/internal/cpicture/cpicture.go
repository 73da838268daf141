//go:build cgo

package cpicture

// #cgo noescape cpicture_read_jpeg_header
// #cgo nocallback cpicture_read_jpeg_header
// #cgo noescape cpicture_decode_jpeg
// #cgo nocallback cpicture_decode_jpeg
// #cgo noescape cpicture_read_tiff_header
// #cgo nocallback cpicture_read_tiff_header
// #cgo noescape cpicture_decode_tiff
// #cgo nocallback cpicture_decode_tiff
// #include "cpicture/cpicture.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// fits reports whether the library was built from the headers that this package was compiled with.
// Otherwise it counts as missing.
var fits = C.cpicture_abi_version() == C.CPICTURE_ABI_VERSION

// JPEGLibrary returns the JPEG library and its version, such as "libjpeg-turbo 2.1.5", or "" if
// there is none.
func JPEGLibrary() string {
	if !fits {
		return ""
	}
	return C.GoString(C.cpicture_jpeg_library())
}

// TIFFLibrary returns the TIFF library and its version, such as "libtiff 4.5.0", or "" if there is
// none.
func TIFFLibrary() string {
	if !fits {
		return ""
	}
	return C.GoString(C.cpicture_tiff_library())
}

// message is where C writes the reason for a failure.
type message [C.CPICTURE_MESSAGE_SIZE]C.char

func (m *message) at() *C.char { return &m[0] }

// err returns the error for a status, with the library's message.
func (m *message) err(status C.int32_t) error {
	switch status {
	case C.CPICTURE_OK:
		return nil
	case C.CPICTURE_TRUNCATED:
		return fmt.Errorf("%w: %s", ErrTruncated, C.GoString(m.at()))
	case C.CPICTURE_MISSING:
		return ErrMissing
	}
	return errors.New(C.GoString(m.at()))
}

func bytes(data []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(data))) }

// ReadJPEGHeader reads the header of a JPEG stream.
func ReadJPEGHeader(data []byte) (JPEGHeader, error) {
	if !fits {
		return JPEGHeader{}, ErrMissing
	}
	var header C.cpicture_jpeg_header
	var m message
	err := m.err(C.cpicture_read_jpeg_header(bytes(data), C.int64_t(len(data)), &header, m.at()))
	return JPEGHeader{int(header.width), int(header.height), int(header.channels)}, err
}

// DecodeJPEG decodes a JPEG stream to rows without padding, at 1/scale of the size in its header
// (1, 2, 4 or 8; sizes are rounded up). pixels must have room for them.
func DecodeJPEG(data []byte, header JPEGHeader, scale int, pixels []uint8) error {
	width, height := (header.Width+scale-1)/scale, (header.Height+scale-1)/scale
	if len(pixels) != width*height*header.Channels {
		return fmt.Errorf("cpicture: %d bytes are no room for %dx%d pixels", len(pixels), width, height)
	}
	c := C.cpicture_jpeg_header{C.int32_t(header.Width), C.int32_t(header.Height), C.int32_t(header.Channels)}
	var m message
	return m.err(C.cpicture_decode_jpeg(bytes(data), C.int64_t(len(data)), &c, C.int32_t(scale), bytes(pixels), m.at()))
}

// ReadTIFFHeader reads the first directory of a TIFF stream.
func ReadTIFFHeader(data []byte) (TIFFHeader, error) {
	if !fits {
		return TIFFHeader{}, ErrMissing
	}
	c, err := readTIFFHeader(data)
	if err != nil {
		return TIFFHeader{}, err
	}
	header := TIFFHeader{
		Width: int(c.width), Height: int(c.height), Samples: int(c.samples), Bits: int(c.bits),
		Photometric: int(c.photometric), SampleFormat: int(c.sample_format), Planar: int(c.planar),
		Compression: int(c.compression), DecodedBytes: int64(c.decoded_bytes),
	}
	for i := range c.extra_samples {
		kind := C.int32_t(0)
		if int(i) < len(c.extra_kinds) {
			kind = c.extra_kinds[i]
		}
		header.ExtraKinds = append(header.ExtraKinds, int(kind))
	}
	const palette = 3
	if header.Photometric == palette && header.Bits <= 8 {
		for i := range 1 << header.Bits {
			header.Palette = append(header.Palette, [3]uint8{
				uint8(c.palette[0][i] >> 8), uint8(c.palette[1][i] >> 8), uint8(c.palette[2][i] >> 8),
			})
		}
	}
	return header, nil
}

func readTIFFHeader(data []byte) (header C.cpicture_tiff_header, err error) {
	var m message
	err = m.err(C.cpicture_read_tiff_header(bytes(data), C.int64_t(len(data)), &header, m.at()))
	return header, err
}

// DecodeTIFF decodes the first image of a TIFF stream to rows, each padded to whole bytes; samples
// of more than 8 bits are in the processor's byte order. If header.Planar is 2, the planes follow
// one another. samples must have room for header.DecodedBytes.
func DecodeTIFF(data []byte, header TIFFHeader, samples []uint8) error {
	c, err := readTIFFHeader(data)
	if err != nil {
		return err
	}
	if int64(len(samples)) != int64(c.decoded_bytes) || int64(len(samples)) != header.DecodedBytes {
		return fmt.Errorf("cpicture: %d bytes are no room for %d", len(samples), int64(c.decoded_bytes))
	}
	var m message
	return m.err(C.cpicture_decode_tiff(bytes(data), C.int64_t(len(data)), &c, bytes(samples), m.at()))
}
