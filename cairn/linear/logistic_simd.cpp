#include "cairn/linear/logistic_simd_internal.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/linear/logistic_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::logistic_kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D64 = hn::CappedTag<double, kTilePad>;
using V64 = hn::Vec<D64>;

inline V64 widen(D64 d, const double* x) { return hn::LoadU(d, x); }
inline V64 widen(D64 d, const float* x) { return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D64>(), x)); }
inline double total(D64 d, V64 v) { return hn::GetLane(hn::SumOfLanes(d, v)); }

// M logits of R vectors of rows at once: enough independent sums to keep the multipliers busy. All blocks
// here are unrolled by order: left as loops, the sums would live in memory.
template <int M, int R, class T>
void predict_block(const Tile<T>& x, std::int64_t row, const double* w, const double* intercepts,
                   double* logits) {
  const D64 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V64 sum[M][R];
  HWY_UNROLL(8) for (int m = 0; m < M; ++m) {
    HWY_UNROLL(8) for (int r = 0; r < R; ++r) sum[m][r] = hn::Set(d, intercepts[m]);
  }
  for (std::int64_t j = 0; j < x.num_columns; ++j) {
    V64 v[R];
    HWY_UNROLL(8) for (int r = 0; r < R; ++r) v[r] = widen(d, x.columns[j] + row + r * lanes);
    HWY_UNROLL(8) for (int m = 0; m < M; ++m) {
      const V64 weight = hn::Set(d, w[m * x.num_columns + j]);
      HWY_UNROLL(8) for (int r = 0; r < R; ++r) sum[m][r] = hn::MulAdd(weight, v[r], sum[m][r]);
    }
  }
  HWY_UNROLL(8) for (int m = 0; m < M; ++m) {
    HWY_UNROLL(8) for (int r = 0; r < R; ++r) hn::StoreU(sum[m][r], d, logits + m * x.rows + row + r * lanes);
  }
}

template <class T>
void predict(const Tile<T>& x, const double* w, const double* intercepts, std::int64_t m, double* logits) {
  const D64 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t k = 0; k < m;) {
    const std::int64_t at = k * x.num_columns;
    std::int64_t row = 0;
    if (m - k >= 4) {
      for (; row + 2 * lanes <= x.rows; row += 2 * lanes)
        predict_block<4, 2>(x, row, w + at, intercepts + k, logits + k * x.rows);
      for (; row < x.rows; row += lanes)
        predict_block<4, 1>(x, row, w + at, intercepts + k, logits + k * x.rows);
      k += 4;
    } else {
      for (; row + 8 * lanes <= x.rows; row += 8 * lanes)
        predict_block<1, 8>(x, row, w + at, intercepts + k, logits + k * x.rows);
      for (; row < x.rows; row += lanes)
        predict_block<1, 1>(x, row, w + at, intercepts + k, logits + k * x.rows);
      k += 1;
    }
  }
}

// The products of M rows of residuals with J neighbouring columns.
template <int M, int J, class T>
void gradient_block(const Tile<T>& x, std::int64_t j, const double* residuals, double* gradient) {
  const D64 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V64 sum[M][J];
  const T* column[J];
  HWY_UNROLL(8) for (int c = 0; c < J; ++c) column[c] = x.columns[j + c];
  HWY_UNROLL(8) for (int m = 0; m < M; ++m) {
    HWY_UNROLL(8) for (int c = 0; c < J; ++c) sum[m][c] = hn::Zero(d);
  }
  for (std::int64_t row = 0; row < x.rows; row += lanes) {
    V64 v[J];
    HWY_UNROLL(8) for (int c = 0; c < J; ++c) v[c] = widen(d, column[c] + row);
    HWY_UNROLL(8) for (int m = 0; m < M; ++m) {
      const V64 residual = hn::LoadU(d, residuals + m * x.rows + row);
      HWY_UNROLL(8) for (int c = 0; c < J; ++c) sum[m][c] = hn::MulAdd(residual, v[c], sum[m][c]);
    }
  }
  HWY_UNROLL(8) for (int m = 0; m < M; ++m) {
    HWY_UNROLL(8) for (int c = 0; c < J; ++c) gradient[m * x.num_columns + j + c] += total(d, sum[m][c]);
  }
}

