#include "cairn/linear/elastic_net_cv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/linear/linear_model.h"
#include "cairn/ops/linalg.h"
#include "cairn/solve/coordinate_descent.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostColumns = 4000;  // the products of every pair are kept, a set a fold
constexpr std::size_t kPointsTold = 9;

using linalg::Moments;

// Sums about the common mean from sums about each part's own (Chan, Golub, LeVeque 1983).
Moments joined(const std::vector<Moments>& parts, std::size_t without) {
  const std::size_t p = parts[0].mean.size();
  Moments all{0, std::vector<double>(p), std::vector<double>(p * p)};
  for (std::size_t f = 0; f < parts.size(); ++f) {
    if (f == without) continue;
    all.weight += parts[f].weight;
    for (std::size_t j = 0; j < p; ++j) all.mean[j] += parts[f].weight * parts[f].mean[j];
  }
  for (double& m : all.mean) m /= all.weight;
  for (std::size_t f = 0; f < parts.size(); ++f) {
    if (f == without) continue;
    for (std::size_t i = 0; i < p; ++i) {
      const double shift = parts[f].weight * (parts[f].mean[i] - all.mean[i]);
      for (std::size_t j = 0; j < p; ++j)
        all.products[i * p + j] += parts[f].products[i * p + j] + shift * (parts[f].mean[j] - all.mean[j]);
    }
  }
  return all;
}

// Without an intercept nothing is centred.
Moments about_zero(Moments m) {
  const std::size_t p = m.mean.size();
  for (std::size_t i = 0; i < p; ++i)
    for (std::size_t j = 0; j < p; ++j) m.products[i * p + j] += m.weight * m.mean[i] * m.mean[j];
  m.mean.assign(p, 0.0);
  return m;
}

// A walk along the path on one set of sums; its weights at each alpha.
class Path {
 public:
  Path(const Moments& m, const ElasticNetCvParams& params, const StopToken& stop)
      : params_(params), stop_(stop), weight_(m.weight) {
    const std::size_t p = m.mean.size();
    d_ = p - 1;
    for (std::size_t i = 0; i < d_; ++i) {
      const auto row = m.products.begin() + static_cast<std::ptrdiff_t>(i * p);
      products_.insert(products_.end(), row, row + static_cast<std::ptrdiff_t>(d_));
      cross_.push_back(m.products[i * p + d_]);
    }
    square_ = m.products.back();
  }

  double largest_alpha() const {
    double most = 0;
    for (const double c : cross_) most = std::max(most, std::abs(c));
    return most / (weight_ * params_.l1_ratio);
  }

  // visit(step, weights, result) at each alpha, the largest first.
  template <class F>
  void walk(std::span<const double> alphas, F visit) const {
    std::vector<double> w(d_), l1(d_), l2(d_);
    for (std::size_t a = 0; a < alphas.size(); ++a) {
      ProductLoss loss(products_, cross_, square_);  // at 0; the descent moves it to w
      std::ranges::fill(l1, alphas[a] * params_.l1_ratio * weight_);
      std::ranges::fill(l2, alphas[a] * (1 - params_.l1_ratio) * weight_);
      const CoordinateDescentResult result = coordinate_descent(
          loss, l1, l2, w, {.tolerance = params_.tol, .max_passes = params_.max_iter, .stop = stop_});
      visit(a, w, result);
    }
  }

 private:
  const ElasticNetCvParams& params_;
  StopToken stop_;
  std::size_t d_ = 0;
  double weight_, square_ = 0;
  std::vector<double> products_, cross_;
};

// The mean squared error of weights, with the intercept of their own training rows, on a part.
double error_on(const Moments& part, const Moments& trained, std::span<const double> w) {
  const std::size_t d = w.size(), p = d + 1;
  double squares = part.products[d * p + d], bias = part.mean[d] - trained.mean[d];
  for (std::size_t i = 0; i < d; ++i) {
    if (w[i] == 0) continue;
    bias -= w[i] * (part.mean[i] - trained.mean[i]);
    squares -= 2 * w[i] * part.products[i * p + d];
    for (std::size_t j = 0; j < d; ++j) squares += w[i] * w[j] * part.products[i * p + j];
  }
  return std::max(0.0, squares) / part.weight + bias * bias;
}

