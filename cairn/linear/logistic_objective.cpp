#include "cairn/linear/logistic_objective_internal.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

using logistic_kernels::kGramPad;
using logistic_kernels::kTilePad;
using logistic_kernels::Tile;

// How strongly Newton's Hessian holds the mean of a softmax's logits, which the loss leaves free;
// standardised units.
constexpr double kHold = 0.25;
// A sweep's partial sums: at most so many blocks of tiles, and for sparse matrices at most so much memory.
constexpr std::int64_t kBlocks = 32;
constexpr std::int64_t kSparsePartBytes = std::int64_t{1} << 26;

void add(std::vector<double>& into, const std::vector<double>& other) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] += other[i];
}

}  // namespace

// What one sweep over the rows is asked for.
struct LogisticObjective::Pass {
  std::vector<double> w, intercepts;  // dense: [m, columns]; sparse: [columns, m]
  std::vector<double> centre,
      scale;  // what tiles still lack to be standardised; ones and zeros for packed tiles
  bool gradient = true, curvature = false;
  std::vector<std::int64_t> columns;  // positions whose curvature is wanted
  std::vector<double> column_centre, column_scale;
  std::vector<std::int32_t> place;  // sparse: position of a matrix column among `columns`, or -1
  bool hold = false;                // keep the mean of a softmax's logits where it is
  std::int64_t stride = 1;
  std::int64_t padded() const {
    return (static_cast<std::int64_t>(columns.size()) + kGramPad - 1) / kGramPad * kGramPad;
  }
};

// And what it brings: sums over rows.
struct LogisticObjective::Sums {
  double loss = 0, weight = 0, margin = std::numeric_limits<double>::infinity();
  std::vector<double> gradient, residuals;         // as w; [m]
  std::vector<double> gram, gram_sums, curvature;  // [pairs][padded^2], [pairs][padded], [pairs]
};

// Memory of one block of tiles.
struct LogisticObjective::Scratch {
  LogisticDesign::TileMemory<float> tile32;
  LogisticDesign::TileMemory<double> tile64;
  std::vector<double> z, y, s, curvature, root;
  std::vector<std::int32_t> truth;
  std::vector<float> packed32;
  std::vector<double> packed64;
  std::vector<double> dense;  // sparse: the curvature columns of a tile
  std::vector<const double*> dense_pointers;
  std::vector<const float*> subset32;
  std::vector<const double*> subset64;
  std::vector<const char*> next;
};

void LogisticTruth::residuals_at_zero(std::int64_t begin, std::span<double> residuals) const {
  for (std::size_t i = 0; i < residuals.size(); ++i) {
    const std::size_t r = at(begin) + i;
    residuals[i] = (weights.empty() ? 1.0 : weights[r]) * (0.5 - truth[r]);
  }
}

LogisticObjective::LogisticObjective(LogisticDesign design, LogisticTruth truth, LogisticPenalty penalty,
                                     StopToken stop)
    : design_(std::move(design)), truth_(std::move(truth)), stop_(std::move(stop)) {
  total_weight_ = static_cast<double>(truth_.truth.size());
  if (!truth_.weights.empty()) {
    total_weight_ = 0;
    for (const double w : truth_.weights) total_weight_ += w;
  }
  set_penalty(penalty, {});
}

void LogisticObjective::set_penalty(LogisticPenalty penalty, std::span<double> theta) {
  const std::vector<double> before = design_.scale();
  penalty_ = penalty;
  // A logistic loss curves by at most a quarter.
  design_.set_scale(4 * (penalty_.l2 + penalty_.l1) / total_weight_);
  if (theta.empty()) return;
  const std::size_t d = before.size();
  for (std::size_t m = 0; m < at(num_logits()); ++m)
    for (std::size_t j = 0; j < d; ++j) theta[m * (d + 1) + j] *= before[j] / design_.scale()[j];
}

LogisticObjective::LogisticObjective(LogisticDesign design, Parts parts, const NumericData& sample,
                                     LogisticPenalty penalty, StopToken stop)
    : design_(std::move(design)),
      penalty_(penalty),
      stop_(std::move(stop)),
      parts_(std::move(parts)),
      total_weight_(parts_.total_weight) {
  design_.set_scale(4 * (penalty_.l2 + penalty_.l1) / total_weight_);
  sample_ = std::make_unique<LogisticObjective>(on(sample));
  truth_.num_logits = sample_->num_logits();
}

