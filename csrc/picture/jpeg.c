#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cpicture/cpicture.h"
#include "message.h"

#ifdef CPICTURE_HAS_JPEG

#include <jpeglib.h>
// After jpeglib.h.
#include <jerror.h>

// As many scans as no picture has that was made to be looked at: each costs the time of a whole
// picture, and a small file can hold thousands.
enum { kMaxScans = 1000 };

// What decoding one stream needs. The library's own structures come first in theirs.
typedef struct {
  struct jpeg_decompress_struct decompress;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  jmp_buf failed;
  int32_t status;
  char* message;
} Decoder;

static Decoder* decoder_of(j_common_ptr common) { return (Decoder*)common->client_data; }

// The library would end the program here.
static void on_error(j_common_ptr common) {
  Decoder* decoder = decoder_of(common);
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  const int code = common->err->msg_code;
  decoder->status = code == JERR_OUT_OF_MEMORY ? CPICTURE_OUT_OF_MEMORY : CPICTURE_CORRUPT;
  cpicture_fail(decoder->status, decoder->message, "%s", text);
  longjmp(decoder->failed, 1);
}

// Warnings are not told: Pillow does not either.
static void on_message(j_common_ptr common) { (void)common; }

static void no_init_source(j_decompress_ptr decompress) { (void)decompress; }
static void no_term_source(j_decompress_ptr decompress) { (void)decompress; }

// There is no more data than was given: the library stops, instead of inventing an end.
static boolean no_more_data(j_decompress_ptr decompress) {
  (void)decompress;
  return FALSE;
}

static void skip_data(j_decompress_ptr decompress, long count) {
  struct jpeg_source_mgr* source = decompress->src;
  if (count <= 0) return;
  const size_t skipped =
      (size_t)count < source->bytes_in_buffer ? (size_t)count : source->bytes_in_buffer;
  source->next_input_byte += skipped;
  source->bytes_in_buffer -= skipped;
}

static void on_progress(j_common_ptr common) {
  Decoder* decoder = decoder_of(common);
  if (decoder->decompress.input_scan_number > kMaxScans) {
    decoder->status = cpicture_fail(CPICTURE_CORRUPT, decoder->message,
                                    "the JPEG data has more than %d scans", kMaxScans);
    longjmp(decoder->failed, 1);
  }
}

static void start(Decoder* decoder, const uint8_t* data, int64_t length, char* message) {
  memset(decoder, 0, sizeof *decoder);
  decoder->message = message;
  decoder->decompress.err = jpeg_std_error(&decoder->errors);
  decoder->errors.error_exit = on_error;
  decoder->errors.output_message = on_message;
  decoder->decompress.client_data = decoder;
  decoder->source.next_input_byte = data;
  decoder->source.bytes_in_buffer = (size_t)length;
  decoder->source.init_source = no_init_source;
  decoder->source.fill_input_buffer = no_more_data;
  decoder->source.skip_input_data = skip_data;
  decoder->source.resync_to_restart = jpeg_resync_to_restart;
  decoder->source.term_source = no_term_source;
  decoder->progress.progress_monitor = on_progress;
}

static int32_t truncated(char* message) {
  return cpicture_fail(CPICTURE_TRUNCATED, message, "the JPEG data ends too early");
}

// Reads the header, after setjmp.
static int32_t read_header(Decoder* decoder, cpicture_jpeg_header* header) {
  struct jpeg_decompress_struct* d = &decoder->decompress;
  jpeg_create_decompress(d);
  d->src = &decoder->source;
  d->progress = &decoder->progress;
  if (jpeg_read_header(d, TRUE) != JPEG_HEADER_OK) return truncated(decoder->message);
  if (d->data_precision != 8) {
    return cpicture_fail(CPICTURE_CORRUPT, decoder->message,
                         "JPEG with samples of %d bits is not supported", d->data_precision);
  }
  switch (d->num_components) {
    case 1:
      d->out_color_space = JCS_GRAYSCALE;
      break;
    case 3:
      d->out_color_space = JCS_RGB;
      break;
    case 4:
      d->out_color_space = JCS_CMYK;
      break;
    default:
      return cpicture_fail(CPICTURE_CORRUPT, decoder->message,
                           "JPEG with %d components is not supported", d->num_components);
  }
  header->width = (int32_t)d->image_width;
  header->height = (int32_t)d->image_height;
  header->channels = d->num_components;
  return CPICTURE_OK;
}

