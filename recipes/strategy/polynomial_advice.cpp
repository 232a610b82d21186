// M2W3-A1a: how to choose degree and penalty: training, validation and test error of polynomial fits.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/builtin/registry.h"
#include "cairn/model/pipeline.h"
#include "recipes/columns.h"
#include "recipes/list.h"
#include "recipes/numpy_random.h"

namespace cairn::recipes {
namespace {

struct Points {
  Values x, y;
  Points select(const std::vector<std::int64_t>& rows) const {
    Points part;
    for (const auto r : rows)
      part.x.push_back(x[static_cast<std::size_t>(r)]), part.y.push_back(y[static_cast<std::size_t>(r)]);
    return part;
  }
};

Points noisy_square(std::int64_t m, std::uint32_t seed) {
  Points p{.x = linspace(0, 49, m)};
  numpy::RandomState random(seed);
  for (const double x : p.x) {
    const double ideal = x * x;
    p.y.push_back(ideal + 0.7 * ideal * (random.rand() - 0.5));
  }
  return p;
}

// The course's split of 40 points: 60 % train, 20 % validation, 20 % test.
struct Parts {
  Points train, validation, test;
};
Parts three_parts(const Points& all) {
  const auto m = static_cast<std::int64_t>(all.x.size());
  const auto outer = numpy::train_test_split(m, 0.40, 1);
  const Points rest = all.select(outer.test);
  const auto inner = numpy::train_test_split(static_cast<std::int64_t>(rest.x.size()), 0.50, 1);
  return {all.select(outer.train), rest.select(inner.train), rest.select(inner.test)};
}

// Powers, standard scale, ridge (least squares at lambda 0): the pipeline of the main job, with its parts
// named by hand.
std::unique_ptr<Model> fit(const Points& p, int degree, double lambda) {
  const Registry& registry = builtin_registry();
  std::vector<std::unique_ptr<Transform>> steps;
  steps.push_back(registry.transform("polynomial").make());
  set_param(steps.back()->params(), "degree", std::to_string(degree));
  steps.push_back(registry.transform("standard_scale").make());
  auto learner = registry.learner(lambda > 0 ? "ridge" : "linear_regression").make();
  if (lambda > 0) set_param(learner->params(), "alpha", fmt::format("{}", lambda));
  return Pipeline(std::move(steps), std::move(learner)).fit(dataset_of({p.x}, {"x"}, p.y, Task::regression));
}

double mse(const Model& model, const Points& p) {
  const Tensor said =
      model.predict(Table({Column::number("x", Tensor::from(p.x))})).column("prediction").numbers();
  double squares = 0;
  for (std::size_t i = 0; i < p.y.size(); ++i) squares += std::pow(said.data<double>()[i] - p.y[i], 2);
  return squares / (2 * static_cast<double>(p.y.size()));
}

Outcome run(const DataFolder&) {
  Outcome o;
  const Points few = noisy_square(18, 2);
  const auto split = numpy::train_test_split(18, 0.33, 1);
  const Points train18 = few.select(split.train), test18 = few.select(split.test);
  const auto wild = fit(train18, 10, 0);
  o.checks = {printed("degree 10, 12 points: training error", mse(*wild, train18), "58.01"),
              printed("degree 10, 12 points: test error", mse(*wild, test18), "171215.01")};

  const Parts parts = three_parts(noisy_square(40, 5));
  const char* train_errors[] = {"33075.06", "10284.87", "8414.67", "5572.78", "4983.98",
                                "4735.37",  "4008.19",  "3820.88", "3780.27"};
  const char* validation_errors[] = {"57076.44", "39591.79",  "42671.91",  "60706.12", "63952.44",
                                     "72688.75", "115892.50", "129498.68", "140864.18"};
  Series train_line{.name = "training"}, validation_line{.name = "validation"};
  int best_degree = 0;
  double best = INFINITY;
  for (int degree = 1; degree <= 9; ++degree) {
    const auto model = fit(parts.train, degree, 0);
    const double train_error = mse(*model, parts.train), validation_error = mse(*model, parts.validation);
    o.checks.push_back(
        printed(fmt::format("degree {}: training error", degree), train_error, train_errors[degree - 1]));
    o.checks.push_back(printed(fmt::format("degree {}: validation error", degree), validation_error,
                               validation_errors[degree - 1]));
    train_line.points.emplace_back(degree, train_error);
    validation_line.points.emplace_back(degree, validation_error);
    if (validation_error < best) best = validation_error, best_degree = degree;
  }
  o.checks.push_back(printed("degree with the smallest validation error", best_degree, "2"));
  o.charts.push_back({.title = "Error against degree",
                      .x = "degree",
                      .y = "error",
                      .series = {train_line, validation_line}});

  const double lambdas[] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100};
  const char* lambda_errors[] = {"115064.09", "98995.61", "76072.54", "64245.44", "58922.77",
                                 "56996.52",  "54961.41", "68104.59", "119626.42"};
  Series by_lambda{.name = "validation"}, by_lambda_train{.name = "training"};
  double best_lambda = 0;
  best = INFINITY;
  for (std::size_t i = 0; i < std::size(lambdas); ++i) {
    const auto model = fit(parts.train, 10, lambdas[i]);
    const double error = mse(*model, parts.validation);
    o.checks.push_back(
        printed(fmt::format("lambda {:g}: validation error", lambdas[i]), error, lambda_errors[i]));
    by_lambda.points.emplace_back(lambdas[i], error);
    by_lambda_train.points.emplace_back(lambdas[i], mse(*model, parts.train));
    if (error < best) best = error, best_lambda = lambdas[i];
  }
  o.checks.push_back(printed("lambda with the smallest validation error", best_lambda, "1"));
  o.charts.push_back({.title = "Degree 10: error against the penalty",
                      .x = "lambda",
                      .y = "error",
                      .series = {by_lambda_train, by_lambda},
                      .log_x = true});
  o.remarks.push_back(
      "High bias on the left of the first picture, high variance on the right; the penalty mends the "
      "variance of degree 10.");
  return o;
}

}  // namespace

const Recipe kPolynomialAdvice{
    "polynomial-advice",
    "M2W3-A1a",
    "Advice: degree and penalty by validation error",
    "Training error only falls with the degree; validation error says when to stop.",
    "",
    run};

}  // namespace cairn::recipes
