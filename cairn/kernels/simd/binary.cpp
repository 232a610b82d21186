// Arithmetic of two tensors of f32, and of a tensor and one number: the results are those of the plain loops
// to the last bit, in fewer instructions.
#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/activation.h"
#include "cairn/tensor/tensor.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/kernels/simd/binary.cpp"
#include <hwy/foreach_target.h>
//
#include "cairn/kernels/simd/math.inc"

HWY_BEFORE_NAMESPACE();
namespace cairn::kernels::HWY_NAMESPACE {

// A step of 0: one number for all.
template <class F>
HWY_INLINE void map_two(const float* a, std::int64_t a_step, const float* b, std::int64_t b_step, float* y,
                        std::int64_t n, F&& f) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V first = hn::Set(d, a[0]), second = hn::Set(d, b[0]);
  std::int64_t i = 0;
  if (a_step && b_step)
    for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
  else if (a_step)
    for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, a + i), second), d, y + i);
  else if (b_step)
    for (; i + lanes <= n; i += lanes) hn::StoreU(f(first, hn::LoadU(d, b + i)), d, y + i);
  else
    for (; i + lanes <= n; i += lanes) hn::StoreU(f(first, second), d, y + i);
  for (; i < n; ++i) y[i] = hn::GetLane(f(hn::Set(d, a[i * a_step]), hn::Set(d, b[i * b_step])));
}

#define CAIRN_MAP_TWO(name, expression)                                                         \
  void name(const float* a, std::int64_t a_step, const float* b, std::int64_t b_step, float* y, \
            std::int64_t n) {                                                                   \
    map_two(a, a_step, b, b_step, y, n, [](V v, V w) HWY_ATTR { return expression; });          \
  }
CAIRN_MAP_TWO(add_of, hn::Add(v, w))
CAIRN_MAP_TWO(subtract_of, hn::Sub(v, w))
CAIRN_MAP_TWO(multiply_of, hn::Mul(v, w))
CAIRN_MAP_TWO(divide_of, hn::Div(v, w))
#undef CAIRN_MAP_TWO

// y = a where b > 0, slope a elsewhere. It may lie where a lies.
void gate_of(const float* a, const float* b, float slope, float* y, std::int64_t n) {
  each_channel(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto v = hn::LoadU(d, a + i);
    const auto open = hn::Gt(hn::LoadU(d, b + i), hn::Zero(d));
    hn::StoreU(hn::IfThenElse(open, v, hn::Mul(hn::Set(d, slope), v)), d, y + i);
  });
}

}  // namespace cairn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::kernels {
namespace {

HWY_EXPORT(add_of);
HWY_EXPORT(subtract_of);
HWY_EXPORT(multiply_of);
HWY_EXPORT(divide_of);
HWY_EXPORT(gate_of);

using TwoRows = void (*)(const float*, std::int64_t, const float*, std::int64_t, float*, std::int64_t);

bool whole_or_one(const Tensor& t, std::int64_t size) {
  return t.size() == 1 || (t.size() == size && t.is_contiguous());
}

constexpr std::int64_t kGrain = 1 << 15;

void map(const KernelArgs& a, TwoRows f) {
  const auto *x = reinterpret_cast<const float*>(a.in[0].raw()),
             *z = reinterpret_cast<const float*>(a.in[1].raw());
  auto* y = reinterpret_cast<float*>(const_cast<std::byte*>(a.out[0].raw()));
  const std::int64_t size = a.out[0].size(), x_step = a.in[0].size() == 1 ? 0 : 1,
                     z_step = a.in[1].size() == 1 ? 0 : 1;
  if (size <= kGrain) return f(x, x_step, z, z_step, y, size);
  parallel_for(size, kGrain, [&](std::int64_t begin, std::int64_t end) {
    f(x + begin * x_step, x_step, z + begin * z_step, z_step, y + begin, end - begin);
  });
}

}  // namespace

bool simd_binary_supports(const KernelArgs& a) {
  const std::int64_t size = a.out[0].size();
  if (a.in[0].dtype() != DType::f32 || size == 0) return false;
  if (!whole_or_one(a.in[0], size) || !whole_or_one(a.in[1], size)) return false;
  choose_instruction_set();
  return true;
}
void simd_add(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(add_of)); }
void simd_subtract(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(subtract_of)); }
void simd_multiply(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(multiply_of)); }
void simd_divide(const KernelArgs& a) { map(a, HWY_DYNAMIC_DISPATCH(divide_of)); }

bool simd_gate_supports(const KernelArgs& a) {
  return simd_binary_supports(a) && a.in[0].size() == a.in[1].size();
}
void simd_gate(const KernelArgs& a) {
  const auto slope = static_cast<float>(a.attributes.as<SlopeAttributes>().slope);
  const auto *g = reinterpret_cast<const float*>(a.in[0].raw()),
             *x = reinterpret_cast<const float*>(a.in[1].raw());
  auto* y = reinterpret_cast<float*>(const_cast<std::byte*>(a.out[0].raw()));
  parallel_for(a.out[0].size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(gate_of)(g + begin, x + begin, slope, y + begin, end - begin);
  });
}

}  // namespace cairn::kernels
#endif
