#include "cairn/linear/ridge_cv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/data/split.h"
#include "cairn/linear/fold_moments_internal.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/linear_regression.h"

namespace cairn {
namespace {

using linalg::Moments;
using Numbers = std::vector<double>;

constexpr int kFoldsForKin = 5;
constexpr std::int64_t kNumbersAtOnce = 1 << 19;  // of a block of rows: by strength, or by direction
constexpr double kUndetermined = 1e-10;           // of 1 - leverage: a row that no other speaks of
constexpr double kRidgeStart = 10;                // times the sum of squares of the columns

// The directions in which columns vary, and what the target has along them.
struct Spectrum {
  Numbers values;   // [r] squares along each direction, all above 0
  Numbers vectors;  // [d, r], of unit length
  Numbers along;    // [r] products with the target
  std::size_t rank() const { return values.size(); }
  std::size_t columns() const { return rank() == 0 ? 0 : vectors.size() / rank(); }

  Numbers weights_at(double alpha, std::size_t d) const {
    Numbers w(d), share(rank());
    for (std::size_t k = 0; k < rank(); ++k) share[k] = along[k] / (values[k] + alpha);
    for (std::size_t j = 0; j < columns(); ++j)
      for (std::size_t k = 0; k < rank(); ++k) w[j] += vectors[j * rank() + k] * share[k];
    return w;
  }
};

// Directions that rounding alone has made are left out.
double smallest_kept(const Numbers& values) {
  return std::max(values.back(), 0.0) * static_cast<double>(values.size()) * 2.3e-16;
}

Spectrum spectrum_of_columns(const Moments& m) {
  const std::size_t p = m.mean.size(), d = p - 1;
  Numbers products;
  for (std::size_t i = 0; i < d; ++i) {
    const auto row = m.products.begin() + static_cast<std::ptrdiff_t>(i * p);
    products.insert(products.end(), row, row + static_cast<std::ptrdiff_t>(d));
  }
  if (d == 0) return {};
  const linalg::SymmetricEigen eigen = linalg::symmetric_eigen(products, static_cast<std::int64_t>(d));
  std::vector<std::size_t> kept;
  for (std::size_t k = 0; k < d; ++k)
    if (eigen.values[k] > smallest_kept(eigen.values)) kept.push_back(k);
  Spectrum s;
  s.vectors.resize(d * kept.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const double* v = eigen.vectors.data() + kept[i] * d;
    double along = 0;
    for (std::size_t j = 0; j < d; ++j) {
      s.vectors[j * kept.size() + i] = v[j];
      along += v[j] * m.products[j * p + d];
    }
    s.values.push_back(eigen.values[kept[i]]);
    s.along.push_back(along);
  }
  return s;
}

// Of more columns than rows: from the products of the rows.
Spectrum spectrum_of_rows(const NumericData& data, const Numbers& mean, const StopToken& stop) {
  const auto n = at(data.x.rows()), d = at(data.x.columns());
  Numbers k = linalg::row_gram(data.x, std::span(mean).first(d), stop), root(n, 1.0);
  for (std::size_t i = 0; i < data.weights.size(); ++i) root[i] = std::sqrt(data.weights[i]);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) k[i * n + j] *= root[i] * root[j];
  const linalg::SymmetricEigen eigen = linalg::symmetric_eigen(k, data.x.rows());
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < n; ++i)
    if (eigen.values[i] > smallest_kept(eigen.values)) kept.push_back(i);
  const std::size_t r = kept.size();
  Spectrum s;
  Numbers parts(n * r), totals(r);  // [n, r]: what each row adds to a direction
  for (std::size_t c = 0; c < r; ++c) {
    const double* u = eigen.vectors.data() + kept[c] * n;
    const double length = std::sqrt(eigen.values[kept[c]]);
    double along = 0;
    for (std::size_t i = 0; i < n; ++i) {
      parts[i * r + c] = u[i] * root[i] / length;
      totals[c] += parts[i * r + c];
      along += u[i] * root[i] * (data.y[i] - mean[d]);
    }
    s.values.push_back(eigen.values[kept[c]]);
    s.along.push_back(length * along);
  }
  s.vectors.resize(d * r);
  linalg::multiply_transposed(data.x, parts, static_cast<std::int64_t>(r), s.vectors, stop);
  for (std::size_t j = 0; j < d; ++j)
    for (std::size_t c = 0; c < r; ++c) s.vectors[j * r + c] -= totals[c] * mean[j];
  return s;
}

// Sums over rows of the squared error without the row, of its square, and of the weights.
struct Left {
  Numbers squares, fourths;
  double weight = 0;
  std::int64_t rows = 0;
};

