// M1W3: why a line is no classifier (L1), the sigmoid (L2), the decision boundary (L3), the logistic loss
// (L4).
#include <fmt/format.h>

#include <cmath>

#include "cairn/builtin/registry.h"
#include "cairn/linear/cost.h"
#include "cairn/linear/linear_model.h"
#include "recipes/columns.h"
#include "recipes/list.h"

namespace cairn::recipes {
namespace {

// Where the fitted line crosses 0.5: what it calls malignant lies beyond.
double crossing(const Values& x, const Values& y, Series& line) {
  const auto model = builtin_registry()
                         .learner("linear_regression")
                         .make()
                         ->fit(dataset_of({x}, {"size"}, y, Task::regression));
  const auto& m = dynamic_cast<const LinearModel&>(*model);
  const double w = m.weights()[0], b = m.intercepts()[0];
  for (const double at : {0.0, x.back()}) line.points.emplace_back(at, w * at + b);
  return (0.5 - b) / w;
}

Outcome line_as_classifier(const DataFolder&) {
  Values x{0, 1, 2, 3, 4, 5}, y{0, 0, 0, 1, 1, 1};
  Series before{.name = "line through six tumours"}, after{.name = "line after a far one is added"},
      points{.name = "tumours", .kind = "points"};
  const double first = crossing(x, y, before);
  x.push_back(20), y.push_back(1);
  const double second = crossing(x, y, after);
  for (std::size_t i = 0; i < x.size(); ++i) points.points.emplace_back(x[i], y[i]);
  Outcome o;
  o.checks = {level("threshold of six tumours", first, "about 2.5 +- 0.000001"),
              level("threshold after a far one is added", second, ">= 3")};
  o.charts.push_back(
      {.title = "A line as a classifier", .x = "size", .y = "malignant", .series = {points, before, after}});
  o.remarks.push_back(
      fmt::format("One clear case far to the right moves the threshold from {:.2f} to {:.2f} and the tumour "
                  "of size 3 is missed.",
                  first, second));
  return o;
}

Outcome sigmoid_curve(const DataFolder&) {
  Outcome o;
  o.checks = {
      printed("sigmoid(-10)", sigmoid(-10), "4.540e-05"), printed("sigmoid(-5)", sigmoid(-5), "6.693e-03"),
      printed("sigmoid(-1)", sigmoid(-1), "0.2689"),      printed("sigmoid(0)", sigmoid(0), "0.5"),
      printed("sigmoid(1)", sigmoid(1), "0.7311"),        printed("sigmoid(5)", sigmoid(5), "0.9933"),
      printed("sigmoid(10)", sigmoid(10), "0.99995")};
  Series s{.name = "1 / (1 + e^-z)"};
  for (const double z : linspace(-10, 10, 81)) s.points.emplace_back(z, sigmoid(z));
  o.charts.push_back({.title = "The sigmoid", .x = "z", .y = "g(z)", .series = {s}});
  return o;
}

Outcome decision_boundary(const DataFolder&) {
  const std::vector<Values> rows{{0.5, 1.5}, {1, 1}, {1.5, 0.5}, {3, 0.5}, {2, 2}, {1, 2.5}};
  const Values y{0, 0, 0, 1, 1, 1}, w{1, 1};
  const double b = -3;
  Outcome o;
  Series zeros{.name = "y = 0", .kind = "points"}, ones{.name = "y = 1", .kind = "points"};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double f = sigmoid(w[0] * rows[i][0] + w[1] * rows[i][1] + b);
    o.checks.push_back(printed(fmt::format("class of point {}", i), f >= 0.5 ? 1 : 0, y[i] == 1 ? "1" : "0"));
    (y[i] == 1 ? ones : zeros).points.emplace_back(rows[i][0], rows[i][1]);
  }
  o.charts.push_back({.title = "The boundary x0 + x1 = 3",
                      .x = "x0",
                      .y = "x1",
                      .series = {zeros, ones, {.name = "boundary", .points = {{0, 3}, {3, 0}}}}});
  return o;
}

Outcome logistic_loss(const DataFolder&) {
  Outcome o;
  Series one{.name = "y = 1: -log f"}, zero{.name = "y = 0: -log(1 - f)"},
      squared{.name = "squared error of a sigmoid"}, logistic{.name = "logistic cost"};
  for (const double f : linspace(0.01, 0.99, 99)) {
    one.points.emplace_back(f, -std::log(f));
    zero.points.emplace_back(f, -std::log(1 - f));
  }
  const Values x{0, 1, 2, 3, 4, 5}, y{0, 0, 0, 1, 1, 1};
  const Cost cost(CostKind::logistic, matrix_of({x}), y);
  double turns = 0, logistic_turns = 0, last_slope = 0, last_curve = 0, previous = 0, logistic_previous = 0;
  const Values grid = linspace(-6, 12, 181);
  for (std::size_t k = 0; k < grid.size(); ++k) {
    const double w = grid[k], b = -14;
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += std::pow(sigmoid(w * x[i] + b) - y[i], 2) / 12;
    const double value = cost.value(Values{w}, b);
    squared.points.emplace_back(w, sum);
    logistic.points.emplace_back(w, value);
    if (k > 1) {  // a convex curve never bends downwards: its slope only grows
      turns += sum - previous < last_slope - 1e-12;
      logistic_turns += value - logistic_previous < last_curve - 1e-12;
    }
    last_slope = k > 0 ? sum - previous : 0, last_curve = k > 0 ? value - logistic_previous : 0;
    previous = sum, logistic_previous = value;
  }
  o.checks = {level("places where the squared error bends down", turns, ">= 1"),
              printed("places where the logistic cost bends down", logistic_turns, "0"),
              printed("-log(0.5)", -std::log(0.5), "0.693147")};
  o.charts.push_back({.title = "The loss of one row", .x = "f(x)", .y = "loss", .series = {one, zero}});
  o.charts.push_back({.title = "Squared error of a sigmoid has plateaus; gradient descent gets stuck",
                      .x = "w (b = -14)",
                      .y = "cost",
                      .series = {squared}});
  o.charts.push_back(
      {.title = "The logistic cost is a bowl", .x = "w (b = -14)", .y = "cost", .series = {logistic}});
  return o;
}

}  // namespace

const Recipe kLineAsClassifier{"line-as-classifier",
                               "M1W3-L1",
                               "A line is a poor classifier",
                               "A single far point moves the threshold.",
                               "",
                               line_as_classifier};
const Recipe kSigmoid{"sigmoid", "M1W3-L2",    "The sigmoid", "Any number becomes a probability.",
                      "",        sigmoid_curve};
const Recipe kDecisionBoundary{"decision-boundary",
                               "M1W3-L3",
                               "The decision boundary",
                               "Where w . x + b = 0, both classes are equally likely.",
                               "",
                               decision_boundary};
const Recipe kLogisticLoss{
    "logistic-loss", "M1W3-L4", "The logistic loss", "Why not the squared error: it is no bowl.", "",
    logistic_loss};

}  // namespace cairn::recipes
