// Element-wise functions of f32.
#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/tensor/strided.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/kernels/simd/unary.cpp"
#include <hwy/foreach_target.h>
//
#include "cairn/kernels/simd/math.inc"

HWY_BEFORE_NAMESPACE();
namespace cairn::kernels::HWY_NAMESPACE {

void exp_of(const float* x, float* y, std::int64_t n) {
  map_row(x, y, n, [](V v) HWY_ATTR { return exp(D(), v); });
}
void log_of(const float* x, float* y, std::int64_t n) {
  map_row(x, y, n, [](V v) HWY_ATTR { return log(D(), v); });
}
void tanh_of(const float* x, float* y, std::int64_t n) {
  map_row(x, y, n, [](V v) HWY_ATTR { return tanh(D(), v); });
}
void sigmoid_of(const float* x, float* y, std::int64_t n) {
  map_row(x, y, n, [](V v) HWY_ATTR { return sigmoid(D(), v); });
}
void silu_of(const float* x, float* y, std::int64_t n) {
  map_row(x, y, n, [](V v) HWY_ATTR { return hn::Mul(v, sigmoid(D(), v)); });
}
void gelu_of(const float* x, float* y, std::int64_t n) {
  map_row(x, y, n, [](V v) HWY_ATTR {
    const D d;
    return hn::Mul(hn::Mul(v, hn::Set(d, 0.5f)), erfc(d, hn::Mul(v, hn::Set(d, -0.70710678f))));
  });
}
void relu_of(const float* x, float* y, std::int64_t n) {  // NaN stays
  map_row(x, y, n, [](V v) HWY_ATTR { return hn::IfThenElse(hn::Le(v, hn::Zero(D())), hn::Zero(D()), v); });
}

}  // namespace cairn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::kernels {
namespace {

HWY_EXPORT(exp_of);
HWY_EXPORT(log_of);
HWY_EXPORT(tanh_of);
HWY_EXPORT(sigmoid_of);
HWY_EXPORT(silu_of);
HWY_EXPORT(gelu_of);
HWY_EXPORT(relu_of);

using RowKernel = void (*)(const float*, float*, std::int64_t);

void map(const KernelArgs& a, RowKernel f) {
  const Tensor input = dense(a.in[0]);
  const float* x = input.data<float>().data();
  float* y = a.out[0].mutable_data<float>().data();
  parallel_for(input.size(), 1 << 14,
               [&](std::int64_t begin, std::int64_t end) { f(x + begin, y + begin, end - begin); });
}

}  // namespace

void choose_instruction_set() {
  if (!hwy::GetChosenTarget().IsInitialized()) hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

bool simd_unary_supports(const KernelArgs& a) {
  choose_instruction_set();
  return a.in[0].dtype() == DType::f32;
}
void simd_exp(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(exp_of)); }
void simd_log(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(log_of)); }
void simd_tanh(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(tanh_of)); }
void simd_sigmoid(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(sigmoid_of)); }
void simd_silu(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(silu_of)); }
void simd_gelu(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(gelu_of)); }
void simd_relu(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(relu_of)); }

void tanh_row(const float* x, float* y, std::int64_t n) { HWY_DYNAMIC_DISPATCH(tanh_of)(x, y, n); }
void sigmoid_row(const float* x, float* y, std::int64_t n) { HWY_DYNAMIC_DISPATCH(sigmoid_of)(x, y, n); }
void relu_row(const float* x, float* y, std::int64_t n) { HWY_DYNAMIC_DISPATCH(relu_of)(x, y, n); }
void activate_row(LinearActivation f, float* row, std::int64_t n) {
  if (f == LinearActivation::relu) relu_row(row, row, n);
  if (f == LinearActivation::sigmoid) sigmoid_row(row, row, n);
  if (f == LinearActivation::tanh) tanh_row(row, row, n);
}

}  // namespace cairn::kernels
#endif
