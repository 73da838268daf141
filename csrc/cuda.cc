#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <atomic>
#include <string>

#include "cuda_device.h"

namespace ctorch {
namespace {

// The libraries stay open until the program ends: nothing registered can be taken back.
std::atomic<void*> driver{nullptr};
std::atomic<void*> libtorch_cuda{nullptr};

// The folder that libtorch_cpu was loaded from, which holds libtorch_cuda too.
std::string libtorch_folder() {
  Dl_info info{};
  auto* inside = reinterpret_cast<void*>(static_cast<void (*)(int)>(&at::set_num_threads));
  if (dladdr(inside, &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string path = info.dli_fname;
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

// The driver's C interface, which is the same in every version: what c10 does not tell about a
// GPU. Its functions hand back 0 where they succeed.
template <class Function>
Function* driver_function(const char* name) {
  void* library = driver.load();
  auto* function = library == nullptr ? nullptr : dlsym(library, name);
  if (function == nullptr) {
    throw Error{CTORCH_ERROR_DEVICE, std::string("the NVIDIA driver has no ") + name};
  }
  return reinterpret_cast<Function*>(function);
}

void need_success(int status, const char* name) {
  if (status != 0) {
    throw Error{CTORCH_ERROR_DEVICE,
                std::string(name) + " failed with CUDA error " + std::to_string(status)};
  }
}

// The numbers of CUdevice_attribute.
enum DriverAttribute {
  SHARED_MEMORY_PER_BLOCK = 8,
  WARP_SIZE = 10,
  MULTIPROCESSORS = 16,
  L2_CACHE_SIZE = 38,
  THREADS_PER_MULTIPROCESSOR = 39,
  CAPABILITY_MAJOR = 75,
  CAPABILITY_MINOR = 76,
};

int32_t attribute(int device, DriverAttribute which) {
  int value = 0;
  need_success(driver_function<int(int*, int, int)>("cuDeviceGetAttribute")(&value, which, device),
               "cuDeviceGetAttribute");
  return value;
}

#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
c10::DeviceAllocator* allocator() {
  need_cuda();
  return at::getDeviceAllocator(at::kCUDA);
}
#else
[[noreturn]] void needs_newer(const char* what) {
  need_cuda();
  throw Error{CTORCH_ERROR_NOT_IMPLEMENTED, std::string(what) + " libtorch 2.9 or newer"};
}
#endif

void read_memory_info(int32_t device, ctorch_cuda_memory& memory) {
  auto* info = reinterpret_cast<int (*)(size_t*, size_t*)>(cuda_symbol("cudaMemGetInfo"));
  if (info == nullptr) return;
  const c10::impl::VirtualGuardImpl cuda(at::kCUDA);
  const at::Device before = cuda.exchangeDevice(cuda_device(device));
  size_t free = 0;
  size_t total = 0;
  const int status = info(&free, &total);
  cuda.uncheckedSetDevice(before);
  need_success(status, "cudaMemGetInfo");
  memory.free = static_cast<int64_t>(free);
  memory.total = static_cast<int64_t>(total);
}

}  // namespace

void need_cuda() {
  if (ctorch_cuda_device_count() == 0) {
    throw Error{CTORCH_ERROR_DEVICE, "there is no CUDA device"};
  }
}

void need_cuda_device(int32_t device) {
  need_cuda();
  const int32_t count = ctorch_cuda_device_count();
  if (device < 0 || device >= count) {
    throw Error{CTORCH_ERROR_DEVICE, "there is no cuda:" + std::to_string(device) + ": there are " +
                                         std::to_string(count) + " GPUs, from cuda:0"};
  }
}

void* cuda_symbol(const char* name) {
  void* library = libtorch_cuda.load();
  return library == nullptr ? nullptr : dlsym(library, name);
}

}  // namespace ctorch

using ctorch::guard;
using ctorch::need_cuda;
using ctorch::need_cuda_device;

ctorch_error* ctorch_open_cuda(void) {
  return guard([] {
    void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
    if (driver == nullptr) return;
    ctorch::driver = driver;
    const std::string library = ctorch::libtorch_folder() + "libtorch_cuda.so";
    void* opened = dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (opened == nullptr) {
      const char* reason = dlerror();
      throw ctorch::Error{CTORCH_ERROR_DEVICE, reason == nullptr ? library : reason};
    }
    ctorch::libtorch_cuda = opened;
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

ctorch_cuda_properties ctorch_cuda_describe(int32_t device) {
  ctorch_cuda_properties result{};
  result.error = guard([&] {
    need_cuda_device(device);
    using namespace ctorch;
    need_success(driver_function<int(unsigned)>("cuInit")(0), "cuInit");
    int number = 0;
    need_success(driver_function<int(int*, int)>("cuDeviceGet")(&number, device), "cuDeviceGet");
    need_success(driver_function<int(char*, int, int)>("cuDeviceGetName")(
                     result.name, sizeof result.name, number),
                 "cuDeviceGetName");
    need_success(driver_function<int(void*, int)>("cuDeviceGetUuid")(result.uuid, number),
                 "cuDeviceGetUuid");
    size_t total = 0;
    need_success(driver_function<int(size_t*, int)>("cuDeviceTotalMem_v2")(&total, number),
                 "cuDeviceTotalMem");
    result.total_memory = static_cast<int64_t>(total);
    result.major = attribute(number, CAPABILITY_MAJOR);
    result.minor = attribute(number, CAPABILITY_MINOR);
    result.multiprocessors = attribute(number, MULTIPROCESSORS);
    result.warp_size = attribute(number, WARP_SIZE);
    result.threads_per_multiprocessor = attribute(number, THREADS_PER_MULTIPROCESSOR);
    result.shared_memory_per_block = attribute(number, SHARED_MEMORY_PER_BLOCK);
    result.l2_cache_size = attribute(number, L2_CACHE_SIZE);
  });
  return result;
}

ctorch_cuda_versions ctorch_cuda_version(void) {
  ctorch_cuda_versions result{};
  result.error = guard([&] {
    need_cuda();
    using namespace ctorch;
    int version = 0;
    need_success(driver_function<int(int*)>("cuDriverGetVersion")(&version), "cuDriverGetVersion");
    result.driver = version;
    auto* runtime = reinterpret_cast<int (*)(int*)>(cuda_symbol("cudaRuntimeGetVersion"));
    if (runtime != nullptr) {
      need_success(runtime(&version), "cudaRuntimeGetVersion");
      result.runtime = version;
    }
    const auto& hooks = at::detail::getCUDAHooks();
    if (hooks.compiledWithCuDNN()) result.cudnn = static_cast<int32_t>(hooks.versionCuDNN());
  });
  return result;
}

ctorch_error* ctorch_cuda_synchronize(int32_t device) {
  return guard([&] {
    need_cuda_device(device);
    const c10::impl::VirtualGuardImpl cuda(at::kCUDA);
    cuda.synchronizeDevice(static_cast<c10::DeviceIndex>(device));
  });
}

#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
ctorch_error* ctorch_cuda_empty_cache(void) {
  return guard([] { ctorch::allocator()->emptyCache(); });
}

ctorch_cuda_memory ctorch_cuda_memory_stats(int32_t device) {
  ctorch_cuda_memory memory{};
  memory.error = guard([&] {
    need_cuda_device(device);
    // The allocator of a GPU that nothing has used yet would refuse.
    ctorch::read_memory_info(device, memory);
    if (!ctorch::allocator()->initialized()) return;
    const auto stats = ctorch::allocator()->getDeviceStats(static_cast<c10::DeviceIndex>(device));
    constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    memory.allocated = stats.allocated_bytes[all].current;
    memory.allocated_peak = stats.allocated_bytes[all].peak;
    memory.reserved = stats.reserved_bytes[all].current;
    memory.reserved_peak = stats.reserved_bytes[all].peak;
    memory.retries = stats.num_alloc_retries;
    memory.out_of_memories = stats.num_ooms;
  });
  return memory;
}

ctorch_error* ctorch_cuda_reset_peak_memory(int32_t device) {
  return guard([&] {
    need_cuda_device(device);
    if (!ctorch::allocator()->initialized()) return;
    ctorch::allocator()->resetPeakStats(static_cast<c10::DeviceIndex>(device));
  });
}
#else
// Before 2.9 the allocator can be reached through libtorch_cuda alone, which is not linked.
ctorch_error* ctorch_cuda_empty_cache(void) {
  return guard([] { ctorch::needs_newer("emptying the CUDA cache needs"); });
}

ctorch_cuda_memory ctorch_cuda_memory_stats(int32_t) {
  ctorch_cuda_memory memory{};
  memory.error = guard([] { ctorch::needs_newer("CUDA memory statistics need"); });
  return memory;
}

ctorch_error* ctorch_cuda_reset_peak_memory(int32_t) {
  return guard([] { ctorch::needs_newer("CUDA memory statistics need"); });
}
#endif

ctorch_tensor_result ctorch_tensor_pin_memory(const ctorch_tensor* tensor) {
  return ctorch::guard_tensor([&] {
    need_cuda();
    return tensor->value.pin_memory();
  });
}

ctorch_cuda_answer ctorch_tensor_is_pinned(const ctorch_tensor* tensor) {
  ctorch_cuda_answer answer{};
  answer.error =
      guard([&] { answer.yes = ctorch_cuda_device_count() > 0 && tensor->value.is_pinned(); });
  return answer;
}
