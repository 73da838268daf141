#include "ctorch/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <atomic>
#include <mutex>
#include <string>

#include "guard.h"
#include "mkl_intel.h"

namespace ctorch {
namespace {

void need_cuda() {
  if (ctorch_cuda_device_count() == 0) {
    throw Error{CTORCH_ERROR_DEVICE, "there is no CUDA device"};
  }
}

// The folder that libtorch_cpu was loaded from, which holds libtorch_cuda too.
std::string libtorch_folder() {
  Dl_info info{};
  auto* inside = reinterpret_cast<void*>(static_cast<void (*)(int)>(&at::set_num_threads));
  if (dladdr(inside, &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string path = info.dli_fname;
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

}  // namespace

}  // namespace ctorch

using ctorch::guard;
using ctorch::guard_tensor;

ctorch_error* ctorch_open_cuda(void) {
  return guard([] {
    if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL) == nullptr) return;
    const std::string library = ctorch::libtorch_folder() + "libtorch_cuda.so";
    if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      const char* reason = dlerror();
      throw ctorch::Error{CTORCH_ERROR_DEVICE, reason == nullptr ? library : reason};
    }
  });
}

int32_t ctorch_cuda_device_count(void) {
  int32_t count = 0;
  ctorch_error_free(guard([&] {
    if (!at::hasCUDA()) return;
    const c10::impl::VirtualGuardImpl cuda(at::kCUDA);
    count = cuda.deviceCount();
  }));
  return count;
}

ctorch_error* ctorch_cuda_synchronize(int32_t index) {
  return guard([&] {
    ctorch::need_cuda();
    const c10::impl::VirtualGuardImpl cuda(at::kCUDA);
    cuda.synchronizeDevice(index < 0 ? cuda.getDevice().index()
                                     : static_cast<c10::DeviceIndex>(index));
  });
}

#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
ctorch_error* ctorch_cuda_empty_cache(void) {
  return guard([] {
    ctorch::need_cuda();
    at::getDeviceAllocator(at::kCUDA)->emptyCache();
  });
}

ctorch_cuda_memory ctorch_cuda_memory_stats(int32_t index) {
  ctorch_cuda_memory memory{};
  memory.error = guard([&] {
    ctorch::need_cuda();
    const c10::impl::VirtualGuardImpl cuda(at::kCUDA);
    const auto device = index < 0 ? cuda.getDevice().index() : static_cast<c10::DeviceIndex>(index);
    const auto stats = at::getDeviceAllocator(at::kCUDA)->getDeviceStats(device);
    constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    memory.allocated = stats.allocated_bytes[all].current;
    memory.reserved = stats.reserved_bytes[all].current;
  });
  return memory;
}
#else
// Before 2.9 the allocator can be reached through libtorch_cuda alone, which is not linked.
ctorch_error* ctorch_cuda_empty_cache(void) {
  return guard([] {
    throw ctorch::Error{CTORCH_ERROR_NOT_IMPLEMENTED,
                        "emptying the CUDA cache needs libtorch 2.9 or newer"};
  });
}

ctorch_cuda_memory ctorch_cuda_memory_stats(int32_t) {
  ctorch_cuda_memory memory{};
  memory.error = guard([] {
    throw ctorch::Error{CTORCH_ERROR_NOT_IMPLEMENTED,
                        "CUDA memory statistics need libtorch 2.9 or newer"};
  });
  return memory;
}
#endif

int32_t ctorch_mkl_fast_path(void) { return ctorch_mkl_told_intel(); }

ctorch_error* ctorch_manual_seed(uint64_t seed) {
  return guard([&] { at::manual_seed(seed); });
}

ctorch_generator_result ctorch_generator_new(ctorch_device device, uint64_t seed) {
  ctorch_generator_result result{};
  result.error = guard([&] {
    if (device.type == CTORCH_CUDA) ctorch::need_cuda();
    at::Generator generator =
        device.type == CTORCH_CPU
            ? at::globalContext().defaultGenerator(at::kCPU).clone()
            : at::globalContext().defaultGenerator(ctorch::device_of(device)).clone();
    generator.set_current_seed(seed);
    result.generator = new ctorch_generator{std::move(generator)};
  });
  return result;
}

void ctorch_generator_free(ctorch_generator* generator) {
  ctorch_error_free(guard([&] { delete generator; }));
}

ctorch_tensor_result ctorch_generator_state(ctorch_generator* generator) {
  return guard_tensor([&] {
    const std::lock_guard<std::mutex> lock(generator->value.mutex());
    return generator->value.get_state();
  });
}

ctorch_error* ctorch_generator_set_state(ctorch_generator* generator, const ctorch_tensor* state) {
  return guard([&] {
    std::lock_guard<std::mutex> lock(generator->value.mutex());
    generator->value.set_state(state->value);
  });
}
