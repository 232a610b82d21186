#include "cairn/tensor/samples.h"

#include "cairn/base/random.h"

namespace cairn {
namespace {

Random stream(const char* name, const Shape& shape) {
  std::uint64_t index = 17;
  for (const std::int64_t d : shape.dims()) index = index * 31 + static_cast<std::uint64_t>(d);
  return {1, name, index};
}

}  // namespace

Tensor uniform(const Shape& shape, double low, double high, DType dtype) {
  Tensor t = Tensor::empty(shape, DType::f64);
  Random random = stream("samples of operations", shape);
  for (double& v : t.mutable_data<double>()) v = low + (high - low) * random.uniform();
  return t.to(dtype);
}

Tensor distinct(const Shape& shape, double low, double high, DType dtype) {
  Tensor t = Tensor::empty(shape, DType::f64);
  Random random = stream("distinct samples", shape);
  const auto order = random.permutation(t.size());
  const std::span<double> values = t.mutable_data<double>();
  const double step = (high - low) / static_cast<double>(std::max<std::int64_t>(1, t.size() - 1));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = low + step * static_cast<double>(order[i]);
  return t.to(dtype);
}

Tensor indices(const std::vector<std::int64_t>& values, const Shape& shape) {
  return Tensor::from(values).reshape(shape);
}

Tensor whole_numbers(const Shape& shape, std::int64_t below, DType dtype) {
  Tensor t = Tensor::empty(shape, DType::i64);
  Random random = stream("whole samples", shape);
  for (std::int64_t& v : t.mutable_data<std::int64_t>())
    v = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(below)));
  return t.to(dtype);
}

}  // namespace cairn
