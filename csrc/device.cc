#include "ctorch/device.h"

#include <ATen/Context.h>

#include <mutex>

#include "cuda_device.h"
#include "guard.h"
#include "mkl_intel.h"

using ctorch::guard;
using ctorch::guard_tensor;

int32_t ctorch_mkl_fast_path(void) { return ctorch_mkl_told_intel(); }

ctorch_error* ctorch_manual_seed(uint64_t seed) {
  return guard([&] { at::manual_seed(seed); });
}

ctorch_generator_result ctorch_generator_new(ctorch_device device, uint64_t seed) {
  ctorch_generator_result result{};
  result.error = guard([&] {
    if (device.type == CTORCH_CUDA) ctorch::need_cuda_device(device.index);
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
