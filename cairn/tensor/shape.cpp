#include "cairn/tensor/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cairn/base/error.h"

namespace cairn {

Shape::Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}

Shape::Shape(std::span<const std::int64_t> dims) {
  if (dims.size() > kMaxDims)
    throw ShapeError("shape", fmt::format("[{}] has {} axes; at most {} are possible", fmt::join(dims, ", "),
                                          dims.size(), kMaxDims));
  for (const std::int64_t d : dims)
    if (d < 0) throw ShapeError("shape", fmt::format("[{}] has a negative length", fmt::join(dims, ", ")));
  ndim_ = static_cast<int>(dims.size());
  std::copy(dims.begin(), dims.end(), dims_.begin());
}

std::int64_t Shape::size() const {
  std::int64_t n = 1;
  for (const std::int64_t d : dims()) {
    if (d == 0) return 0;
    if (n > (std::int64_t{1} << 62) / d)
      throw ResourceError("shape", fmt::format("{} has more elements than a computer can hold", text()));
    n *= d;
  }
  return n;
}

std::string Shape::text() const { return fmt::format("[{}]", fmt::join(dims(), ", ")); }

bool Shape::operator==(const Shape& other) const { return std::ranges::equal(dims(), other.dims()); }

}  // namespace cairn
