#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <torch/version.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "callback.h"
#include "ctorch/cuda.h"
#include "guard.h"

namespace ctorch {
namespace {

// Handed back where not even the error's own memory can be had; freeing it is harmless.
char out_of_memory_text[] = "out of memory";
ctorch_error out_of_memory{CTORCH_ERROR_OUT_OF_MEMORY, out_of_memory_text, 0};

ctorch_error* make_error(int32_t kind, const std::string& message, uint64_t payload = 0) noexcept {
  auto* error = static_cast<ctorch_error*>(std::malloc(sizeof(ctorch_error)));
  char* text = static_cast<char*>(std::malloc(message.size() + 1));
  if (error == nullptr || text == nullptr) {
    std::free(error);
    std::free(text);
    return &out_of_memory;
  }
  std::memcpy(text, message.c_str(), message.size() + 1);
  *error = {kind, text, payload};
  return error;
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// What a text tells of a failure; otherwise is the kind where it tells nothing.
int32_t kind_of(const std::string& text, int32_t otherwise) {
  if (contains(text, "out of memory") || contains(text, "can't allocate memory") ||
      contains(text, "not enough memory")) {
    return CTORCH_ERROR_OUT_OF_MEMORY;
  }
  if (contains(text, "CUDA error") || contains(text, "cuDNN error") ||
      contains(text, "CUDNN_STATUS") || contains(text, "CUBLAS_STATUS") ||
      contains(text, "cuFFT error") || contains(text, "cusolver error") ||
      contains(text, "cusparse error") || contains(text, "invalid device ordinal") ||
      contains(text, "Cannot initialize CUDA") || contains(text, "NVIDIA driver") ||
      contains(text, "arguments from the 'CUDA' backend")) {
    return CTORCH_ERROR_DEVICE;
  }
  if (contains(text, "not implemented")) return CTORCH_ERROR_NOT_IMPLEMENTED;
  return otherwise;
}

// libtorch's checks of arguments throw c10::Error, and so do its checks of itself, which say so.
// What else is thrown is of no known kind, but for numbers that a dtype cannot hold, and for what
// TorchScript's interpreter throws in place of an operator's c10::Error.
ctorch_error* from_error(const std::string& text) {
  const bool own_fault = contains(text, "INTERNAL ASSERT FAILED");
  return make_error(kind_of(text, own_fault ? CTORCH_ERROR_OTHER : CTORCH_ERROR_INVALID),
                    one_line(text));
}

ctorch_error* from_exception(const std::string& text) {
  const bool argument = contains(text, "without overflow") ||
                        contains(text, "TorchScript interpreter") ||
                        contains(text, "is invalid for input of size");
  return make_error(kind_of(text, argument ? CTORCH_ERROR_INVALID : CTORCH_ERROR_OTHER),
                    one_line(text));
}

}  // namespace

char* copy_text(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

std::string counted(int64_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

// libtorch appends its stack trace, and TorchScript puts one in front; neither helps a Go caller.
std::string one_line(std::string text) {
  const char* const beginnings[] = {
      "\nException raised from",
      // Pages about which backends do have an operator.
      " This could be because the operator doesn't exist for this backend",
      // Advice on debugging after a CUDA error.
      "\nSearch for `",
      "\nFor debugging consider passing CUDA_LAUNCH_BLOCKING",
      "\nFor more detailed error information",
      "\nCompile with `TORCH_USE_CUDA_DSA`",
      "\nDevice-side assertions were",
  };
  for (const char* beginning : beginnings) {
    const auto trace = text.find(beginning);
    if (trace != std::string::npos) text.resize(trace);
  }
  // An error raised in TorchScript ends with "RuntimeError: what happened".
  if (contains(text, "Traceback of TorchScript")) {
    const auto raised = text.rfind("Error: ");
    if (raised != std::string::npos) text = text.substr(raised + std::strlen("Error: "));
  }
  // An allocation's failure begins with the place in libtorch where it was found.
  if (text.rfind("[enforce fail at ", 0) == 0) {
    const auto place = text.find("] ");
    if (place != std::string::npos) text = text.substr(place + 2);
  }
  std::string line;
  for (const char c : text) {
    const bool space = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

ctorch_error* current_exception() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return make_error(error.kind, one_line(error.message));
  } catch (const CallbackError& error) {
    return make_error(error.kind(), one_line(error.what()), error.take_payload());
  } catch (const std::bad_alloc&) {
    return make_error(CTORCH_ERROR_OUT_OF_MEMORY, "out of memory");
  } catch (const c10::OutOfMemoryError& error) {
    return make_error(CTORCH_ERROR_OUT_OF_MEMORY, one_line(error.what_without_backtrace()));
  } catch (const c10::NotImplementedError& error) {
    const std::string text = error.what_without_backtrace();
    const bool device =
        kind_of(text, CTORCH_ERROR_OTHER) == CTORCH_ERROR_DEVICE && ctorch_cuda_device_count() == 0;
    return make_error(device ? CTORCH_ERROR_DEVICE : CTORCH_ERROR_NOT_IMPLEMENTED, one_line(text));
  } catch (const c10::Error& error) {
    return from_error(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return from_exception(error.what());
  } catch (...) {
    return make_error(CTORCH_ERROR_OTHER, "an exception of unknown type");
  }
}

}  // namespace ctorch

void ctorch_error_free(ctorch_error* error) {
  if (error == nullptr || error == &ctorch::out_of_memory) return;
  std::free(error->message);
  std::free(error);
}

int32_t ctorch_abi_version(void) { return CTORCH_ABI_VERSION; }

uint32_t ctorch_headers_sum(void) { return CTORCH_HEADERS_SUM; }

const char* ctorch_libtorch_version(void) { return TORCH_VERSION; }
