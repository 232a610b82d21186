#include "cairn/linear/logistic_regression.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "cairn/base/index.h"
#include "cairn/data/finite.h"
#include "cairn/linear/logistic_explain_internal.h"
#include "cairn/linear/logistic_list.h"
#include "cairn/linear/logistic_problem_internal.h"
#include "cairn/linear/logistic_regression_cv.h"
#include "cairn/linear/logistic_solve_internal.h"

namespace cairn {
namespace {

// Looking for collinear columns takes a Gram matrix: always without a penalty, and with one while it costs
// next to nothing.
constexpr std::int64_t kWidestGram = 2000;
constexpr std::int64_t kCheapGram = 100'000'000;
// A Newton step that still changes a margin by this much says that there is no minimum near.
constexpr double kUnsettledMargin = 0.05;
constexpr std::size_t kNamesShown = 5;

std::string names(const NumericData& data, std::span<const std::int64_t> columns) {
  std::vector<std::string> some;
  for (std::size_t i = 0; i < std::min(columns.size(), kNamesShown); ++i)
    some.push_back("'" + data.feature_names[at(columns[i])] + "'");
  std::string text = fmt::format("{}", fmt::join(some, ", "));
  return columns.size() > kNamesShown ? text + fmt::format(" and {} more", columns.size() - kNamesShown)
                                      : text;
}

// Takes the mean over m of values [m, n] away.
void centre_groups(std::span<double> values, std::int64_t n) {
  const std::int64_t m = n > 0 ? static_cast<std::int64_t>(values.size()) / n : 0;
  for (std::int64_t j = 0; j < n; ++j) {
    double mean = 0;
    for (std::int64_t k = 0; k < m; ++k) mean += values[at(k * n + j)] / static_cast<double>(m);
    for (std::int64_t k = 0; k < m; ++k) values[at(k * n + j)] -= mean;
  }
}

[[noreturn]] void throw_separated(const LogisticObjective& objective, const NumericData& data,
                                  const std::vector<std::int64_t>& present, std::span<const double> theta) {
  std::string why = separating_column(objective, data, present, false);
  if (why.empty())
    why = fmt::format("a combination of {} separates the classes", leading_columns(objective, data, theta));
  throw FitError(
      LogisticRegression::kName,
      fmt::format("{}; without a penalty the coefficients grow without limit and no fit exists", why),
      "penalty=l2 gives a finite fit; or leave the feature out if it gives the target away.");
}

// One fit, step by step.
class Fit {
 public:
  // `sample`: of rows in parts, some of them in memory.
  Fit(const LogisticRegressionParams& params, const NumericRows& rows, const NumericData* sample,
      const FitContext& context)
      : params_(params),
        rows_(rows),
        data_(rows.head()),
        context_(context),
        penalty_(make_penalty(params.penalty, params.l1_ratio, params.C)),
        objective_(sample ? objective_in_parts(*sample) : objective_in_memory()) {}

  std::unique_ptr<Model> run() {
    note_classes_and_constants();
    if (unpenalised()) drop_dependences();
    const LogisticChoice choice = choose_solver(params_.solver, objective_, penalty_.l1 > 0);
    LogisticSolution solution = solve_logistic(objective_, choice,
                                               {.max_iter = params_.max_iter,
                                                .tol = tolerance(choice),
                                                .stop_when_separated = unpenalised(),
                                                .stop = context_.stop});
    if (unpenalised()) check_separation(solution);
    notes_.insert(notes_.begin(), solution.text);
    if (!unpenalised()) note_penalised();
    return make_model(solution);
  }

 private:
  static constexpr const char* kName = LogisticRegression::kName;

  LogisticObjective objective_in_memory() {
    class_weights_ = class_weights(data_);
    present_ = present_classes(data_, class_weights_, rows_.num_rows(), kName);
    return make_objective(data_, make_truth(data_, present_, class_weights_, balanced(), kName), penalty_,
                          unpenalised(), kName, context_.stop);
  }

