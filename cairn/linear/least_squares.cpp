#include "cairn/linear/least_squares.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/data/finite.h"
#include "cairn/linear/least_squares_internal.h"
#include "cairn/linear/row_sums_internal.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

using linalg::GramOptions;
using Numbers = std::vector<double>;

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Cholesky on the products loses the digits of the condition squared: down to this, half of them are left.
constexpr double kCholeskyLimit = 1e-8;
constexpr double kNearlyCollinear = 1e5;  // from this condition on, the columns involved are named
constexpr std::int64_t kWideFrom = 512;   // with more columns than this and than rows, work goes by rows
constexpr std::int64_t kMostDirect =
    30'000;  // the smaller side of a problem that is solved directly (7 GB of products)

// The sums of one pass, with columns brought to unit length: a v = c, w = v * unit.
struct Sums {
  double weight = 0;
  Numbers mean;  // [d + 1], zeros without an intercept; the target stands last
  Numbers unit;  // [d]: 1 / length of the centred column; 0 for a constant one
  double target_unit = 1;
  Numbers a, c;     // [d, d] with unit diagonal, [d]
  Numbers penalty;  // [d]: what alpha adds to the diagonal of a
};

// Powers of two that bring every column's spread near 1, so that squares neither overflow nor vanish.
Numbers guard_scales(const LeastSquaresProblem& p) {
  const linalg::Ranges ranges = row_ranges(p.rows);
  Numbers scales;
  for (std::size_t c = 0; c < ranges.low.size(); ++c) {
    const double low = ranges.low[c], high = ranges.high[c];
    double spread = p.intercept ? high - low : std::max(std::abs(low), std::abs(high));
    if (std::isinf(spread)) spread = std::numeric_limits<double>::max();
    const double s = spread == 0 ? 1 : std::ldexp(1.0, -std::clamp(std::ilogb(spread), -1000, 1000));
    scales.push_back(p.alpha > 0 ? std::min(1.0, s) : s);  // a tiny column may vanish beside the penalty
  }
  return scales;
}

bool in_range(const linalg::Moments& p) {
  const std::size_t n = p.mean.size();
  for (std::size_t c = 0; c < n; ++c) {
    const double square = p.products[c * n + c];
    if (!(square >= 1e-250 && square <= 1e250)) return false;
  }
  return true;
}

Sums sums_of(const LeastSquaresProblem& p) {
  linalg::Moments raw = row_moments(p.rows, p.intercept, {}, p.stop);
  const std::size_t d = raw.mean.size() - 1;
  Numbers scale(d + 1, 1.0);
  if (!in_range(raw)) {
    p.rows.each([&](const NumericData& rows) { check_finite(rows.x, rows.feature_names, p.learner); });
    scale = guard_scales(p);
    raw = row_moments(p.rows, p.intercept, scale, p.stop);
  }
  Sums s{raw.weight, std::move(raw.mean), Numbers(d), scale[d], Numbers(d * d), Numbers(d), Numbers(d)};
  Numbers length(d);
  for (std::size_t c = 0; c < d; ++c) {
    const double square = raw.products[c * (d + 1) + c], penalty = p.alpha * scale[c] * scale[c];
    // A spread below the rounding of the column's own values is noise, not a direction.
    const double noise = 8 * kEpsilon * std::abs(s.mean[c]) * scale[c];
    const bool constant = std::sqrt(square / s.weight) <= noise;
    length[c] = constant ? 0 : std::sqrt(square + penalty);
    if (length[c] == 0) continue;
    s.unit[c] = scale[c] / length[c];
    s.penalty[c] = penalty / (length[c] * length[c]);
  }
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j)
      if (length[i] > 0 && length[j] > 0)
        s.a[i * d + j] = raw.products[i * (d + 1) + j] / length[i] / length[j];
    s.a[i * d + i] = 1;  // products and penalty; a constant column stands alone and gets 0
    if (length[i] > 0) s.c[i] = raw.products[i * (d + 1) + d] / length[i];
  }
  for (const double v : s.c)
    if (!std::isfinite(v))
      throw FitError("least squares", "the products of the columns are beyond the range of numbers",
                     "Rescale the columns.");
  return s;
}

