// Normalisation of f32. Sums are taken over blocks of rows of fixed size, each about its own first row so
// that nothing cancels, and put together in f64 in the order of the blocks (Chan, Golub, LeVeque 1983).
#include <cmath>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/norm.h"
#include "cairn/tensor/strided.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/kernels/simd/norm.cpp"
#include <hwy/foreach_target.h>
//
#include "cairn/kernels/simd/math.inc"

HWY_BEFORE_NAMESPACE();
namespace cairn::kernels::HWY_NAMESPACE {

// sum and square [C] of x - first, first the block's first row.
void moments(const float* x, std::int64_t rows, std::int64_t channels, float* sum, float* square) {
  std::fill_n(sum, channels, 0.f);
  std::fill_n(square, channels, 0.f);
  for (std::int64_t r = 1; r < rows; ++r) {
    const float* row = x + r * channels;
    each_channel(channels, [&](auto d, std::int64_t c) HWY_ATTR {
      const auto v = hn::Sub(hn::LoadU(d, row + c), hn::LoadU(d, x + c));
      hn::StoreU(hn::Add(hn::LoadU(d, sum + c), v), d, sum + c);
      hn::StoreU(hn::MulAdd(v, v, hn::LoadU(d, square + c)), d, square + c);
    });
  }
}

// y = (x - mean) factor + beta [+ more] [, 0 at least]
void normalise(const float* x, std::int64_t rows, std::int64_t channels, const float* mean,
               const float* factor, const float* beta, const float* more, bool relu, float* y) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t at = r * channels;
    each_channel(channels, [&](auto d, std::int64_t c) HWY_ATTR {
      auto v = hn::MulAdd(hn::Sub(hn::LoadU(d, x + at + c), hn::LoadU(d, mean + c)), hn::LoadU(d, factor + c),
                          hn::LoadU(d, beta + c));
      if (more) v = hn::Add(v, hn::LoadU(d, more + at + c));
      if (relu) v = hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Zero(d), v);
      hn::StoreU(v, d, y + at + c);
    });
  }
}

// g where normalise() without a residual gives more than 0, and 0 elsewhere; without beta g itself.
template <class Tag>
HWY_INLINE auto gated(Tag d, const float* g, hn::Vec<Tag> centred, const float* factor, const float* beta) {
  const auto v = hn::LoadU(d, g);
  if (!beta) return v;
  const auto y = hn::MulAdd(centred, hn::LoadU(d, factor), hn::LoadU(d, beta));
  return hn::IfThenElseZero(hn::Gt(y, hn::Zero(d)), v);
}

// sum of g and of g (x - mean), [C] each. With beta g is gated; with y it is kept in `kept` where y > 0.
void products(const float* g, const float* x, std::int64_t rows, std::int64_t channels, const float* mean,
              const float* factor, const float* beta, const float* y, float* kept, float* sum,
              float* product) {
  std::fill_n(sum, channels, 0.f);
  std::fill_n(product, channels, 0.f);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t at = r * channels;
    each_channel(channels, [&](auto d, std::int64_t c) HWY_ATTR {
      const auto centred = hn::Sub(hn::LoadU(d, x + at + c), hn::LoadU(d, mean + c));
      auto v = gated(d, g + at + c, centred, factor + c, beta ? beta + c : nullptr);
      if (y) {
        v = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, y + at + c), hn::Zero(d)), v);
        hn::StoreU(v, d, kept + at + c);
      }
      hn::StoreU(hn::Add(hn::LoadU(d, sum + c), v), d, sum + c);
      hn::StoreU(hn::MulAdd(v, centred, hn::LoadU(d, product + c)), d, product + c);
    });
  }
}

// dx = factor (g - a - (x - mean) b), g gated where there is a beta.
void spread(const float* g, const float* x, std::int64_t rows, std::int64_t channels, const float* mean,
            const float* factor, const float* beta, const float* a, const float* b, float* dx) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t at = r * channels;
    each_channel(channels, [&](auto d, std::int64_t c) HWY_ATTR {
      const auto centred = hn::Sub(hn::LoadU(d, x + at + c), hn::LoadU(d, mean + c));
      const auto v = gated(d, g + at + c, centred, factor + c, beta ? beta + c : nullptr);
      const auto rest = hn::NegMulAdd(centred, hn::LoadU(d, b + c), hn::Sub(v, hn::LoadU(d, a + c)));
      hn::StoreU(hn::Mul(rest, hn::LoadU(d, factor + c)), d, dx + at + c);
    });
  }
}

