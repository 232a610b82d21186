// What a statistician asks of a linear model fitted without a penalty: standard errors, intervals and tests
// of its coefficients, tests of the whole, collinearity, influence of single rows, checks of the residuals.
//
// Rows of weight 0 are absent; other weights are precisions, as in R's lm and glm (weight 2 is one row
// measured twice as well, not two rows). Columns that others determine are aliased, the later one, as in R:
// they get no coefficient, and the model's predictions are told by the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/params.h"
#include "cairn/model/learner.h"

namespace cairn {

struct Inference {
  struct Row {  // of a coefficient, in units of the features that the model sees
    std::string feature;
    double estimate = 0, error = 0, statistic = 0, p = 1, low = 0, high = 0;  // a 95 % interval
    double vif = 0;  // variance inflation; NaN for the intercept
  };
  struct Test {
    std::string name;
    double statistic = 0, df = 0, df2 = 0, p = 1;  // df2: of an F test, else NaN; p NaN: a figure without one
    std::string asks;                              // what a small p speaks against
  };
  struct Figure {
    std::string name;  // "r2", "adjusted_r2", "aic", ...
    double value = 0;
  };
  struct Influence {
    std::int64_t row = 0;                                 // of the training rows, from 1
    double residual = 0;                                  // internally studentised
    double leverage = 0, cooks_distance = 0, dffits = 0;  // dffits NaN beside least squares
  };
  struct Plots {  // at most 300 rows, evenly chosen
    std::vector<double> fitted, residual, studentised;
    std::vector<double> sorted,
        normal_quantile;  // studentised residuals in order, and what normal ones would be
  };
  std::string model;       // "least squares", "logistic regression", "poisson regression with log link"
  bool by_student = true;  // statistics are Student's t with df_residual, else standard normal z
  std::int64_t rows = 0, df_model = 0, df_residual = 0;
  double dispersion = 1;
  std::vector<Row> coefficients;  // the intercept first
  std::vector<std::string> aliased;
  std::vector<Figure> fit;
  std::vector<Test> tests;
  std::vector<Influence> influence;  // the largest Cook's distances first, at most 20
  std::int64_t influential = 0;      // rows with a Cook's distance above 4 / rows
  Plots plots;
};

// `seen` are the training rows as the model itself saw them. nullopt: not a linear model of one score, or one
// for which such figures would be wrong; `why_not` then says why, empty where nobody would ask.
std::optional<Inference> infer(std::string_view learner, const ParamsView& params, const Model& model,
                               const Dataset& seen, std::string* why_not);
// Whether infer() would look at the data at all, told before they are prepared for it.
bool may_infer(std::string_view learner, const ParamsView& params, const Model& model, std::string* why_not);

Json to_json(const Inference& inference);

}  // namespace cairn
