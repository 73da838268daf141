// What printing copies, and the texts beside it.
#include <cstring>
#include <vector>

#include "check.h"
#include "ctorch/ctorch.h"
#include "numbers.h"

namespace {

constexpr ctorch_device cpu{CTORCH_CPU, -1};
constexpr ctorch_options floats{CTORCH_FLOAT32, cpu, nullptr, 0};
constexpr ctorch_options integers{CTORCH_INT64, cpu, nullptr, 0};

ctorch_tensor* made(ctorch_tensor_result result) {
  CHECK(result.error == nullptr);
  ctorch_error_free(result.error);
  return result.tensor;
}

void test_preview_is_the_ends() {
  ctorch_tensor* x = made(ctorch_arange(whole(0), whole(10), whole(1), floats));
  ctorch_tensor* shown = made(ctorch_tensor_preview(x, 2));
  std::vector<double> ends(4);
  CHECK(ctorch_tensor_to_data(shown, reinterpret_cast<uint8_t*>(ends.data()), 4 * sizeof(double),
                              CTORCH_FLOAT64) == nullptr);
  CHECK((ends == std::vector<double>{0, 1, 8, 9}));
  ctorch_tensor_free(shown);

  shown = made(ctorch_tensor_preview(x, 5));
  CHECK(ctorch_tensor_describe(shown).elements == 10);
  ctorch_tensor_free(shown);
  shown = made(ctorch_tensor_preview(x, -1));
  CHECK(ctorch_tensor_describe(shown).elements == 10);
  ctorch_tensor_free(shown);
  shown = made(ctorch_tensor_preview(x, 0));
  CHECK(ctorch_tensor_describe(shown).elements == 0);
  ctorch_tensor_free(shown);
  ctorch_tensor_free(x);
}

void test_print_info() {
  ctorch_tensor* x = made(ctorch_arange(whole(0), whole(10), whole(1), integers));
  ctorch_print_info info = ctorch_tensor_print_info(x);
  CHECK(info.error == nullptr);
  CHECK(std::strcmp(info.device, "cpu") == 0);
  CHECK(std::strcmp(info.layout, "Strided") == 0);
  CHECK(info.grad_function == nullptr);
  CHECK(info.has_elements == 1 && info.requires_grad == 0);
  ctorch_print_info_free(info);
  ctorch_tensor_free(x);

  x = made(ctorch_full(nullptr, 0, whole(2), floats));
  CHECK(ctorch_tensor_set_requires_grad(x, 1) == nullptr);
  ctorch_tensor* y = made(ctorch_op_exp(x));
  info = ctorch_tensor_print_info(y);
  CHECK(info.error == nullptr);
  CHECK(std::strcmp(info.grad_function, "ExpBackward0") == 0);
  CHECK(info.requires_grad == 1);
  ctorch_print_info_free(info);
  ctorch_tensor_free(y);
  ctorch_tensor_free(x);
}

}  // namespace

int main() {
  test_preview_is_the_ends();
  test_print_info();
  return failures() != 0;
}