template <class T>
void gradient(const Tile<T>& x, const double* residuals, std::int64_t m, double* out) {
  for (std::int64_t k = 0; k < m;) {
    const double* from = residuals + k * x.rows;
    double* to = out + k * x.num_columns;
    std::int64_t j = 0;
    if (m - k >= 4) {
      for (; j + 2 <= x.num_columns; j += 2) gradient_block<4, 2>(x, j, from, to);
      for (; j < x.num_columns; ++j) gradient_block<4, 1>(x, j, from, to);
      k += 4;
    } else {
      for (; j + 8 <= x.num_columns; j += 8) gradient_block<1, 8>(x, j, from, to);
      for (; j + 2 <= x.num_columns; j += 2) gradient_block<1, 2>(x, j, from, to);
      for (; j < x.num_columns; ++j) gradient_block<1, 1>(x, j, from, to);
      k += 1;
    }
  }
}

// Beyond this a probability is 0 to 300 digits, and Exp is no longer defined.
constexpr double kFarthestLogit = 700;

Link link_one(std::int64_t rows, double* z, const double* y, const double* s, double* curvature,
              const Prefetch& next) {
  const D64 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  LineWalk walk(next, rows / lanes);
  const V64 one = hn::Set(d, 1.0), zero = hn::Zero(d), far = hn::Set(d, -kFarthestLogit);
  V64 loss = zero, margin = hn::Set(d, std::numeric_limits<double>::infinity());
  for (std::int64_t row = 0; row < rows; row += lanes) {
    walk.step();
    const V64 logit = hn::LoadU(d, z + row), truth = hn::LoadU(d, y + row), weight = hn::LoadU(d, s + row);
    const V64 small = hn::Exp(d, hn::Max(hn::Neg(hn::Abs(logit)), far));
    const V64 share = hn::Div(one, hn::Add(one, small));  // sigmoid of |logit|
    const auto positive = hn::Ge(logit, zero);
    const V64 p = hn::IfThenElse(positive, share, hn::Mul(small, share));
    hn::StoreU(hn::Mul(weight, hn::Sub(p, truth)), d, z + row);
    hn::StoreU(hn::Mul(weight, hn::Mul(share, hn::Mul(small, share))), d, curvature + row);
    const V64 agreed = hn::IfThenElse(hn::Gt(truth, zero), logit, hn::Neg(logit));
    const V64 row_loss = hn::Add(hn::Log1p(d, small), hn::Max(hn::Neg(agreed), zero));
    loss = hn::MulAdd(weight, row_loss, loss);
    margin = hn::IfThenElse(hn::Gt(weight, zero), hn::Min(margin, agreed), margin);
  }
  return {total(d, loss), hn::GetLane(hn::MinOfLanes(d, margin))};
}

