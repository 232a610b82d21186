// M1W2-A1: profits of a restaurant by the size of the city.
#include <fmt/format.h>

#include <cmath>

#include "cairn/builtin/registry.h"
#include "cairn/linear/cost.h"
#include "cairn/linear/linear_model.h"
#include "recipes/columns.h"
#include "recipes/list.h"

namespace cairn::recipes {
namespace {

Outcome run(const DataFolder& data) {
  const auto columns = read_columns(data.file("course_ml/ex1data1.txt"));
  const Values &population = columns[0], &profit = columns[1];
  const Cost cost(CostKind::squared, matrix_of({population}), profit);
  const CostGradient zero = cost.gradient(Values{0.0}, 0), fifth = cost.gradient(Values{0.2}, 0.2);
  const Descent walk = gradient_descent(cost, {0.0}, 0.0, {.learning_rate = 0.01, .num_iterations = 1500});
  Outcome o;
  o.checks = {printed("J(2, 1)", cost.value(Values{2.0}, 1), "75.20338497891959"),
              printed("J(0, 0)", zero.cost, "32.072733877455676"),
              printed("dJ/dw at (0, 0)", zero.dw[0], "-65.32884974555672"),
              printed("dJ/db at (0, 0)", zero.db, "-5.83913505154639"),
              printed("dJ/dw at (.2, .2)", fifth.dw[0], "-47.41610118114435"),
              printed("dJ/db at (.2, .2)", fifth.db, "-4.007175051546391")};
  const char* costs[] = {"6.74", "5.31", "4.96", "4.76", "4.64", "4.57", "4.53", "4.51", "4.50", "4.49"};
  for (std::size_t i = 0; i < std::size(costs); ++i)
    o.checks.push_back(
        printed(fmt::format("J after iteration {}", 150 * i), walk.history[150 * i], costs[i]));
  o.checks.push_back(printed("w", walk.w[0], "1.166362350335582"));
  o.checks.push_back(printed("b", walk.b, "-3.63029143940436"));
  o.checks.push_back(printed("J at the end", walk.history.back(), "4.483388256587726"));
  o.checks.push_back(printed("profit in a city of 35,000, $", (3.5 * walk.w[0] + walk.b) * 10000, "4519.77"));
  o.checks.push_back(
      printed("profit in a city of 70,000, $", (7.0 * walk.w[0] + walk.b) * 10000, "45342.45"));
  const auto exact = builtin_registry()
                         .learner("linear_regression")
                         .make()
                         ->fit(dataset_of({population}, {"population"}, profit, Task::regression));
  const auto& best = dynamic_cast<const LinearModel&>(*exact);
  o.checks.push_back(printed("exact w", best.weights()[0], "1.19303364"));
  o.checks.push_back(printed("exact b", best.intercepts()[0], "-3.89578088"));
  Series cities{.name = "cities", .kind = "points"}, line{.name = "fit"};
  for (std::size_t i = 0; i < profit.size(); ++i) cities.points.emplace_back(population[i], profit[i]);
  for (const double x : {5.0, 22.5}) line.points.emplace_back(x, walk.w[0] * x + walk.b);
  o.charts.push_back({.title = "Profit against population",
                      .x = "population (10,000)",
                      .y = "profit ($10,000)",
                      .series = {cities, line}});
  return o;
}

}  // namespace

const Recipe kCityProfits{"city-profits",
                          "M1W2-A1",
                          "Practice lab: linear regression",
                          "Cost, gradient and 1500 steps on 97 cities.",
                          "course_ml",
                          run};

}  // namespace cairn::recipes
