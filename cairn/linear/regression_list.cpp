#include "cairn/linear/regression_list.h"

#include <array>

#include "cairn/linear/elastic_net.h"
#include "cairn/linear/elastic_net_cv.h"
#include "cairn/linear/glm.h"
#include "cairn/linear/huber_regression.h"
#include "cairn/linear/kernel_svm.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/linear_regression.h"
#include "cairn/linear/linear_svm.h"
#include "cairn/linear/quantile_regression.h"
#include "cairn/linear/ridge_cv.h"
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

LearnerEntry elastic_net_cv_entry() {
  LearnerEntry e = entry<ElasticNetCv>(
      "Lasso or elastic net whose strength is found by cross-validation along a path of a hundred.");
  e.accepts.unscaled = false;
  e.example_r2 = 0.42;
  e.auto_settings = nullptr;  // auto cross-validates strengths of lasso and elastic net itself
  e.flexibility = "smallest";
  e.flexibility_grows = false;
  e.stochastic = true;  // rows are dealt to folds at random
  return e;
}

LearnerEntry ridge_cv_entry() {
  LearnerEntry e = entry<RidgeCv>(
      "Ridge whose strength is found by leaving out each row in turn, in closed form, or by folds.");
  e.accepts.unscaled = false;
  e.example_r2 = 0.45;
  e.auto_settings = nullptr;  // auto cross-validates strengths of ridge itself
  e.flexibility = "smallest";
  e.flexibility_grows = false;
  e.stochastic = true;  // a row of weight 2 is left out whole, a row that stands twice only once
  return e;
}

LearnerEntry glm_entry() {
  LearnerEntry e = entry<GeneralizedLinear>(
      "Generalised linear model with a log link: counts (poisson), amounts (gamma), amounts often 0 "
      "(tweedie).");
  e.example_r2 = 0.4;
  e.auto_settings = nullptr;  // whether a target is a count is the person's to say
  e.flexibility = "alpha";
  e.flexibility_grows = false;
  return e;
}

LearnerEntry huber_entry() {
  LearnerEntry e = entry<HuberRegression>(
      "A line that wild targets do not bend: errors count squared near it and absolutely far from it.");
  e.example_r2 = 0.42;
  e.auto_settings = nullptr;  // what it is robust against, an automatic choice by rmse counts in full
  return e;
}

LearnerEntry quantile_entry() {
  LearnerEntry e = entry<QuantileRegression>(
      "Linear quantiles: the median of the target or any other level, several at once, solved exactly.");
  e.example_r2 = 0.4;
  e.auto_settings = nullptr;  // it predicts levels, which are judged by another metric
  return e;
}

LearnerEntry linear_svm_entry() {
  LearnerEntry e = entry<LinearSvm>(
      "Linear support vector machine: the widest margin between the classes; for text and many columns.");
  e.regression = false;
  e.binary = e.multiclass = true;
  e.accepts.unscaled = false;
  e.example_regression = "";
  e.example_classification = "penguins";
  e.example_accuracy = 0.95;
  e.stochastic = true;
  e.auto_settings = nullptr;  // logistic regression draws much the same line, with probabilities of its own
  e.flexibility = "C";
  e.flexibility_grows = true;
  return e;
}

}  // namespace

std::span<const LearnerEntry> linear_regressions() {
  static const std::array entries{least_squares_entry(), ridge_entry(),       ridge_cv_entry(),
                                  lasso_entry(),         elastic_net_entry(), elastic_net_cv_entry(),
                                  glm_entry(),           huber_entry(),       quantile_entry(),
                                  sgd_entry(),           linear_svm_entry(),  kernel_svm_entry()};
  return entries;
}

}  // namespace cairn