std::vector<Moments> moments_of_folds(const NumericData& data, const ElasticNetCvParams& params,
                                      std::uint64_t seed, const StopToken& stop) {
  std::vector<std::int64_t> counted;
  for (std::int64_t r = 0; r < data.x.rows(); ++r)
    if (data.weights.empty() || data.weights[at(r)] > 0) counted.push_back(r);
  if (std::ssize(counted) < params.folds)
    throw DataError(ElasticNetCv::kName,
                    fmt::format("{} rows are too few for {} folds", counted.size(), params.folds),
                    "Use fewer folds, or lasso with an alpha of your own.");
  Random(seed, "elastic_net_cv").shuffle(std::span(counted));
  std::vector<Moments> parts(at(params.folds));
  for (std::size_t f = 0; f < parts.size(); ++f) {
    std::vector<std::int64_t> rows;
    for (std::size_t i = f; i < counted.size(); i += parts.size()) rows.push_back(counted[i]);
    std::ranges::sort(rows);
    std::vector<double> y, weights;
    for (const std::int64_t r : rows) {
      y.push_back(data.y[at(r)]);
      if (!data.weights.empty()) weights.push_back(data.weights[at(r)]);
    }
    parts[f] = linalg::moments(data.x.select_rows(rows),
                               {.weights = weights, .targets = y, .num_targets = 1, .stop = stop});
    if (!std::ranges::all_of(parts[f].products, [](double v) { return std::isfinite(v); }))
      throw FitError(ElasticNetCv::kName, "the squares of columns or target are beyond the range of numbers",
                     "Rescale them.");
  }
  return parts;
}

// Mean and standard error of the errors over folds, an alpha each.
struct Curve {
  std::vector<double> mean, error;
  std::size_t minimum = 0, chosen = 0;
};

Curve curve_of(const std::vector<std::vector<double>>& errors, const std::string& rule) {
  Curve c;
  const auto k = static_cast<double>(errors.size());
  for (std::size_t a = 0; a < errors[0].size(); ++a) {
    double mean = 0, square = 0;
    for (const auto& fold : errors) mean += fold[a] / k;
    for (const auto& fold : errors) square += (fold[a] - mean) * (fold[a] - mean) / (k - 1);
    c.mean.push_back(mean);
    c.error.push_back(std::sqrt(square / k));
  }
  c.minimum = static_cast<std::size_t>(std::ranges::min_element(c.mean) - c.mean.begin());
  c.chosen = c.minimum;
  if (rule == "one_standard_error")
    while (c.chosen > 0 && c.mean[c.chosen - 1] <= c.mean[c.minimum] + c.error[c.minimum]) --c.chosen;
  return c;
}

}  // namespace

