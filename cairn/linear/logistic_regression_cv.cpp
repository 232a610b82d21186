#include "cairn/linear/logistic_regression_cv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/linear/logistic_problem_internal.h"
#include "cairn/linear/logistic_regression.h"
#include "cairn/linear/logistic_solve_internal.h"
#include "cairn/linear/path_search_internal.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

using Numbers = std::vector<double>;

constexpr double kLogisticStart = 10;  // times the curvature that the loss has at the start of the path
constexpr double kLeastShare = 1e-3;   // of L1, that the strongest penalty is told by

// The coefficients at one value of C, for the columns as given.
struct LogisticPoint {
  Numbers coefficients, intercepts;  // [m, d], [m]
};

// The mean loss of rows under a point. Rows of `data` are of the classes present.
double loss_on(const NumericData& data, const LogisticTruth& truth, const LogisticPoint& point,
               const StopToken& stop) {
  const auto m = at(truth.num_logits), d = at(data.x.columns());
  Numbers transposed(m * d), logits(at(data.x.rows()) * m);
  for (std::size_t k = 0; k < m; ++k)
    for (std::size_t j = 0; j < d; ++j) transposed[j * m + k] = point.coefficients[k * d + j];
  linalg::multiply(data.x, transposed, truth.num_logits, point.intercepts, logits, stop);
  struct Sum {
    double loss = 0, weight = 0;
  };
  const Sum all = parallel_reduce<Sum>(
      data.x.rows(), 4096,
      [&](std::int64_t begin, std::int64_t end) {
        Sum sum;
        for (std::int64_t r = begin; r < end; ++r) {
          const std::span<const double> z = std::span(logits).subspan(at(r) * m, m);
          const double weight = data.weights.empty() ? 1.0 : data.weights[at(r)];
          double loss = 0;
          if (m == 1) {
            const double margin = truth.truth[at(r)] == 1 ? z[0] : -z[0];
            loss = std::log1p(std::exp(-std::abs(margin))) + std::max(0.0, -margin);
          } else {
            const double top = *std::ranges::max_element(z);
            for (const double v : z) loss += std::exp(v - top);
            loss = std::log(loss) + top - z[at(truth.truth[at(r)])];
          }
          sum.loss += weight * loss;
          sum.weight += weight;
        }
        return sum;
      },
      [](Sum& into, const Sum& other) {
        into.loss += other.loss;
        into.weight += other.weight;
      },
      stop);
  return all.loss / all.weight;
}

class LogisticSearch {
 public:
  LogisticSearch(const LogisticRegressionCvParams& params, const NumericData& data, const FitContext& context)
      : params_(params),
        data_(data),
        context_(context),
        present_(present_classes(data, class_weights(data), std::ssize(data.labels),
                                 LogisticRegressionCv::kName)) {}

  // 1 / C that leaves next to nothing of the coefficients of these rows, all of which count.
  double strongest(const NumericData& rows) const {
    const LogisticTruth truth = truth_of(rows);
    const auto n = truth.truth.size(), m = at(truth.num_logits);
    const auto weight = [&](std::size_t r) { return truth.weights.empty() ? 1.0 : truth.weights[r]; };
    const auto has = [&](std::size_t r, std::size_t k) {
      return truth.truth[r] == static_cast<std::int32_t>(m == 1 ? 1 : k) ? 1.0 : 0.0;
    };
    Numbers share(m), residuals(n * m), slopes(at(rows.x.columns()) * m);
    double total = 0;
    for (std::size_t r = 0; r < n; ++r) {
      total += weight(r);
      for (std::size_t k = 0; k < m; ++k) share[k] += weight(r) * has(r, k);
    }
    for (double& s : share) s /= total;
    if (l1_share() == 0) {
      double spread = 0, curvature = 0;
      for (const double p : share) curvature = std::max(curvature, p * (1 - p));
      const LogisticObjective objective = objective_of(rows, 1);
      for (const double s : objective.design().deviation()) spread += s * s;
      return kLogisticStart * total * curvature * spread;
    }
    for (std::size_t r = 0; r < n; ++r)
      for (std::size_t k = 0; k < m; ++k) residuals[r * m + k] = weight(r) * (share[k] - has(r, k));
    linalg::multiply_transposed(rows.x, residuals, truth.num_logits, slopes, context_.stop);
    double most = 0;
    for (const double s : slopes) most = std::max(most, std::abs(s));
    return most / std::max(l1_share(), kLeastShare);
  }

