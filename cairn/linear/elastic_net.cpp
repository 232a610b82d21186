#include "cairn/linear/elastic_net.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/linear/linear_model.h"
#include "cairn/linear/row_sums_internal.h"
#include "cairn/solve/coordinate_descent.h"

namespace cairn {
namespace {

// Up to this many columns their products are summed once and every step after that forgets the rows.
constexpr std::int64_t kMostProducts = 4000;

constexpr const char* kAlphaDoc = "strength of the penalty";
constexpr const char* kTolDoc =
    "stop when the duality gap is below this share of the target's sum of squares";
constexpr const char* kMaxIterDoc = "passes over the columns at most";
constexpr const char* kInterceptDoc = "add a constant, not penalised, to the prediction";

// The problem with each column divided by `unit` (a power of two near its spread), so that squares stay in
// range.
struct Guarded {
  std::vector<double> column, mean;  // factor of each column and, last, of the target; means [d + 1]
  double weight = 0;
  std::vector<double> products, cross;
  double target_square = 0;
};

std::vector<double> powers_near(const linalg::Ranges& ranges) {
  std::vector<double> factors;
  for (std::size_t c = 0; c < ranges.low.size(); ++c) {
    const double size = std::max(std::abs(ranges.low[c]), std::abs(ranges.high[c]));
    factors.push_back(size == 0 ? 1.0 : std::ldexp(1.0, -std::clamp(std::ilogb(size), -1000, 1000)));
  }
  return factors;
}

Guarded products_of(const NumericRows& rows, bool intercept, std::span<const double> factors,
                    const StopToken& stop) {
  linalg::Moments m = row_moments(rows, intercept, factors, stop);
  const std::size_t d = m.mean.size() - 1;
  const std::vector<double>& all = m.products;
  Guarded g;
  g.weight = m.weight;
  g.mean = std::move(m.mean);
  g.column =
      factors.empty() ? std::vector<double>(d + 1, 1.0) : std::vector<double>(factors.begin(), factors.end());
  g.products.resize(d * d);
  for (std::size_t i = 0; i < d; ++i) {
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(i * (d + 1)), d,
                g.products.begin() + static_cast<std::ptrdiff_t>(i * d));
    g.cross.push_back(all[i * (d + 1) + d]);
  }
  g.target_square = all.back();
  return g;
}

bool in_range(const Guarded& g) {
  const auto fits = [](double v) { return v <= 1e200 && (v == 0 || v >= 1e-200); };
  for (std::size_t j = 0; j < g.cross.size(); ++j)
    if (!fits(g.products[j * (g.cross.size() + 1)])) return false;
  return fits(g.target_square);
}

struct Penalty {
  double l1, l2;  // of the mean loss
};

std::unique_ptr<Model> fit_elastic_net(const NumericRows& rows, Penalty penalty, bool intercept,
                                       const CoordinateDescentOptions& options) {
  const std::int64_t columns = rows.columns();
  const auto d = static_cast<std::size_t>(columns);
  const NumericData* data = rows.in_memory();
  const bool by_products =
      columns <= kMostProducts && (!data || columns <= std::max<std::int64_t>(rows.num_rows(), 64));
  if (!data && !by_products)
    throw ResourceError(
        "elastic net",
        fmt::format("{} columns; in parts their products are summed, for which {} are the most", columns,
                    kMostProducts),
        "Leave columns out with --ignore, or raise --max-memory.");
  std::vector<double> w(d), l1(d), l2(d);
  std::vector<double> mean, factor(d + 1, 1.0);
  CoordinateDescentResult found;
  const auto penalties = [&](double weight) {
    // w = v column / target: the penalty of v keeps its strength in the person's units.
    for (std::size_t j = 0; j < d; ++j) {
      l1[j] = penalty.l1 * weight * factor[j] * factor[d];
      l2[j] = penalty.l2 * weight * factor[j] * factor[j];
    }
  };
  if (by_products) {
    Guarded g = products_of(rows, intercept, {}, options.stop);
    if (!in_range(g)) g = products_of(rows, intercept, powers_near(row_ranges(rows)), options.stop);
    factor = g.column;
    mean = g.mean;
    penalties(g.weight);
    ProductLoss loss(g.products, g.cross, g.target_square);
    found = coordinate_descent(loss, l1, l2, w, options);
  } else {
    const linalg::GramOptions o{
        .weights = data->weights, .targets = data->y, .num_targets = 1, .stop = options.stop};
    mean = intercept ? linalg::column_means(data->x, o) : std::vector<double>(d + 1);
    double weight = 0;
    for (std::size_t i = 0; i < data->y.size(); ++i) weight += data->weights.empty() ? 1.0 : data->weights[i];
    penalties(weight);
    ResidualLoss loss(data->x, data->y, data->weights, mean);
    if (!std::isfinite(loss.target_square()))
      throw FitError("elastic net", "the squares of the target are beyond the range of numbers",
                     "Rescale it.");
    found = coordinate_descent(loss, l1, l2, w, options);
  }
  double b = mean[d];
  for (std::size_t j = 0; j < d; ++j) {
    w[j] *= factor[j] / factor[d];
    b -= w[j] * mean[j];
  }
  const auto used = std::ranges::count_if(w, [](double v) { return v != 0; });
  auto model = std::make_unique<LinearModel>(rows.head(), Link::identity, std::move(w),
                                             std::vector{intercept ? b : 0.0});
  model->add_note(
      fmt::format("solver: coordinate descent on {}: {} passes, duality gap {:.2g} of the target's squares",
                  by_products ? "the products of the columns" : "the residuals", found.passes, found.gap));
  model->add_note(fmt::format("{} of {} columns have a weight other than 0", used, d));
  if (!found.converged)
    model->add_note(fmt::format(
        "stopped after {} passes before the gap was below {:.2g}: raise max_iter, or scale the columns",
        found.passes, options.tolerance));
  return model;
}

}  // namespace

