// CUDA graphs are a class of libtorch_cuda's, at::cuda::CUDAGraph, for which c10 has no interface
// of its own (at::accelerator::Graph knows no CUDA up to 2.15). Its header needs CUDA's own
// headers, which the wheels lack, so its methods are found by their symbols when they are first
// needed. A symbol of a method tells its parameters, so what is found fits; where one is missing,
// graphs are refused.
#include <initializer_list>
#include <new>
#include <string>
#include <utility>

#include "cuda_device.h"

namespace ctorch {
namespace {

// c10::MempoolId_t, and cudaStreamCaptureMode's values.
using Pool = std::pair<unsigned long long, unsigned long long>;
constexpr int thread_local_capture = 1;

struct Methods {
  void (*construct)(void* graph, bool keep_graph);
  void (*destroy)(void* graph);
  void (*capture_begin)(void* graph, Pool pool, int mode);
  void (*capture_end)(void* graph);
  void (*replay)(void* graph);
  void (*reset)(void* graph);
  Pool (*pool)(void* graph);
};

template <class Method>
void find(Method*& method, std::initializer_list<const char*> symbols) {
  for (const char* symbol : symbols) {
    method = reinterpret_cast<Method*>(cuda_symbol(symbol));
    if (method != nullptr) return;
  }
  throw Error{
      CTORCH_ERROR_NOT_IMPLEMENTED,
      std::string("this libtorch's CUDA graphs are not known: it has no ") + *symbols.begin()};
}

const Methods& methods() {
  need_cuda();
  static const Methods found = [] {
    Methods m{};
    // 2.7's takes no argument, and so does not look at it.
    find(m.construct, {"_ZN2at4cuda9CUDAGraphC1Eb", "_ZN2at4cuda9CUDAGraphC1Ev"});
    find(m.destroy, {"_ZN2at4cuda9CUDAGraphD1Ev"});
    find(m.capture_begin,
         {"_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode"});
    find(m.capture_end, {"_ZN2at4cuda9CUDAGraph11capture_endEv"});
    find(m.replay, {"_ZN2at4cuda9CUDAGraph6replayEv"});
    find(m.reset, {"_ZN2at4cuda9CUDAGraph5resetEv"});
    find(m.pool, {"_ZN2at4cuda9CUDAGraph4poolEv"});
    return m;
  }();
  return found;
}

}  // namespace
}  // namespace ctorch

struct ctorch_cuda_graph {
  ctorch_cuda_graph() { ctorch::methods().construct(&object, /*keep_graph=*/false); }
  ~ctorch_cuda_graph() { ctorch::methods().destroy(&object); }
  ctorch_cuda_graph(const ctorch_cuda_graph&) = delete;
  ctorch_cuda_graph& operator=(const ctorch_cuda_graph&) = delete;

  // The at::cuda::CUDAGraph, whose size depends on the version: some hundred bytes.
  alignas(64) unsigned char object[8192];
  // After a capture that failed libtorch's allocator goes on asking the graph, until 2.14, which of
  // its streams are captured: the memory has to stay.
  bool memory_stays = false;
};

using ctorch::guard;
using ctorch::methods;

ctorch_cuda_graph_result ctorch_cuda_graph_new(void) {
  ctorch_cuda_graph_result result{};
  result.error = guard([&] { result.graph = new ctorch_cuda_graph; });
  return result;
}

void ctorch_cuda_graph_free(ctorch_cuda_graph* graph) {
  ctorch_error_free(guard([&] {
    if (graph == nullptr) return;
    graph->~ctorch_cuda_graph();
    if (!graph->memory_stays)
      ::operator delete(graph, std::align_val_t{alignof(ctorch_cuda_graph)});
  }));
}

// Of the thread alone: other goroutines go on using the GPU, and what the garbage collector frees
// on other threads, meanwhile.
ctorch_error* ctorch_cuda_graph_begin(ctorch_cuda_graph* graph,
                                      ctorch_cuda_graph* share_memory_with) {
  return guard([&] {
    ctorch::Pool pool{0, 0};
    if (share_memory_with != nullptr) pool = methods().pool(&share_memory_with->object);
    methods().capture_begin(&graph->object, pool, ctorch::thread_local_capture);
  });
}

ctorch_error* ctorch_cuda_graph_end(ctorch_cuda_graph* graph) {
  return guard([&] {
    graph->memory_stays = true;
    methods().capture_end(&graph->object);
    graph->memory_stays = false;
  });
}

ctorch_error* ctorch_cuda_graph_replay(ctorch_cuda_graph* graph) {
  return guard([&] { methods().replay(&graph->object); });
}

ctorch_error* ctorch_cuda_graph_reset(ctorch_cuda_graph* graph) {
  return guard([&] { methods().reset(&graph->object); });
}
