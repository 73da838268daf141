// What custom functions and hooks share: the call to the caller, and the numbers it knows them by.
#ifndef CTORCH_CALLBACK_INTERNAL_H_
#define CTORCH_CALLBACK_INTERNAL_H_

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ctorch/callback.h"
#include "guard.h"

namespace ctorch {

// A place in the list of forgotten numbers.
struct ForgottenNumber;

// Owns one of the caller's numbers: when it is destroyed, the number joins the forgotten ones. The
// place in that list is made beforehand, so that destroying it allocates nothing and cannot fail.
class Number {
 public:
  explicit Number(uint64_t value);
  Number(Number&& other) noexcept;
  Number& operator=(Number&&) = delete;
  ~Number();

  uint64_t value() const { return value_; }
  // Gives the number back to the caller, who forgets it by himself.
  uint64_t release() { return std::exchange(value_, 0); }

 private:
  uint64_t value_;
  std::unique_ptr<ForgottenNumber> place_;
};

// What a callback failed with. libtorch's engine carries std::exceptions alone from thread to
// thread.
class CallbackError : public std::exception {
 public:
  CallbackError(int32_t kind, std::string message, uint64_t payload);
  const char* what() const noexcept override { return message_->c_str(); }
  int32_t kind() const { return kind_; }
  uint64_t take_payload() const { return payload_ == nullptr ? 0 : payload_->release(); }

 private:
  int32_t kind_;
  // Shared, so that copying the exception cannot throw.
  std::shared_ptr<const std::string> message_;
  std::shared_ptr<Number> payload_;
};

// One of the caller's callbacks.
struct Callback {
  // Calls it, and throws what it failed with.
  void operator()(ctorch_call& call) const;

  ctorch_callback function;
  Number number;
};

}  // namespace ctorch

struct ctorch_call {
  std::vector<at::Tensor> gradients;
  // Absent for hooks.
  std::function<std::vector<at::Tensor>()> saved;
  std::function<bool(size_t)> needed;
  size_t inputs = 1;

  std::vector<at::Tensor> results;
  std::unique_ptr<ctorch::CallbackError> failure;
};

#endif  // CTORCH_CALLBACK_INTERNAL_H_