LogisticObjective LogisticObjective::on(const NumericData& part) const {
  LogisticObjective one(design_.on(part.x), parts_.truth_of(part), penalty_, stop_);
  one.total_weight_ = total_weight_;  // the loss is the mean over the part, the penalty that of the whole
  one.design_ = design_.on(part.x);   // with the scale of the whole
  return one;
}

std::vector<double> LogisticObjective::l1() const {
  std::vector<double> weights(at(num_parameters()), 0.0);
  const std::size_t d = at(design_.num_columns());
  for (std::size_t m = 0; m < at(num_logits()); ++m)
    for (std::size_t j = 0; j < d; ++j)
      weights[m * (d + 1) + j] = penalty_.l1 * design_.scale()[j] / total_weight_;
  return weights;
}

LogisticObjective::Pass LogisticObjective::make_pass(std::span<const double> theta) const {
  const std::int64_t d = design_.num_columns(), m = num_logits();
  const bool raw = design_.raw_tiles(), sparse = design_.form() == LogisticDesign::Form::sparse;
  Pass pass;
  pass.centre = raw ? design_.centre() : std::vector<double>(at(d), 0.0);
  pass.scale = raw ? design_.scale() : std::vector<double>(at(d), 1.0);
  pass.w.resize(at(m * d));
  for (std::int64_t k = 0; k < m; ++k) {
    double shift = 0;
    for (std::int64_t j = 0; j < d; ++j) {
      const double w = theta[at(k * (d + 1) + j)] * pass.scale[at(j)];
      pass.w[at(sparse ? j * m + k : k * d + j)] = w;
      shift += w * pass.centre[at(j)];
    }
    pass.intercepts.push_back(theta[at(k * (d + 1) + d)] - shift);
  }
  return pass;
}

void LogisticObjective::load_truth(std::int64_t begin, std::int64_t end, std::int64_t padded,
                                   Scratch& scratch, Sums& sums) const {
  const std::int64_t rows = end - begin;
  const std::int32_t* truth = truth_.truth.data() + begin;
  scratch.s.assign(at(padded), 0.0);
  if (truth_.weights.empty())
    std::fill_n(scratch.s.begin(), rows, 1.0);
  else
    std::copy_n(truth_.weights.begin() + begin, rows, scratch.s.begin());
  sums.weight += logistic_kernels::sum(scratch.s.data(), padded);
  if (num_logits() == 1) {
    scratch.y.assign(at(padded), 0.0);
    for (std::int64_t r = 0; r < rows; ++r) scratch.y[at(r)] = truth[r];
  } else {
    scratch.truth.assign(at(padded), 0);
    std::copy_n(truth, rows, scratch.truth.begin());
  }
  scratch.z.resize(at(padded * num_logits()));
  scratch.curvature.resize(at(padded));
  scratch.root.resize(at(padded));
}

void LogisticObjective::link(std::int64_t rows, const Prefetch& next, Scratch& scratch, Sums& sums) const {
  const std::int64_t m = num_logits();
  const auto l = m == 1 ? logistic_kernels::logistic_link(rows, scratch.z.data(), scratch.y.data(),
                                                          scratch.s.data(), scratch.curvature.data(), next)
                        : logistic_kernels::softmax_link(rows, m, scratch.z.data(), scratch.truth.data(),
                                                         scratch.s.data(), next);
  sums.loss += l.loss;
  sums.margin = std::min(sums.margin, l.margin);
}

