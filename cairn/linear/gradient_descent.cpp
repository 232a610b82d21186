#include "cairn/linear/gradient_descent.h"

#include <fmt/format.h>

#include <cmath>

#include "cairn/linear/cost.h"
#include "cairn/linear/linear_model.h"

namespace cairn {

const ParamList& GradientDescentParams::list() {
  using P = GradientDescentParams;
  static const ParamList l{
      param<&P::learning_rate>("learning_rate", "how far a step goes against the gradient", above_to(0, 1e6),
                               {"alpha", "lr", "eta", "eta0"})
          .searched(1e-3, 1, SearchScale::log),
      param<&P::num_iterations>("num_iterations", "number of steps", between(1, 1e8),
                                {"max_iter", "epochs", "n_iter", "iterations"})
          .counts_steps(),
      param<&P::l2>("l2", "strength of the penalty l2/2m sum w^2", between(0, 1e12),
                    {"lambda", "lambda_", "reg_lambda", "penalty"})
          .searched(1e-2, 1e3, SearchScale::log),
  };
  return l;
}

namespace {

std::vector<double> targets_of(const NumericData& d) {
  if (d.task == Task::regression) return d.y;
  std::vector<double> y;
  for (const auto label : d.labels) y.push_back(label == d.positive ? 1 : 0);
  return y;
}

[[noreturn]] void explain_divergence(const Descent& walk, const GradientDescentParams& params) {
  const double last = walk.history.empty() ? INFINITY : walk.history.back();
  throw FitError("gradient_descent",
                 walk.diverged
                     ? fmt::format("the cost grew from {:.4g} beyond all numbers within {} iterations",
                                   walk.start_cost, walk.history.size() + 1)
                     : fmt::format("the cost grew from {:.4g} to {:.4g} in {} iterations", walk.start_cost,
                                   last, walk.history.size()),
                 fmt::format("Steps of learning_rate = {:g} overshoot; try {:g}, or scale the features.",
                             params.learning_rate, params.learning_rate / 10));
}

}  // namespace

std::unique_ptr<Model> GradientDescent::fit(const Dataset& data, const FitContext& context) const {
  const NumericData d = numeric_data(data, kName);
  if (d.task == Task::multiclass)
    throw DataError(kName, fmt::format("serves two classes, the target has {}", d.classes.size()),
                    "Use logistic_regression.");
  const CostKind kind = d.task == Task::regression ? CostKind::squared : CostKind::logistic;
  const Cost cost(kind, d.x, targets_of(d), params_.l2, d.weights);
  std::vector<double> w(static_cast<std::size_t>(d.x.columns()), 0.0);
  double b = 0;
  if (const auto* start = dynamic_cast<const LinearModel*>(context.start_model)) {
    if (start->weights().size() != w.size() || start->intercepts().size() != 1)
      throw ShapeError(kName, fmt::format("the model to start from has {} weights, the data {} features",
                                          start->weights().size(), w.size()));
    w.assign(start->weights().begin(), start->weights().end());
    b = start->intercepts()[0];
  }
  const Descent walk = gradient_descent(cost, std::move(w), b,
                                        {.learning_rate = params_.learning_rate,
                                         .num_iterations = params_.num_iterations,
                                         .stop = context.stop});
  if (walk.diverged || walk.history.back() > walk.start_cost) explain_divergence(walk, params_);
  auto model = std::make_unique<LinearModel>(d, kind == CostKind::squared ? Link::identity : Link::sigmoid,
                                             walk.w, std::vector{walk.b});
  const CostGradient end = cost.gradient(walk.w, walk.b);
  double norm = end.db * end.db;
  for (const double g : end.dw) norm += g * g;
  model->add_note(fmt::format(
      "{} steps of batch gradient descent: cost {:.6g} -> {:.6g}, gradient norm {:.3g} at the end",
      walk.history.size(), walk.start_cost, walk.history.back(), std::sqrt(norm)));
  model->set_loss_history(walk.history);
  return model;
}

LearnerEntry gradient_descent_entry() {
  LearnerEntry e{};
  e.name = GradientDescent::kName;
  e.doc =
      "Plain batch gradient descent on the squared or the logistic cost, with its cost history: the courses' "
      "own algorithm.";
  e.regression = e.binary = true;
  e.accepts = {.sparse = true, .unscaled = false};
  e.params = &GradientDescentParams::list;
  e.make = &make_learner<GradientDescent>;
  e.blank = &make_blank<LinearModel>;
  e.model_kind = LinearModel::kKind.data();
  e.example_regression = "diabetes";
  e.example_r2 = 0.4;
  e.example_classification = "breast_cancer";
  e.example_accuracy = 0.93;
  e.cost = 1;
  e.continues = true;
  e.auto_settings = nullptr;  // the solvers of ridge and logistic_regression reach the same optimum, sooner
  e.flexibility = "l2";
  e.flexibility_grows = false;
  return e;
}

}  // namespace cairn
