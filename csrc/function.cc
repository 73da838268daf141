#include "ctorch/function.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <optional>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "callback.h"
#include "guard.h"

namespace {

using torch::autograd::Node;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

// Nodes are held by a std::shared_ptr in some versions of libtorch, and by a c10::intrusive_ptr in
// others.
using NodePointer = std::decay_t<decltype(std::declval<at::Tensor>().grad_fn())>;

template <class T, class... Arguments>
NodePointer make_node(Arguments&&... arguments) {
  if constexpr (std::is_same_v<NodePointer, std::shared_ptr<Node>>) {
    // deleteNode frees long chains of nodes without recursion.
    return std::shared_ptr<T>(new T(std::forward<Arguments>(arguments)...),
                              [](T* node) { deleteNode(node); });
  } else {
    return c10::make_intrusive<T>(std::forward<Arguments>(arguments)...);
  }
}

// What an output looks like; without options where the forward gave none.
struct Output {
  std::vector<int64_t> sizes;
  at::TensorOptions options;
};

// The node of a custom function in the graph, as libtorch's own CppNode and Python's PyNode.
class CallbackNode : public Node {
 public:
  CallbackNode(std::string name, ctorch::Callback callback, bool materialize,
               torch::autograd::edge_list edges)
      : Node(std::move(edges)),
        name_(std::move(name)),
        callback_(std::move(callback)),
        materialize_(materialize) {}

  std::string name() const override { return name_ + "Backward"; }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    saved_.clear();
    released_ = true;
  }

  // What unused outputs' gradients are, and what the backward is given. Called once, when the
  // outputs have their history: an output that is saved must not keep this node alive.
  void save(const std::vector<std::optional<at::Tensor>>& outputs, const variable_list& saved) {
    for (const std::optional<at::Tensor>& output : outputs) {
      const bool present = output.has_value() && output->defined();
      outputs_.push_back(present ? Output{output->sizes().vec(), output->options()} : Output{});
    }
    for (const at::Tensor& tensor : saved) {
      const bool is_output = tensor.defined() && tensor.grad_fn().get() == this;
      saved_.emplace_back(tensor, is_output);
    }
  }

 protected:
  variable_list apply(variable_list&& gradients) override {
    if (materialize_) {
      for (size_t i = 0; i < gradients.size(); ++i) {
        const Output& output = outputs_[i];
        if (!gradients[i].defined() && output.options.has_device()) {
          gradients[i] = at::zeros(output.sizes, output.options);
        }
      }
    }
    ctorch_call call;
    call.gradients = std::move(gradients);
    call.saved = [this] { return unpack(); };
    call.needed = [this](size_t input) { return task_should_compute_output(input); };
    call.inputs = num_outputs();
    callback_(call);
    if (call.results.size() != num_outputs()) {
      throw ctorch::CallbackError(CTORCH_ERROR_INVALID,
                                  name() + " returned " +
                                      ctorch::counted(call.results.size(), "gradient") + " for " +
                                      ctorch::counted(num_outputs(), "input"),
                                  0);
    }
    return std::move(call.results);
  }

 private:
  variable_list unpack() {
    // Not around the callback, which may take long and wait for others.
    const std::lock_guard<std::mutex> lock(mutex_);
    TORCH_CHECK(!released_, torch::autograd::ERR_BACKWARD_TWICE);
    variable_list tensors;
    for (const SavedVariable& saved : saved_) tensors.push_back(saved.unpack(getptr()));
    return tensors;
  }

  std::string name_;
  ctorch::Callback callback_;
  bool materialize_;
  std::vector<Output> outputs_;
  std::vector<SavedVariable> saved_;
  bool released_ = false;
};

using TensorSet = std::unordered_set<at::TensorImpl*>;
using OptionalList = std::vector<std::optional<at::Tensor>>;

// _wrap_outputs gives outputs their history as Python does: views, inputs among the outputs and
// changes in place included. Its last arguments differ from version to version of libtorch.
template <class Pointer>
OptionalList wrap_outputs(const variable_list& inputs, const TensorSet& non_differentiable,
                          const TensorSet& dirty, const OptionalList& outputs,
                          const Pointer& node) {
  const torch::autograd::_jvp_fn_t no_jvp = [](const variable_list&,
                                               const variable_list&) -> variable_list {
    TORCH_CHECK_NOT_IMPLEMENTED(false, "a custom function has no forward-mode derivative");
  };
  const torch::autograd::_view_as_self_fn_t view_as_self = [](const at::Tensor& x) {
    return x.view_as(x);
  };
  const auto wrap = [&](auto&&... last) -> decltype(torch::autograd::_wrap_outputs(
                                            inputs, non_differentiable, dirty, outputs, node,
                                            no_jvp, TensorSet(), view_as_self, last...)) {
    return torch::autograd::_wrap_outputs(inputs, non_differentiable, dirty, outputs, node, no_jvp,
                                          TensorSet(), view_as_self, last...);
  };
  constexpr bool pure_view = false;
  Pointer attached{};
  if constexpr (std::is_invocable_v<decltype(wrap), const bool&, Pointer&>) {
    return wrap(pure_view, attached);
  } else if constexpr (std::is_invocable_v<decltype(wrap), const bool&>) {
    return wrap(pure_view);
  } else {
    return wrap();
  }
}

TensorSet set_of(const variable_list& tensors) {
  TensorSet set;
  for (const at::Tensor& tensor : tensors) set.insert(tensor.unsafeGetTensorImpl());
  return set;
}

// Takes the next count tensors.
variable_list take(ctorch_tensor* const** tensors, int64_t count) {
  ctorch_tensor* const* from = *tensors;
  *tensors += count;
  return ctorch::tensor_vector(from, count);
}

}  // namespace

using ctorch::guard;

ctorch_tensor_list ctorch_function_apply(const char* name, ctorch_callback callback,
                                         uint64_t number, ctorch_tensor* const* tensors,
                                         ctorch_function_counts counts, int32_t materialize) {
  ctorch_tensor_list result{};
  result.error = guard([&] {
    ctorch::Number owned(number);
    const auto inputs = take(&tensors, counts.inputs);
    const auto outputs = take(&tensors, counts.outputs);
    const auto saved = take(&tensors, counts.saved);
    const auto non_differentiable = set_of(take(&tensors, counts.non_differentiable));
    const auto dirty = set_of(take(&tensors, counts.dirty));
    for (at::TensorImpl* changed : dirty) changed->bump_version();

    NodePointer node;
    if (number != 0) {
      node = make_node<CallbackNode>(name, ctorch::Callback{callback, std::move(owned)},
                                     materialize != 0, torch::autograd::collect_next_edges(inputs));
    }
    variable_list present;
    for (const at::Tensor& input : inputs) {
      if (input.defined()) present.push_back(input);
    }
    OptionalList made;
    for (const at::Tensor& output : outputs) {
      if (output.defined())
        made.emplace_back(output);
      else
        made.emplace_back();
    }
    made = wrap_outputs(present, non_differentiable, dirty, made, node);
    if (node) static_cast<CallbackNode*>(node.get())->save(made, saved);

    variable_list wrapped;
    for (const auto& output : made) wrapped.push_back(output.value_or(at::Tensor()));
    result = ctorch::hand_over_list(wrapped, ctorch::hand_over_copy);
    const TensorSet given = set_of(inputs);
    for (size_t i = 0; i < wrapped.size(); ++i) {
      // An input that is an output too adds no memory.
      if (given.count(wrapped[i].unsafeGetTensorImpl()) != 0) result.items[i].bytes = 0;
    }
  });
  return result;
}