class LeaveOneOut {
 public:
  LeaveOneOut(const NumericData& data, const Spectrum& s, const Numbers& mean, double weight,
              const RidgeCvParams& params, const Numbers& alphas)
      : data_(data), s_(s), alphas_(alphas), target_mean_(mean.back()) {
    constant_ = params.intercept ? 1 / weight : 0;
    const std::size_t r = s.rank(), a = alphas.size();
    shift_.resize(r);
    for (std::size_t j = 0; j < s.columns(); ++j)
      for (std::size_t k = 0; k < r; ++k) shift_[k] -= s.vectors[j * r + k] * mean[j];
    fit_.resize(r * a);
    lever_.resize(r * a);
    for (std::size_t k = 0; k < r; ++k)
      for (std::size_t i = 0; i < a; ++i) {
        lever_[k * a + i] = 1 / (s.values[k] + alphas[i]);
        fit_[k * a + i] = s.along[k] * lever_[k * a + i];
      }
    sums_.squares.resize(a);
    sums_.fourths.resize(a);
  }

  Left run(const StopToken& stop) {
    const auto width = std::max<std::int64_t>(std::ssize(alphas_), std::ssize(s_.values));
    const std::int64_t block = std::max<std::int64_t>(1, kNumbersAtOnce / width);
    for (std::int64_t begin = 0; begin < data_.x.rows(); begin += block) {
      stop.throw_if_requested(RidgeCv::kName);
      std::vector<std::int64_t> rows(at(std::min(block, data_.x.rows() - begin)));
      std::iota(rows.begin(), rows.end(), begin);
      add(rows, stop);
    }
    return std::move(sums_);
  }

 private:
  void add(const std::vector<std::int64_t>& rows, const StopToken& stop) {
    const std::size_t n = rows.size(), r = s_.rank(), a = alphas_.size();
    Numbers fitted(n * a), levers(n * a);
    if (r > 0) {
      Numbers z(n * r);
      linalg::multiply(data_.x.select_rows(rows), s_.vectors, static_cast<std::int64_t>(r), shift_, z, stop);
      Numbers squares = z;
      for (double& v : squares) v *= v;
      const auto times = [&](Numbers rows_by_direction, const Numbers& by_alpha, Numbers& out) {
        const Shape shape{static_cast<std::int64_t>(n), static_cast<std::int64_t>(r)};
        const Matrix m = Matrix::from_rows(Tensor::take(std::move(rows_by_direction)).reshape(shape));
        linalg::multiply(m, by_alpha, static_cast<std::int64_t>(a), {}, out, stop);
      };
      times(std::move(z), fit_, fitted);
      times(std::move(squares), lever_, levers);
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double weight = data_.weights.empty() ? 1.0 : data_.weights[at(rows[i])];
      sums_.weight += weight;
      sums_.rows += weight > 0 ? 1 : 0;
    }
    parallel_for(static_cast<std::int64_t>(a), 8, [&](std::int64_t first, std::int64_t last) {
      for (auto c = at(first); c < at(last); ++c)
        for (std::size_t i = 0; i < n; ++i) {
          const double weight = data_.weights.empty() ? 1.0 : data_.weights[at(rows[i])];
          if (weight == 0) continue;
          const double rest = 1 - weight * (constant_ + levers[i * a + c]);
          double error = (data_.y[at(rows[i])] - target_mean_ - fitted[i * a + c]) / rest;
          if (!(rest > kUndetermined)) error = INFINITY;
          sums_.squares[c] += weight * error * error;
          sums_.fourths[c] += weight * error * error * error * error;
        }
    });
  }

  const NumericData& data_;
  const Spectrum& s_;
  const Numbers& alphas_;
  double target_mean_, constant_ = 0;
  Numbers shift_, fit_, lever_;
  Left sums_;
};

// The path of one fit, in steps.
class RidgeSearch {
 public:
  RidgeSearch(const RidgeCvParams& params, const Dataset& dataset, const NumericData& data,
              const FitContext& context, PenaltyPath& path)
      : params_(params), dataset_(dataset), data_(data), context_(context), path_(path) {}

  void leave_each_row_out() {
    check_size(std::min(data_.x.rows(), data_.x.columns()), "rows and columns");
    const auto counted = data_.weights.empty()
                             ? data_.x.rows()
                             : std::ranges::count_if(data_.weights, [](double w) { return w > 0; });
    if (counted < 2)
      throw DataError(RidgeCv::kName, "1 row is too few to leave one out",
                      "Use ridge with an alpha of your own.");
    const auto d = at(data_.x.columns());
    const linalg::GramOptions options{
        .weights = data_.weights, .targets = data_.y, .num_targets = 1, .stop = context_.stop};
    Spectrum s;
    Numbers mean;
    if (data_.x.columns() > data_.x.rows()) {
      mean = params_.intercept ? linalg::column_means(data_.x, options) : Numbers(d + 1);
      s = spectrum_of_rows(data_, mean, context_.stop);
    } else {
      linalg::Moments m;
      if (params_.intercept) {
        m = linalg::moments(data_.x, options);
      } else {
        linalg::Gram g = linalg::gram(data_.x, options);
        m = {g.weight, Numbers(d + 1), std::move(g.products)};
      }
      check_range(m);
      mean = m.mean;
      s = spectrum_of_columns(m);
    }
    settle_values(std::accumulate(s.values.begin(), s.values.end(), 0.0));
    double weight = 0;
    for (std::int64_t r = 0; r < data_.x.rows(); ++r)
      weight += data_.weights.empty() ? 1.0 : data_.weights[at(r)];
    const Left left = LeaveOneOut(data_, s, mean, weight, params_, path_.values).run(context_.stop);
    for (std::size_t a = 0; a < path_.values.size(); ++a) {
      const double squares = left.squares[a] / left.weight;
      const double spread = std::max(0.0, left.fourths[a] / left.weight - squares * squares);
      path_.mean.push_back(squares);
      path_.error.push_back(std::sqrt(spread / static_cast<double>(left.rows - 1)));
    }
    path_.judged_by = "leaving out each row in turn";
    path_search::choose(RidgeCv::kName, path_);
    tell_weights(s);
  }