  // One point a value of C, each started from the one before; *all_converged becomes false where one is not.
  std::vector<LogisticPoint> walk(const NumericData& rows, const Numbers& values, bool* all_converged) const {
    LogisticObjective objective = objective_of(rows, values.front());
    Numbers theta;
    std::vector<LogisticPoint> points;
    for (const double C : values) {
      context_.stop.throw_if_requested(LogisticRegressionCv::kName);
      const LogisticPenalty penalty = make_penalty(params_.penalty, params_.l1_ratio, C);
      objective.set_penalty(penalty, theta);
      LogisticSolution found = solve_logistic(objective, choose_solver("auto", objective, penalty.l1 > 0),
                                              {.max_iter = params_.max_iter,
                                               .tol = params_.tol,
                                               .stop_when_separated = false,
                                               .stop = context_.stop,
                                               .start = theta});
      *all_converged = *all_converged && found.converged;
      theta = std::move(found.theta);
      LogisticPoint point{.coefficients = Numbers(at(objective.num_logits() * rows.x.columns())),
                          .intercepts = Numbers(at(objective.num_logits()))};
      objective.to_raw(theta, point.coefficients, point.intercepts);
      points.push_back(std::move(point));
    }
    return points;
  }

  // losses[fold][value]
  std::vector<Numbers> losses(const path_search::Folds& folds, const Numbers& values,
                              bool* all_converged) const {
    std::vector<Numbers> all;
    for (std::size_t f = 0; f < folds.folds.size(); ++f) {
      const auto& fold = folds.folds[f];
      const NumericData learned = path_search::rows_of(data_, folds.rows_to_learn(fold));
      check_classes_of(learned, f);
      const NumericData judged = path_search::rows_of(data_, folds.parts[fold.judges]);
      const LogisticTruth truth = make_truth(judged, present_, class_weights(judged), false, kName);
      Numbers losses;
      for (const LogisticPoint& point : walk(learned, values, all_converged))
        losses.push_back(loss_on(judged, truth, point, context_.stop));
      all.push_back(std::move(losses));
    }
    return all;
  }

  std::vector<std::string> outputs() const {
    if (data_.task == Task::binary || present_.size() == 2) return {""};
    std::vector<std::string> names;
    for (const std::int64_t c : present_) names.push_back(data_.classes[at(c)]);
    return names;
  }

 private:
  static constexpr const char* kName = LogisticRegressionCv::kName;

  double l1_share() const {
    return params_.penalty == "l2" ? 0 : params_.penalty == "l1" ? 1 : params_.l1_ratio;
  }

  LogisticTruth truth_of(const NumericData& rows) const {
    return make_truth(rows, present_, class_weights(rows), params_.class_weight == "balanced", kName);
  }

  LogisticObjective objective_of(const NumericData& rows, double C) const {
    return make_objective(rows, truth_of(rows), make_penalty(params_.penalty, params_.l1_ratio, C), false,
                          kName, context_.stop);
  }

  void check_classes_of(const NumericData& learned, std::size_t fold) const {
    const Numbers weights = class_weights(learned);
    for (const std::int64_t c : present_)
      if (!(weights[at(c)] > 0))
        throw DataError(
            kName,
            fmt::format("class '{}' has no rows in what fold {} learns from", data_.classes[at(c)], fold + 1),
            "Leave the class out, or use logistic_regression with a C of your own.");
  }