const char* cpicture_jpeg_library(void) {
#define CPICTURE_TEXT_OF(macro) CPICTURE_TEXT(macro)
#define CPICTURE_TEXT(tokens) #tokens
  return "libjpeg-turbo " CPICTURE_TEXT_OF(LIBJPEG_TURBO_VERSION);
}

int32_t cpicture_read_jpeg_header(const uint8_t* data, int64_t length, cpicture_jpeg_header* header,
                                  char* message) {
  Decoder decoder;
  start(&decoder, data, length, message);
  if (setjmp(decoder.failed) == 0) decoder.status = read_header(&decoder, header);
  jpeg_destroy_decompress(&decoder.decompress);
  return decoder.status;
}

// Decodes, after setjmp.
static int32_t decode(Decoder* decoder, const cpicture_jpeg_header* header, int32_t scale,
                      uint8_t* pixels) {
  struct jpeg_decompress_struct* d = &decoder->decompress;
  cpicture_jpeg_header again;
  const int32_t status = read_header(decoder, &again);
  if (status != CPICTURE_OK) return status;
  d->scale_num = 1;
  d->scale_denom = (unsigned)scale;
  if (!jpeg_start_decompress(d)) return truncated(decoder->message);
  const int64_t width = ((int64_t)header->width + scale - 1) / scale;
  const int64_t height = ((int64_t)header->height + scale - 1) / scale;
  if (again.channels != header->channels || d->output_width != width ||
      d->output_height != height) {
    return cpicture_fail(CPICTURE_CORRUPT, decoder->message, "the JPEG data changes its size");
  }
  const size_t stride = (size_t)width * (size_t)header->channels;
  while (d->output_scanline < d->output_height) {
    JSAMPROW rows[8];
    const JDIMENSION left = d->output_height - d->output_scanline;
    const JDIMENSION count = left < 8 ? left : 8;
    for (JDIMENSION i = 0; i < count; i++) rows[i] = pixels + stride * (d->output_scanline + i);
    if (jpeg_read_scanlines(d, rows, count) == 0) return truncated(decoder->message);
  }
  // What is behind the last row does not matter, as it does not to Pillow.
  return CPICTURE_OK;
}

int32_t cpicture_decode_jpeg(const uint8_t* data, int64_t length,
                             const cpicture_jpeg_header* header, int32_t scale, uint8_t* pixels,
                             char* message) {
  Decoder decoder;
  start(&decoder, data, length, message);
  if (setjmp(decoder.failed) == 0) decoder.status = decode(&decoder, header, scale, pixels);
  jpeg_destroy_decompress(&decoder.decompress);
  return decoder.status;
}

#else

const char* cpicture_jpeg_library(void) { return ""; }

int32_t cpicture_read_jpeg_header(const uint8_t* data, int64_t length, cpicture_jpeg_header* header,
                                  char* message) {
  (void)data, (void)length, (void)header;
  return cpicture_fail(CPICTURE_MISSING, message, "libcpicture was built without libjpeg-turbo");
}

int32_t cpicture_decode_jpeg(const uint8_t* data, int64_t length,
                             const cpicture_jpeg_header* header, int32_t scale, uint8_t* pixels,
                             char* message) {
  (void)data, (void)length, (void)header, (void)scale, (void)pixels;
  return cpicture_fail(CPICTURE_MISSING, message, "libcpicture was built without libjpeg-turbo");
}

#endif