const ParamList& LassoParams::list() {
  using P = LassoParams;
  static const ParamList l{
      param<&P::alpha>("alpha", kAlphaDoc, at_least(0), {"lambda", "C", "l1"})
          .searched(1e-4, 10, SearchScale::log),
      param<&P::intercept>("intercept", kInterceptDoc, {}, {"fit_intercept"}),
      param<&P::tol>("tol", kTolDoc, at_least(0), {"eps"}),
      param<&P::max_iter>("max_iter", kMaxIterDoc, between(1, 1e9), {"num_iterations", "n_iter"}),
  };
  return l;
}

const ParamList& ElasticNetParams::list() {
  using P = ElasticNetParams;
  static const ParamList l{
      param<&P::alpha>("alpha", kAlphaDoc, at_least(0), {"lambda", "C"}).searched(1e-4, 10, SearchScale::log),
      param<&P::l1_ratio>("l1_ratio", "share of the penalty on |w|; the rest is on w^2 / 2", between(0, 1),
                          {"mix", "rho"})
          .searched(0.05, 1),
      param<&P::intercept>("intercept", kInterceptDoc, {}, {"fit_intercept"}),
      param<&P::tol>("tol", kTolDoc, at_least(0), {"eps"}),
      param<&P::max_iter>("max_iter", kMaxIterDoc, between(1, 1e9), {"num_iterations", "n_iter"}),
  };
  return l;
}

std::unique_ptr<Model> Lasso::fit(const Dataset& data, const FitContext& context) const {
  const NumericData all = numeric_data(data, kName);
  return fit_rows(NumericRows(all), context);
}

std::unique_ptr<Model> Lasso::fit_parts(DatasetParts& rows, const FitContext& context) const {
  return fit_rows(NumericRows(rows, kName, true), context);
}

std::unique_ptr<Model> Lasso::fit_rows(const NumericRows& rows, const FitContext& context) const {
  return fit_elastic_net(rows, {params_.alpha, 0}, params_.intercept,
                         {.tolerance = params_.tol, .max_passes = params_.max_iter, .stop = context.stop});
}

std::unique_ptr<Model> ElasticNet::fit(const Dataset& data, const FitContext& context) const {
  const NumericData all = numeric_data(data, kName);
  return fit_rows(NumericRows(all), context);
}

std::unique_ptr<Model> ElasticNet::fit_parts(DatasetParts& rows, const FitContext& context) const {
  return fit_rows(NumericRows(rows, kName, true), context);
}

std::unique_ptr<Model> ElasticNet::fit_rows(const NumericRows& rows, const FitContext& context) const {
  const double l1 = params_.alpha * params_.l1_ratio;
  return fit_elastic_net(rows, {l1, params_.alpha - l1}, params_.intercept,
                         {.tolerance = params_.tol, .max_passes = params_.max_iter, .stop = context.stop});
}

}  // namespace cairn
