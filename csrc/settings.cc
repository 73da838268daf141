#include "ctorch/settings.h"

#include <ATen/Context.h>

#include "guard.h"

using ctorch::guard;

namespace {

template <class Body>
ctorch_setting guard_setting(Body&& body) {
  ctorch_setting setting{};
  setting.error = guard([&] { setting.value = static_cast<int32_t>(body(at::globalContext())); });
  return setting;
}

static_assert(static_cast<int>(at::Float32MatmulPrecision::HIGHEST) == CTORCH_MATMUL_HIGHEST &&
              static_cast<int>(at::Float32MatmulPrecision::HIGH) == CTORCH_MATMUL_HIGH &&
              static_cast<int>(at::Float32MatmulPrecision::MEDIUM) == CTORCH_MATMUL_MEDIUM);

}  // namespace

ctorch_setting ctorch_float32_matmul_precision(void) {
  return guard_setting([](at::Context& context) { return context.float32MatmulPrecision(); });
}

ctorch_error* ctorch_set_float32_matmul_precision(int32_t precision) {
  return guard([&] {
    static const char* const names[] = {"highest", "high", "medium"};
    if (precision < CTORCH_MATMUL_HIGHEST || precision > CTORCH_MATMUL_MEDIUM) {
      throw ctorch::Error{CTORCH_ERROR_INVALID,
                          "there is no precision " + std::to_string(precision)};
    }
    // libtorch would only warn of a text that it does not know.
    at::globalContext().setFloat32MatmulPrecision(std::string(names[precision]));
  });
}

ctorch_setting ctorch_cudnn_allow_tf32(void) {
  return guard_setting([](at::Context& context) { return context.allowTF32CuDNN(); });
}

ctorch_error* ctorch_set_cudnn_allow_tf32(int32_t on) {
  return guard([&] { at::globalContext().setAllowTF32CuDNN(on != 0); });
}

ctorch_setting ctorch_cudnn_benchmark(void) {
  return guard_setting([](at::Context& context) { return context.benchmarkCuDNN(); });
}

ctorch_error* ctorch_set_cudnn_benchmark(int32_t on) {
  return guard([&] { at::globalContext().setBenchmarkCuDNN(on != 0); });
}

ctorch_setting ctorch_deterministic(void) {
  return guard_setting([](at::Context& context) { return context.deterministicAlgorithms(); });
}

ctorch_error* ctorch_set_deterministic(int32_t on, int32_t warn_only) {
  return guard([&] { at::globalContext().setDeterministicAlgorithms(on != 0, warn_only != 0); });
}