// Sums of curvature * x x^T for each pair of logits: for softmax p_k (1 - p_k) on the diagonal, -p_k p_l
// beside it, every one of them the square of a root, with a sign.
template <class T>
void LogisticObjective::add_curvature(const Pass& pass, const Tile<T>& tile, Scratch& scratch,
                                      Sums& sums) const {
  const std::int64_t m = num_logits(), padded = pass.padded(), rows = tile.rows;
  auto& packed = [&]() -> std::vector<T>& {
    if constexpr (std::is_same_v<T, float>)
      return scratch.packed32;
    else
      return scratch.packed64;
  }();
  packed.resize(at(padded * rows));
  std::int64_t pair = 0;
  for (std::int64_t k = 0; k < m; ++k)
    for (std::int64_t l = 0; l <= k; ++l, ++pair) {
      for (std::int64_t r = 0; r < rows && m > 1; ++r) {
        const double* p = scratch.z.data() + r;
        scratch.curvature[at(r)] = scratch.s[at(r)] * p[k * rows] * (k == l ? 1 - p[k * rows] : p[l * rows]);
      }
      const double total =
          logistic_kernels::square_roots(scratch.curvature.data(), rows, scratch.root.data());
      const double sign = k == l ? 1.0 : -1.0;
      sums.curvature[at(pair)] += sign * total;
      logistic_kernels::pack_weighted(tile, scratch.root.data(), pass.column_centre.data(),
                                      pass.column_scale.data(), packed.data());
      logistic_kernels::add_gram(packed.data(), padded, rows, scratch.root.data(), sign,
                                 sums.gram.data() + pair * padded * padded,
                                 sums.gram_sums.data() + pair * padded);
    }
}

namespace {

// Probabilities become residuals s (p - [truth]).
void to_residuals(std::int64_t m, std::int64_t rows, const std::vector<double>& s,
                  const std::vector<std::int32_t>& truth, std::vector<double>& z) {
  for (std::int64_t r = 0; r < rows; ++r) z[at(truth[at(r)] * rows + r)] -= 1;
  for (std::int64_t k = 0; k < m; ++k)
    for (std::int64_t r = 0; r < rows; ++r) z[at(k * rows + r)] *= s[at(r)];
}

void sum_rows(std::int64_t m, std::int64_t rows, const std::vector<double>& z, std::vector<double>& sums) {
  for (std::int64_t k = 0; k < m; ++k) sums[at(k)] += logistic_kernels::sum(z.data() + k * rows, rows);
}

}  // namespace

template <class T>
void LogisticObjective::sweep_dense(const Pass& pass, std::int64_t begin, std::int64_t end,
                                    const Prefetch& next, Scratch& scratch, Sums& sums) const {
  const std::int64_t m = num_logits();
  auto& memory = [&]() -> auto& {
    if constexpr (std::is_same_v<T, float>)
      return scratch.tile32;
    else
      return scratch.tile64;
  }();
  const Tile<T> tile = design_.load<T>(begin, end, memory);
  const std::int64_t rows = tile.rows;
  load_truth(begin, end, rows, scratch, sums);
  logistic_kernels::linear_predictor(tile, pass.w.data(), pass.intercepts.data(), m, scratch.z.data());
  link(rows, next, scratch, sums);
  if (pass.curvature) {
    auto& subset = [&]() -> std::vector<const T*>& {
      if constexpr (std::is_same_v<T, float>)
        return scratch.subset32;
      else
        return scratch.subset64;
    }();
    subset.clear();
    for (const std::int64_t j : pass.columns) subset.push_back(tile.columns[j]);
    add_curvature<T>(pass, {subset.data(), static_cast<std::int64_t>(subset.size()), rows}, scratch, sums);
  }
  if (!pass.gradient) return;
  if (m > 1) to_residuals(m, rows, scratch.s, scratch.truth, scratch.z);
  logistic_kernels::add_gradient(tile, scratch.z.data(), m, sums.gradient.data());
  sum_rows(m, rows, scratch.z, sums.residuals);
}

