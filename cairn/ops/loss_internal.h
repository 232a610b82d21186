// Private to ops/: what losses share.
#pragma once

#include "cairn/ops/checks_internal.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"

namespace cairn {

struct LossAttributes {
  std::int8_t reduction = 0;
  double a = 0, b = 0;  // the loss's own: delta, margin, alpha and gamma
  bool flag = false;
  static const ParamList& list();
};

inline Reduction reduction_of(std::int8_t r) { return static_cast<Reduction>(r); }
inline std::int8_t number_of(Reduction r) { return static_cast<std::int8_t>(r); }
inline Shape reduced_to(Reduction r, const Shape& each) { return r == Reduction::none ? each : Shape{}; }

// Losses of one each, reduced.
inline Tensor reduced(Reduction r, const Tensor& each) {
  return r == Reduction::mean ? mean(each) : r == Reduction::sum ? sum(each) : each;
}
// One shape and element type; a mean needs something to average.
inline TensorSpecs pair_spec(const OpArgs& a) {
  need_floating(a);
  for (std::size_t i = 1; i < a.in.size(); ++i)
    if (a.in[i].shape() != a.in[0].shape())
      throw ShapeError(a.name,
                       fmt::format("inputs are {} and targets are {}; they must be equal",
                                   a.in[0].shape().text(), a.in[i].shape().text()),
                       a.in[i].size() == a.in[0].size() ? "Did you mean reshape?" : "");
  const Reduction r = reduction_of(a.attributes.as<LossAttributes>().reduction);
  if (r == Reduction::mean && a.in[0].size() == 0)
    throw ShapeError(a.name, fmt::format("{} is given; there is nothing to average", a.in[0].text()));
  return {{reduced_to(r, a.in[0].shape()), a.in[0].dtype()}};
}

// The sum of f(i) over [0, n) in f64, in blocks of fixed shape.
double sum_in_blocks(std::int64_t n, double (*block)(const void*, std::int64_t, std::int64_t),
                     const void* self);
template <class F>
double sum_each(std::int64_t n, const F& f) {
  return sum_in_blocks(
      n,
      [](const void* self, std::int64_t begin, std::int64_t end) {
        double sum = 0;
        for (std::int64_t i = begin; i < end; ++i) sum += (*static_cast<const F*>(self))(i);
        return sum;
      },
      &f);
}

// A loss of pairs: f(input, target) each, all in one pass.
template <class F>
void pair_kernel(const KernelArgs& a, F&& f) {
  const Reduction r = reduction_of(a.attributes.as<LossAttributes>().reduction);
  const Tensor inputs = dense(a.in[0]), targets = dense(a.in[1]);
  with_floating(inputs.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *x = inputs.data<T>().data(), *t = targets.data<T>().data();
    T* y = a.out[0].mutable_data<T>().data();
    const std::int64_t n = inputs.size();
    if (r == Reduction::none) {
      for (std::int64_t i = 0; i < n; ++i)
        y[i] = static_cast<T>(f(static_cast<double>(x[i]), static_cast<double>(t[i])));
      return;
    }
    const double total =
        sum_each(n, [&](std::int64_t i) { return f(static_cast<double>(x[i]), static_cast<double>(t[i])); });
    *y = static_cast<T>(r == Reduction::mean ? total / static_cast<double>(n) : total);
  });
}
// What the gradient of each loss is multiplied by: that of the loss, over n for a mean.
Tensor share_of(const VjpArgs& a, Reduction r, std::int64_t n);

}  // namespace cairn