Link link_many(std::int64_t rows, std::int64_t m, double* z, const std::int32_t* truth, const double* s,
               const Prefetch& next) {
  const D64 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  LineWalk walk(next, rows / lanes);
  const V64 far = hn::Set(d, -kFarthestLogit);
  Link link{0, std::numeric_limits<double>::infinity()};
  double of_truth[kTilePad], best_other[kTilePad], top[kTilePad], sums[kTilePad];
  for (std::int64_t row = 0; row < rows; row += lanes) {
    walk.step();
    for (std::int64_t i = 0; i < lanes; ++i) {
      of_truth[i] = z[truth[row + i] * rows + row + i];
      best_other[i] = -std::numeric_limits<double>::infinity();
      for (std::int64_t k = 0; k < m; ++k)
        if (k != truth[row + i]) best_other[i] = std::max(best_other[i], z[k * rows + row + i]);
    }
    V64 highest = hn::LoadU(d, z + row);
    for (std::int64_t k = 1; k < m; ++k) highest = hn::Max(highest, hn::LoadU(d, z + k * rows + row));
    V64 sum = hn::Zero(d);
    for (std::int64_t k = 0; k < m; ++k) {
      const V64 e = hn::Exp(d, hn::Max(hn::Sub(hn::LoadU(d, z + k * rows + row), highest), far));
      hn::StoreU(e, d, z + k * rows + row);
      sum = hn::Add(sum, e);
    }
    const V64 scale = hn::Div(hn::Set(d, 1.0), sum);
    for (std::int64_t k = 0; k < m; ++k)
      hn::StoreU(hn::Mul(hn::LoadU(d, z + k * rows + row), scale), d, z + k * rows + row);
    hn::StoreU(highest, d, top);
    hn::StoreU(hn::Log(d, sum), d, sums);
    for (std::int64_t i = 0; i < lanes; ++i) {
      if (s[row + i] <= 0) continue;
      link.loss += s[row + i] * (top[i] + sums[i] - of_truth[i]);
      link.margin = std::min(link.margin, of_truth[i] - best_other[i]);
    }
  }
  return link;
}

double sum_values(const double* values, std::int64_t n) {
  const D64 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V64 sum = hn::Zero(d);
  for (std::int64_t i = 0; i < n; i += lanes) sum = hn::Add(sum, hn::LoadU(d, values + i));
  return total(d, sum);
}

double roots(const double* values, std::int64_t n, double* root) {
  const D64 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V64 sum = hn::Zero(d);
  for (std::int64_t i = 0; i < n; i += lanes) {
    const V64 v = hn::Max(hn::LoadU(d, values + i), hn::Zero(d));
    sum = hn::Add(sum, v);
    hn::StoreU(hn::Sqrt(v), d, root + i);
  }
  return total(d, sum);
}

template <class T>
void pack(const Tile<T>& x, const double* root, const double* centre, const double* scale, T* packed) {
  const hn::CappedTag<T, kTilePad> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  T narrow[1024];
  for (std::int64_t r = 0; r < x.rows; ++r) narrow[r] = static_cast<T>(root[r]);
  for (std::int64_t j = 0; j < x.num_columns; ++j) {
    const auto c = hn::Set(d, static_cast<T>(centre[j])), f = hn::Set(d, static_cast<T>(scale[j]));
    T* to = packed + j * x.rows;
    for (std::int64_t r = 0; r < x.rows; r += lanes)
      hn::StoreU(hn::Mul(hn::Mul(hn::Sub(hn::LoadU(d, x.columns[j] + r), c), f), hn::LoadU(d, narrow + r)), d,
                 to + r);
  }
  const std::int64_t padded = (x.num_columns + kGramPad - 1) / kGramPad * kGramPad;
  std::fill(packed + x.num_columns * x.rows, packed + padded * x.rows, T(0));
}

// A J x K block of A A^T: rows j.. of A against rows k..
template <int J, int K, class T>
void gram_block(const T* a, std::int64_t j, std::int64_t k, std::int64_t rows, double sign, double* gram,
                std::int64_t columns) {
  const hn::CappedTag<T, kTilePad> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sum[J][K];
  HWY_UNROLL(8) for (int p = 0; p < J; ++p) {
    HWY_UNROLL(8) for (int q = 0; q < K; ++q) sum[p][q] = hn::Zero(d);
  }
  const T* left = a + j * rows;
  const T* right = a + k * rows;
  for (std::int64_t r = 0; r < rows; r += lanes) {
    hn::Vec<decltype(d)> u[J];
    HWY_UNROLL(8) for (int p = 0; p < J; ++p) u[p] = hn::LoadU(d, left + p * rows + r);
    HWY_UNROLL(8) for (int q = 0; q < K; ++q) {
      const auto v = hn::LoadU(d, right + q * rows + r);
      HWY_UNROLL(8) for (int p = 0; p < J; ++p) sum[p][q] = hn::MulAdd(u[p], v, sum[p][q]);
    }
  }
  HWY_UNROLL(8) for (int p = 0; p < J; ++p) {
    HWY_UNROLL(8)
    for (int q = 0; q < K; ++q)
      gram[(j + p) * columns + k + q] +=
          sign * static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum[p][q])));
  }
}

