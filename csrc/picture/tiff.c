#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpicture/cpicture.h"
#include "message.h"

#ifdef CPICTURE_HAS_TIFF

#include <pthread.h>
#include <tiffio.h>

// libtiff 4.5 has handlers for each file; in older ones they are the whole program's.
#define HANDLERS_FOR_EACH_FILE (TIFFLIB_VERSION >= 20221213)

// A tile may be larger than its picture, but not without bound.
static const int64_t kLargestTile = 64 << 20;

// A file in memory.
typedef struct {
  const uint8_t* data;
  uint64_t length, at;
  // The first error's text.
  char* message;
  int failed;
} File;

static tmsize_t read_file(thandle_t handle, void* out, tmsize_t count) {
  File* file = (File*)handle;
  if (count <= 0 || file->at >= file->length) return 0;
  const uint64_t left = file->length - file->at;
  if ((uint64_t)count > left) count = (tmsize_t)left;
  memcpy(out, file->data + file->at, (size_t)count);
  file->at += (uint64_t)count;
  return count;
}

static tmsize_t write_file(thandle_t handle, void* in, tmsize_t count) {
  (void)handle, (void)in, (void)count;
  return 0;
}

static toff_t seek_file(thandle_t handle, toff_t offset, int whence) {
  File* file = (File*)handle;
  if (whence == SEEK_CUR) offset += file->at;
  if (whence == SEEK_END) offset += file->length;
  file->at = offset;
  return offset;
}

static int close_file(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t file_size(thandle_t handle) { return ((File*)handle)->length; }

#if HANDLERS_FOR_EACH_FILE

static int on_error(TIFF* tiff, void* user, const char* module, const char* format,
                    va_list arguments) {
  (void)tiff, (void)module;
  File* file = (File*)user;
  // A count of bytes that is too large is told as an error, but reading goes on with what there is.
  if (strstr(format, "Limiting to") != NULL) return 1;
  if (!file->failed) cpicture_fail_args(CPICTURE_CORRUPT, file->message, format, arguments);
  file->failed = 1;
  return 1;
}

static int on_warning(TIFF* tiff, void* user, const char* module, const char* format,
                      va_list arguments) {
  (void)tiff, (void)user, (void)module, (void)format, (void)arguments;
  return 1;
}

static TIFF* open_tiff(File* file) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  if (options == NULL) return NULL;
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, file);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, file);
  TIFF* tiff = TIFFClientOpenExt("picture", "rm", file, read_file, write_file, seek_file,
                                 close_file, file_size, NULL, NULL, options);
  TIFFOpenOptionsFree(options);
  // What was told of a file that could be opened is not why something fails later.
  if (tiff != NULL) file->failed = 0;
  return tiff;
}

#else

static pthread_once_t silenced = PTHREAD_ONCE_INIT;

static void silence(void) {
  TIFFSetErrorHandler(NULL);
  TIFFSetWarningHandler(NULL);
}

static TIFF* open_tiff(File* file) {
  pthread_once(&silenced, silence);
  return TIFFClientOpen("picture", "rm", file, read_file, write_file, seek_file, close_file,
                        file_size, NULL, NULL);
}

#endif

// The library's own words where it had some, else these.
static int32_t fail(const File* file, int32_t status, const char* text) {
  if (file->failed) return status;
  return cpicture_fail(status, file->message, "%s", text);
}

const char* cpicture_tiff_library(void) {
  static char text[64];
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  if (text[0] == '\0') {
    // "LIBTIFF, Version 4.5.0", and a second line.
    const char* version = TIFFGetVersion();
    const char* number = strpbrk(version, "0123456789");
    if (number == NULL) number = "";
    snprintf(text, sizeof text, "libtiff %.*s", (int)strcspn(number, "\n"), number);
  }
  pthread_mutex_unlock(&lock);
  return text;
}

static int64_t row_bytes(const cpicture_tiff_header* header) {
  const int64_t samples = header->planar == PLANARCONFIG_SEPARATE ? 1 : header->samples;
  return (samples * header->bits * header->width + 7) / 8;
}

static int32_t planes(const cpicture_tiff_header* header) {
  return header->planar == PLANARCONFIG_SEPARATE ? header->samples : 1;
}

static void read_palette(TIFF* tiff, cpicture_tiff_header* header) {
  uint16_t* colors[3];
  if (header->photometric != PHOTOMETRIC_PALETTE || header->bits > 8 ||
      !TIFFGetField(tiff, TIFFTAG_COLORMAP, &colors[0], &colors[1], &colors[2])) {
    return;
  }
  for (int c = 0; c < 3; c++) {
    memcpy(header->palette[c], colors[c], sizeof(uint16_t) << header->bits);
  }
}