void finish(const LeastSquaresProblem& p, const Sums& s, std::span<const double> v,
            LeastSquaresSolution& out) {
  const std::size_t d = s.unit.size();
  out.weights.resize(d);
  for (std::size_t c = 0; c < d; ++c) out.weights[c] = v[c] * s.unit[c] / s.target_unit;
  out.intercept = s.mean[d];
  for (std::size_t c = 0; c < d; ++c) out.intercept -= out.weights[c] * s.mean[c];
  if (!p.intercept) out.intercept = 0;
}

// The rows reduced to a triangle [d + 1, d + 1] at unit length, the penalty's rows below it: a [m, d] and b
// [m].
struct Triangle {
  std::int64_t rows = 0;
  Numbers a, b;
};

Triangle triangle_of(const LeastSquaresProblem& p, const Sums& s) {
  const std::size_t d = s.unit.size();
  Numbers scale = s.unit;
  scale.push_back(s.target_unit);
  const Numbers r = row_triangle(p.rows, s.mean, scale, p.stop);
  const std::size_t rows = p.alpha > 0 ? 2 * d + 1 : d + 1;
  Triangle t{static_cast<std::int64_t>(rows), Numbers(rows * d), Numbers(rows)};
  for (std::size_t i = 0; i <= d; ++i) {
    std::copy_n(r.begin() + static_cast<std::ptrdiff_t>(i * (d + 1)), d,
                t.a.begin() + static_cast<std::ptrdiff_t>(i * d));
    t.b[i] = r[i * (d + 1) + d];
  }
  if (p.alpha > 0)
    for (std::size_t c = 0; c < d; ++c) t.a[(d + 1 + c) * d + c] = std::sqrt(s.penalty[c]);
  return t;
}

// How small a pivot must be, beside the largest, to be nothing but rounding: the columns' own digits are lost
// in proportion to their distance from zero.
double rank_tolerance(const Sums& s) {
  const auto d = static_cast<double>(s.unit.size());
  double offset = 1;
  for (std::size_t c = 0; c < s.unit.size(); ++c)
    offset = std::max(offset, std::abs(s.mean[c]) * s.unit[c] * std::sqrt(s.weight));
  return std::min(1e-6, kEpsilon * offset * std::max(64.0, 4 * d));
}

// Among all solutions v + null_space, the one whose weights in the units of the columns have the least norm.
void least_norm(const Sums& s, const linalg::LeastSquares& found, Numbers& v) {
  const std::size_t d = v.size(), q = found.null_space.size() / std::max<std::size_t>(d, 1);
  const double largest = *std::ranges::max_element(s.unit);
  if (q == 0 || largest == 0) return;
  Numbers directions(d * q), w(d);
  for (std::size_t c = 0; c < d; ++c) {
    w[c] = v[c] * (s.unit[c] / largest);
    for (std::size_t k = 0; k < q; ++k)
      directions[c * q + k] = found.null_space[k * d + c] * (s.unit[c] / largest);
  }
  const auto along = linalg::least_squares_qr(directions, static_cast<std::int64_t>(d),
                                              static_cast<std::int64_t>(q), w, 1, 1e-13);
  for (std::size_t c = 0; c < d; ++c)
    for (std::size_t k = 0; k < q; ++k) v[c] -= found.null_space[k * d + c] * along.solution[k];
}

std::string constant_note(const LeastSquaresProblem& p, const Sums& s) {
  std::vector<std::string> constant;
  for (std::size_t c = 0; c < s.unit.size(); ++c)
    if (s.unit[c] == 0) constant.push_back(p.rows.head().feature_names[c]);
  if (constant.empty()) return {};
  return fmt::format("{}: {} in the training rows, so the weight is 0", name_list(constant),
                     p.intercept ? "constant" : "all zero");
}

