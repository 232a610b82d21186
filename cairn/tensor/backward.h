// Reverse-mode differentiation of what apply() recorded. Gradients are values: nothing accumulates behind
// anyone's back, and a forgotten zero_grad cannot be written.
//
//   Tensor w = watched(w0);
//   Tensor loss = mean(square(matmul(x, w) - y));
//   Tensor dw = backward(loss).of(w);
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "cairn/tensor/module_path.h"
#include "cairn/tensor/tensor.h"

namespace cairn {

// The same values as a leaf: something a gradient is wanted for. f32 or f64. `name` ("fc1.weight") is what
// on_ready and errors call it.
Tensor watched(const Tensor& value, std::string_view name = {});

class Gradients {
 public:
  // Undefined when no gradient reached it. UsageError when `leaf` is not a watched tensor.
  const Tensor& of(const Tensor& leaf) const;
  std::size_t size() const { return entries_.size(); }
  Gradients& operator+=(const Gradients& more);  // leaf by leaf
  // Those of a replayed step: gradients[i] of leaves[i]. UsageError when a leaf is not a watched tensor.
  static Gradients from(std::span<const Tensor> leaves, std::span<const Tensor> gradients);

 private:
  friend struct BackwardRun;
  struct Entry {
    std::shared_ptr<TapeNode> leaf;
    Tensor gradient;
  };
  std::vector<Entry> entries_;  // by the leaf's order
};

struct BackwardOptions {
  // Called once a leaf, as soon as its gradient is whole and before the rest is computed: a communicator
  // overlaps here. What it writes into `gradient` is what Gradients holds.
  std::function<void(std::string_view name, Tensor& gradient)> on_ready;
  // Called with the gradients of an operation's outputs, undefined where they are zero, before they are
  // handed on to its inputs, from the loss backwards; `place` is the module that ran it, null outside of one.
  std::function<void(const ModulePlace* place, std::span<const Tensor> gradients)> on_operation;
  // true: the tape can be walked again and the gradients are themselves on the tape (second derivatives).
  // false: values are let go as soon as they have been used.
  bool keep_tape = false;
  Tensor gradient;  // of the loss, of its shape; undefined: the loss is one number and it is 1
};
// ShapeError when the loss is more than one number; UsageError when it is not on the tape or the tape was
// used up.
Gradients backward(const Tensor& loss, const BackwardOptions& options = {});

// Nothing is recorded in this scope of this thread.
class NoGrad {
 public:
  NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;
  ~NoGrad();

 private:
  bool outer_;
};
bool grad_enabled();

}  // namespace cairn
