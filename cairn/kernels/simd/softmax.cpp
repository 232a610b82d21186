// softmax, log_softmax and cross-entropy of f32 along the last axis, a row in the cache at a time.
#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/loss.h"
#include "cairn/tensor/strided.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/kernels/simd/softmax.cpp"
#include <hwy/foreach_target.h>
//
#include "cairn/kernels/simd/math.inc"

HWY_BEFORE_NAMESPACE();
namespace cairn::kernels::HWY_NAMESPACE {

// Calls f on the vectors of a row; the last is filled up with -inf.
template <class F>
HWY_INLINE void each_vector(const float* x, std::int64_t n, F&& f) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(hn::LoadU(d, x + i));
  if (i == n) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(hn::Set(d, -std::numeric_limits<float>::infinity()), d, rest);
  for (std::int64_t k = i; k < n; ++k) rest[k - i] = x[k];
  f(hn::Load(d, rest));
}

struct RowSum {
  float top, sum;  // of e^(x - top)
};
HWY_INLINE RowSum row_sum(const float* x, std::int64_t n) {
  const D d;
  V top = hn::Set(d, -std::numeric_limits<float>::infinity());
  each_vector(x, n, [&](V v) HWY_ATTR { top = hn::Max(v, top); });
  const float most = max_of(d, top);
  V sum = hn::Zero(d);
  each_vector(x, n, [&](V v) HWY_ATTR { sum = hn::Add(sum, exp(d, hn::Sub(v, hn::Set(d, most)))); });
  return {most, sum_of(d, sum)};
}

void softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const RowSum s = row_sum(x, n);
    const D d;
    const V top = hn::Set(d, s.top), factor = hn::Set(d, 1 / s.sum);
    map_row(x, y, n, [&](V v) HWY_ATTR { return hn::Mul(exp(d, hn::Sub(v, top)), factor); });
  }
}
void log_softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const RowSum s = row_sum(x, n);
    const V top = hn::Set(D(), s.top),
            rest = hn::Set(D(), std::log(s.sum));  // in this order nothing is rounded away
    map_row(x, y, n, [&](V v) HWY_ATTR { return hn::Sub(hn::Sub(v, top), rest); });
  }
}

// The loss of one row: log of the sum of e^x less the smoothed target's value.
double row_loss(const float* x, std::int64_t n, std::int64_t target, double smoothing) {
  const RowSum s = row_sum(x, n);
  const double all = static_cast<double>(s.top) + std::log(static_cast<double>(s.sum));
  double expected = (1 - smoothing) * static_cast<double>(x[target]);
  if (smoothing > 0) {
    double sum = 0;
    for (std::int64_t c = 0; c < n; ++c) sum += static_cast<double>(x[c]);
    expected += smoothing / static_cast<double>(n) * sum;
  }
  return all - expected;
}
// y = each (softmax(x) - target)
void row_gradient(const float* x, float* y, std::int64_t n, std::int64_t target, double smoothing,
                  float each) {
  const RowSum s = row_sum(x, n);
  const D d;
  const V top = hn::Set(d, s.top), factor = hn::Set(d, each / s.sum);
  const V share =
      hn::Set(d, static_cast<float>(static_cast<double>(each) * smoothing / static_cast<double>(n)));
  map_row(x, y, n, [&](V v) HWY_ATTR { return hn::MulSub(exp(d, hn::Sub(v, top)), factor, share); });
  y[target] -= static_cast<float>(static_cast<double>(each) * (1 - smoothing));
}

}  // namespace cairn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::kernels {
namespace {

HWY_EXPORT(softmax_rows);
HWY_EXPORT(log_softmax_rows);
HWY_EXPORT(row_loss);
HWY_EXPORT(row_gradient);

std::int64_t rows_at_once(std::int64_t n) { return std::max<std::int64_t>(1, (1 << 13) / n); }

template <class F>
void map_rows_of(const KernelArgs& a, F f) {
  const Tensor input = dense(a.in[0]);
  const std::int64_t n = input.size(input.ndim() - 1), rows = input.size() / n;
  const float* x = input.data<float>().data();
  float* y = a.out[0].mutable_data<float>().data();
  parallel_for(rows, rows_at_once(n), [&](std::int64_t begin, std::int64_t end) {
    f(x + begin * n, y + begin * n, end - begin, n);
  });
}

}  // namespace

