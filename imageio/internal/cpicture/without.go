//go:build !cgo

package cpicture

// JPEGLibrary returns "": there is none.
func JPEGLibrary() string { return "" }

// TIFFLibrary returns "": there is none.
func TIFFLibrary() string { return "" }

// ReadJPEGHeader returns ErrMissing.
func ReadJPEGHeader([]byte) (JPEGHeader, error) { return JPEGHeader{}, ErrMissing }

// DecodeJPEG returns ErrMissing.
func DecodeJPEG([]byte, JPEGHeader, int, []uint8) error { return ErrMissing }

// ReadTIFFHeader returns ErrMissing.
func ReadTIFFHeader([]byte) (TIFFHeader, error) { return TIFFHeader{}, ErrMissing }

// DecodeTIFF returns ErrMissing.
func DecodeTIFF([]byte, TIFFHeader, []uint8) error { return ErrMissing }
