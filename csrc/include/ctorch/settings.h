// What the whole process trades between speed, precision and repeatability.
#ifndef CTORCH_SETTINGS_H_
#define CTORCH_SETTINGS_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

typedef struct ctorch_setting {
  int32_t value;
  ctorch_error* error;
} ctorch_setting;

// How float32 matrices are multiplied: in float32, with TF32's 10 bits of mantissa (or pairs of
// bfloat16), or with bfloat16's 7, where the processor has units for these.
enum { CTORCH_MATMUL_HIGHEST = 0, CTORCH_MATMUL_HIGH = 1, CTORCH_MATMUL_MEDIUM = 2 };
CTORCH_API ctorch_setting ctorch_float32_matmul_precision(void);
CTORCH_API ctorch_error* ctorch_set_float32_matmul_precision(int32_t precision);

// Whether cuDNN's convolutions and recurrent networks of float32 may use TF32. They may, by
// default.
CTORCH_API ctorch_setting ctorch_cudnn_allow_tf32(void);
CTORCH_API ctorch_error* ctorch_set_cudnn_allow_tf32(int32_t on);

// Whether cuDNN tries its algorithms for each new shape and keeps the fastest.
CTORCH_API ctorch_setting ctorch_cudnn_benchmark(void);
CTORCH_API ctorch_error* ctorch_set_cudnn_benchmark(int32_t on);

// Whether operators give the same result each time, and fail (or, warn_only, warn) where they have
// no such algorithm.
CTORCH_API ctorch_setting ctorch_deterministic(void);
CTORCH_API ctorch_error* ctorch_set_deterministic(int32_t on, int32_t warn_only);

CTORCH_EXTERN_C_END

#endif  // CTORCH_SETTINGS_H_
