// Private to ops/: what shape rules ask of the tensors they are given, and the words for what is wrong.
#pragma once

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/tensor/op.h"
#include "cairn/tensor/strided.h"

namespace cairn {

// f32 or f64, and all inputs from `first` up to `last` alike.
inline void need_floating(const OpArgs& a, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    if (!is_floating(a.in[i].dtype()))
      throw DTypeError(a.name, fmt::format("{} is given; it takes f32 and f64", a.in[i].text()),
                       "Convert it with to().");
    if (a.in[i].dtype() != a.in[first].dtype())
      throw DTypeError(a.name,
                       fmt::format("{} and {} are given; they must have one element type", a.in[first].text(),
                                   a.in[i].text()),
                       "Convert one with to().");
  }
}
inline void need_floating(const OpArgs& a) { need_floating(a, 0, a.in.size()); }

// For operations with optional inputs behind the needed ones.
inline void need_count(const OpArgs& a, std::size_t least, std::size_t most, const char* what) {
  if (a.in.size() < least || a.in.size() > most)
    throw ShapeError(a.name, fmt::format("{} tensors are given; it takes {}", a.in.size(), what));
}
inline void need_ndim(const OpArgs& a, std::size_t i, int ndim, const char* what) {
  if (a.in[i].ndim() != ndim)
    throw ShapeError(a.name, fmt::format("{} is given; it takes {}", a.in[i].text(), what));
}
inline void need_shape(const OpArgs& a, std::size_t i, const Shape& shape, const char* what) {
  if (a.in[i].shape() != shape)
    throw ShapeError(a.name,
                     fmt::format("{} is {}; it must be {}", what, a.in[i].shape().text(), shape.text()));
}

// Calls f with a zero of the element type, f32 or f64.
template <class F>
decltype(auto) with_floating(DType dtype, F&& f) {
  if (dtype == DType::f64) return f(double{});
  return f(float{});
}

}  // namespace cairn