// Adds f(offset) over a row: whole vectors, then single values.
template <class F>
HWY_INLINE float sum_over(std::int64_t n, F&& f) {
  const D d;
  V sum = hn::Zero(d);
  float rest = 0;
  each_channel(n, [&](auto tag, std::int64_t i) HWY_ATTR {
    if constexpr (std::is_same_v<decltype(tag), D>)
      sum = hn::Add(sum, f(tag, i));
    else
      rest += hn::GetLane(f(tag, i));
  });
  return sum_of(d, sum) + rest;
}

void layer_rows(const float* x, std::int64_t rows, std::int64_t n, const float* gamma, const float* beta,
                float epsilon, float* y, float* means, float* variances) {
  for (std::int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const float m = sum_over(n, [&](auto d, std::int64_t i) HWY_ATTR { return hn::LoadU(d, x + i); }) /
                    static_cast<float>(n);
    const float v = sum_over(n,
                             [&](auto d, std::int64_t i) HWY_ATTR {
                               const auto centred = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m));
                               return hn::Mul(centred, centred);
                             }) /
                    static_cast<float>(n);
    means[r] = m;
    variances[r] = v;
    const float root = 1 / std::sqrt(v + epsilon);
    each_channel(n, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m)), hn::Set(d, root));
      hn::StoreU(hn::MulAdd(normal, hn::LoadU(d, gamma + i), hn::LoadU(d, beta + i)), d, y + i);
    });
  }
}

// dgamma and dbeta [n] are added to.
void layer_gradient_rows(const float* g, const float* x, std::int64_t rows, std::int64_t n,
                         const float* gamma, const float* means, const float* variances, float epsilon,
                         float* dx, float* dgamma, float* dbeta) {
  for (std::int64_t r = 0; r < rows; ++r, g += n, x += n, dx += n) {
    const float m = means[r], root = 1 / std::sqrt(variances[r] + epsilon);
    const float sum = sum_over(n, [&](auto d, std::int64_t i) HWY_ATTR {
      return hn::Mul(hn::LoadU(d, g + i), hn::LoadU(d, gamma + i));
    });
    const float product = sum_over(n, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto v = hn::LoadU(d, g + i);
      const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m)), hn::Set(d, root));
      hn::StoreU(hn::Add(hn::LoadU(d, dbeta + i), v), d, dbeta + i);
      hn::StoreU(hn::MulAdd(v, normal, hn::LoadU(d, dgamma + i)), d, dgamma + i);
      return hn::Mul(hn::Mul(v, hn::LoadU(d, gamma + i)), normal);
    });
    const float a = sum / static_cast<float>(n), b = product / static_cast<float>(n);
    each_channel(n, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m)), hn::Set(d, root));
      const auto v = hn::MulSub(hn::LoadU(d, g + i), hn::LoadU(d, gamma + i), hn::Set(d, a));
      hn::StoreU(hn::Mul(hn::NegMulAdd(normal, hn::Set(d, b), v), hn::Set(d, root)), d, dx + i);
    });
  }
}

}  // namespace cairn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::kernels {
namespace {

HWY_EXPORT(moments);
HWY_EXPORT(normalise);
HWY_EXPORT(products);
HWY_EXPORT(spread);
HWY_EXPORT(layer_rows);
HWY_EXPORT(layer_gradient_rows);

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

const float* floats(const Tensor& t) { return t.data<float>().data(); }
float* written(Tensor& t) { return t.mutable_data<float>().data(); }

// Rows of a block: what one core reads in some ten microseconds.
std::int64_t block_of(std::int64_t width) {
  return std::clamp<std::int64_t>((1 << 15) / std::max<std::int64_t>(1, width), 1, 1024);
}

struct Blocks {
  std::int64_t rows, width, block, count;
  Blocks(std::int64_t num_rows, std::int64_t num_columns)
      : rows(num_rows),
        width(num_columns),
        block(block_of(num_columns)),
        count((num_rows + block - 1) / block) {}
  // Calls f(first row, number of rows, number of the block).
  template <class F>
  void each(F&& f) const {
    parallel_for(rows, block,
                 [&](std::int64_t begin, std::int64_t end) { f(begin, end - begin, begin / block); });
  }
};

// Two numbers a channel from each block, [count, 2, width].
struct Partial {
  explicit Partial(const Blocks& b)
      : width(static_cast<std::size_t>(b.width)), values(static_cast<std::size_t>(b.count) * 2 * width) {}
  float* first(std::int64_t block) { return values.data() + static_cast<std::size_t>(block) * 2 * width; }
  float* second(std::int64_t block) { return first(block) + width; }
  std::size_t width;
  Floats values;
};

// What a channel is multiplied by. The way back computes it again from the variance as it is kept.
float factor_of(float gamma, float variance, double epsilon) {
  return static_cast<float>(static_cast<double>(gamma) / std::sqrt(static_cast<double>(variance) + epsilon));
}

}  // namespace

