// Whether two tensors hold the same values to the last bit.
#pragma once

#include <cstring>

#include "cairn/tensor/tensor.h"

namespace cairn::testing {

// Shape, element type and bytes; strides do not count.
inline bool same_bytes(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype()) return false;
  if (a.size() == 0) return true;
  const Tensor x = a.contiguous(), y = b.contiguous();
  return std::memcmp(x.raw(), y.raw(), static_cast<std::size_t>(x.size()) * size_of(x.dtype())) == 0;
}

}  // namespace cairn::testing