  // One pass measures the columns and weighs the classes. What a logit of 0 leaves of the rows is met on the
  // way where it is known before all classes are: of two, each row counting as it is.
  LogisticObjective objective_in_parts(const NumericData& sample) {
    LogisticDesign design(rows_, false, [&](const NumericData& part) {
      add_class_weights(part, class_weights_);
      LogisticDesign::RowNumbers residuals;
      if (part.classes.size() > 2 || balanced()) return residuals;
      auto truth = std::make_shared<LogisticTruth>(LogisticTruth{.weights = part.weights});
      for (const std::int32_t label : part.labels) truth->truth.push_back(label == part.positive);
      residuals = [truth](std::int64_t begin, std::span<double> to) { truth->residuals_at_zero(begin, to); };
      return residuals;
    });
    if (!design.sums_are_finite())
      rows_.each([](const NumericData& part) { check_finite(part.x, part.feature_names, kName); });
    present_ = present_classes(data_, class_weights_, rows_.num_rows(), kName);
    double total = 0;
    for (const double w : class_weights_) total += w;
    return LogisticObjective(std::move(design),
                             {.rows = &rows_,
                              .truth_of =
                                  [this](const NumericData& part) {
                                    return make_truth(part, present_, class_weights_, balanced(), kName);
                                  },
                              .total_weight = total},
                             sample, penalty_, context_.stop);
  }

  bool balanced() const { return params_.class_weight == "balanced"; }
  bool unpenalised() const { return penalty_.l1 == 0 && penalty_.l2 == 0; }

  // Without a penalty a nearly flat direction only shows once the gradient is very small.
  double tolerance(const LogisticChoice& choice) const {
    return unpenalised() && choice.solver == LogisticSolver::newton ? std::min(params_.tol, 1e-9)
                                                                    : params_.tol;
  }

  void note_classes_and_constants() {
    for (std::size_t k = 0; k < class_weights_.size(); ++k)
      if (class_weights_[k] == 0)
        notes_.push_back(
            fmt::format("class '{}' has no training rows: its probability is always 0", data_.classes[k]));
    if (const auto& constant = objective_.design().constant(); !constant.empty())
      notes_.push_back(fmt::format("constant: {}; coefficient 0", names(data_, constant)));
  }

  void drop_dependences() {
    if (objective_.design().x().columns() > kWidestGram) return;
    std::vector<std::int64_t> positions;
    for (const Dependence& d : find_dependences(objective_, data_, context_.stop)) {
      positions.push_back(d.position);
      notes_.push_back(fmt::format(
          "collinear: {}; without a penalty its coefficient is not determined and is held at 0", d.text));
    }
    objective_.drop(positions);
  }

  void check_separation(const LogisticSolution& solution) {
    if (objective_.smallest_margin() > 0) throw_separated(objective_, data_, present_, solution.theta);
    if (solution.newton_step.empty()) return;
    double most = 0;
    const bool recedes = is_direction_of_recession(objective_, solution.newton_step, &most);
    if (most <= kUnsettledMargin) return;
    if (recedes) throw_separated(objective_, data_, present_, solution.newton_step);
    notes_.push_back(
        fmt::format("the fit is not settled: one more step would change a logit by {:.2g}", most));
  }

  void note_penalised() {
    const auto& x = objective_.design().x();
    if (objective_.smallest_margin() > 0) {
      std::string why = rows_.in_memory() && x.rows() * x.columns() <= kCheapGram
                            ? separating_column(objective_, data_, present_, true)
                            : "";
      notes_.push_back(
          fmt::format("separable: every training row is on its right side{}; only the penalty (C = {:g}) "
                      "keeps the coefficients finite",
                      why.empty() ? "" : " (" + why + ")", params_.C));
    }
    if (!rows_.in_memory() || x.is_sparse() || x.columns() > kWidestGram ||
        x.rows() * x.columns() * x.columns() > kCheapGram)
      return;
    const auto found = find_dependences(objective_, data_, context_.stop);
    if (found.empty()) return;
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < std::min<std::size_t>(found.size(), 3); ++i) texts.push_back(found[i].text);
    notes_.push_back(fmt::format("collinear: {}{}; the penalty decides how they share their effect",
                                 fmt::join(texts, ", "),
                                 found.size() > 3 ? fmt::format(" and {} more", found.size() - 3) : ""));
  }

  std::unique_ptr<Model> make_model(LogisticSolution& solution) {
    const std::int64_t m = objective_.num_logits(), d = objective_.design().x().columns();
    std::vector<double> coefficients(at(m * d)), intercepts(at(m));
    objective_.to_raw(solution.theta, coefficients, intercepts);
    // The loss leaves the mean of a softmax's logits free: it is put at 0, as an L2 penalty would.
    if (m > 1) centre_groups(intercepts, 1);
    if (m > 1 && unpenalised()) centre_groups(coefficients, d);
    if (penalty_.l1 > 0) {
      const auto kept = std::ranges::count_if(coefficients, [](double w) { return w != 0; });
      notes_.push_back(fmt::format("{} of {} coefficients are not 0", kept, coefficients.size()));
    }
    const auto finite = [](double v) { return std::isfinite(v); };
    if (!std::ranges::all_of(coefficients, finite) || !std::ranges::all_of(intercepts, finite))
      throw FitError(LogisticRegression::kName, "the coefficients leave the range of numbers",
                     "Scale the features, or use a smaller C.");
    Tensor w = Tensor::take(std::move(coefficients)).reshape(Shape{m, d});
    return std::make_unique<LogisticModel>(data_, std::move(w), Tensor::take(std::move(intercepts)), present_,
                                           std::move(notes_), std::move(solution.history));
  }

