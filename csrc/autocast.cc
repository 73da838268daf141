#include "ctorch/autocast.h"

#include <ATen/autocast_mode.h>

#include "guard.h"

using ctorch::guard;

namespace {

void set(const ctorch_autocast& wanted) {
  const auto device = static_cast<at::DeviceType>(wanted.device_type);
  at::autocast::set_autocast_enabled(device, wanted.enabled != 0);
  at::autocast::set_autocast_dtype(device, ctorch::scalar_type_of(wanted.dtype));
  at::autocast::set_autocast_cache_enabled(wanted.cache != 0);
}

}  // namespace

// The types of devices are the caller's constants, so that none of these can fail.
ctorch_autocast ctorch_autocast_state(int32_t device_type) {
  ctorch_autocast state{};
  ctorch_error_free(guard([&] {
    const auto device = static_cast<at::DeviceType>(device_type);
    state = {device_type, at::autocast::is_autocast_enabled(device),
             static_cast<int32_t>(at::autocast::get_autocast_dtype(device)),
             at::autocast::is_autocast_cache_enabled()};
  }));
  return state;
}

ctorch_autocast ctorch_autocast_enter(ctorch_autocast wanted) {
  const ctorch_autocast before = ctorch_autocast_state(wanted.device_type);
  ctorch_error_free(guard([&] {
    set(wanted);
    at::autocast::increment_nesting();
  }));
  return before;
}

void ctorch_autocast_leave(ctorch_autocast before) {
  ctorch_error_free(guard([&] {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    set(before);
  }));
}
