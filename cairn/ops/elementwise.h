// Element-wise arithmetic, mathematics, comparisons and choices, with NumPy's broadcasting: counted from the
// last, two axes are equal, or one of them is 1 or absent. Both sides have one element type; DTypeError
// otherwise. Gradients are summed over what was broadcast.
#pragma once

#include <limits>

#include "cairn/tensor/op.h"

namespace cairn {

// f32, f64, i64, i32.
Tensor add(const Tensor& a, const Tensor& b);
Tensor subtract(const Tensor& a, const Tensor& b);
Tensor multiply(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);  // NaN when one is; equal values share the gradient
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor scale(const Tensor& x, double factor, double offset = 0);  // factor x + offset
Tensor negative(const Tensor& x);
Tensor abs(const Tensor& x);   // gradient 0 at 0
Tensor sign(const Tensor& x);  // -1, 0, 1
Tensor square(const Tensor& x);
Tensor clip(const Tensor& x, double low, double high);  // infinities: no bound there

// f32 and f64.
Tensor divide(const Tensor& a, const Tensor& b);
Tensor power(const Tensor& a, const Tensor& b);  // a^b; the gradient of b needs a > 0
Tensor power(const Tensor& x, double exponent);
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);  // 1 / sqrt(x)
Tensor reciprocal(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor erf(const Tensor& x);
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);  // halves to even

// bool, of any one element type.
Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);
Tensor logical_and(const Tensor& a, const Tensor& b);  // of bool
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
Tensor is_finite(const Tensor& x);

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);  // condition is bool

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return subtract(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return multiply(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return divide(a, b); }
inline Tensor operator-(const Tensor& x) { return negative(x); }
inline Tensor operator+(const Tensor& x, double c) { return scale(x, 1, c); }
inline Tensor operator+(double c, const Tensor& x) { return scale(x, 1, c); }
inline Tensor operator-(const Tensor& x, double c) { return scale(x, 1, -c); }
inline Tensor operator-(double c, const Tensor& x) { return scale(x, -1, c); }
inline Tensor operator*(const Tensor& x, double c) { return scale(x, c); }
inline Tensor operator*(double c, const Tensor& x) { return scale(x, c); }
// Divisions, not products with a reciprocal: those round twice.
Tensor operator/(const Tensor& x, double c);
Tensor operator/(double c, const Tensor& x);

}  // namespace cairn
