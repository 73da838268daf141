// Devices and random numbers.
#ifndef CTORCH_DEVICE_H_
#define CTORCH_DEVICE_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// Opens libtorch's CUDA side, which registers its kernels, where this machine has an NVIDIA
// driver. Called once, at start. NULL: opened, or there is no driver; otherwise why it failed.
CTORCH_API ctorch_error* ctorch_open_cuda(void);

// How many GPUs libtorch can use; 0 without its CUDA side.
CTORCH_API int32_t ctorch_cuda_device_count(void);

// Waits until a GPU (-1: the current one) has done all that was asked of it.
CTORCH_API ctorch_error* ctorch_cuda_synchronize(int32_t index);

// Gives memory that the caching allocator holds unused back to the GPU.
CTORCH_API ctorch_error* ctorch_cuda_empty_cache(void);

// Bytes of a GPU in tensors, and held by the caching allocator.
typedef struct ctorch_cuda_memory {
  int64_t allocated;
  int64_t reserved;
  ctorch_error* error;
} ctorch_cuda_memory;
CTORCH_API ctorch_cuda_memory ctorch_cuda_memory_stats(int32_t index);

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