template <class V>
void LogisticObjective::sweep_sparse(const Pass& pass, const V* values, std::int64_t begin, std::int64_t end,
                                     Scratch& scratch, Sums& sums) const {
  const std::int64_t m = num_logits(), rows = (end - begin + kTilePad - 1) / kTilePad * kTilePad;
  const std::int64_t* starts = design_.x().indptr().data() + begin;
  const std::int32_t* where = design_.x().indices().data();
  const std::int64_t* columns = design_.position().data();
  load_truth(begin, end, rows, scratch, sums);
  for (std::int64_t k = 0; k < m; ++k)
    std::fill_n(scratch.z.begin() + k * rows, rows, pass.intercepts[at(k)]);
  for (std::int64_t r = 0; r < end - begin; ++r)
    for (std::int64_t i = starts[r]; i < starts[r + 1]; ++i) {
      const std::int64_t j = columns[where[i]];
      if (j < 0) continue;
      for (std::int64_t k = 0; k < m; ++k)
        scratch.z[at(k * rows + r)] += static_cast<double>(values[i]) * pass.w[at(j * m + k)];
    }
  link(rows, {}, scratch, sums);
  if (pass.curvature) {
    const auto wanted = static_cast<std::int64_t>(pass.columns.size());
    scratch.dense.assign(at(wanted * rows), 0.0);
    for (std::int64_t r = 0; r < end - begin; ++r)
      for (std::int64_t i = starts[r]; i < starts[r + 1]; ++i)
        if (const std::int32_t c = pass.place[at(where[i])]; c >= 0)
          scratch.dense[at(c * rows + r)] = static_cast<double>(values[i]);
    scratch.dense_pointers.clear();
    for (std::int64_t c = 0; c < wanted; ++c)
      scratch.dense_pointers.push_back(scratch.dense.data() + c * rows);
    add_curvature<double>(pass, {scratch.dense_pointers.data(), wanted, rows}, scratch, sums);
  }
  if (!pass.gradient) return;
  if (m > 1) to_residuals(m, rows, scratch.s, scratch.truth, scratch.z);
  for (std::int64_t r = 0; r < end - begin; ++r)
    for (std::int64_t i = starts[r]; i < starts[r + 1]; ++i) {
      const std::int64_t j = columns[where[i]];
      if (j < 0) continue;
      for (std::int64_t k = 0; k < m; ++k)
        sums.gradient[at(j * m + k)] += static_cast<double>(values[i]) * scratch.z[at(k * rows + r)];
    }
  sum_rows(m, rows, scratch.z, sums.residuals);
}

void LogisticObjective::sweep_tile(const Pass& pass, std::int64_t tile, Scratch& scratch, Sums& sums) const {
  using Form = LogisticDesign::Form;
  const std::int64_t rows = design_.x().rows(), begin = tile * pass.stride * design_.tile_rows(),
                     end = std::min(begin + design_.tile_rows(), rows);
  const std::int64_t next = begin + pass.stride * design_.tile_rows();
  const Prefetch ahead = design_.ahead(next, std::min(next + design_.tile_rows(), rows), scratch.next);
  if (design_.form() == Form::direct32) return sweep_dense<float>(pass, begin, end, ahead, scratch, sums);
  if (design_.form() != Form::sparse) return sweep_dense<double>(pass, begin, end, ahead, scratch, sums);
  const Tensor& values = design_.x().values();
  if (values.dtype() == DType::f32)
    sweep_sparse(pass, values.data<float>().data(), begin, end, scratch, sums);
  else
    sweep_sparse(pass, values.data<double>().data(), begin, end, scratch, sums);
}

void LogisticObjective::merge(Sums& into, const Sums& other) {
  into.loss += other.loss;
  into.weight += other.weight;
  into.margin = std::min(into.margin, other.margin);
  add(into.gradient, other.gradient);
  add(into.residuals, other.residuals);
  add(into.gram, other.gram);
  add(into.gram_sums, other.gram_sums);
  add(into.curvature, other.curvature);
}

LogisticObjective::Sums LogisticObjective::sweep(const Pass& pass) const {
  if (!parts_.rows) return sweep_rows(pass);
  Sums all;
  bool first = true;
  parts_.rows->each([&](const NumericData& part) {
    stop_.throw_if_requested("training");
    Sums sums = on(part).sweep_rows(pass);
    if (std::exchange(first, false))
      all = std::move(sums);
    else
      merge(all, sums);
  });
  return all;
}

