#include "cairn/nn/merge.h"

#include <fmt/format.h>

#include <vector>

#include "cairn/base/error.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/shape_ops.h"

namespace cairn {
namespace {

void check_some(const char* name, std::size_t given) {
  if (given < 2) throw ShapeError(name, fmt::format("{} tensor comes in; it joins two or more", given));
}

}  // namespace

Tensor merge_rules::Add::apply(const Tensor& a, const Tensor& b) { return a + b; }
Tensor merge_rules::Multiply::apply(const Tensor& a, const Tensor& b) { return a * b; }

template <class Rule>
Tensor Merge<Rule>::operator()(std::span<const Tensor> x) const {
  const ModuleScope here = scope();
  check_some(kName, x.size());
  Tensor y = x[0];
  for (const Tensor& other : x.subspan(1)) y = Rule::apply(y, other);
  return y;
}

template <class Rule>
Shape Merge<Rule>::output_shape(std::span<const Shape> samples) const {
  check_some(kName, samples.size());
  for (const Shape& s : samples)
    if (!(s == samples[0]))
      throw ShapeError(
          kName, fmt::format("samples of {} and {} come in; all must be alike", samples[0].text(), s.text()));
  return samples[0];
}

template class Merge<merge_rules::Add>;
template class Merge<merge_rules::Multiply>;

Tensor Concatenate::operator()(std::span<const Tensor> x) const {
  const ModuleScope here = scope();
  check_some(kName, x.size());
  return concatenate(x, -1);
}

Shape Concatenate::output_shape(std::span<const Shape> samples) const {
  check_some(kName, samples.size());
  std::vector<std::int64_t> dims(samples[0].dims().begin(), samples[0].dims().end());
  if (dims.empty()) throw ShapeError(kName, "single numbers have no last axis");
  for (const Shape& s : samples.subspan(1)) {
    bool fits = s.ndim() == samples[0].ndim();
    for (int i = 0; fits && i + 1 < s.ndim(); ++i) fits = s[i] == samples[0][i];
    if (!fits)
      throw ShapeError(kName, fmt::format("samples of {} and {} come in; all axes but the last must be alike",
                                          samples[0].text(), s.text()));
    dims.back() += s[s.ndim() - 1];
  }
  return Shape(dims);
}

}  // namespace cairn