  const LogisticRegressionParams& params_;
  const NumericRows& rows_;
  const NumericData& data_;  // all rows, or what parts have in common
  const FitContext& context_;
  std::vector<double> class_weights_;
  std::vector<std::int64_t> present_;
  LogisticPenalty penalty_;
  LogisticObjective objective_;
  std::vector<std::string> notes_;
};

}  // namespace

const ParamList& LogisticRegressionParams::list() {
  using P = LogisticRegressionParams;
  static const ParamList l{
      param<&P::C>("C", "inverse strength of the penalty: larger fits the training rows closer", above(0),
                   {"alpha", "lambda", "regularization"})
          .searched(1e-4, 1e4, SearchScale::log),
      param<&P::penalty>("penalty", "what keeps the coefficients small",
                         one_of("l2", "l1", "elastic_net", "none")),
      param<&P::l1_ratio>("l1_ratio", "share of L1 in the elastic net", between(0, 1)),
      param<&P::solver>("solver", "minimiser; auto chooses by shape and says why",
                        one_of("auto", "newton", "lbfgs", "coordinate_descent")),
      param<&P::max_iter>("max_iter", "iteration cap", between(1, 1'000'000), {"max_iterations", "n_iter"}),
      param<&P::tol>("tol", "stop when the gradient is this part of its size at the start", between(0, 1)),
      param<&P::class_weight>("class_weight", "balanced: every class counts the same in all",
                              one_of("none", "balanced")),
  };
  return l;
}

std::unique_ptr<Model> LogisticRegression::fit(const Dataset& data, const FitContext& context) const {
  if (!is_classification(data.task()))
    throw UsageError(kName, "the task is regression; logistic_regression predicts classes",
                     "Use ridge for quantities.");
  const NumericData numeric = numeric_data(data, kName, false);
  return Fit(params_, NumericRows(numeric), nullptr, context).run();
}

std::string LogisticRegression::why_not_in_parts() const {
  return params_.penalty == "none"
             ? "penalty=none looks for separated classes and collinear columns among all "
               "rows in memory"
             : "";
}

std::unique_ptr<Model> LogisticRegression::fit_parts(DatasetParts& rows, const FitContext& context) const {
  const NumericData sample = numeric_data(rows.sample(), kName, false);
  return Fit(params_, NumericRows(rows, kName, false), &sample, context).run();
}

std::span<const LearnerEntry> logistic_regressions() {
  static const LearnerEntry one{
      .name = LogisticRegression::kName,
      .doc =
          "Logistic regression for two classes, softmax regression for more: linear, calibrated, "
          "explained by its coefficients.",
      .regression = false,
      .binary = true,
      .multiclass = true,
      .accepts = {.sparse = true, .unscaled = false},
      .params = &LogisticRegressionParams::list,
      .make = &make_learner<LogisticRegression>,
      .blank = &make_blank<LogisticModel>,
      .model_kind = "logistic_model",
      .example_regression = "",
      .example_r2 = 0,
      .example_classification = "penguins",
      .example_accuracy = 0.95,
      .cost = 1,
      .auto_settings = "C=0.1;C=10",
      .flexibility = "C",
      .flexibility_grows = true,
  };
  static const LearnerEntry path = [] {
    LearnerEntry e = one;
    e.name = LogisticRegressionCv::kName;
    e.doc = "Logistic or softmax regression whose strength is found by cross-validation along a path.";
    e.params = &LogisticRegressionCv::Params::list;
    e.make = &make_learner<LogisticRegressionCv>;
    e.auto_settings = nullptr;  // auto cross-validates strengths of logistic_regression itself
    e.flexibility = "smallest";
    e.flexibility_grows = false;
    e.stochastic = true;  // rows are dealt to folds at random
    return e;
  }();
  static const LearnerEntry entries[] = {one, path};
  return entries;
}

}  // namespace cairn
