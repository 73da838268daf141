// Pictures by the C libraries that decode them best: JPEG by libjpeg-turbo, TIFF by libtiff. A
// library that was not there when this one was built is told as missing, and its functions fail.
//
// Every function is complete in itself: it keeps nothing of what it is given, has no state, and may
// be called from several threads at once. One that fails returns a status other than 0 and writes
// the reason, one line of English, into its message.
#ifndef CPICTURE_CPICTURE_H_
#define CPICTURE_CPICTURE_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CPICTURE_API __attribute__((visibility("default")))

// Raised with every change of a declaration here.
#define CPICTURE_ABI_VERSION 1

// The bytes that a message may take, its zero at the end included.
#define CPICTURE_MESSAGE_SIZE 256

enum {
  CPICTURE_OK = 0,
  // The data is damaged, or of a kind that the library does not know.
  CPICTURE_CORRUPT = 1,
  // The data ends too early.
  CPICTURE_TRUNCATED = 2,
  // This library was built without the one that is needed.
  CPICTURE_MISSING = 3,
  CPICTURE_OUT_OF_MEMORY = 4,
};

// CPICTURE_ABI_VERSION of the headers that the library was built from.
CPICTURE_API int32_t cpicture_abi_version(void);

// The JPEG library with its version, as "libjpeg-turbo 2.1.5"; "" where there is none.
CPICTURE_API const char* cpicture_jpeg_library(void);

// The TIFF library with its version, as "libtiff 4.5.0"; "" where there is none.
CPICTURE_API const char* cpicture_tiff_library(void);

typedef struct {
  int32_t width, height;
  // Samples of a pixel as they are decoded: 1 gray, 3 RGB, 4 CMYK as it is stored (in most files
  // inverted).
  int32_t channels;
} cpicture_jpeg_header;

// Reads the header of a JPEG stream of length bytes.
CPICTURE_API int32_t cpicture_read_jpeg_header(const uint8_t* data, int64_t length,
                                               cpicture_jpeg_header* header, char* message);

// Decodes a JPEG stream at 1/scale of its size, with scale 1, 2, 4 or 8 and sizes rounded up.
// header is what cpicture_read_jpeg_header told of the same data. pixels has room for the rows,
// from the top, without padding.
CPICTURE_API int32_t cpicture_decode_jpeg(const uint8_t* data, int64_t length,
                                          const cpicture_jpeg_header* header, int32_t scale,
                                          uint8_t* pixels, char* message);

typedef struct {
  int32_t width, height;
  // Samples of a pixel, extra ones (alpha) included, and the bits of each.
  int32_t samples, bits;
  // The numbers of TIFF's tags.
  int32_t photometric, sample_format, planar, compression, ink_set;
  // What each of the extra samples, the last ones of a pixel, is: 0 unspecified, 1 premultiplied
  // alpha, 2 alpha. At most 4 are told.
  int32_t extra_samples, extra_kinds[4];
  // The bytes that cpicture_decode_tiff writes.
  int64_t decoded_bytes;
  // The red, green and blue of a palette with 1 << bits entries, where there is one; 16 bits each.
  uint16_t palette[3][256];
} cpicture_tiff_header;

// Reads the first directory of a TIFF stream. A picture in YCbCr is told as the RGB that it is
// decoded to.
CPICTURE_API int32_t cpicture_read_tiff_header(const uint8_t* data, int64_t length,
                                               cpicture_tiff_header* header, char* message);

// Decodes the first picture of a TIFF stream into rows, from the top, each padded to whole bytes;
// samples of more than 8 bits are in the processor's byte order. With planar samples (header's
// planar is 2) one whole plane follows the other. header is what cpicture_read_tiff_header told of
// the same data.
CPICTURE_API int32_t cpicture_decode_tiff(const uint8_t* data, int64_t length,
                                          const cpicture_tiff_header* header, uint8_t* samples,
                                          char* message);

#ifdef __cplusplus
}
#endif

#endif  // CPICTURE_CPICTURE_H_
