// The only road by which an operation runs: its arguments are checked, its results inferred and allocated,
// its kernel chosen and run, and, where an input is on the tape, one node recorded. Profiling, NaN hunting
// and capture attach here.
#pragma once

#include <initializer_list>
#include <span>

#include "cairn/tensor/op.h"

namespace cairn {

// The outputs of op. Errors carry the module path: `in encoder.fc1: matmul: ...`.
Tensors apply(const OpDef& op, std::span<const Tensor> inputs, const Attributes& attributes = {});
inline Tensors apply(const OpDef& op, std::initializer_list<Tensor> inputs,
                     const Attributes& attributes = {}) {
  return apply(op, std::span<const Tensor>(inputs.begin(), inputs.size()), attributes);
}
// The same for an operation with one output.
Tensor apply_one(const OpDef& op, std::span<const Tensor> inputs, const Attributes& attributes = {});
inline Tensor apply_one(const OpDef& op, std::initializer_list<Tensor> inputs,
                        const Attributes& attributes = {}) {
  return apply_one(op, std::span<const Tensor>(inputs.begin(), inputs.size()), attributes);
}

// The same where the inputs are given up: where nobody else holds one's memory, the result that may (OpDef's
// .over) takes it.
Tensors apply_giving(const OpDef& op, Tensors inputs, const Attributes& attributes = {});

// The name of the kernel that apply() chooses for these inputs: that of a slot, "reference", "composed" where
// there are only small operations, or "view" where nothing is computed.
const char* chosen_kernel(const OpDef& op, std::span<const Tensor> inputs, const Attributes& attributes = {});

// Sees every operation of this thread while it stands: profiling, capture. Composed operations show their
// parts too, one level deeper.
class ApplyObserver {
 public:
  ApplyObserver();  // attaches; observers nest, all of them are called
  ApplyObserver(const ApplyObserver&) = delete;
  ApplyObserver& operator=(const ApplyObserver&) = delete;
  virtual ~ApplyObserver();
  virtual void begin(const OpDef& op, std::span<const Tensor> in, const Attributes& attributes) = 0;
  virtual void end(const OpDef& op, std::span<const Tensor> in, std::span<const Tensor> out,
                   const Attributes& attributes) = 0;  // not called when the operation throws

 private:
  friend struct ObserverCalls;
  ApplyObserver* outer_;
};

// Whether one stands in this thread: then what could run in one piece runs in the parts that it knows.
bool observed();

// In all threads: every result is looked through, and the first operation that makes NaN or infinity out of
// finite numbers is named with its module path, as a FitError. The environment variable CAIRN_CHECK_FINITE=1
// switches it on from the start.
void set_check_finite(bool on);
bool check_finite();

}  // namespace cairn
