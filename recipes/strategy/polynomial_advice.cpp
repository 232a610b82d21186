// M1W3-L8 and M2W3-A1a: what degree and penalty do to a fit, and how to choose them: training, validation and
// test error of polynomial fits.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/builtin/registry.h"
#include "cairn/model/pipeline.h"
#include "recipes/columns.h"
#include "recipes/list.h"
#include "recipes/numpy_random.h"
#include "recipes/planar.h"

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

// Powers, standard scale, learner: the pipeline of the main job, with its parts named by hand.
std::unique_ptr<Model> fit_powers(const Dataset& data, int degree, std::unique_ptr<Learner> learner) {
  std::vector<std::unique_ptr<Transform>> steps;
  steps.push_back(builtin_registry().transform("polynomial").make());
  set_param(steps.back()->params(), "degree", std::to_string(degree));
  steps.push_back(builtin_registry().transform("standard_scale").make());
  return Pipeline(std::move(steps), std::move(learner)).fit(data);
}

Dataset dataset_of_points(const Points& p) { return dataset_of({p.x}, {"x"}, p.y, Task::regression); }

// Ridge, or least squares at lambda 0.
std::unique_ptr<Model> fit(const Points& p, int degree, double lambda) {
  auto learner = builtin_registry().learner(lambda > 0 ? "ridge" : "linear_regression").make();
  if (lambda > 0) set_param(learner->params(), "alpha", fmt::format("{}", lambda));
  return fit_powers(dataset_of_points(p), degree, std::move(learner));
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

// What the lab's two sliders show, each position a line of one picture.
constexpr int kHighestDegree = 6;
constexpr double kLambdas[] = {0, 0.2, 1};

Series line_of(std::string name, const Model& model) {
  const Values grid = linspace(0, 49, 99);
  const Tensor said =
      model.predict(Table({Column::number("x", Tensor::from(grid))})).column("prediction").numbers();
  Series line{.name = std::move(name)};
  for (std::size_t i = 0; i < grid.size(); ++i) line.points.emplace_back(grid[i], said.data<double>()[i]);
  return line;
}

double squared_weights(const Model& model) {
  double sum = 0;
  for (const Coefficient& c : model.coefficients()) sum += c.value * c.value;
  return sum;
}

// The coefficients of the highest degree, and the loss of points left out, as the penalty weakens.
void add_path(Outcome& o, const Points& p) {
  const auto model =
      fit_powers(dataset_of_points(p), kHighestDegree, builtin_registry().learner("ridge_cv").make());
  const Json path = model->penalty_path();
  const auto lambdas = path["values"].get<Values>();
  const auto line = [&](std::string name, const Json& values) {
    Series s{.name = std::move(name)};
    for (std::size_t i = 0; i < lambdas.size(); ++i)
      s.points.emplace_back(lambdas[i], values[i].get<double>());
    return s;
  };
  Chart weights{.title = fmt::format("Degree {}: the weights as lambda grows", kHighestDegree),
                .x = "lambda",
                .y = "weight",
                .series = {},
                .log_x = true};
  for (const Json& c : path["coefficients"])
    weights.series.push_back(line(c["feature"].get<std::string>(), c["values"]));
  o.charts.push_back(std::move(weights));
  o.charts.push_back({.title = "The error of each point by a fit without it",
                      .x = "lambda",
                      .y = "mean squared error",
                      .series = {line("left out", path["mean"])},
                      .log_x = true});
  const double chosen = path["chosen"].get<double>();
  o.checks.push_back(level("lambda of least error on points left out", chosen, ">= 0.001"));
  o.remarks.push_back(fmt::format("Points left out one at a time choose lambda = {:.3g}.", chosen));
}

Chart parted(const std::string& title, const Dataset& data, const Planar& points, int degree, double lambda) {
  auto learner = builtin_registry().learner("logistic_regression").make();
  set_param(learner->params(), "C", fmt::format("{}", 1 / lambda));
  const auto model = fit_powers(data, degree, std::move(learner));
  return boundary(
      title,
      [&](const Tensor& asked) {
        Values x0, x1, above;
        for (std::int64_t i = 0; i < asked.size(0); ++i) {
          x0.push_back(asked.item({i, 0}));
          x1.push_back(asked.item({i, 1}));
        }
        const Table table({Column::number("x0", Tensor::take(std::move(x0))),
                           Column::number("x1", Tensor::take(std::move(x1)))});
        const Tensor p = model->predict(table).column("p_1").numbers();
        for (const double v : p.data<double>()) above.push_back(v - 0.5);
        return Tensor::take(std::move(above)).reshape(Shape{asked.size(0), 1});
      },
      points);
}

Outcome run_overfitting(const DataFolder&) {
  Outcome o;
  const Points p = noisy_square(18, 2);
  Series dots{.name = "points", .kind = "points"};
  for (std::size_t i = 0; i < p.x.size(); ++i) dots.points.emplace_back(p.x[i], p.y[i]);
  Chart degrees{.title = "The degree, no penalty", .x = "x", .y = "y", .series = {dots}};
  double before = INFINITY;
  for (int degree = 1; degree <= kHighestDegree; ++degree) {
    const auto model = fit(p, degree, 0);
    const double error = mse(*model, p);
    if (degree > 1)
      o.checks.push_back(level(fmt::format("degree {}: training error beside the degree below", degree),
                               error / before, "<= 1.0000001"));
    before = error;
    degrees.series.push_back(line_of(fmt::format("degree {}", degree), *model));
  }
  Chart strengths{
      .title = fmt::format("Degree {}, the penalty", kHighestDegree), .x = "x", .y = "y", .series = {dots}};
  before = INFINITY;
  for (const double lambda : kLambdas) {
    const auto model = fit(p, kHighestDegree, lambda);
    const double size = squared_weights(*model);
    if (lambda > 0)
      o.checks.push_back(level(fmt::format("lambda {:g}: squared weights beside the lambda below", lambda),
                               size / before, "<= 0.9"));
    before = size;
    strengths.series.push_back(line_of(fmt::format("lambda {:g}", lambda), *model));
  }
  o.charts = {std::move(degrees), std::move(strengths)};
  add_path(o, p);
  const Planar rings = circles(60, 0.35, 4);
  std::vector<Values> columns(2);
  Values y;
  for (std::int64_t i = 0; i < rings.x.size(0); ++i) {
    for (std::int64_t j = 0; j < 2; ++j) columns[static_cast<std::size_t>(j)].push_back(rings.x.item({i, j}));
    y.push_back(rings.y.item({i, 0}));
  }
  const Dataset classes = dataset_of(columns, {"x0", "x1"}, y, Task::binary);
  o.charts.push_back(parted("Classes, degree 1, lambda 0.001", classes, rings, 1, 0.001));
  o.charts.push_back(parted("Classes, degree 2, lambda 0.001", classes, rings, 2, 0.001));
  o.charts.push_back(parted(fmt::format("Classes, degree {}, lambda 0.001", kHighestDegree), classes, rings,
                            kHighestDegree, 0.001));
  o.charts.push_back(
      parted(fmt::format("Classes, degree {}, lambda 1", kHighestDegree), classes, rings, kHighestDegree, 1));
  o.remarks.push_back(
      "A high degree follows every point; the penalty keeps its powers and takes their size.");
  return o;
}

}  // namespace

const Recipe kOverfitting{"overfitting",
                          "M1W3-L8",
                          "Overfitting: the degree and the penalty",
                          "A higher degree fits the training points ever closer; a penalty smooths it again.",
                          "",
                          run_overfitting};

const Recipe kPolynomialAdvice{
    "polynomial-advice",
    "M2W3-A1a",
    "Advice: degree and penalty by validation error",
    "Training error only falls with the degree; validation error says when to stop.",
    "",
    run};

}  // namespace cairn::recipes
