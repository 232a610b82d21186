// M1W1: a line through house prices. Model (L3), cost (L4), gradient descent (L5).
#include <fmt/format.h>

#include <cmath>

#include "cairn/linear/cost.h"
#include "recipes/columns.h"
#include "recipes/list.h"

namespace cairn::recipes {
namespace {

const Values kSize{1.0, 2.0}, kPrice{300.0, 500.0};  // 1000 sqft, thousand dollars

Series as_points(std::string name, const Values& x, const Values& y) {
  Series s{.name = std::move(name), .kind = "points"};
  for (std::size_t i = 0; i < x.size(); ++i) s.points.emplace_back(x[i], y[i]);
  return s;
}

Series as_line(std::string name, double w, double b, double from, double to) {
  return {.name = std::move(name), .points = {{from, w * from + b}, {to, w * to + b}}};
}

Outcome model_representation(const DataFolder&) {
  const double w = 200, b = 100;
  Outcome o;
  o.checks.push_back(printed("price of 1200 square feet, thousand $", w * 1.2 + b, "340"));
  o.charts.push_back({.title = "Housing prices",
                      .x = "size (1000 sqft)",
                      .y = "price (thousand $)",
                      .series = {as_points("actual", kSize, kPrice), as_line("prediction", w, b, 1, 2)}});
  return o;
}

Outcome cost_function(const DataFolder&) {
  const Cost two(CostKind::squared, matrix_of({kSize}), kPrice);
  const Values size{1.0, 1.7, 2.0, 2.5, 3.0, 3.2}, price{250, 300, 480, 430, 630, 730};
  const Cost six(CostKind::squared, matrix_of({size}), price);
  const Descent lowest = gradient_descent(six, {0.0}, 0.0, {.learning_rate = 0.1, .num_iterations = 20000});
  Outcome o;
  const Values best{200.0};
  o.checks.push_back(printed("J(w = 200, b = 100) of two houses", two.value(best, 100), "0"));
  o.checks.push_back(printed("w where six houses cost least", lowest.w[0], "209"));
  o.checks.push_back(printed("b there", lowest.b, "2.4"));
  Series curve{.name = "J(w), b = 100"};
  for (double w = 0; w <= 400; w += 10) curve.points.emplace_back(w, two.value(Values{w}, 100));
  o.charts.push_back(
      {.title = "Cost of two houses as w moves", .x = "w", .y = "J", .series = {std::move(curve)}});
  o.charts.push_back(
      {.title = "Six houses and the line that costs least",
       .x = "size (1000 sqft)",
       .y = "price (thousand $)",
       .series = {as_points("actual", size, price), as_line("best line", lowest.w[0], lowest.b, 1, 3.2)}});
  return o;
}

Outcome descent(const DataFolder&) {
  const Cost cost(CostKind::squared, matrix_of({kSize}), kPrice);
  const CostGradient start = cost.gradient(Values{0.0}, 0);
  const Descent walk = gradient_descent(
      cost, {0.0}, 0.0, {.learning_rate = 0.01, .num_iterations = 10000, .keep_path_every = 100});
  const Descent wild =
      gradient_descent(cost, {0.0}, 0.0, {.learning_rate = 0.8, .num_iterations = 10, .keep_path_every = 1});
  const auto predict = [&](double x) { return walk.w[0] * x + walk.b; };
  Outcome o;
  o.checks = {printed("dJ/dw at the start", start.dw[0], "-650"),
              printed("dJ/db at the start", start.db, "-400"),
              printed("J after the first step", walk.history[0], "7.93e4"),
              printed("w", walk.w[0], "199.9929"),
              printed("b", walk.b, "100.0116"),
              printed("price of 1000 sqft", predict(1), "300.0"),
              printed("price of 1200 sqft", predict(1.2), "340.0"),
              printed("price of 2000 sqft", predict(2), "500.0"),
              printed("learning rate 0.8: J after step 1", wild.history[0], "2.58e5"),
              printed("learning rate 0.8: J after step 2", wild.history[1], "7.82e5"),
              printed("learning rate 0.8: J after step 3", wild.history[2], "2.37e6"),
              printed("learning rate 0.8: w after step 1", wild.path[0].w[0], "520"),
              printed("learning rate 0.8: w after step 2", wild.path[1].w[0], "-384"),
              printed("learning rate 0.8: w after step 3", wild.path[2].w[0], "1192")};
  Series good{.name = "learning rate 0.01"}, bad{.name = "learning rate 0.8"},
      path{.name = "path of (w, b)", .kind = "points"};
  for (std::size_t i = 0; i < 100; ++i) good.points.emplace_back(static_cast<double>(i), walk.history[i]);
  for (std::size_t i = 0; i < wild.history.size(); ++i)
    bad.points.emplace_back(static_cast<double>(i), wild.history[i]);
  for (const DescentStep& s : walk.path) path.points.emplace_back(s.w[0], s.b);
  o.charts.push_back(
      {.title = "Cost against iterations", .x = "iteration", .y = "J", .series = {good}, .log_y = true});
  o.charts.push_back(
      {.title = "Too large a step diverges", .x = "iteration", .y = "J", .series = {bad}, .log_y = true});
  o.charts.push_back({.title = "The walk towards (200, 100)", .x = "w", .y = "b", .series = {path}});
  o.remarks.push_back("The step 0.8 overshoots: every step lands on the other side, further out.");
  return o;
}

}  // namespace

const Recipe kModelRepresentation{"model-representation",           "M1W1-L3", "A line as a model",
                                  "f(x) = w x + b for two houses.", "",        model_representation};
const Recipe kCostFunction{"cost-function",
                           "M1W1-L4",
                           "The cost of a line",
                           "The squared cost is a bowl: one line is cheaper than all others.",
                           "",
                           cost_function};
const Recipe kDescentOneVariable{
    "gradient-descent-one-variable",
    "M1W1-L5",
    "Gradient descent for one variable",
    "Steps against the gradient find the cheapest line; steps that are too long diverge.",
    "",
    descent};

}  // namespace cairn::recipes