// Pictures in YCbCr come as RGB: those in JPEG from its decoder, others by libtiff's conversion.
static int is_ycbcr(TIFF* tiff) {
  uint16_t photometric = 0;
  return TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric) && photometric == PHOTOMETRIC_YCBCR;
}

static int jpeg_gives_rgb(const cpicture_tiff_header* header) {
  return header->compression == COMPRESSION_JPEG && header->planar == PLANARCONFIG_CONTIG;
}

static int32_t read_header(TIFF* tiff, const File* file, cpicture_tiff_header* header) {
  memset(header, 0, sizeof *header);
  uint32_t width = 0, height = 0;
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) ||
      !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height)) {
    return fail(file, CPICTURE_CORRUPT, "the TIFF data does not tell its size");
  }
  if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX) {
    return cpicture_fail(CPICTURE_CORRUPT, file->message, "its size is %ux%u", width, height);
  }
  uint16_t photometric = PHOTOMETRIC_MINISWHITE;
  uint16_t bits = 1, samples = 1, format = 1, planar = 1, compression = 1, ink_set = 1;
  uint16_t extras = 0, *kinds = NULL;
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &ink_set);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extras, &kinds);
  header->width = (int32_t)width;
  header->height = (int32_t)height;
  header->samples = samples;
  header->bits = bits;
  header->photometric = photometric;
  header->sample_format = format;
  header->planar = planar;
  header->compression = compression;
  header->ink_set = ink_set;
  header->extra_samples = extras;
  for (int i = 0; i < extras && i < 4; i++) header->extra_kinds[i] = kinds[i];
  read_palette(tiff, header);
  if (is_ycbcr(tiff) && samples != 1) {
    if (samples != 3 || bits != 8) {
      return cpicture_fail(CPICTURE_CORRUPT, file->message,
                           "TIFF in YCbCr with %d samples of %d bits is not supported", samples,
                           bits);
    }
    header->photometric = PHOTOMETRIC_RGB;
    if (!jpeg_gives_rgb(header)) header->planar = PLANARCONFIG_CONTIG;
  }
  header->decoded_bytes = row_bytes(header) * height * planes(header);
  return CPICTURE_OK;
}

static int32_t decode_strips(TIFF* tiff, const File* file, const cpicture_tiff_header* header,
                             uint8_t* samples) {
  const int64_t stride = row_bytes(header);
  uint32_t rows_in_strip = 0;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows_in_strip);
  if (rows_in_strip == 0 || rows_in_strip > (uint32_t)header->height) {
    rows_in_strip = (uint32_t)header->height;
  }
  if (TIFFScanlineSize64(tiff) != (uint64_t)stride) {
    return fail(file, CPICTURE_CORRUPT, "the rows of the TIFF data have another length");
  }
  for (int32_t plane = 0; plane < planes(header); plane++) {
    for (uint32_t y = 0; y < (uint32_t)header->height; y += rows_in_strip) {
      const uint32_t left = (uint32_t)header->height - y;
      const tmsize_t wanted = (tmsize_t)(stride * (left < rows_in_strip ? left : rows_in_strip));
      const uint32_t strip = TIFFComputeStrip(tiff, y, (uint16_t)plane);
      const tmsize_t got = TIFFReadEncodedStrip(tiff, strip, samples, wanted);
      if (got < 0) return fail(file, CPICTURE_CORRUPT, "a strip of the TIFF data is damaged");
      if (got < wanted) return fail(file, CPICTURE_TRUNCATED, "the TIFF data ends too early");
      samples += wanted;
    }
  }
  return CPICTURE_OK;
}

static int32_t decode_tiles(TIFF* tiff, const File* file, const cpicture_tiff_header* header,
                            uint8_t* samples) {
  uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
  const int64_t stride = row_bytes(header);
  const int64_t bits = (int64_t)header->bits * (planes(header) > 1 ? 1 : header->samples);
  const tmsize_t size = TIFFTileSize(tiff), tile_stride = TIFFTileRowSize(tiff);
  if (width == 0 || height == 0 || size <= 0 || tile_stride <= 0 ||
      (int64_t)tile_stride != ((int64_t)width * bits + 7) / 8 ||
      (size > kLargestTile && size > header->decoded_bytes) ||
      ((int64_t)width * bits % 8 != 0 && width < (uint32_t)header->width)) {
    return fail(file, CPICTURE_CORRUPT, "the tiles of the TIFF data have an impossible size");
  }
  uint8_t* tile = malloc((size_t)size);
  if (tile == NULL) return fail(file, CPICTURE_OUT_OF_MEMORY, "no memory for a tile");
  int32_t status = CPICTURE_OK;
  for (int32_t plane = 0; plane < planes(header) && status == CPICTURE_OK; plane++) {
    for (uint32_t y = 0; y < (uint32_t)header->height && status == CPICTURE_OK; y += height) {
      for (uint32_t x = 0; x < (uint32_t)header->width; x += width) {
        const uint32_t number = TIFFComputeTile(tiff, x, y, 0, (uint16_t)plane);
        if (TIFFReadEncodedTile(tiff, number, tile, size) != size) {
          status = fail(file, CPICTURE_CORRUPT, "a tile of the TIFF data is damaged");
          break;
        }
        const int64_t at = (int64_t)x * bits / 8;
        const int64_t room = stride - at;
        const size_t count = (size_t)(room < tile_stride ? room : tile_stride);
        for (uint32_t row = 0; row < height && y + row < (uint32_t)header->height; row++) {
          memcpy(samples + stride * (y + row) + at, tile + (size_t)tile_stride * row, count);
        }
      }
      // Of sizes that no 32 bits can count.
      if (y > UINT32_MAX - height) break;
    }
    samples += stride * header->height;
  }
  free(tile);
  return status;
}

