// Private to ops/: what element-wise operations share. A kernel is a function on one row of elements; which
// rows there are, after broadcasting and merging of axes, is found once for all of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "cairn/base/error.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/op.h"
#include "cairn/tensor/samples.h"

namespace cairn {

struct Row {
  const std::byte* in[3];
  std::int64_t stride[3];  // in elements; 0: the same element again
  std::byte* out;          // contiguous
  std::int64_t n;
  const Attributes* attributes;
};
using RowFunction = void (*)(const Row&);
// Calls f for rows that cover out[0]; inputs broadcast to its shape. Big tensors are spread over threads.
void map_rows(const KernelArgs& a, RowFunction f);

// Shape rules.
TensorSpecs same_as_first(const OpArgs& a);       // f32 or f64
TensorSpecs same_number(const OpArgs& a);         // f32, f64, i64 or i32
TensorSpecs broadcast_number(const OpArgs& a);    // NumPy's rule; both of one of these types
TensorSpecs broadcast_floating(const OpArgs& a);  // f32 or f64
TensorSpecs broadcast_compare(const OpArgs& a);   // any one type; the result is bool
Shape broadcast_shape(const char* where, const Shape& left, const Shape& right);

// The gradient of input i, summed over what was broadcast; `make` is not called when nobody asked.
template <class F>
Tensor gradient_for(const VjpArgs& a, std::size_t i, F&& make) {
  return a.wanted[i] ? sum_to(make(), a.in_specs[i].shape) : Tensor();
}

namespace elementwise {

struct Empty {};
template <class A>
auto attributes_of(const Row& r) {
  if constexpr (std::is_same_v<A, Empty>)
    return Empty{};
  else
    return r.attributes->as<A>();
}
template <class A, class F, class... T>
inline auto call(const A& attributes, T... v) {
  if constexpr (std::is_same_v<A, Empty>)
    return F{}(v...);
  else
    return F{}(v..., attributes);
}

template <class F, class A, class T, class O>
void unary_row(const Row& r) {
  const A attributes = attributes_of<A>(r);
  const T* __restrict x = reinterpret_cast<const T*>(r.in[0]);
  O* __restrict y = reinterpret_cast<O*>(r.out);
  const std::int64_t n = r.n, s = r.stride[0];
  if (s == 1)
    for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<O>(call<A, F>(attributes, x[i]));
  else
    for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<O>(call<A, F>(attributes, x[i * s]));
}

template <class F, class T, class O>
void binary_row(const Row& r) {
  const T* __restrict a = reinterpret_cast<const T*>(r.in[0]);
  const T* __restrict b = reinterpret_cast<const T*>(r.in[1]);
  O* __restrict y = reinterpret_cast<O*>(r.out);
  const std::int64_t n = r.n, s = r.stride[0], t = r.stride[1];
  if (s == 1 && t == 1) {
    for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<O>(F{}(a[i], b[i]));
  } else if (s == 1 && t == 0) {
    const T right = *b;
    for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<O>(F{}(a[i], right));
  } else if (s == 0 && t == 1) {
    const T left = *a;
    for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<O>(F{}(left, b[i]));
  } else {
    for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<O>(F{}(a[i * s], b[i * t]));
  }
}

}  // namespace elementwise

// A stateless lambda as a kernel: unary([](auto v) { return std::exp(v); }). With attributes A it is called
// as f(v, attributes).
template <class A = elementwise::Empty, class F>
constexpr auto unary(F) -> void (*)(const KernelArgs&) {
  return [](const KernelArgs& a) {
    map_rows(a, a.in[0].dtype() == DType::f32 ? &elementwise::unary_row<F, A, float, float>
                                              : &elementwise::unary_row<F, A, double, double>);
  };
}
template <class A = elementwise::Empty, class F>
constexpr auto unary_number(F) -> void (*)(const KernelArgs&) {
  return [](const KernelArgs& a) {
    switch (a.in[0].dtype()) {
      case DType::f32:
        return map_rows(a, &elementwise::unary_row<F, A, float, float>);
      case DType::f64:
        return map_rows(a, &elementwise::unary_row<F, A, double, double>);
      case DType::i64:
        return map_rows(a, &elementwise::unary_row<F, A, std::int64_t, std::int64_t>);
      default:
        return map_rows(a, &elementwise::unary_row<F, A, std::int32_t, std::int32_t>);
    }
  };
}
template <class F>
constexpr auto binary(F) -> void (*)(const KernelArgs&) {
  return [](const KernelArgs& a) {
    map_rows(a, a.in[0].dtype() == DType::f32 ? &elementwise::binary_row<F, float, float>
                                              : &elementwise::binary_row<F, double, double>);
  };
}
template <class F>
constexpr auto binary_number(F) -> void (*)(const KernelArgs&) {
  return [](const KernelArgs& a) {
    switch (a.in[0].dtype()) {
      case DType::f32:
        return map_rows(a, &elementwise::binary_row<F, float, float>);
      case DType::f64:
        return map_rows(a, &elementwise::binary_row<F, double, double>);
      case DType::i64:
        return map_rows(a, &elementwise::binary_row<F, std::int64_t, std::int64_t>);
      default:
        return map_rows(a, &elementwise::binary_row<F, std::int32_t, std::int32_t>);
    }
  };
}
template <class F>
constexpr auto compare(F) -> void (*)(const KernelArgs&) {
  return [](const KernelArgs& a) {
    switch (a.in[0].dtype()) {
      case DType::f32:
        return map_rows(a, &elementwise::binary_row<F, float, bool>);
      case DType::f64:
        return map_rows(a, &elementwise::binary_row<F, double, bool>);
      case DType::i64:
        return map_rows(a, &elementwise::binary_row<F, std::int64_t, bool>);
      case DType::i32:
        return map_rows(a, &elementwise::binary_row<F, std::int32_t, bool>);
      default:
        return map_rows(a, &elementwise::binary_row<F, std::uint8_t, bool>);
    }
  };
}

}  // namespace cairn
