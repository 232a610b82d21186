// Walks over elements of any strides.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "cairn/tensor/tensor.h"

namespace cairn {

// Calls f(type tag) with a value of the element type: with_type(t.dtype(), [&](auto zero) { using T =
// decltype(zero); ... }).
template <class F>
decltype(auto) with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f64:
      return f(double{});
    case DType::i64:
      return f(std::int64_t{});
    case DType::i32:
      return f(std::int32_t{});
    case DType::u8:
      return f(std::uint8_t{});
    case DType::boolean:
      return f(bool{});
    case DType::f32:
      break;
  }
  return f(float{});
}

// The same by width alone, for what only moves elements.
template <class F>
decltype(auto) with_width(std::size_t bytes, F&& f) {
  switch (bytes) {
    case 8:
      return f(std::uint64_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint8_t{});
  }
}

// Copies the elements of `from` in C order to `to`, which has the strides given (in elements).
void copy_elements(const Tensor& from, std::byte* to, const std::int64_t* to_strides);

// Itself when it is in C order without gaps, else such a copy. Off the tape: for kernels, inside apply().
Tensor dense(const Tensor& t);
// The memory of `base` under another shape, strides and offset (in elements), off the tape: for operations
// that are views.
Tensor strided_view(const Tensor& base, const Shape& shape, const std::int64_t* strides, std::int64_t offset);

}  // namespace cairn