template <class T>
void gram(const T* packed, std::int64_t columns, std::int64_t rows, const double* root, double sign,
          double* out, double* sums) {
  // With 16 registers (AVX2 and older) a block of 4 x 4 sums would spill.
  constexpr int kWide = HWY_MAX_BYTES >= 64 ? 4 : 2;
  for (std::int64_t j = 0; j < columns; j += kGramPad)
    for (std::int64_t k = 0; k <= j + kGramPad - kWide; k += kWide)
      gram_block<kGramPad, kWide>(packed, j, k, rows, sign, out, columns);
  const D64 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j = 0; j < columns; ++j) {
    V64 sum = hn::Zero(d);
    for (std::int64_t r = 0; r < rows; r += lanes)
      sum = hn::MulAdd(widen(d, packed + j * rows + r), hn::LoadU(d, root + r), sum);
    sums[j] += sign * total(d, sum);
  }
}

template <class T>
ColumnSums sums_of(const T* x, const double* along, std::int64_t n, double shift) {
  const D64 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V64 from = hn::Set(d, shift);
  V64 low = hn::Set(d, static_cast<double>(x[0])), high = low, sum = hn::Zero(d), squares = hn::Zero(d),
      product = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V64 v = widen(d, x + i), centred = hn::Sub(v, from);
    low = hn::Min(low, v);
    high = hn::Max(high, v);
    sum = hn::Add(sum, centred);
    squares = hn::MulAdd(centred, centred, squares);
    if (along) product = hn::MulAdd(centred, hn::LoadU(d, along + i), product);
  }
  ColumnSums s{hn::GetLane(hn::MinOfLanes(d, low)), hn::GetLane(hn::MaxOfLanes(d, high)), total(d, sum),
               total(d, squares), total(d, product)};
  for (; i < n; ++i) {
    const double v = static_cast<double>(x[i]), centred = v - shift;
    s.low = std::min(s.low, v);
    s.high = std::max(s.high, v);
    s.sum += centred;
    s.squares += centred * centred;
    if (along) s.along += centred * along[i];
  }
  return s;
}

// Names without templates, as the run-time dispatch wants them.
void predict32(const Tile<float>& x, const double* w, const double* b, std::int64_t m, double* z) {
  predict(x, w, b, m, z);
}
void predict64(const Tile<double>& x, const double* w, const double* b, std::int64_t m, double* z) {
  predict(x, w, b, m, z);
}
void gradient32(const Tile<float>& x, const double* r, std::int64_t m, double* g) { gradient(x, r, m, g); }
void gradient64(const Tile<double>& x, const double* r, std::int64_t m, double* g) { gradient(x, r, m, g); }
void pack32(const Tile<float>& x, const double* r, const double* c, const double* f, float* p) {
  pack(x, r, c, f, p);
}
void pack64(const Tile<double>& x, const double* r, const double* c, const double* f, double* p) {
  pack(x, r, c, f, p);
}
void gram32(const float* p, std::int64_t c, std::int64_t n, const double* r, double sign, double* g,
            double* s) {
  gram(p, c, n, r, sign, g, s);
}
void gram64(const double* p, std::int64_t c, std::int64_t n, const double* r, double sign, double* g,
            double* s) {
  gram(p, c, n, r, sign, g, s);
}
ColumnSums sums32(const float* x, const double* along, std::int64_t n, double shift) {
  return sums_of(x, along, n, shift);
}
ColumnSums sums64(const double* x, const double* along, std::int64_t n, double shift) {
  return sums_of(x, along, n, shift);
}

}  // namespace cairn::logistic_kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::logistic_kernels {

