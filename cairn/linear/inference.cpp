#include "cairn/linear/inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/linear/inference_internal.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/logistic_regression.h"
#include "cairn/metrics/distributions.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

using inference_detail::Fitted;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// A column of which less than this part of its square is left beside the columns before it is aliased (R's
// tolerance of 1e-7 on lengths is 1e-14 on squares; products of columns keep fewer digits).
constexpr double kAliased = 1e-11;
constexpr std::size_t kMostColumns = 500;
constexpr double kMostWork = 5e10;  // rows times columns squared

// Cholesky of the products, a column at a time; a column that those before it determine is left out.
class Kept {
 public:
  Kept(const StandardDesign& design, std::span<const double> products) : p_(design.size()) {
    std::vector<std::size_t> order;
    if (design.has_intercept()) order.push_back(p_ - 1);
    for (std::size_t j = 0; j + 1 < p_; ++j) order.push_back(j);
    std::vector<std::vector<double>> rows;  // of L
    for (const std::size_t j : order) {
      if (j + 1 < p_ && design.scale()[j] == 0) {
        aliased.push_back(j);
        continue;
      }
      std::vector<double> row;
      double left = products[j * p_ + j];
      for (std::size_t k = 0; k < parameters.size(); ++k) {
        double v = products[j * p_ + parameters[k]];
        for (std::size_t i = 0; i < k; ++i) v -= row[i] * rows[k][i];
        row.push_back(v / rows[k][k]);
        left -= row.back() * row.back();
      }
      if (!(left > kAliased * products[j * p_ + j])) {
        aliased.push_back(j);
        continue;
      }
      row.push_back(std::sqrt(left));
      rows.push_back(std::move(row));
      parameters.push_back(j);
    }
    const std::size_t k = parameters.size();
    factor.assign(k * k, 0.0);
    for (std::size_t i = 0; i < k; ++i)
      std::ranges::copy(rows[i], factor.begin() + static_cast<std::ptrdiff_t>(i * k));
    inverse.assign(k * k, 0.0);
    for (std::size_t i = 0; i < k; ++i) inverse[i * k + i] = 1;
    if (k > 0)
      linalg::cholesky_solve(factor, static_cast<std::int64_t>(k), inverse, static_cast<std::int64_t>(k));
  }
  std::vector<std::size_t> parameters, aliased;  // of the design, the intercept being the last one there
  std::vector<double> factor, inverse;           // of the products among the parameters kept

 private:
  std::size_t p_;
};

class Work {
 public:
  Work(const Fitted& fitted, const NumericData& data)
      : f_(fitted),
        data_(data),
        design_(data.x, data.weights, fitted.intercept, {}),
        products_(products()),
        kept_(design_, products_) {}

  Inference run() {
    result_.model = f_.name;
    for (const double w : f_.weight) result_.rows += w > 0 ? 1 : 0;
    const auto k = static_cast<std::int64_t>(kept_.parameters.size());
    result_.df_model = k - (f_.intercept ? 1 : 0);
    result_.df_residual = result_.rows - k;
    double pearson = 0;
    for (std::size_t r = 0; r < f_.weight.size(); ++r) pearson += f_.pearson[r] * f_.pearson[r];
    result_.dispersion = f_.dispersion_is_one
                             ? 1
                             : pearson / static_cast<double>(std::max<std::int64_t>(1, result_.df_residual));
    result_.by_student = !f_.dispersion_is_one;
    for (const std::size_t j : kept_.aliased) result_.aliased.push_back(data_.feature_names[j]);
    find_coefficients();
    find_leverages();
    find_influence();
    find_plots();
    inference_detail::add_fit_and_tests(f_, result_);
    add_breusch_pagan();
    return std::move(result_);
  }

 private:
  std::vector<double> products() const {
    std::vector<double> all(design_.size() * design_.size());
    design_.products(f_.curvature, all);
    return all;
  }

