// What the shims for CUDA share.
#ifndef CTORCH_CUDA_DEVICE_H_
#define CTORCH_CUDA_DEVICE_H_

#include <c10/core/Stream.h>

#include "ctorch/cuda.h"
#include "guard.h"

namespace ctorch {

// Throws where there is no such GPU.
void need_cuda_device(int32_t device);
// Throws where there is no GPU at all.
void need_cuda();

// A function of libtorch's CUDA side, or of what that is linked to, by its symbol; nullptr where
// there is none of that name.
void* cuda_symbol(const char* name);

inline at::Device cuda_device(int32_t device) {
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(device));
}

inline c10::Stream stream_of(ctorch_cuda_stream stream) {
  return c10::Stream(c10::Stream::UNSAFE, cuda_device(stream.device), stream.id);
}

inline ctorch_cuda_stream stream_from(const c10::Stream& stream) {
  return {stream.id(), stream.device_index()};
}

}  // namespace ctorch

#endif  // CTORCH_CUDA_DEVICE_H_