bool simd_norm_supports(const KernelArgs& a) {
  choose_instruction_set();
  for (const Tensor& t : a.in)
    if (t.dtype() != DType::f32) return false;
  return a.out[0].size() > 0;
}

void simd_batch_norm(const KernelArgs& a) {
  const auto at = a.attributes.as<NormAttributes>();
  const Tensor input = dense(a.in[0]), gamma = dense(a.in[1]), beta = dense(a.in[2]);
  const Tensor residual = a.in.size() == 4 ? dense(a.in[3]) : Tensor();
  const std::int64_t channels = gamma.size();
  const Blocks blocks(input.size() / channels, channels);
  const float* x = floats(input);
  Partial parts(blocks);
  blocks.each([&](std::int64_t row, std::int64_t rows, std::int64_t number) {
    HWY_DYNAMIC_DISPATCH(moments)(x + row * channels, rows, channels, parts.first(number),
                                  parts.second(number));
  });
  float *mean = written(a.out[1]), *variance = written(a.out[2]);
  Floats factor(static_cast<std::size_t>(channels));
  for (std::int64_t c = 0; c < channels; ++c) {
    double m = 0, spread_sum = 0, n = 0;
    for (std::int64_t k = 0; k < blocks.count; ++k) {
      const double rows = static_cast<double>(std::min(blocks.block, blocks.rows - k * blocks.block));
      const double sum = static_cast<double>(parts.first(k)[c]),
                   first = static_cast<double>(x[k * blocks.block * channels + c]);
      const double of_block = first + sum / rows, off = of_block - m;
      spread_sum +=
          static_cast<double>(parts.second(k)[c]) - sum * sum / rows + off * off * n * rows / (n + rows);
      m += off * rows / (n + rows);
      n += rows;
    }
    const double v = std::max(0.0, spread_sum) / n;  // NaN: max gives 0, and the mean is NaN
    mean[c] = static_cast<float>(m);
    variance[c] = static_cast<float>(std::isnan(spread_sum) ? spread_sum : v);
    factor[static_cast<std::size_t>(c)] = factor_of(floats(gamma)[c], variance[c], at.epsilon);
  }
  const float* more = residual.defined() ? floats(residual) : nullptr;
  float* y = written(a.out[0]);
  blocks.each([&](std::int64_t row, std::int64_t rows, std::int64_t) {
    const std::int64_t from = row * channels;
    HWY_DYNAMIC_DISPATCH(normalise)
    (x + from, rows, channels, mean, factor.data(), floats(beta), more ? more + from : nullptr, at.relu,
     y + from);
  });
}

namespace {

// With beta the gradient passes where the result was above 0; with y, the result, where that is, and is kept.
void batch_norm_gradient(const KernelArgs& a, const Tensor& mean, const Tensor& variance, const float* beta,
                         const float* y, float* kept) {
  const double epsilon = a.attributes.as<NormAttributes>().epsilon;
  const Tensor gradient = dense(a.in[0]), input = dense(a.in[1]), gamma = dense(a.in[2]);
  const std::int64_t channels = gamma.size();
  const Blocks blocks(input.size() / channels, channels);
  const float *g = floats(gradient), *x = floats(input);
  Partial parts(blocks);
  Floats factor(parts.width), shift(parts.width), slope(parts.width);
  for (std::size_t c = 0; c < parts.width; ++c)
    factor[c] = factor_of(floats(gamma)[c], floats(variance)[c], epsilon);
  blocks.each([&](std::int64_t row, std::int64_t rows, std::int64_t number) {
    HWY_DYNAMIC_DISPATCH(products)
    (g + row * channels, x + row * channels, rows, channels, floats(mean), factor.data(), beta,
     y ? y + row * channels : nullptr, y ? kept + row * channels : nullptr, parts.first(number),
     parts.second(number));
  });
  if (y) g = kept;
  float *dgamma = written(a.out[1]), *dbeta = written(a.out[2]);
  const double rows_in_all = static_cast<double>(blocks.rows);
  for (std::size_t c = 0; c < parts.width; ++c) {
    double sum = 0, product = 0;
    for (std::int64_t k = 0; k < blocks.count; ++k) {
      sum += static_cast<double>(parts.first(k)[c]);
      product += static_cast<double>(parts.second(k)[c]);
    }
    const double root = 1 / std::sqrt(static_cast<double>(floats(variance)[c]) + epsilon);
    dbeta[c] = static_cast<float>(sum);
    dgamma[c] = static_cast<float>(product * root);
    shift[c] = static_cast<float>(sum / rows_in_all);
    slope[c] = static_cast<float>(product * root * root / rows_in_all);
  }
  float* dx = written(a.out[0]);
  blocks.each([&](std::int64_t row, std::int64_t rows, std::int64_t) {
    const std::int64_t from = row * channels;
    HWY_DYNAMIC_DISPATCH(spread)
    (g + from, x + from, rows, channels, floats(mean), factor.data(), beta, shift.data(), slope.data(),
     dx + from);
  });
}

}  // namespace