  const LogisticRegressionCvParams& params_;
  const NumericData& data_;
  const FitContext& context_;
  std::vector<std::int64_t> present_;
};

}  // namespace

const ParamList& LogisticRegressionCvParams::list() {
  using P = LogisticRegressionCvParams;
  static const ParamList l = [] {
    ParamList all = path_search::params_of_path<P, &P::Cs, &P::num_Cs>(
        {.values = "Cs",
         .values_doc = "inverse strengths to try, such as 0.1,1,10, in place of a path",
         .values_also = {"C", "alphas"},
         .count = "num_Cs",
         .count_doc = "inverse strengths tried along the path",
         .count_also = {"num_alphas", "nlambda"}},
        between(2, 1000), "parts of the rows that judge in turn");
    all.push_back(param<&P::penalty>("penalty", "what keeps the coefficients small",
                                     one_of("l2", "l1", "elastic_net")));
    all.push_back(param<&P::l1_ratio>("l1_ratio", "share of L1 in the elastic net", between(0, 1)));
    all.push_back(param<&P::max_iter>("max_iter", "iteration cap, a strength", between(1, 1'000'000),
                                      {"max_iterations", "n_iter"}));
    all.push_back(
        param<&P::tol>("tol", "stop when the gradient is this part of its size at 0", between(0, 1)));
    all.push_back(param<&P::class_weight>("class_weight", "balanced: every class counts the same in all",
                                          one_of("none", "balanced")));
    return all;
  }();
  return l;
}

std::unique_ptr<Model> LogisticRegressionCv::fit(const Dataset& dataset, const FitContext& context) const {
  context.stop.throw_if_requested(kName);
  if (!is_classification(dataset.task()))
    throw UsageError(kName, "the task is regression; logistic_regression_cv predicts classes",
                     "Use ridge_cv for quantities.");
  PenaltyPath path{.parameter = "C",
                   .loss = "log loss",
                   .rule = params_.rule,
                   .values = path_search::written_values(kName, "Cs", params_.Cs)};
  std::ranges::reverse(path.values);
  const NumericData data = numeric_data(dataset, kName);
  const LogisticSearch search(params_, data, context);
  const path_search::Folds folds = path_search::deal(dataset, params_.folds, context.seed, kName);
  const NumericData counted =
      folds.num_rows() == data.x.rows() ? data : path_search::rows_of(data, folds.rows());
  if (path.empty()) {
    for (const double strength :
         path_search::falling(search.strongest(counted), params_.smallest, params_.num_Cs))
      path.values.push_back(1 / strength);
    if (!std::isfinite(path.values.back()) || !(path.values.front() > 0))
      throw FitError(kName, "the squares of the columns are beyond the range of numbers", "Rescale them.");
  }
  bool all_converged = true;
  path.judged_by = path_search::folds_in_words(static_cast<int>(folds.folds.size()));
  path_search::choose_by_folds(search.losses(folds, path.values, &all_converged), kName, path);
  std::vector<Numbers> along;
  for (LogisticPoint& point : search.walk(counted, path.values, &all_converged))
    along.push_back(std::move(point.coefficients));
  path.set_lines(data.feature_names, search.outputs(), along);
  auto model = LogisticRegression({.C = path.values[at(path.chosen)],
                                   .penalty = params_.penalty,
                                   .l1_ratio = params_.l1_ratio,
                                   .max_iter = params_.max_iter,
                                   .tol = params_.tol,
                                   .class_weight = params_.class_weight})
                   .fit(dataset, context);
  auto& logistic = dynamic_cast<LogisticModel&>(*model);
  for (std::string& note : path_search::notes_of(path)) logistic.add_note(std::move(note));
  if (!all_converged) logistic.add_note("not every strength converged: raise max_iter");
  logistic.set_path(std::move(path));
  return model;
}

}  // namespace cairn