static int32_t decode_ycbcr(TIFF* tiff, const File* file, const cpicture_tiff_header* header,
                            uint8_t* samples) {
  char text[1024] = "";
  TIFFRGBAImage image;
  if (!TIFFRGBAImageOK(tiff, text) || !TIFFRGBAImageBegin(&image, tiff, 1, text)) {
    return fail(file, CPICTURE_CORRUPT, text);
  }
  // The rows as they are stored.
  image.orientation = image.req_orientation = ORIENTATION_TOPLEFT;
  const size_t count = (size_t)header->width * (size_t)header->height;
  uint32_t* raster = malloc(count * sizeof *raster);
  int32_t status = CPICTURE_OK;
  if (raster == NULL) {
    status = fail(file, CPICTURE_OUT_OF_MEMORY, "no memory for the picture");
  } else if (!TIFFRGBAImageGet(&image, raster, (uint32_t)header->width, (uint32_t)header->height)) {
    status = fail(file, CPICTURE_CORRUPT, "the TIFF data is damaged");
  } else {
    for (size_t i = 0; i < count; i++) {
      samples[3 * i] = TIFFGetR(raster[i]);
      samples[3 * i + 1] = TIFFGetG(raster[i]);
      samples[3 * i + 2] = TIFFGetB(raster[i]);
    }
  }
  free(raster);
  TIFFRGBAImageEnd(&image);
  return status;
}

static int32_t decode(TIFF* tiff, const File* file, const cpicture_tiff_header* header,
                      uint8_t* samples) {
  cpicture_tiff_header again;
  const int32_t status = read_header(tiff, file, &again);
  if (status != CPICTURE_OK) return status;
  if (again.decoded_bytes != header->decoded_bytes || again.width != header->width) {
    return fail(file, CPICTURE_CORRUPT, "the TIFF data is not what its header was read from");
  }
  if (is_ycbcr(tiff) && header->samples == 3) {
    if (!jpeg_gives_rgb(header)) return decode_ycbcr(tiff, file, header, samples);
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  return TIFFIsTiled(tiff) ? decode_tiles(tiff, file, header, samples)
                           : decode_strips(tiff, file, header, samples);
}

int32_t cpicture_read_tiff_header(const uint8_t* data, int64_t length, cpicture_tiff_header* header,
                                  char* message) {
  File file = {data, (uint64_t)length, 0, message, 0};
  TIFF* tiff = open_tiff(&file);
  if (tiff == NULL) return fail(&file, CPICTURE_CORRUPT, "the TIFF data has no directory");
  const int32_t status = read_header(tiff, &file, header);
  TIFFClose(tiff);
  return status;
}

int32_t cpicture_decode_tiff(const uint8_t* data, int64_t length,
                             const cpicture_tiff_header* header, uint8_t* samples, char* message) {
  File file = {data, (uint64_t)length, 0, message, 0};
  TIFF* tiff = open_tiff(&file);
  if (tiff == NULL) return fail(&file, CPICTURE_CORRUPT, "the TIFF data has no directory");
  const int32_t status = decode(tiff, &file, header, samples);
  TIFFClose(tiff);
  return status;
}

#else

const char* cpicture_tiff_library(void) { return ""; }

int32_t cpicture_read_tiff_header(const uint8_t* data, int64_t length, cpicture_tiff_header* header,
                                  char* message) {
  (void)data, (void)length, (void)header;
  return cpicture_fail(CPICTURE_MISSING, message, "libcpicture was built without libtiff");
}

int32_t cpicture_decode_tiff(const uint8_t* data, int64_t length,
                             const cpicture_tiff_header* header, uint8_t* samples, char* message) {
  (void)data, (void)length, (void)header, (void)samples;
  return cpicture_fail(CPICTURE_MISSING, message, "libcpicture was built without libtiff");
}

#endif