  void by_folds(int folds) {
    check_size(data_.x.columns(), "columns");
    const auto d = at(data_.x.columns());
    const path_search::Folds dealt = path_search::deal(dataset_, folds, context_.seed, RidgeCv::kName);
    const std::vector<Moments> parts =
        path_search::moments_of_parts(data_, dealt, params_.intercept, RidgeCv::kName, context_.stop);
    const Spectrum whole = spectrum_of_columns(path_search::joined(parts));
    settle_values(std::accumulate(whole.values.begin(), whole.values.end(), 0.0));
    std::vector<Numbers> errors(dealt.folds.size(), Numbers(path_.values.size()));
    parallel_for(
        std::ssize(dealt.folds), 1,
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t f = begin; f < end; ++f) {
            const auto& fold = dealt.folds[at(f)];
            const Moments learned = path_search::joined(parts, fold.learns);
            const Spectrum s = spectrum_of_columns(learned);
            for (std::size_t a = 0; a < path_.values.size(); ++a)
              errors[at(f)][a] =
                  path_search::error_on(parts[fold.judges], learned, s.weights_at(path_.values[a], d));
          }
        },
        context_.stop);
    path_.judged_by = path_search::folds_in_words(static_cast<int>(dealt.folds.size()));
    path_search::choose_by_folds(errors, RidgeCv::kName, path_);
    tell_weights(whole);
  }

 private:
  static void check_size(std::int64_t size, const char* what) {
    if (size > path_search::kMostProductColumns)
      throw UsageError(RidgeCv::kName,
                       fmt::format("{} {} are more than {}: the products of every pair are kept", size, what,
                                   path_search::kMostProductColumns),
                       "Use ridge with an alpha of your own.");
  }

  void check_range(const Moments& m) const {
    if (!std::ranges::all_of(m.products, [](double v) { return std::isfinite(v); }))
      throw FitError(RidgeCv::kName, "the squares of columns or target are beyond the range of numbers",
                     "Rescale them.");
  }

  void settle_values(double squares) {
    if (path_.empty())
      path_.values = path_search::falling(kRidgeStart * squares, params_.smallest, params_.num_alphas);
  }

  void tell_weights(const Spectrum& s) {
    std::vector<Numbers> along;
    for (const double alpha : path_.values) along.push_back(s.weights_at(alpha, at(data_.x.columns())));
    path_.set_lines(data_.feature_names, {""}, along);
  }

  const RidgeCvParams& params_;
  const Dataset& dataset_;
  const NumericData& data_;
  const FitContext& context_;
  PenaltyPath& path_;
};

}  // namespace

const ParamList& RidgeCvParams::list() {
  using P = RidgeCvParams;
  static const ParamList l = [] {
    ParamList all = path_search::params_of_path<P, &P::alphas, &P::num_alphas>(
        path_search::alpha_names(), between(0, 1000),
        "parts of the rows that judge in turn; 0: each row alone, in closed form");
    all.push_back(param<&P::intercept>("intercept", "add a constant, not penalised, to the prediction", {},
                                       {"fit_intercept"}));
    return all;
  }();
  return l;
}

std::unique_ptr<Model> RidgeCv::fit(const Dataset& dataset, const FitContext& context) const {
  context.stop.throw_if_requested(kName);
  if (params_.folds == 1)
    throw UsageError(kName, "folds = 1 leaves no rows to learn from",
                     "0 leaves out each row in turn; 2 or more are folds.");
  PenaltyPath path{.parameter = "alpha",
                   .loss = "mean squared error",
                   .rule = params_.rule,
                   .values = path_search::written_values(kName, "alphas", params_.alphas)};
  const NumericData data = numeric_data(dataset, kName);
  // What a row left out has in common with those that stay would make it look easy.
  const bool alone = dataset.roles().group.empty() && dataset.roles().time.empty() &&
                     !keeps_rows_together(dataset, kFoldsForKin);
  RidgeSearch search(params_, dataset, data, context, path);
  if (params_.folds == 0 && alone)
    search.leave_each_row_out();
  else
    search.by_folds(params_.folds == 0 ? std::max(2, folds_possible(dataset, kFoldsForKin)) : params_.folds);
  auto model =
      Ridge({.alpha = path.values[at(path.chosen)], .intercept = params_.intercept}).fit(dataset, context);
  auto& linear = dynamic_cast<LinearModel&>(*model);
  for (std::string& note : path_search::notes_of(path)) linear.add_note(std::move(note));
  linear.set_path(std::move(path));
  return model;
}

}  // namespace cairn
