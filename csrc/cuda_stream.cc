#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <mutex>

#include "cuda_device.h"

using c10::impl::VirtualGuardImpl;
using ctorch::cuda_device;
using ctorch::guard;
using ctorch::need_cuda;
using ctorch::need_cuda_device;
using ctorch::stream_from;
using ctorch::stream_of;

struct ctorch_cuda_event {
  explicit ctorch_cuda_event(c10::EventFlag flag) : value(at::kCUDA, flag) {}
  c10::Event value;
  // The first recording makes the event.
  std::mutex recording;
};

namespace {

template <class Body>
ctorch_cuda_stream_result guard_stream(int32_t device, Body&& body) {
  ctorch_cuda_stream_result result{};
  result.error = guard([&] {
    need_cuda_device(device);
    result.stream = stream_from(body(VirtualGuardImpl(at::kCUDA)));
  });
  return result;
}

template <class Body>
ctorch_cuda_answer guard_answer(Body&& body) {
  ctorch_cuda_answer answer{};
  answer.error = guard([&] {
    need_cuda();
    answer.yes = body();
  });
  return answer;
}

}  // namespace

ctorch_cuda_stream_result ctorch_cuda_stream_new(int32_t device, int32_t priority) {
  return guard_stream(device, [&](const VirtualGuardImpl& cuda) {
    return cuda.getNewStream(cuda_device(device), priority);
  });
}

ctorch_cuda_stream_result ctorch_cuda_stream_current(int32_t device) {
  return guard_stream(
      device, [&](const VirtualGuardImpl& cuda) { return cuda.getStream(cuda_device(device)); });
}

ctorch_cuda_stream_result ctorch_cuda_stream_default(int32_t device) {
  return guard_stream(device, [&](const VirtualGuardImpl& cuda) {
    return cuda.getDefaultStream(cuda_device(device));
  });
}

ctorch_cuda_answer ctorch_cuda_stream_query(ctorch_cuda_stream stream) {
  return guard_answer([&] {
    need_cuda_device(stream.device);
    return stream_of(stream).query();
  });
}

ctorch_error* ctorch_cuda_stream_synchronize(ctorch_cuda_stream stream) {
  return guard([&] {
    need_cuda_device(stream.device);
    stream_of(stream).synchronize();
  });
}

ctorch_cuda_place ctorch_cuda_enter_device(int32_t device) {
  ctorch_cuda_place before{};
  before.error = guard([&] {
    need_cuda_device(device);
    const VirtualGuardImpl cuda(at::kCUDA);
    before.stream = stream_from(cuda.getStream(cuda_device(device)));
    before.device = cuda.exchangeDevice(cuda_device(device)).index();
  });
  return before;
}

ctorch_cuda_place ctorch_cuda_enter_stream(ctorch_cuda_stream stream) {
  ctorch_cuda_place before{};
  before.error = guard([&] {
    need_cuda_device(stream.device);
    const VirtualGuardImpl cuda(at::kCUDA);
    before.device = cuda.exchangeDevice(cuda_device(stream.device)).index();
    before.stream = stream_from(cuda.exchangeStream(stream_of(stream)));
  });
  return before;
}

void ctorch_cuda_leave(ctorch_cuda_place place) {
  ctorch_error_free(guard([&] {
    const VirtualGuardImpl cuda(at::kCUDA);
    cuda.exchangeStream(stream_of(place.stream));
    cuda.uncheckedSetDevice(cuda_device(place.device));
  }));
}

ctorch_error* ctorch_tensor_record_stream(const ctorch_tensor* tensor, ctorch_cuda_stream stream) {
  return guard([&] {
    need_cuda_device(stream.device);
    if (!tensor->value.is_cuda()) {
      throw ctorch::Error{CTORCH_ERROR_INVALID, "the tensor is on the CPU, which has no streams"};
    }
    // The method does not change the tensor, though it is not const.
    at::Tensor recorded = tensor->value;
    recorded.record_stream(stream_of(stream));
  });
}

ctorch_cuda_event_result ctorch_cuda_event_new(int32_t timing) {
  ctorch_cuda_event_result result{};
  result.error = guard([&] {
    need_cuda();
    result.event = new ctorch_cuda_event(timing != 0 ? c10::EventFlag::BACKEND_DEFAULT
                                                     : c10::EventFlag::PYTORCH_DEFAULT);
  });
  return result;
}

void ctorch_cuda_event_free(ctorch_cuda_event* event) {
  ctorch_error_free(guard([&] { delete event; }));
}

ctorch_error* ctorch_cuda_event_record(ctorch_cuda_event* event, ctorch_cuda_stream stream) {
  return guard([&] {
    need_cuda_device(stream.device);
    const std::lock_guard<std::mutex> lock(event->recording);
    event->value.record(stream_of(stream));
  });
}

ctorch_error* ctorch_cuda_event_wait(const ctorch_cuda_event* event, ctorch_cuda_stream stream) {
  return guard([&] {
    need_cuda_device(stream.device);
    event->value.block(stream_of(stream));
  });
}

ctorch_cuda_answer ctorch_cuda_event_query(const ctorch_cuda_event* event) {
  return guard_answer([&] { return event->value.query(); });
}

ctorch_error* ctorch_cuda_event_synchronize(const ctorch_cuda_event* event) {
  return guard([&] { event->value.synchronize(); });
}

ctorch_cuda_time ctorch_cuda_event_elapsed(const ctorch_cuda_event* start,
                                           const ctorch_cuda_event* end) {
  ctorch_cuda_time result{};
  result.error = guard([&] {
    for (const auto* event : {start, end}) {
      if (event->value.flag() != c10::EventFlag::BACKEND_DEFAULT) {
        throw ctorch::Error{CTORCH_ERROR_INVALID, "an event was made without timing"};
      }
      if (!event->value.was_marked_for_recording()) {
        throw ctorch::Error{CTORCH_ERROR_INVALID, "an event was not recorded yet"};
      }
      if (!event->value.query()) {
        throw ctorch::Error{CTORCH_ERROR_INVALID, "the GPU has not reached an event yet"};
      }
    }
    result.milliseconds = start->value.elapsedTime(end->value);
  });
  return result;
}