  // The model's sums are in the span of the columns kept: their weighted projection is exact.
  void find_coefficients() {
    const std::size_t k = kept_.parameters.size(), d = design_.size() - 1;
    std::vector<double> weighted(f_.sums.size()), right(design_.size()), theta(design_.size());
    for (std::size_t r = 0; r < weighted.size(); ++r) weighted[r] = f_.curvature[r] * f_.sums[r];
    design_.transposed(weighted, right);
    std::vector<double> solved(k);
    for (std::size_t i = 0; i < k; ++i) solved[i] = right[kept_.parameters[i]];
    if (k > 0) linalg::cholesky_solve(kept_.factor, static_cast<std::int64_t>(k), solved);
    for (std::size_t i = 0; i < k; ++i) theta[kept_.parameters[i]] = solved[i];
    const StandardDesign::Raw raw = design_.raw(theta);
    const auto df = static_cast<double>(result_.df_residual);
    const double quantile = result_.by_student ? student_quantile(0.975, df) : normal_quantile(0.975);
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t j = kept_.parameters[i];
      Inference::Row row;
      if (j == d) {
        row = {.feature = "(intercept)", .estimate = raw.intercept, .error = intercept_error(), .vif = kNaN};
      } else {
        const double scale = design_.scale()[j], centred = centred_square(j);
        row = {.feature = data_.feature_names[j],
               .estimate = raw.weights[j],
               .error = scale * std::sqrt(kept_.inverse[i * k + i]),
               .vif = kept_.inverse[i * k + i] * centred};
      }
      row.error *= std::sqrt(result_.dispersion);
      row.statistic = row.estimate / row.error;
      row.p = result_.by_student ? student_two_sided(row.statistic, df) : normal_two_sided(row.statistic);
      row.low = row.estimate - quantile * row.error;
      row.high = row.estimate + quantile * row.error;
      result_.coefficients.push_back(std::move(row));
    }
  }

  double centred_square(std::size_t j) const {
    const std::size_t p = design_.size();
    const double all = products_[p * p - 1], cross = products_[j * p + p - 1];
    return products_[j * p + j] - (f_.intercept ? cross * cross / all : 0);
  }

  // Of b = theta_0 - sum theta_j scale_j centre_j.
  double intercept_error() const {
    const std::size_t k = kept_.parameters.size(), d = design_.size() - 1;
    std::vector<double> direction(k);
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t j = kept_.parameters[i];
      direction[i] = j == d ? 1 : -design_.scale()[j] * design_.centre()[j];
    }
    double variance = 0;
    for (std::size_t a = 0; a < k; ++a)
      for (std::size_t b = 0; b < k; ++b) variance += direction[a] * kept_.inverse[a * k + b] * direction[b];
    return std::sqrt(variance);
  }

  // h_i = w_i z_i' (Z' W Z)^-1 z_i.
  void find_leverages() {
    const std::size_t k = kept_.parameters.size(), d = design_.size() - 1;
    leverage_.resize(f_.sums.size());
    parallel_for(static_cast<std::int64_t>(leverage_.size()), 256, [&](std::int64_t begin, std::int64_t end) {
      std::vector<double> row(std::max<std::size_t>(1, d)), v(k);
      for (std::int64_t r = begin; r < end; ++r) {
        data_.x.tile(r, r + 1, row.data());
        double square = 0;
        for (std::size_t i = 0; i < k; ++i) {
          const std::size_t j = kept_.parameters[i];
          double z = j == d ? 1 : (row[j] - design_.centre()[j]) * design_.scale()[j];
          for (std::size_t c = 0; c < i; ++c) z -= kept_.factor[i * k + c] * v[c];
          v[i] = z / kept_.factor[i * k + i];
          square += v[i] * v[i];
        }
        leverage_[static_cast<std::size_t>(r)] =
            std::min(1.0, f_.curvature[static_cast<std::size_t>(r)] * square);
      }
    });
  }

  double studentised(std::size_t r) const {
    const double left = 1 - leverage_[r];
    return left > 1e-10 && result_.dispersion > 0 ? f_.pearson[r] / std::sqrt(result_.dispersion * left)
                                                  : kNaN;
  }

  // Cook (1977); Belsley, Kuh, Welsch (1980); for other than least squares with Pearson residuals (Pregibon
  // 1981).
  void find_influence() {
    constexpr std::size_t kMost = 20;
    std::vector<Inference::Influence> all;
    const auto k = static_cast<double>(kept_.parameters.size());
    const auto df = static_cast<double>(result_.df_residual);
    for (std::size_t r = 0; r < leverage_.size(); ++r) {
      if (f_.weight[r] == 0) continue;
      const double h = leverage_[r], t = studentised(r);
      Inference::Influence i{.row = static_cast<std::int64_t>(r) + 1, .residual = t, .leverage = h};
      i.cooks_distance = t * t * h / (k * (1 - h));
      // The residual in units of the spread that the other rows have.
      const double outer = f_.is_least_squares && df > t * t ? t * std::sqrt((df - 1) / (df - t * t)) : kNaN;
      i.dffits = outer * std::sqrt(h / (1 - h));
      if (std::isnan(t)) continue;
      result_.influential += i.cooks_distance > 4 / static_cast<double>(result_.rows) ? 1 : 0;
      all.push_back(i);
    }
    std::ranges::stable_sort(all, std::greater{}, &Inference::Influence::cooks_distance);
    all.resize(std::min(all.size(), kMost));
    result_.influence = std::move(all);
  }

  // Whether the squared residuals depend on the columns, in Koenker's (1981) form, which does not ask for
  // normal ones: rows times R2 of their regression on the columns.
  void add_breusch_pagan() {
    if (!f_.is_least_squares || !f_.intercept || !data_.weights.empty() || result_.df_model == 0) return;
    const auto n = static_cast<double>(result_.rows);
    std::vector<double> squares(f_.pearson.size()), right(design_.size());
    double mean = 0, all = 0, told = 0;
    for (std::size_t r = 0; r < squares.size(); ++r) mean += (squares[r] = f_.pearson[r] * f_.pearson[r]) / n;
    for (double& v : squares) {
      v -= mean;
      all += v * v;
    }
    if (!(all > 0)) return;
    design_.transposed(squares, right);
    std::vector<double> kept, solved;
    for (const std::size_t j : kept_.parameters) kept.push_back(right[j]);
    solved = kept;
    linalg::cholesky_solve(kept_.factor, static_cast<std::int64_t>(solved.size()), solved);
    for (std::size_t i = 0; i < kept.size(); ++i) told += kept[i] * solved[i];
    const double lm = n * told / all;
    const auto df = static_cast<double>(result_.df_model);
    result_.tests.push_back({"Breusch-Pagan", lm, df, kNaN, chi_squared_tail(lm, df),
                             "the residuals scatter alike for all rows"});
  }

  void find_plots() {
    constexpr std::size_t kMost = 300;
    std::vector<std::size_t> rows;
    for (std::size_t r = 0; r < leverage_.size(); ++r)
      if (f_.weight[r] > 0 && std::isfinite(studentised(r))) rows.push_back(r);
    const std::size_t shown = std::min(kMost, rows.size());
    Inference::Plots& p = result_.plots;
    for (std::size_t i = 0; i < shown; ++i) {
      const std::size_t r = rows[i * rows.size() / shown];
      p.fitted.push_back(f_.sums[r]);
      p.residual.push_back(f_.pearson[r]);
      p.studentised.push_back(studentised(r));
    }
    // Sorted residuals beside the quantiles of Blom (1958), thinned the same way.
    std::vector<double> sorted;
    for (const std::size_t r : rows) sorted.push_back(studentised(r));
    std::ranges::sort(sorted);
    for (std::size_t i = 0; i < shown; ++i) {
      const std::size_t rank = i * sorted.size() / shown;
      p.sorted.push_back(sorted[rank]);
      p.normal_quantile.push_back(normal_quantile((static_cast<double>(rank) + 1 - 0.375) /
                                                  (static_cast<double>(sorted.size()) + 0.25)));
    }
  }

  const Fitted& f_;
  const NumericData& data_;
  StandardDesign design_;
  std::vector<double> products_;
  Kept kept_;
  std::vector<double> leverage_;
  Inference result_;
};