HWY_EXPORT(predict32);
HWY_EXPORT(predict64);
HWY_EXPORT(gradient32);
HWY_EXPORT(gradient64);
HWY_EXPORT(link_one);
HWY_EXPORT(link_many);
HWY_EXPORT(sum_values);
HWY_EXPORT(roots);
HWY_EXPORT(pack32);
HWY_EXPORT(pack64);
HWY_EXPORT(gram32);
HWY_EXPORT(gram64);
HWY_EXPORT(sums32);
HWY_EXPORT(sums64);

void linear_predictor(const Tile<float>& x, const double* w, const double* intercepts, std::int64_t m,
                      double* logits) {
  HWY_DYNAMIC_DISPATCH(predict32)(x, w, intercepts, m, logits);
}
void linear_predictor(const Tile<double>& x, const double* w, const double* intercepts, std::int64_t m,
                      double* logits) {
  HWY_DYNAMIC_DISPATCH(predict64)(x, w, intercepts, m, logits);
}
void add_gradient(const Tile<float>& x, const double* residuals, std::int64_t m, double* gradient) {
  HWY_DYNAMIC_DISPATCH(gradient32)(x, residuals, m, gradient);
}
void add_gradient(const Tile<double>& x, const double* residuals, std::int64_t m, double* gradient) {
  HWY_DYNAMIC_DISPATCH(gradient64)(x, residuals, m, gradient);
}
Link logistic_link(std::int64_t rows, double* z, const double* y, const double* s, double* curvature,
                   const Prefetch& next) {
  return HWY_DYNAMIC_DISPATCH(link_one)(rows, z, y, s, curvature, next);
}
Link softmax_link(std::int64_t rows, std::int64_t m, double* z, const std::int32_t* truth, const double* s,
                  const Prefetch& next) {
  return HWY_DYNAMIC_DISPATCH(link_many)(rows, m, z, truth, s, next);
}
double sum(const double* values, std::int64_t n) { return HWY_DYNAMIC_DISPATCH(sum_values)(values, n); }
double square_roots(const double* values, std::int64_t n, double* root) {
  return HWY_DYNAMIC_DISPATCH(roots)(values, n, root);
}
void pack_weighted(const Tile<float>& x, const double* root, const double* centre, const double* scale,
                   float* packed) {
  HWY_DYNAMIC_DISPATCH(pack32)(x, root, centre, scale, packed);
}
void pack_weighted(const Tile<double>& x, const double* root, const double* centre, const double* scale,
                   double* packed) {
  HWY_DYNAMIC_DISPATCH(pack64)(x, root, centre, scale, packed);
}
void add_gram(const float* packed, std::int64_t columns, std::int64_t rows, const double* root, double sign,
              double* gram, double* sums) {
  HWY_DYNAMIC_DISPATCH(gram32)(packed, columns, rows, root, sign, gram, sums);
}
void add_gram(const double* packed, std::int64_t columns, std::int64_t rows, const double* root, double sign,
              double* gram, double* sums) {
  HWY_DYNAMIC_DISPATCH(gram64)(packed, columns, rows, root, sign, gram, sums);
}
ColumnSums column_sums(const float* x, const double* along, std::int64_t n, double shift) {
  return HWY_DYNAMIC_DISPATCH(sums32)(x, along, n, shift);
}
ColumnSums column_sums(const double* x, const double* along, std::int64_t n, double shift) {
  return HWY_DYNAMIC_DISPATCH(sums64)(x, along, n, shift);
}

}  // namespace cairn::logistic_kernels
#endif
