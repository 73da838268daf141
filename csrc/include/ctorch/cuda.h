// GPUs: which there are, their memory, streams, events and graphs. Nothing here is linked to CUDA:
// libtorch's CUDA side is opened at run time, where there is an NVIDIA driver. Without a GPU every
// function but ctorch_open_cuda and ctorch_cuda_device_count fails with CTORCH_ERROR_DEVICE.
#ifndef CTORCH_CUDA_H_
#define CTORCH_CUDA_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// Opens libtorch's CUDA side, which registers its kernels, where this machine has an NVIDIA
// driver. Called once, before the first tensor is made: libtorch remembers whether it has CUDA.
// NULL: opened, or there is no driver; otherwise why it failed.
CTORCH_API ctorch_error* ctorch_open_cuda(void);

// How many GPUs libtorch can use; 0 without its CUDA side.
CTORCH_API int32_t ctorch_cuda_device_count(void);

// What a GPU is. sizes are in bytes.
typedef struct ctorch_cuda_properties {
  char name[256];
  uint8_t uuid[16];
  int32_t major;  // of the compute capability
  int32_t minor;
  int64_t total_memory;
  int32_t multiprocessors;
  int32_t warp_size;
  int32_t threads_per_multiprocessor;
  int32_t shared_memory_per_block;
  int32_t l2_cache_size;
  ctorch_error* error;
} ctorch_cuda_properties;
CTORCH_API ctorch_cuda_properties ctorch_cuda_describe(int32_t device);

// Versions as CUDA writes them (13000 is 13.0), cuDNN's as 91900 for 9.19.0: the driver's, the
// runtime's that libtorch uses, and cuDNN's (0: libtorch was built without).
typedef struct ctorch_cuda_versions {
  int32_t driver;
  int32_t runtime;
  int32_t cudnn;
  ctorch_error* error;
} ctorch_cuda_versions;
CTORCH_API ctorch_cuda_versions ctorch_cuda_version(void);

// Waits until a GPU has done all that was asked of it.
CTORCH_API ctorch_error* ctorch_cuda_synchronize(int32_t device);

// Gives memory that the caching allocator holds unused back to the GPU.
CTORCH_API ctorch_error* ctorch_cuda_empty_cache(void);

// Bytes of a GPU in tensors, and held by the caching allocator, now and at most since the last
// reset; how often the allocator had to give its cache back to go on, and how often even that did
// not help; bytes that no program uses, and that the GPU has.
typedef struct ctorch_cuda_memory {
  int64_t allocated;
  int64_t allocated_peak;
  int64_t reserved;
  int64_t reserved_peak;
  int64_t retries;
  int64_t out_of_memories;
  int64_t free;
  int64_t total;
  ctorch_error* error;
} ctorch_cuda_memory;
CTORCH_API ctorch_cuda_memory ctorch_cuda_memory_stats(int32_t device);
// Has the peaks begin again at what is in use now.
CTORCH_API ctorch_error* ctorch_cuda_reset_peak_memory(int32_t device);

// A queue of work on a GPU, a plain value: libtorch keeps a pool of streams that it never frees.
typedef struct ctorch_cuda_stream {
  int64_t id;
  int32_t device;
} ctorch_cuda_stream;
typedef struct ctorch_cuda_stream_result {
  ctorch_cuda_stream stream;
  ctorch_error* error;
} ctorch_cuda_stream_result;

// A stream from the pool. priority 0 is the default, negative ones come first.
CTORCH_API ctorch_cuda_stream_result ctorch_cuda_stream_new(int32_t device, int32_t priority);
// The calling thread's current stream of a GPU, and the default one.
CTORCH_API ctorch_cuda_stream_result ctorch_cuda_stream_current(int32_t device);
CTORCH_API ctorch_cuda_stream_result ctorch_cuda_stream_default(int32_t device);

// An answer to a question.
typedef struct ctorch_cuda_answer {
  int32_t yes;
  ctorch_error* error;
} ctorch_cuda_answer;
// Whether a stream has done all that was asked of it.
CTORCH_API ctorch_cuda_answer ctorch_cuda_stream_query(ctorch_cuda_stream stream);
CTORCH_API ctorch_error* ctorch_cuda_stream_synchronize(ctorch_cuda_stream stream);

