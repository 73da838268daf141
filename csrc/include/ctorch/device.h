// Random numbers, and MKL.
#ifndef CTORCH_DEVICE_H_
#define CTORCH_DEVICE_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// Whether MKL was told that it runs on an Intel processor, which gives it its fast kernels on AMD.
CTORCH_API int32_t ctorch_mkl_fast_path(void);

// Seeds the default generators of every device.
CTORCH_API ctorch_error* ctorch_manual_seed(uint64_t seed);

// A source of random numbers of its own.
typedef struct ctorch_generator_result {
  ctorch_generator* generator;
  ctorch_error* error;
} ctorch_generator_result;
CTORCH_API ctorch_generator_result ctorch_generator_new(ctorch_device device, uint64_t seed);
CTORCH_API void ctorch_generator_free(ctorch_generator* generator);
// The generator's state as a byte tensor, and back.
CTORCH_API ctorch_tensor_result ctorch_generator_state(ctorch_generator* generator);
CTORCH_API ctorch_error* ctorch_generator_set_state(ctorch_generator* generator,
                                                    const ctorch_tensor* state);

CTORCH_EXTERN_C_END

#endif  // CTORCH_DEVICE_H_