LogisticObjective::Sums LogisticObjective::sweep_rows(const Pass& pass) const {
  const std::int64_t tiles = (design_.num_tiles() + pass.stride - 1) / pass.stride, m = num_logits();
  const std::int64_t pairs = pass.curvature ? m * (m + 1) / 2 : 0, padded = pass.padded();
  std::int64_t blocks = kBlocks;
  if (design_.form() == LogisticDesign::Form::sparse)
    blocks = std::clamp<std::int64_t>(
        kSparsePartBytes / std::max<std::int64_t>(8 * static_cast<std::int64_t>(pass.w.size()), 1), 4,
        kBlocks);
  return parallel_reduce<Sums>(
      tiles, (tiles + blocks - 1) / blocks,
      [&](std::int64_t first, std::int64_t last) {
        Sums sums;
        Scratch scratch;
        sums.gradient.resize(pass.w.size());
        sums.residuals.resize(at(m));
        sums.gram.resize(at(pairs * padded * padded));
        sums.gram_sums.resize(at(pairs * padded));
        sums.curvature.resize(at(pairs));
        for (std::int64_t t = first; t < last; ++t) sweep_tile(pass, t, scratch, sums);
        return sums;
      },
      &merge, stop_);
}

double LogisticObjective::finish(const Sums& sums, std::span<const double> theta,
                                 std::span<double> gradient) const {
  const std::int64_t d = design_.num_columns(), m = num_logits();
  const bool raw = design_.raw_tiles(), sparse = design_.form() == LogisticDesign::Form::sparse;
  double value = sums.loss / sums.weight;
  for (std::int64_t k = 0; k < m; ++k) {
    const double residual = sums.residuals[at(k)];
    for (std::int64_t j = 0; j < d; ++j) {
      const double sum = sums.gradient[at(sparse ? j * m + k : k * d + j)];
      const double t = theta[at(k * (d + 1) + j)], s = design_.scale()[at(j)];
      const double l2 = penalty_.l2 / total_weight_ * s * s;
      const double slope = raw ? s * (sum - design_.centre()[at(j)] * residual) : sum;
      gradient[at(k * (d + 1) + j)] = slope / sums.weight + l2 * t;
      value += 0.5 * l2 * t * t;
    }
    gradient[at(k * (d + 1) + d)] = residual / sums.weight;
  }
  return value;
}

// The Hessian of the parameters of pass.columns, [m, columns + 1] a side.
void LogisticObjective::fill_hessian(const Pass& pass, const Sums& sums, std::span<double> hessian) const {
  const auto d = static_cast<std::int64_t>(pass.columns.size());
  const std::int64_t m = num_logits(), group = d + 1, side = m * group, padded = pass.padded();
  std::int64_t pair = 0;
  for (std::int64_t k = 0; k < m; ++k)
    for (std::int64_t l = 0; l <= k; ++l, ++pair) {
      const double* gram = sums.gram.data() + pair * padded * padded;
      const double* edge = sums.gram_sums.data() + pair * padded;
      for (std::int64_t i = 0; i <= d; ++i)
        for (std::int64_t j = 0; j <= i; ++j) {
          double h = i < d ? gram[i * padded + j] : j < d ? edge[j] : sums.curvature[at(pair)];
          h /= sums.weight;
          if (k == l && i == j && i < d) {
            const double s = design_.scale()[at(pass.columns[at(i)])];
            h += penalty_.l2 / total_weight_ * s * s;
          }
          if (pass.hold && m > 1 && i == j) h += kHold;
          const std::int64_t a = k * group + i, b = l * group + j, c = k * group + j, e = l * group + i;
          hessian[at(a * side + b)] = hessian[at(b * side + a)] = h;
          hessian[at(c * side + e)] = hessian[at(e * side + c)] = h;
        }
    }
}

double LogisticObjective::evaluate(std::span<const double> theta, std::span<double> gradient,
                                   std::span<double> hessian, std::int64_t stride) {
  Pass pass = make_pass(theta);
  pass.stride = stride;
  if (!hessian.empty()) {
    pass.curvature = pass.hold = true;
    for (std::int64_t j = 0; j < design_.num_columns(); ++j) pass.columns.push_back(j);
    pass.column_centre = pass.centre;
    pass.column_scale = pass.scale;
    if (design_.form() == LogisticDesign::Form::sparse)
      pass.place.assign(design_.position().begin(), design_.position().end());
  }
  const Sums sums = sweep(pass);
  smallest_margin_ = sums.margin;
  if (!hessian.empty()) fill_hessian(pass, sums, hessian);
  return finish(sums, theta, gradient);
}