void simd_batch_norm_gradient(const KernelArgs& a) {
  batch_norm_gradient(a, dense(a.in[3]), dense(a.in[4]), nullptr, nullptr, nullptr);
}
void simd_batch_norm_relu_gradient(const KernelArgs& a) {
  const Tensor beta = dense(a.in[3]);
  batch_norm_gradient(a, dense(a.in[4]), dense(a.in[5]), floats(beta), nullptr, nullptr);
}
void simd_batch_norm_add_relu_gradient(const KernelArgs& a) {
  const Tensor y = dense(a.in[3]);
  batch_norm_gradient(a, dense(a.in[4]), dense(a.in[5]), nullptr, floats(y), written(a.out[3]));
}

void simd_batch_norm_inference(const KernelArgs& a) {
  const auto at = a.attributes.as<NormAttributes>();
  const Tensor input = dense(a.in[0]), gamma = dense(a.in[1]), beta = dense(a.in[2]), mean = dense(a.in[3]),
               variance = dense(a.in[4]), residual = a.in.size() == 6 ? dense(a.in[5]) : Tensor();
  const std::int64_t channels = gamma.size();
  Floats factor(static_cast<std::size_t>(channels));
  for (std::int64_t c = 0; c < channels; ++c)
    factor[static_cast<std::size_t>(c)] = factor_of(floats(gamma)[c], floats(variance)[c], at.epsilon);
  const float *x = floats(input), *more = residual.defined() ? floats(residual) : nullptr;
  float* y = written(a.out[0]);
  Blocks(input.size() / channels, channels).each([&](std::int64_t row, std::int64_t rows, std::int64_t) {
    const std::int64_t from = row * channels;
    HWY_DYNAMIC_DISPATCH(normalise)
    (x + from, rows, channels, floats(mean), factor.data(), floats(beta), more ? more + from : nullptr,
     at.relu, y + from);
  });
}

void simd_layer_norm(const KernelArgs& a) {
  const auto epsilon = static_cast<float>(a.attributes.as<NormAttributes>().epsilon);
  const Tensor input = dense(a.in[0]), gamma = dense(a.in[1]), beta = dense(a.in[2]);
  const std::int64_t width = gamma.size();
  float *y = written(a.out[0]), *mean = written(a.out[1]), *variance = written(a.out[2]);
  Blocks(input.size() / width, width).each([&](std::int64_t row, std::int64_t rows, std::int64_t) {
    HWY_DYNAMIC_DISPATCH(layer_rows)
    (floats(input) + row * width, rows, width, floats(gamma), floats(beta), epsilon, y + row * width,
     mean + row, variance + row);
  });
}

void simd_layer_norm_gradient(const KernelArgs& a) {
  const auto epsilon = static_cast<float>(a.attributes.as<NormAttributes>().epsilon);
  const Tensor gradient = dense(a.in[0]), input = dense(a.in[1]), gamma = dense(a.in[2]),
               mean = dense(a.in[3]), variance = dense(a.in[4]);
  const std::int64_t width = gamma.size();
  const Blocks blocks(input.size() / width, width);
  Partial parts(blocks);
  float* dx = written(a.out[0]);
  blocks.each([&](std::int64_t row, std::int64_t rows, std::int64_t number) {
    const std::int64_t from = row * width;
    HWY_DYNAMIC_DISPATCH(layer_gradient_rows)
    (floats(gradient) + from, floats(input) + from, rows, width, floats(gamma), floats(mean) + row,
     floats(variance) + row, epsilon, dx + from, parts.first(number), parts.second(number));
  });
  float *dgamma = written(a.out[1]), *dbeta = written(a.out[2]);
  for (std::size_t i = 0; i < parts.width; ++i) {
    double of_gamma = 0, of_beta = 0;
    for (std::int64_t k = 0; k < blocks.count; ++k) {
      of_gamma += static_cast<double>(parts.first(k)[i]);
      of_beta += static_cast<double>(parts.second(k)[i]);
    }
    dgamma[i] = static_cast<float>(of_gamma);
    dbeta[i] = static_cast<float>(of_beta);
  }
}

}  // namespace cairn::kernels
#endif