bool is_linear(std::string_view learner) {
  constexpr std::string_view kLearners[] = {"linear_regression",
                                            "ridge",
                                            "ridge_cv",
                                            "lasso",
                                            "elastic_net",
                                            "elastic_net_cv",
                                            "glm",
                                            "huber_regression",
                                            "logistic_regression",
                                            "logistic_regression_cv"};
  return std::ranges::find(kLearners, learner) != std::end(kLearners);
}

}  // namespace

bool may_infer(std::string_view learner, const ParamsView& params, const Model& model, std::string* why_not) {
  why_not->clear();
  if (!is_linear(learner)) return false;
  *why_not = inference_detail::why_wrong(learner, params, model);
  return why_not->empty();
}

std::optional<Inference> infer(std::string_view learner, const ParamsView& params, const Model& model,
                               const Dataset& seen, std::string* why_not) {
  if (!may_infer(learner, params, model, why_not)) return std::nullopt;
  const NumericData data = numeric_data(seen, learner);
  const auto d = static_cast<std::size_t>(data.x.columns());
  const double work = static_cast<double>(data.x.rows()) * static_cast<double>(d * d);
  if (d > kMostColumns || work > kMostWork) {
    *why_not = fmt::format(
        "standard errors of {} columns on {} rows were left out: they would take longer than "
        "the fit",
        d, data.x.rows());
    return std::nullopt;
  }
  const Fitted fitted = inference_detail::fitted_of(learner, params, model, data);
  Inference result = Work(fitted, data).run();
  if (result.df_residual < 1) {
    *why_not = fmt::format("{} rows leave nothing over for standard errors of {} coefficients", result.rows,
                           result.coefficients.size());
    return std::nullopt;
  }
  return result;
}

}  // namespace cairn
