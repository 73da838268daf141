// Calls the shims for CUDA as Go does. Without a GPU each must say so; with one, each must work.
#include <cstdio>
#include <cstring>
#include <initializer_list>

#include "check.h"
#include "ctorch/ctorch.h"
#include "numbers.h"

namespace {

void ok(ctorch_error* error) {
  if (error != nullptr) std::fprintf(stderr, "unexpected: %s\n", error->message);
  CHECK(error == nullptr);
  ctorch_error_free(error);
}

// Expects that there is no device, told in one line.
void absent(ctorch_error* error) {
  CHECK(error != nullptr);
  if (error == nullptr) return;
  if (error->kind != CTORCH_ERROR_DEVICE) {
    std::fprintf(stderr, "kind %d: %s\n", error->kind, error->message);
  }
  CHECK(error->kind == CTORCH_ERROR_DEVICE);
  CHECK(std::strchr(error->message, '\n') == nullptr);
  ctorch_error_free(error);
}

constexpr ctorch_device cpu{CTORCH_CPU, -1};
constexpr ctorch_device gpu{CTORCH_CUDA, 0};
constexpr ctorch_options on_cpu{CTORCH_FLOAT32, cpu, nullptr, 0};
constexpr ctorch_options on_gpu{CTORCH_FLOAT32, gpu, nullptr, 0};
constexpr int64_t shape[] = {1000};

void test_a_gpu_that_is_not_there(int32_t device) {
  const ctorch_cuda_stream stream{0, device};
  absent(ctorch_cuda_describe(device).error);
  absent(ctorch_cuda_synchronize(device));
  absent(ctorch_cuda_stream_new(device, 0).error);
  absent(ctorch_cuda_stream_current(device).error);
  absent(ctorch_cuda_stream_default(device).error);
  absent(ctorch_cuda_stream_query(stream).error);
  absent(ctorch_cuda_stream_synchronize(stream));
  absent(ctorch_cuda_enter_device(device).error);
  absent(ctorch_cuda_enter_stream(stream).error);
  const ctorch_tensor_result made = ctorch_full(shape, 1, whole(2), on_cpu);
  ok(made.error);
  absent(ctorch_tensor_record_stream(made.tensor, stream));
  ctorch_tensor_free(made.tensor);
  absent(ctorch_generator_new({CTORCH_CUDA, device}, 1).error);
}

void test_no_gpu() {
  test_a_gpu_that_is_not_there(0);
  absent(ctorch_cuda_version().error);
  absent(ctorch_cuda_event_new(1).error);
  absent(ctorch_cuda_graph_new().error);
  const ctorch_tensor_result made = ctorch_full(shape, 1, whole(2), on_cpu);
  ok(made.error);
  absent(ctorch_tensor_pin_memory(made.tensor).error);
  const ctorch_cuda_answer pinned = ctorch_tensor_is_pinned(made.tensor);
  ok(pinned.error);
  CHECK(pinned.yes == 0);
  ctorch_tensor_free(made.tensor);
}

void test_freeing_nothing() {
  ctorch_cuda_event_free(nullptr);
  ctorch_cuda_graph_free(nullptr);
}

void test_settings() {
  CHECK(ctorch_float32_matmul_precision().value == CTORCH_MATMUL_HIGHEST);
  for (const int32_t precision :
       {CTORCH_MATMUL_MEDIUM, CTORCH_MATMUL_HIGH, CTORCH_MATMUL_HIGHEST}) {
    ok(ctorch_set_float32_matmul_precision(precision));
    const ctorch_setting now = ctorch_float32_matmul_precision();
    ok(now.error);
    CHECK(now.value == precision);
  }
  ctorch_error* refused = ctorch_set_float32_matmul_precision(3);
  CHECK(refused != nullptr && refused->kind == CTORCH_ERROR_INVALID);
  ctorch_error_free(refused);
  for (const int32_t on : {0, 1}) {
    ok(ctorch_set_cudnn_allow_tf32(on));
    CHECK(ctorch_cudnn_allow_tf32().value == on);
    ok(ctorch_set_cudnn_benchmark(on));
    CHECK(ctorch_cudnn_benchmark().value == on);
    ok(ctorch_set_deterministic(on, 0));
    CHECK(ctorch_deterministic().value == on);
  }
  ok(ctorch_set_deterministic(0, 0));
  ok(ctorch_set_cudnn_benchmark(0));
}

// What the graph captures: y = x, on whatever stream is current.
void copy_on_gpu(ctorch_tensor* x, ctorch_tensor* y) { ok(ctorch_tensor_copy(y, x, 1)); }

float first(const ctorch_tensor* tensor) {
  float values[1000];
  ok(ctorch_tensor_to_data(tensor, reinterpret_cast<uint8_t*>(values), sizeof values,
                           CTORCH_FLOAT32));
  return values[0];
}

void test_gpu() {
  const ctorch_cuda_properties properties = ctorch_cuda_describe(0);
  ok(properties.error);
  CHECK(std::strlen(properties.name) > 0);
  CHECK(properties.total_memory > 0 && properties.multiprocessors > 0 && properties.major > 0);
  const ctorch_cuda_versions versions = ctorch_cuda_version();
  ok(versions.error);
  CHECK(versions.runtime > 0 && versions.driver >= versions.runtime / 1000 * 1000);
  std::printf("%s, compute capability %d.%d, CUDA %d, cuDNN %d\n", properties.name,
              properties.major, properties.minor, versions.runtime, versions.cudnn);

  const ctorch_cuda_stream_result made = ctorch_cuda_stream_new(0, -1);
  ok(made.error);
  const ctorch_cuda_stream_result ordinary = ctorch_cuda_stream_default(0);
  ok(ordinary.error);
  const ctorch_tensor_result x = ctorch_full(shape, 1, whole(1), on_cpu);
  ok(x.error);
  const ctorch_tensor_result pinned = ctorch_tensor_pin_memory(x.tensor);
  ok(pinned.error);
  CHECK(ctorch_tensor_is_pinned(pinned.tensor).yes == 1);
  const ctorch_tensor_result source = ctorch_empty(shape, 1, on_gpu);
  ok(source.error);
  const ctorch_tensor_result target = ctorch_empty(shape, 1, on_gpu);
  ok(target.error);
  ok(ctorch_tensor_copy(source.tensor, pinned.tensor, 1));

  const ctorch_cuda_event_result start = ctorch_cuda_event_new(1);
  ok(start.error);
  const ctorch_cuda_event_result end = ctorch_cuda_event_new(1);
  ok(end.error);
  CHECK(ctorch_cuda_event_query(start.event).yes == 1);
  ok(ctorch_cuda_event_record(start.event, ordinary.stream));
  ok(ctorch_cuda_event_wait(start.event, made.stream));
  const ctorch_cuda_graph_result graph = ctorch_cuda_graph_new();
  ok(graph.error);
  const ctorch_cuda_place before = ctorch_cuda_enter_stream(made.stream);
  ok(before.error);
  CHECK(ctorch_cuda_stream_current(0).stream.id == made.stream.id);
  ok(ctorch_cuda_event_record(end.event, made.stream));
  ok(ctorch_cuda_event_synchronize(end.event));
  const ctorch_cuda_time time = ctorch_cuda_event_elapsed(start.event, end.event);
  ok(time.error);
  CHECK(time.milliseconds >= 0);
  ok(ctorch_cuda_graph_begin(graph.graph, nullptr));
  copy_on_gpu(source.tensor, target.tensor);
  ok(ctorch_cuda_graph_end(graph.graph));
  ctorch_cuda_leave(before);
  CHECK(ctorch_cuda_stream_current(0).stream.id == ordinary.stream.id);

  ok(ctorch_cuda_graph_replay(graph.graph));
  CHECK(first(target.tensor) == 1);
  const ctorch_tensor_result seven = ctorch_full(shape, 1, whole(7), on_cpu);
  ok(seven.error);
  ok(ctorch_tensor_copy(source.tensor, seven.tensor, 0));
  CHECK(first(target.tensor) == 1);
  ok(ctorch_cuda_graph_replay(graph.graph));
  CHECK(first(target.tensor) == 7);
  ok(ctorch_tensor_record_stream(target.tensor, made.stream));

  for (ctorch_tensor* t : {x.tensor, pinned.tensor, source.tensor, target.tensor, seven.tensor}) {
    ctorch_tensor_free(t);
  }
  ok(ctorch_cuda_graph_reset(graph.graph));
  ctorch_cuda_graph_free(graph.graph);
  ctorch_cuda_event_free(start.event);
  ctorch_cuda_event_free(end.event);
  ok(ctorch_cuda_synchronize(0));
}

}  // namespace

int main() {
  ok(ctorch_open_cuda());
  const int32_t count = ctorch_cuda_device_count();
  if (count == 0) {
    std::printf("no GPU: only its absence is tested\n");
    test_no_gpu();
  } else {
    test_gpu();
  }
  test_a_gpu_that_is_not_there(count);
  test_a_gpu_that_is_not_there(-1);
  test_freeing_nothing();
  test_settings();
  if (failures() == 0) std::printf("ok\n");
  return failures() == 0 ? 0 : 1;
}
