#include "cairn/tensor/visitor.h"

#include "cairn/base/error.h"
#include "cairn/tensor/parameter.h"

namespace cairn {

std::size_t Visitor::checked_count(std::int64_t n) {
  constexpr std::int64_t kMost = 1'000'000;
  if (n < 0 || n > kMost)
    throw ModelFileError("model",
                         "a list claims " + std::to_string(n) + " members; at most 1000000 are possible");
  return static_cast<std::size_t>(n);
}

void Visitor::parameter(std::string_view name, Parameter& value) {
  if (!value.defined()) return;  // a layer without it has no such member
  Tensor stored = loading() ? Tensor() : value.value().detach();
  tensor(name, stored);
  if (!loading()) return;
  check_stored(name, stored, value.dtype(), value.shape());
  value.set(stored);
}

void Visitor::tensor(std::string_view name, Tensor& value, DType dtype, const Shape& shape) {
  tensor(name, value);
  if (loading()) check_stored(name, value, dtype, shape);
}

void check_stored(std::string_view name, const Tensor& value, DType dtype, const Shape& shape) {
  const std::string expected = std::string(name_of(dtype)) + ' ' + shape.text();
  if (!value.defined())
    throw ModelFileError("model",
                         "the tensor '" + std::string(name) + "' is missing; it should be " + expected);
  if (value.dtype() != dtype || !(value.shape() == shape))
    throw ModelFileError(
        "model", "the tensor '" + std::string(name) + "' is " + value.text() + "; it should be " + expected);
}

void check_counter(std::int64_t value, std::string_view says) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  if (value < 0 || value > kMost)
    throw ModelFileError("checkpoint", std::string(says) + "; a count from 0 to 2^53 is expected",
                         "The file is damaged: begin the training anew.");
}

}  // namespace cairn