LeastSquaresSolution solve_tall(const LeastSquaresProblem& p) {
  using enum LeastSquaresSolver;
  LeastSquaresSolution out;
  const Sums s = sums_of(p);
  const auto d = static_cast<std::int64_t>(s.unit.size());
  if (std::string note = constant_note(p, s); !note.empty()) out.notes.push_back(std::move(note));

  Numbers factor = s.a;
  const double norm = linalg::norm_one(factor, d);
  const double reciprocal = linalg::cholesky(factor, d) ? linalg::reciprocal_condition(factor, d, norm) : 0;
  out.condition = reciprocal > 0 ? std::sqrt(1 / reciprocal) : kInfinity;
  const bool fits = reciprocal >= kCholeskyLimit;
  if (p.solver == cholesky ? reciprocal > kEpsilon : p.solver == automatic && fits) {
    Numbers v = s.c;
    linalg::cholesky_solve(factor, d, v);
    finish(p, s, v, out);
    out.used = cholesky;
    out.notes.push_back(
        p.solver == cholesky
            ? fmt::format("solver: cholesky, as asked (condition {:.3g})", out.condition)
            : fmt::format(
                  "solver: cholesky, the cheapest, since the columns are well conditioned (condition {:.3g})",
                  out.condition));
    if (!fits)
      out.notes.push_back(
          "the columns are nearly collinear: digits of the weights are lost; solver=qr keeps more");
    return out;
  }

  const Triangle t = triangle_of(p, s);
  const double tolerance = rank_tolerance(s);
  // A constant column is a zero column here: it neither counts nor is collinear with anything.
  const auto constants = std::ranges::count(s.unit, 0.0);
  linalg::LeastSquares found = linalg::least_squares_qr(t.a, t.rows, d, t.b, 1, tolerance);
  const bool deficient = found.rank < d - constants;
  const bool by_svd = deficient || p.solver == svd;
  const CollinearityReport report =
      explain_collinearity(t.a, t.rows, d, found, s.mean, s.unit, p.rows.head().feature_names, p.intercept);
  out.condition = deficient ? kInfinity : report.condition;
  if (by_svd) found = linalg::least_squares_svd(t.a, t.rows, d, t.b, 1, tolerance);
  Numbers v = found.solution;
  if (by_svd && deficient) least_norm(s, found, v);
  finish(p, s, v, out);
  out.used = by_svd ? svd : qr;
  if (p.solver == out.used)
    out.notes.push_back(
        fmt::format("solver: {}, as asked (condition {:.3g})", by_svd ? "svd" : "qr", out.condition));
  else if (by_svd)
    out.notes.push_back(
        fmt::format("solver: svd{}, since the columns are collinear: {} of {} directions carry information",
                    p.solver == automatic  ? ""
                    : p.solver == cholesky ? " instead of cholesky"
                                           : " instead of qr",
                    found.rank, d - constants));
  else
    out.notes.push_back(
        fmt::format("solver: qr{}, since the columns are badly conditioned (condition {:.3g})",
                    p.solver == cholesky ? " instead of cholesky" : "", out.condition));
  if (p.alpha == 0 && (deficient || out.condition > kNearlyCollinear))
    out.notes.insert(out.notes.end(), report.sentences.begin(), report.sentences.end());
  return out;
}