const ParamList& ElasticNetCvParams::list() {
  using P = ElasticNetCvParams;
  static const ParamList l{
      param<&P::l1_ratio>("l1_ratio", "share of the penalty on |w|; 1 is the lasso", above_to(0, 1),
                          {"mix", "rho"})
          .searched(0.05, 1),
      param<&P::num_alphas>("num_alphas", "strengths tried along the path", between(1, 10'000),
                            {"n_alphas", "nlambda", "alphas"}),
      param<&P::smallest>("smallest", "the least strength, in parts of the one that sets every weight to 0",
                          ParamRule{.low = 0, .high = 1, .low_open = true, .high_open = true},
                          {"eps", "lambda_min_ratio"}),
      param<&P::folds>("folds", "parts of the rows that judge in turn", between(2, 1000), {"cv", "nfolds"}),
      param<&P::rule>("rule", "the strength of least error, or the largest within one standard error of it",
                      one_of("minimum", "one_standard_error")),
      param<&P::intercept>("intercept", "add a constant, not penalised, to the prediction", {},
                           {"fit_intercept"}),
      param<&P::tol>("tol", "stop when the duality gap is below this share of the target's sum of squares",
                     at_least(0)),
      param<&P::max_iter>("max_iter", "passes over the columns at most, a strength", between(1, 1e9),
                          {"num_iterations", "n_iter"}),
  };
  return l;
}

std::unique_ptr<Model> ElasticNetCv::fit(const Dataset& dataset, const FitContext& context) const {
  context.stop.throw_if_requested(kName);
  const NumericData data = numeric_data(dataset, kName);
  if (data.x.columns() > kMostColumns)
    throw UsageError(kName,
                     fmt::format("{} columns are more than {}: the products of every pair are kept",
                                 data.x.columns(), kMostColumns),
                     "Use lasso or elastic_net with an alpha of your own.");
  const auto d = at(data.x.columns());
  std::vector<Moments> parts = moments_of_folds(data, params_, context.seed, context.stop);
  if (!params_.intercept)
    for (Moments& m : parts) m = about_zero(std::move(m));
  const Moments all = joined(parts, parts.size());
  const Path whole(all, params_, context.stop);
  const double largest = whole.largest_alpha();
  std::vector<double> alphas;
  for (std::int64_t a = 0; a < params_.num_alphas; ++a)
    alphas.push_back(largest * std::pow(params_.smallest,
                                        static_cast<double>(a) / static_cast<double>(std::max<std::int64_t>(
                                                                     1, params_.num_alphas - 1))));
  std::vector<std::vector<double>> errors(parts.size(), std::vector<double>(alphas.size()));
  parallel_for(params_.folds, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t f = begin; f < end; ++f) {
      const Moments trained = joined(parts, at(f));
      Path(trained, params_, context.stop).walk(alphas, [&](std::size_t a, const auto& w, const auto&) {
        errors[at(f)][a] = error_on(parts[at(f)], trained, w);
      });
    }
  });
  const Curve curve = curve_of(errors, params_.rule);
  std::vector<double> weights(d);
  std::vector<std::size_t> used;
  bool converged = true;
  whole.walk(std::span(alphas).first(curve.chosen + 1), [&](std::size_t, const auto& w,
                                                            const CoordinateDescentResult& result) {
    weights = w;
    converged = converged && result.converged;
    used.push_back(static_cast<std::size_t>(std::ranges::count_if(w, [](double v) { return v != 0; })));
  });
  double intercept = all.mean[d];
  for (std::size_t j = 0; j < d; ++j) intercept -= weights[j] * all.mean[j];
  auto model = std::make_unique<LinearModel>(data, Link::identity, std::move(weights),
                                             std::vector{params_.intercept ? intercept : 0.0});
  model->add_note(fmt::format(
      "alpha = {:.6g} by {} folds ({}): mean squared error {:.6g} +- {:.2g}, {} of {} "
      "columns used; the least is {:.6g} at alpha = {:.6g}",
      alphas[curve.chosen], params_.folds, params_.rule, curve.mean[curve.chosen], curve.error[curve.chosen],
      used.back(), d, curve.mean[curve.minimum], alphas[curve.minimum]));
  const std::size_t step = std::max<std::size_t>(1, alphas.size() / kPointsTold);
  for (std::size_t a = 0; a < alphas.size(); a += step)
    model->add_note(fmt::format("path: alpha {:.4g}, mean squared error {:.6g} +- {:.2g}", alphas[a],
                                curve.mean[a], curve.error[a]));
  if (curve.minimum + 1 == alphas.size() && alphas.size() > 1)
    model->add_note("the least error stands at the end of the path: a lower `smallest` may find a lower one");
  if (!converged) model->add_note("not every strength converged: raise max_iter");
  return model;
}

}  // namespace cairn
