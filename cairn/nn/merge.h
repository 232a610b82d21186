// Where several branches of a network meet.
#pragma once

#include <cstdint>
#include <span>

#include "cairn/base/params.h"
#include "cairn/nn/activation.h"

namespace cairn {

// The sum or the product of tensors of one shape.
template <class Rule>
class Merge : public Module {
 public:
  using Params = NoParams;
  static constexpr const char* kName = Rule::kName;
  static constexpr const char* kDoc = Rule::kDoc;
  explicit Merge(NoParams = {}) : Module(Rule::kTitle) {}
  Tensor operator()(std::span<const Tensor> x) const;
  void visit(Visitor& v) { v.module(*this); }
  Params params() const { return {}; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(std::span<const Shape> samples) const;  // ShapeError unless all are alike
  std::int64_t multiply_adds(const Shape&) const { return 0; }
};

namespace merge_rules {
struct Add {
  static constexpr const char *kName = "add", *kTitle = "Add", *kDoc = "The sum of its inputs.";
  static Tensor apply(const Tensor& a, const Tensor& b);
};
struct Multiply {
  static constexpr const char *kName = "multiply", *kTitle = "Multiply",
                              *kDoc = "The product of its inputs, number by number.";
  static Tensor apply(const Tensor& a, const Tensor& b);
};
}  // namespace merge_rules
using Add = Merge<merge_rules::Add>;
using Multiply = Merge<merge_rules::Multiply>;
extern template class Merge<merge_rules::Add>;
extern template class Merge<merge_rules::Multiply>;

// Side by side along the last axis; all other axes alike.
class Concatenate : public Module {
 public:
  using Params = NoParams;
  static constexpr const char* kName = "concatenate";
  static constexpr const char* kDoc = "Its inputs side by side along the last axis.";
  explicit Concatenate(NoParams = {}) : Module("Concatenate") {}
  Tensor operator()(std::span<const Tensor> x) const;
  void visit(Visitor& v) { v.module(*this); }
  Params params() const { return {}; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(std::span<const Shape> samples) const;
  std::int64_t multiply_adds(const Shape&) const { return 0; }
};

}  // namespace cairn