double LogisticObjective::evaluate_at_zero(std::span<double> gradient) {
  if (num_logits() > 1 || design_.along().size() != at(design_.num_columns()))
    return evaluate(std::vector<double>(gradient.size(), 0.0), gradient);
  double residual = 0;
  for (std::size_t j = 0; j < design_.along().size(); ++j)
    gradient[j] = design_.along()[j] * design_.scale()[j] / total_weight_;
  for (std::size_t r = 0; r < truth_.truth.size(); ++r)
    residual += (truth_.weights.empty() ? 1.0 : truth_.weights[r]) * (0.5 - truth_.truth[r]);
  if (parts_.rows) residual = design_.along_total();
  gradient.back() = residual / total_weight_;
  smallest_margin_ = 0;
  return std::log(2.0);
}

void LogisticObjective::hessian_of(std::span<const double> theta, std::span<const std::int64_t> parameters,
                                   std::span<double> hessian) {
  const std::int64_t d = design_.num_columns();
  Pass pass = make_pass(theta);
  pass.gradient = false;
  pass.curvature = true;
  std::vector<std::int64_t> place(at(d + 1), -1);
  for (const std::int64_t p : parameters)
    if (p % (d + 1) < d) place[at(p % (d + 1))] = 0;
  for (std::int64_t j = 0; j < d; ++j) {
    if (place[at(j)] < 0) continue;
    place[at(j)] = static_cast<std::int64_t>(pass.columns.size());
    pass.columns.push_back(j);
    pass.column_centre.push_back(pass.centre[at(j)]);
    pass.column_scale.push_back(pass.scale[at(j)]);
  }
  place[at(d)] = static_cast<std::int64_t>(pass.columns.size());
  if (design_.form() == LogisticDesign::Form::sparse)
    for (const std::int64_t j : design_.position())
      pass.place.push_back(j < 0 ? -1 : static_cast<std::int32_t>(place[at(j)]));
  const Sums sums = sweep(pass);
  const std::int64_t group = place[at(d)] + 1, side = num_logits() * group;
  std::vector<double> whole(at(side * side));
  fill_hessian(pass, sums, whole);
  for (std::size_t a = 0; a < parameters.size(); ++a)
    for (std::size_t b = 0; b < parameters.size(); ++b) {
      const auto index = [&](std::int64_t p) { return p / (d + 1) * group + place[at(p % (d + 1))]; };
      hessian[a * parameters.size() + b] = whole[at(index(parameters[a]) * side + index(parameters[b]))];
    }
}

void LogisticObjective::to_raw(std::span<const double> theta, std::span<double> coefficients,
                               std::span<double> intercepts) const {
  const std::int64_t d = design_.num_columns(), all = design_.x().columns();
  std::ranges::fill(coefficients, 0.0);
  for (std::int64_t k = 0; k < num_logits(); ++k) {
    double shift = 0;
    for (std::int64_t j = 0; j < d; ++j) {
      const double w = theta[at(k * (d + 1) + j)] * design_.scale()[at(j)];
      coefficients[at(k * all + design_.columns()[at(j)])] = w;
      shift += w * design_.centre()[at(j)];
    }
    intercepts[at(k)] = theta[at(k * (d + 1) + d)] - shift;
  }
}

std::vector<double> LogisticObjective::logits(std::span<const double> theta) const {
  const std::int64_t m = num_logits(), d = design_.x().columns();
  std::vector<double> coefficients(at(m * d)), transposed(at(m * d)), intercepts(at(m));
  to_raw(theta, coefficients, intercepts);
  for (std::int64_t k = 0; k < m; ++k)
    for (std::int64_t j = 0; j < d; ++j) transposed[at(j * m + k)] = coefficients[at(k * d + j)];
  std::vector<double> out(at(design_.x().rows() * m));
  linalg::multiply(design_.x(), transposed, m, intercepts, out, stop_);
  return out;
}

}  // namespace cairn
