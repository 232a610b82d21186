#include "cairn/linear/regression_list.h"

#include <array>

#include "cairn/linear/elastic_net.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/linear_regression.h"
#include "cairn/linear/sgd.h"

namespace cairn {
namespace {

// Parts of an entry that all linear learners of this folder share.
template <class L>
LearnerEntry entry(const char* doc) {
  LearnerEntry e{};
  e.name = L::kName;
  e.doc = doc;
  e.regression = true;
  e.accepts = {.sparse = true};
  e.params = &L::Params::list;
  e.make = &make_learner<L>;
  e.blank = &make_blank<LinearModel>;
  e.model_kind = LinearModel::kKind.data();
  e.example_regression = "diabetes";
  e.example_classification = "";
  e.cost = 1;
  return e;
}

LearnerEntry least_squares_entry() {
  LearnerEntry e = entry<LinearRegression>(
      "Least squares: the line, plane or hyperplane with the smallest sum of squared errors.");
  e.example_r2 = 0.45;
  e.auto_settings = nullptr;  // ridge with a small penalty does the same and survives collinear columns
  return e;
}

LearnerEntry ridge_entry() {
  LearnerEntry e =
      entry<Ridge>("Least squares with a penalty on the squared weights, which steadies correlated columns.");
  e.accepts.unscaled = false;
  e.example_r2 = 0.45;
  e.auto_settings = "alpha=0.1;alpha=10;alpha=100";
  e.flexibility = "alpha";
  e.flexibility_grows = false;
  return e;
}

LearnerEntry lasso_entry() {
  LearnerEntry e =
      entry<Lasso>("Least squares with a penalty on |w|: columns that bring little get the weight 0.");
  e.accepts.unscaled = false;
  e.example_r2 = 0.45;
  e.auto_settings = "alpha=0.001;alpha=0.01;alpha=0.1";
  e.flexibility = "alpha";
  e.flexibility_grows = false;
  return e;
}

LearnerEntry elastic_net_entry() {
  LearnerEntry e =
      entry<ElasticNet>("Between ridge and lasso: drops columns, and shares weight among correlated ones.");
  e.accepts.unscaled = false;
  e.example_r2 = 0.35;
  e.auto_settings = "alpha=0.001;alpha=0.01;alpha=0.1";
  e.flexibility = "alpha";
  e.flexibility_grows = false;
  return e;
}

LearnerEntry sgd_entry() {
  LearnerEntry e = entry<Sgd>(
      "One row at a time: squared, huber, logistic or hinge loss; for very many rows or sparse columns.");
  e.binary = e.multiclass = true;
  e.accepts.unscaled = false;
  e.example_r2 = 0.4;
  e.example_classification = "penguins";
  e.example_accuracy = 0.95;
  e.stochastic = true;
  e.auto_settings = nullptr;  // ridge and logistic regression reach the optimum that these steps approach
  e.flexibility = "alpha";
  e.flexibility_grows = false;
  return e;
}

}  // namespace

std::span<const LearnerEntry> linear_regressions() {
  static const std::array entries{least_squares_entry(), ridge_entry(), lasso_entry(), elastic_net_entry(),
                                  sgd_entry()};
  return entries;
}

}  // namespace cairn