// What was current on the calling thread before something else was made current: the device, and
// the stream of the device that was entered.
typedef struct ctorch_cuda_place {
  int32_t device;
  ctorch_cuda_stream stream;
  ctorch_error* error;
} ctorch_cuda_place;
// Makes a device, or a stream and its device, current on the calling thread.
CTORCH_API ctorch_cuda_place ctorch_cuda_enter_device(int32_t device);
CTORCH_API ctorch_cuda_place ctorch_cuda_enter_stream(ctorch_cuda_stream stream);
// Makes current again what was before. On the same thread.
CTORCH_API void ctorch_cuda_leave(ctorch_cuda_place place);

// Keeps a tensor's memory from being used again, once the tensor is freed, before the stream has
// done what it was asked until then.
CTORCH_API ctorch_error* ctorch_tensor_record_stream(const ctorch_tensor* tensor,
                                                     ctorch_cuda_stream stream);

// A mark in a stream.
typedef struct ctorch_cuda_event ctorch_cuda_event;
typedef struct ctorch_cuda_event_result {
  ctorch_cuda_event* event;
  ctorch_error* error;
} ctorch_cuda_event_result;
// timing: whether ctorch_cuda_event_elapsed may be asked, which makes the event a little dearer.
CTORCH_API ctorch_cuda_event_result ctorch_cuda_event_new(int32_t timing);
CTORCH_API void ctorch_cuda_event_free(ctorch_cuda_event* event);
// Puts the mark behind what was asked of the stream until now.
CTORCH_API ctorch_error* ctorch_cuda_event_record(ctorch_cuda_event* event,
                                                  ctorch_cuda_stream stream);
// Has what is asked of the stream from now on wait for the mark. One never recorded: no wait.
CTORCH_API ctorch_error* ctorch_cuda_event_wait(const ctorch_cuda_event* event,
                                                ctorch_cuda_stream stream);
// Whether the mark was reached; so is one that was never recorded.
CTORCH_API ctorch_cuda_answer ctorch_cuda_event_query(const ctorch_cuda_event* event);
CTORCH_API ctorch_error* ctorch_cuda_event_synchronize(const ctorch_cuda_event* event);
// The time between two marks that were both reached.
typedef struct ctorch_cuda_time {
  double milliseconds;
  ctorch_error* error;
} ctorch_cuda_time;
CTORCH_API ctorch_cuda_time ctorch_cuda_event_elapsed(const ctorch_cuda_event* start,
                                                      const ctorch_cuda_event* end);

// Work that was captured, to be asked of the GPU again in one call.
typedef struct ctorch_cuda_graph ctorch_cuda_graph;
typedef struct ctorch_cuda_graph_result {
  ctorch_cuda_graph* graph;
  ctorch_error* error;
} ctorch_cuda_graph_result;
CTORCH_API ctorch_cuda_graph_result ctorch_cuda_graph_new(void);
CTORCH_API void ctorch_cuda_graph_free(ctorch_cuda_graph* graph);
// Captures what is asked of the calling thread's current stream, which must not be the default one,
// instead of running it. What is allocated meanwhile comes from a memory pool of the graph's own,
// or from that of another captured graph (NULL: none).
CTORCH_API ctorch_error* ctorch_cuda_graph_begin(ctorch_cuda_graph* graph,
                                                 ctorch_cuda_graph* share_memory_with);
// Ends the capture, on the stream it began on.
CTORCH_API ctorch_error* ctorch_cuda_graph_end(ctorch_cuda_graph* graph);
// Runs what was captured, on the current stream.
CTORCH_API ctorch_error* ctorch_cuda_graph_replay(ctorch_cuda_graph* graph);
// Forgets what was captured and gives the memory pool back, so that another capture may begin.
CTORCH_API ctorch_error* ctorch_cuda_graph_reset(ctorch_cuda_graph* graph);

// A copy of a tensor in page-locked memory, from which copies to a GPU are faster and may go on
// beside the program; itself where it is there already.
CTORCH_API ctorch_tensor_result ctorch_tensor_pin_memory(const ctorch_tensor* tensor);
// Whether the tensor's memory is page-locked. Without a GPU none is.
CTORCH_API ctorch_cuda_answer ctorch_tensor_is_pinned(const ctorch_tensor* tensor);

CTORCH_EXTERN_C_END

#endif  // CTORCH_CUDA_H_
