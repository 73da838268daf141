// Storages as the file formats use them: where elements are, and tensors over a storage.
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "ctorch/ctorch.h"

namespace {

constexpr ctorch_device cpu{CTORCH_CPU, -1};
constexpr ctorch_options floats{CTORCH_FLOAT32, cpu, nullptr, 0};

ctorch_tensor* taken(ctorch_tensor_result result) {
  if (result.error != nullptr) std::fprintf(stderr, "unexpected: %s\n", result.error->message);
  CHECK(result.error == nullptr);
  return result.tensor;
}

// 0 .. 5 in the shape [2, 3].
ctorch_tensor* matrix() {
  const std::vector<float> values{0, 1, 2, 3, 4, 5};
  const std::vector<int64_t> shape{2, 3};
  return taken(ctorch_tensor_from_data(reinterpret_cast<const uint8_t*>(values.data()), 24,
                                       shape.data(), 2, CTORCH_FLOAT32, cpu));
}

float element(const ctorch_storage_info& info, int64_t at) {
  float value = 0;
  std::memcpy(&value, info.data + 4 * (info.offset + at), sizeof value);
  return value;
}

void test_views_share_a_storage() {
  ctorch_tensor* whole = matrix();
  const std::vector<int64_t> sizes{3, 2};
  const std::vector<int64_t> strides{1, 3};
  ctorch_tensor_result made =
      ctorch_tensor_over(whole, CTORCH_FLOAT32, 0, sizes.data(), strides.data(), 2, /*counts=*/1);
  CHECK(made.bytes == 24);
  ctorch_tensor* transposed = taken(made);
  const int64_t two = 2;
  const int64_t one = 1;
  made = ctorch_tensor_over(whole, CTORCH_FLOAT32, 4, &two, &one, 1, /*counts=*/0);
  CHECK(made.bytes == 0);
  ctorch_tensor* tail = taken(made);

  const ctorch_storage_info all = ctorch_tensor_storage(whole);
  const ctorch_storage_info part = ctorch_tensor_storage(tail);
  CHECK(all.error == nullptr && part.error == nullptr);
  CHECK(all.identity == part.identity && all.data == part.data);
  CHECK(all.bytes == 24 && part.bytes == 24 && part.offset == 4 && part.is_marked == 0);
  CHECK(element(part, 1) == 5);

  ctorch_tensor* plain = taken(ctorch_tensor_plain(transposed));
  const ctorch_storage_info copied = ctorch_tensor_storage(plain);
  CHECK(copied.identity != all.identity);
  CHECK(element(copied, 1) == 3);
  ctorch_tensor* same = taken(ctorch_tensor_plain(tail));
  CHECK(ctorch_tensor_storage(same).identity == all.identity);

  // The storage lives as long as the last tensor over it.
  ctorch_tensor_free(whole);
  CHECK(element(ctorch_tensor_storage(tail), 0) == 4);
  for (ctorch_tensor* tensor : {transposed, tail, plain, same}) ctorch_tensor_free(tensor);
}

void test_what_is_outside_a_storage_is_refused() {
  struct Case {
    int64_t offset, size, stride;
  };
  constexpr int64_t largest = std::numeric_limits<int64_t>::max();
  ctorch_tensor* whole = matrix();
  for (const Case& given :
       {Case{0, 7, 1}, Case{6, 1, 1}, Case{7, 0, 1}, Case{-1, 1, 1}, Case{0, -1, 1}, Case{0, 2, -1},
        Case{0, 2, 6}, Case{0, largest, 1}, Case{0, 3, largest}, Case{largest, 1, 1}}) {
    ctorch_tensor_result result =
        ctorch_tensor_over(whole, CTORCH_FLOAT32, given.offset, &given.size, &given.stride, 1, 0);
    CHECK(result.tensor == nullptr);
    CHECK(result.error != nullptr && result.error->kind == CTORCH_ERROR_INVALID);
    ctorch_error_free(result.error);
  }
  // What touches nothing fits anywhere, and a stride of 0 repeats.
  for (const Case& given : {Case{6, 0, 1}, Case{0, 0, largest}, Case{5, 100, 0}, Case{0, 6, 1}}) {
    ctorch_tensor_free(taken(
        ctorch_tensor_over(whole, CTORCH_FLOAT32, given.offset, &given.size, &given.stride, 1, 0)));
  }
  CHECK(ctorch_tensor_storage(whole).bytes == 24);
  ctorch_tensor_free(whole);
}

void test_empty_tensors() {
  const int64_t none = 0;
  ctorch_tensor* empty = taken(ctorch_empty(&none, 1, floats));
  const ctorch_storage_info info = ctorch_tensor_storage(empty);
  CHECK(info.error == nullptr && info.bytes == 0 && info.identity != 0);
  ctorch_tensor_free(taken(ctorch_tensor_plain(empty)));
  ctorch_tensor_free(empty);
}

}  // namespace

int main() {
  test_views_share_a_storage();
  test_what_is_outside_a_storage_is_refused();
  test_empty_tensors();
  return failures() == 0 ? 0 : 1;
}
