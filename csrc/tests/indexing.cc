// x[...] and x[...] = value.
#include <cstring>
#include <vector>

#include "check.h"
#include "ctorch/ctorch.h"
#include "numbers.h"

namespace {

constexpr ctorch_device cpu{CTORCH_CPU, -1};
constexpr ctorch_options floats{CTORCH_FLOAT32, cpu, nullptr, 0};

ctorch_tensor* made(ctorch_tensor_result result) {
  CHECK(result.error == nullptr);
  ctorch_error_free(result.error);
  return result.tensor;
}

void ok(ctorch_error* error) {
  CHECK(error == nullptr);
  ctorch_error_free(error);
}

// Expects the failure of a bad argument, told in one line.
void fails(ctorch_error* error) {
  CHECK(error != nullptr);
  if (error == nullptr) return;
  CHECK(error->kind == CTORCH_ERROR_INVALID);
  CHECK(std::strchr(error->message, '\n') == nullptr);
  ctorch_error_free(error);
}

std::vector<float> values(const ctorch_tensor* tensor) {
  std::vector<float> data(static_cast<size_t>(ctorch_tensor_describe(tensor).elements));
  ok(ctorch_tensor_to_data(tensor, reinterpret_cast<uint8_t*>(data.data()),
                           static_cast<int64_t>(data.size() * sizeof(float)), CTORCH_FLOAT32));
  return data;
}

ctorch_index integer(int64_t place) { return {CTORCH_INDEX_INTEGER, place, 0, 0, nullptr}; }
ctorch_index slice(int64_t start, int64_t stop, int64_t step) {
  return {CTORCH_INDEX_SLICE, start, stop, step, nullptr};
}
ctorch_index simple(int32_t kind, int64_t start = 0) { return {kind, start, 0, 0, nullptr}; }

using Floats = std::vector<float>;
using Indices = std::vector<ctorch_index>;

Floats at(const ctorch_tensor* x, const Indices& indices) {
  ctorch_tensor* part =
      made(ctorch_tensor_get_item(x, indices.data(), static_cast<int64_t>(indices.size())));
  Floats result = values(part);
  ctorch_tensor_free(part);
  return result;
}

void test_reading() {
  ctorch_tensor* x = made(ctorch_arange(whole(0), whole(6), whole(1), floats));
  CHECK((at(x, {integer(-1)}) == Floats{5}));
  CHECK((at(x, {slice(1, 100, 2)}) == Floats{1, 3, 5}));
  CHECK((at(x, {simple(CTORCH_INDEX_NEW_AXIS), simple(CTORCH_INDEX_ELLIPSIS), integer(2)}) ==
         Floats{2}));
  CHECK(at(x, {simple(CTORCH_INDEX_BOOL, 0)}).empty());
  CHECK(at(x, {}).size() == 6);
  const ctorch_index picked{
      CTORCH_INDEX_TENSOR, 0, 0, 0,
      made(ctorch_arange(whole(3), whole(5), whole(1), {CTORCH_INT64, cpu, nullptr, 0}))};
  CHECK((at(x, {picked}) == Floats{3, 4}));
  ctorch_tensor_free(const_cast<ctorch_tensor*>(picked.tensor));

  for (const Indices& wrong : std::vector<Indices>{
           {integer(6)},
           {integer(0), integer(0)},
           {slice(0, 6, 0)},
           {slice(0, 6, -1)},
           {simple(CTORCH_INDEX_ELLIPSIS), simple(CTORCH_INDEX_ELLIPSIS), integer(0)},
           {simple(99)}}) {
    fails(ctorch_tensor_get_item(x, wrong.data(), static_cast<int64_t>(wrong.size())).error);
    fails(ctorch_tensor_set_item(x, wrong.data(), static_cast<int64_t>(wrong.size()), x));
  }
  ctorch_tensor_free(x);
}

void test_writing() {
  ctorch_tensor* x = made(ctorch_arange(whole(0), whole(4), whole(1), floats));
  const ctorch_index first = integer(0), others = slice(1, 4, 2);
  ok(ctorch_tensor_set_item_number(x, &first, 1, {CTORCH_NUMBER_REAL, 0, 2.5, 0}));
  ok(ctorch_tensor_set_item_number(x, &others, 1, {CTORCH_NUMBER_INTEGER, 7, 0, 0}));
  CHECK((values(x) == Floats{2.5, 7, 2, 7}));
  ctorch_tensor* value = made(ctorch_arange(whole(8), whole(10), whole(1), floats));
  ok(ctorch_tensor_set_item(x, &others, 1, value));
  CHECK((values(x) == Floats{2.5, 8, 2, 9}));
  fails(ctorch_tensor_set_item(x, nullptr, 0, value));
  ok(ctorch_tensor_set_item_number(x, nullptr, 0, {CTORCH_NUMBER_BOOL, 1, 0, 0}));
  CHECK((values(x) == Floats{1, 1, 1, 1}));
  ctorch_error_free(ctorch_tensor_set_item_number(x, &first, 1, {CTORCH_NUMBER_COMPLEX, 0, 1, 1}));
  ctorch_tensor_free(value);
  ctorch_tensor_free(x);
}

}  // namespace

int main() {
  test_reading();
  test_writing();
  return failures() != 0;
}
