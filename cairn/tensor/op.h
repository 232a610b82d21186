// One record an operation: its shape rule, its kernel, its gradient, its samples and its bad samples. The
// same record drives apply(), the tape, the contract tests, the benchmarks and the documentation.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "cairn/tensor/attributes.h"
#include "cairn/tensor/small_vector.h"
#include "cairn/tensor/tensor.h"

namespace cairn {

using Tensors = SmallVector<Tensor>;

// Operations for which kernels/ may hold something faster than .cpu. An operation without one is named
// nowhere.
enum class SlotId : std::int16_t {
  none = -1,
  add,
  subtract,
  multiply,
  divide,
  relu,
  exp,
  log,
  tanh,
  sigmoid,
  gelu,
  silu,
  softmax,
  log_softmax,
  matmul,
  conv2d,
  conv2d_data_gradient,
  conv2d_weight_gradient,
  max_pool2d,
  max_pool2d_gradient,
  average_pool2d,
  average_pool2d_gradient,
  batch_norm,
  batch_norm_gradient,
  batch_norm_relu_gradient,
  batch_norm_add_relu_gradient,
  batch_norm_inference,
  gate,
  layer_norm,
  layer_norm_gradient,
  linear,
  cross_entropy,
  cross_entropy_gradient,
  attention,
  lstm_cell,
  count
};

struct TensorSpec {  // what infer promises before anything is computed
  Shape shape;
  DType dtype = DType::f32;
};
using TensorSpecs = SmallVector<TensorSpec>;

struct OpArgs {
  std::span<const Tensor> in;
  const Attributes& attributes;
  const char* name = "";  // of the operation, for errors: rules are shared
};

struct KernelArgs {
  std::span<const Tensor> in;  // any strides
  // As infer said, uninitialised, C order; nobody else holds them, and where .over says so, one may lie where
  // an input lies.
  std::span<Tensor> out;
  const Attributes& attributes;
  // Inputs, one bit each, whose values stay for many calls, so that a kernel may prepare them (KernelSlot).
  std::uint32_t constant = 0;
};

// Tensors may be moved away: memory that nobody else needs is then free before the gradients are ready, or
// takes them (apply_giving).
struct VjpArgs {
  std::span<Tensor> in;                   // undefined where .saves does not keep it
  std::span<Tensor> out;                  // likewise
  std::span<Tensor> grad;                 // one an output; undefined means zero
  std::span<const bool> wanted;           // one an input: a gradient nobody asked for need not be computed
  std::span<const TensorSpec> in_specs;   // shape and element type of every input, saved or not
  std::span<const TensorSpec> out_specs;  // and of every output
  const Attributes& attributes;
};

// What backward needs, one bit an input and one an output; the rest is let go as soon as forward is done.
inline constexpr std::uint32_t kAllInputs = 0xffffffffU;  // of an operation with any number of them
struct Saves {
  std::uint32_t inputs = 0, outputs = 0;
  bool input(std::size_t i) const { return inputs == kAllInputs || (i < 32 && (inputs >> i & 1)); }
  bool output(std::size_t i) const { return outputs >> i & 1; }
};

// For each result the input in whose memory it may be written, because every element is read before its place
// is written; -1: in none.
using Over = std::array<std::int8_t, 4>;
inline constexpr Over kOverNone{-1, -1, -1, -1};

struct Sample {
  Tensors in;
  Attributes attributes = {};
};
struct BadSample {
  Sample sample;
  const char* message;  // the text of the error, pinned
};

struct OpDef {
  const char* name;
  const char* doc;  // one clause or formula
  int arity = 1;    // -1: any number, at least one (concatenate, stack)
  int num_outputs = 1;
  Attributes::ListFunction attributes = nullptr;  // the attribute struct's list()
  // The byte of the attribute struct where a std::uint64_t stands that differs at each call (of a
  // StepCounter); -1: there is none.
  int counter = -1;
  // ShapeError, DTypeError in the person's words; runs before any kernel. It may look at the values of whole
  // numbers (indices, classes), of no others.
  TensorSpecs (*infer)(const OpArgs&) = nullptr;
  void (*cpu)(const KernelArgs&) = nullptr;      // the plain reference, f32 and f64, any strides
  Tensors (*view)(const OpArgs&) = nullptr;      // instead of cpu: the result shares its input's memory
  Tensors (*composed)(const OpArgs&) = nullptr;  // a fused operation in small ones: its gradient, its oracle
  // One gradient an input, in ordinary operations, so second derivatives work; undefined means zero.
  Tensors (*vjp)(const VjpArgs&) = nullptr;
  Saves saves = {};
  // Where what backward needs hangs on the attributes or the number of inputs; null: it does not.
  Saves (*saves_for)(const Attributes&, std::size_t inputs) = nullptr;
  // Result 0 once more from what is saved, to the last bit and in one pass over it. Then who needs a large
  // result 0 on the way back keeps none: it is made again when its turn comes, and all but the batch of one
  // layer is never held at once.
  Tensor (*again)(const VjpArgs&) = nullptr;
  Over over = kOverNone;
  SlotId slot = SlotId::none;
  std::vector<Sample> (*samples)() = nullptr;
  std::vector<BadSample> (*bad_samples)() = nullptr;
};

// Must be said: an operation without a vjp needs a composed form. Nothing is recorded for it, so what depends
// on an input through it alone has no gradient (comparisons, argmax).
Tensors not_differentiable(const VjpArgs&);

}  // namespace cairn
