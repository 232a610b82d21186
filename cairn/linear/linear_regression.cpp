#include "cairn/linear/linear_regression.h"

#include "cairn/linear/least_squares.h"
#include "cairn/linear/linear_model.h"

namespace cairn {
namespace {

LeastSquaresSolver solver_from(const std::string& name) {
  using enum LeastSquaresSolver;
  return name == "cholesky" ? cholesky : name == "qr" ? qr : name == "svd" ? svd : automatic;
}

constexpr const char* kSolverDoc =
    "how the equations are solved; auto takes the cheapest that the condition of the columns allows";

ParamRule solvers() { return one_of("auto", "cholesky", "qr", "svd"); }

std::unique_ptr<Model> fit_least_squares(const char* learner, const NumericRows& rows,
                                         const std::string& solver, bool intercept, double alpha,
                                         const FitContext& context) {
  LeastSquaresSolution found = solve_least_squares({.rows = rows,
                                                    .learner = learner,
                                                    .intercept = intercept,
                                                    .alpha = alpha,
                                                    .solver = solver_from(solver),
                                                    .stop = context.stop});
  auto model = std::make_unique<LinearModel>(rows.head(), Link::identity, std::move(found.weights),
                                             std::vector{found.intercept});
  for (std::string& note : found.notes) model->add_note(std::move(note));
  return model;
}

}  // namespace

const ParamList& LinearRegressionParams::list() {
  static const ParamList l{
      param<&LinearRegressionParams::solver>("solver", kSolverDoc, solvers()),
      param<&LinearRegressionParams::intercept>("intercept", "add a constant to the prediction", {},
                                                {"fit_intercept"}),
  };
  return l;
}

const ParamList& RidgeParams::list() {
  static const ParamList l{
      param<&RidgeParams::alpha>("alpha",
                                 "strength of the penalty on the squared weights, in units of summed squares",
                                 at_least(0), {"lambda", "C", "l2"})
          .searched(1e-3, 1e4, SearchScale::log),
      param<&RidgeParams::solver>("solver", kSolverDoc, solvers()),
      param<&RidgeParams::intercept>("intercept", "add a constant, not penalised, to the prediction", {},
                                     {"fit_intercept"}),
  };
  return l;
}

std::unique_ptr<Model> LinearRegression::fit(const Dataset& data, const FitContext& context) const {
  const NumericData all = numeric_data(data, kName, false);
  return fit_least_squares(kName, NumericRows(all), params_.solver, params_.intercept, 0, context);
}

std::unique_ptr<Model> LinearRegression::fit_parts(DatasetParts& rows, const FitContext& context) const {
  return fit_least_squares(kName, NumericRows(rows, kName, false), params_.solver, params_.intercept, 0,
                           context);
}

std::unique_ptr<Model> Ridge::fit(const Dataset& data, const FitContext& context) const {
  const NumericData all = numeric_data(data, kName, false);
  return fit_least_squares(kName, NumericRows(all), params_.solver, params_.intercept, params_.alpha,
                           context);
}

std::unique_ptr<Model> Ridge::fit_parts(DatasetParts& rows, const FitContext& context) const {
  return fit_least_squares(kName, NumericRows(rows, kName, false), params_.solver, params_.intercept,
                           params_.alpha, context);
}

}  // namespace cairn