// More columns than rows: w = Z^T a with (Z Z^T + alpha) a = y, which is as large as the rows are many.
LeastSquaresSolution solve_wide(const LeastSquaresProblem& p, const NumericData& data) {
  const std::int64_t n = data.x.rows(), d = data.x.columns();
  check_finite(data.x, data.feature_names, p.learner);
  LeastSquaresSolution out;
  const GramOptions options{.weights = data.weights, .targets = data.y, .num_targets = 1, .stop = p.stop};
  Numbers mean =
      p.intercept ? linalg::column_means(data.x, options) : Numbers(static_cast<std::size_t>(d + 1));
  const double target_mean = mean.back();
  mean.pop_back();
  Numbers k = linalg::row_gram(
      data.x, p.intercept ? std::span<const double>(mean) : std::span<const double>{}, p.stop);
  Numbers root(static_cast<std::size_t>(n), 1.0), a;
  for (std::size_t i = 0; i < data.weights.size(); ++i) root[i] = std::sqrt(data.weights[i]);
  double trace = 0;
  for (std::size_t i = 0, at = 0; i < root.size(); ++i)
    for (std::size_t j = 0; j < root.size(); ++j, ++at) {
      k[at] *= root[i] * root[j];
      if (i == j) trace += k[at];
    }
  if (!std::isfinite(trace))
    throw FitError("least squares", "the products of the rows are beyond the range of numbers",
                   "Rescale the columns.");
  for (std::size_t i = 0; i < root.size(); ++i) a.push_back(root[i] * (data.y[i] - target_mean));
  bool solved = false;
  if (p.alpha > 0 && p.solver != LeastSquaresSolver::svd) {
    Numbers factor = k;
    for (std::size_t i = 0; i < root.size(); ++i) factor[i * root.size() + i] += p.alpha;
    const double norm = linalg::norm_one(factor, n);
    if (linalg::cholesky(factor, n)) {
      const double reciprocal = linalg::reciprocal_condition(factor, n, norm);
      out.condition = reciprocal > 0 ? std::sqrt(1 / reciprocal) : kInfinity;
      solved = reciprocal > 100 * kEpsilon;
      if (solved) linalg::cholesky_solve(factor, n, a);
    }
  }
  out.used = solved ? LeastSquaresSolver::cholesky : LeastSquaresSolver::svd;
  if (!solved) {
    const linalg::SymmetricEigen eigen = linalg::symmetric_eigen(k, n);
    const double smallest = std::max(eigen.values.back(), 0.0) * static_cast<double>(n) * kEpsilon;
    Numbers sum(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!(eigen.values[i] > smallest)) continue;
      const auto vector = std::span(eigen.vectors).subspan(i * a.size(), a.size());
      const double along = linalg::dot(vector, a) / (eigen.values[i] + p.alpha);
      for (std::size_t j = 0; j < a.size(); ++j) sum[j] += along * vector[j];
    }
    a = std::move(sum);
    if (p.alpha == 0) out.condition = kInfinity;
  }
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] *= root[i];
  out.weights.resize(static_cast<std::size_t>(d));
  linalg::multiply_transposed(data.x, a, 1, out.weights, p.stop);
  out.intercept = target_mean;
  for (std::size_t c = 0; c < out.weights.size(); ++c) {
    out.weights[c] -= total * mean[c];
    out.intercept -= out.weights[c] * mean[c];
  }
  out.notes.push_back(
      fmt::format("solver: {} on the products of the rows, since there are more columns ({}) than rows ({})",
                  solved ? "cholesky" : "svd", d, n));
  if (p.alpha == 0)
    out.notes.push_back(
        "infinitely many solutions fit equally well; the one of least norm is taken (ridge chooses with a "
        "penalty)");
  return out;
}

}  // namespace

LeastSquaresSolution solve_least_squares(const LeastSquaresProblem& p) {
  const std::int64_t n = p.rows.num_rows(), d = p.rows.columns();
  CAIRN_ASSERT(n > 0 && std::ssize(p.rows.head().feature_names) == d && p.alpha >= 0);
  if (std::min(n, d) > kMostDirect)
    throw ResourceError("least squares",
                        fmt::format("{} rows and {} columns need products of {} x {} numbers", n, d,
                                    std::min(n, d), std::min(n, d)),
                        "learner sgd works without them; or leave columns out.");
  const bool wide = p.rows.in_memory() && d > n && d > kWideFrom;
  return wide ? solve_wide(p, *p.rows.in_memory()) : solve_tall(p);
}

}  // namespace cairn