bool simd_softmax_supports(const KernelArgs& a) {
  choose_instruction_set();
  const std::int64_t axis = a.attributes.as<SoftmaxAttributes>().axis;
  return a.in[0].dtype() == DType::f32 && a.in[0].size() > 0 && (axis == -1 || axis == a.in[0].ndim() - 1);
}
void simd_softmax(const KernelArgs& a) { map_rows_of(a, HWY_DYNAMIC_DISPATCH(softmax_rows)); }
void simd_log_softmax(const KernelArgs& a) { map_rows_of(a, HWY_DYNAMIC_DISPATCH(log_softmax_rows)); }

bool simd_cross_entropy_supports(const KernelArgs& a) {
  choose_instruction_set();
  const Tensor& logits = a.in[a.in.size() - 2];
  return logits.dtype() == DType::f32 && logits.size() > 0;
}

void simd_cross_entropy(const KernelArgs& a) {
  const auto at = a.attributes.as<ClassLossAttributes>();
  const auto reduction = static_cast<Reduction>(at.reduction);
  const Tensor logits = dense(a.in[0]), targets = dense(a.in[1]);
  const std::int64_t n = logits.size(logits.ndim() - 1), rows = targets.size();
  const float* x = logits.data<float>().data();
  const auto t = targets.data<std::int64_t>();
  float* y = a.out[0].mutable_data<float>().data();
  const auto loss = HWY_DYNAMIC_DISPATCH(row_loss);
  struct Total {
    double sum = 0, count = 0;
  };
  const Total total = parallel_reduce<Total>(
      rows, rows_at_once(n),
      [&](std::int64_t begin, std::int64_t end) {
        Total part;
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t target = t[static_cast<std::size_t>(i)];
          const bool counts = target != at.ignore_index;
          const double each = counts ? loss(x + i * n, n, target, at.label_smoothing) : 0;
          if (reduction == Reduction::none) y[i] = static_cast<float>(each);
          part.sum += each;
          part.count += counts;
        }
        return part;
      },
      [](Total& into, const Total& other) {
        into.sum += other.sum;
        into.count += other.count;
      });
  if (reduction != Reduction::none)
    *y = static_cast<float>(reduction == Reduction::mean ? total.sum / total.count : total.sum);
}

void simd_cross_entropy_gradient(const KernelArgs& a) {
  const auto at = a.attributes.as<ClassLossAttributes>();
  const auto reduction = static_cast<Reduction>(at.reduction);
  const Tensor gradient = dense(a.in[0]), logits = dense(a.in[1]), targets = dense(a.in[2]);
  const std::int64_t n = logits.size(logits.ndim() - 1), rows = targets.size();
  const float *g = gradient.data<float>().data(), *x = logits.data<float>().data();
  const auto t = targets.data<std::int64_t>();
  float* y = a.out[0].mutable_data<float>().data();
  double counted = 1;
  if (reduction == Reduction::mean) {
    counted = 0;
    for (const std::int64_t v : t) counted += v != at.ignore_index;
  }
  const auto one_row = HWY_DYNAMIC_DISPATCH(row_gradient);
  parallel_for(rows, rows_at_once(n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t target = t[static_cast<std::size_t>(i)];
      if (target == at.ignore_index) {
        std::fill_n(y + i * n, n, 0.f);
        continue;
      }
      const double each = static_cast<double>(reduction == Reduction::none ? g[i] : *g) / counted;
      one_row(x + i * n, y + i * n, n, target, at.label_smoothing, static_cast<float>(each));
    }
  });
}

}  // namespace cairn::kernels
#endif
