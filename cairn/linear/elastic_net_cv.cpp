#include "cairn/linear/elastic_net_cv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/linear/fold_moments_internal.h"
#include "cairn/linear/linear_model.h"
#include "cairn/solve/coordinate_descent.h"

namespace cairn {
namespace {

using linalg::Moments;

// A walk along the path on one set of sums; its weights at each alpha.
class AlphaWalk {
 public:
  AlphaWalk(const Moments& m, const ElasticNetCvParams& params, const StopToken& stop)
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

}  // namespace

const ParamList& ElasticNetCvParams::list() {
  using P = ElasticNetCvParams;
  static const ParamList l = [] {
    ParamList all{param<&P::l1_ratio>("l1_ratio", "share of the penalty on |w|; 1 is the lasso",
                                      above_to(0, 1), {"mix", "rho"})
                      .searched(0.05, 1)};
    for (Param& p : path_search::params_of_path<P, &P::alphas, &P::num_alphas>(
             path_search::alpha_names(), between(2, 1000), "parts of the rows that judge in turn"))
      all.push_back(std::move(p));
    all.push_back(param<&P::intercept>("intercept", "add a constant, not penalised, to the prediction", {},
                                       {"fit_intercept"}));
    all.push_back(param<&P::tol>(
        "tol", "stop when the duality gap is below this share of the target's sum of squares", at_least(0)));
    all.push_back(param<&P::max_iter>("max_iter", "passes over the columns at most, a strength",
                                      between(1, 1e9), {"num_iterations", "n_iter"}));
    return all;
  }();
  return l;
}

std::unique_ptr<Model> ElasticNetCv::fit(const Dataset& dataset, const FitContext& context) const {
  context.stop.throw_if_requested(kName);
  PenaltyPath path{.parameter = "alpha",
                   .loss = "mean squared error",
                   .rule = params_.rule,
                   .values = path_search::written_values(kName, "alphas", params_.alphas)};
  const NumericData data = numeric_data(dataset, kName);
  if (data.x.columns() > path_search::kMostProductColumns)
    throw UsageError(kName,
                     fmt::format("{} columns are more than {}: the products of every pair are kept",
                                 data.x.columns(), path_search::kMostProductColumns),
                     "Use lasso or elastic_net with an alpha of your own.");
  const auto d = at(data.x.columns());
  const path_search::Folds folds = path_search::deal(dataset, params_.folds, context.seed, kName);
  const std::vector<Moments> parts =
      path_search::moments_of_parts(data, folds, params_.intercept, kName, context.stop);
  const Moments all = path_search::joined(parts);
  const AlphaWalk whole(all, params_, context.stop);
  if (path.empty())
    path.values = path_search::falling(whole.largest_alpha(), params_.smallest, params_.num_alphas);
  std::vector<std::vector<double>> errors(folds.folds.size(), std::vector<double>(path.values.size()));
  parallel_for(std::ssize(folds.folds), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t f = begin; f < end; ++f) {
      const auto& fold = folds.folds[at(f)];
      const Moments learned = path_search::joined(parts, fold.learns);
      AlphaWalk(learned, params_, context.stop)
          .walk(path.values, [&](std::size_t a, const auto& w, const auto&) {
            errors[at(f)][a] = path_search::error_on(parts[fold.judges], learned, w);
          });
    }
  });
  path.judged_by = path_search::folds_in_words(static_cast<int>(folds.folds.size()));
  path_search::choose_by_folds(errors, kName, path);
  std::vector<std::vector<double>> along;
  bool converged = true;
  whole.walk(path.values, [&](std::size_t a, const auto& w, const CoordinateDescentResult& result) {
    along.push_back(w);
    if (std::cmp_less_equal(a, path.chosen)) converged = converged && result.converged;
  });
  path.set_lines(data.feature_names, {""}, along);
  std::vector<double> weights = along[at(path.chosen)];
  const auto used = std::ranges::count_if(weights, [](double v) { return v != 0; });
  double intercept = all.mean[d];
  for (std::size_t j = 0; j < d; ++j) intercept -= weights[j] * all.mean[j];
  auto model = std::make_unique<LinearModel>(data, Link::identity, std::move(weights),
                                             std::vector{params_.intercept ? intercept : 0.0});
  for (std::string& note : path_search::notes_of(path)) model->add_note(std::move(note));
  model->add_note(fmt::format("{} of {} columns have a weight other than 0", used, d));
  if (!converged) model->add_note("not every strength converged: raise max_iter");
  model->set_path(std::move(path));
  return model;
}

}  // namespace cairn
