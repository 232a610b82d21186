// M1W3-A1b: microchips that pass or fail, by a bent boundary of degree 6.
#include <fmt/format.h>

#include <cmath>

#include "cairn/builtin/registry.h"
#include "cairn/linear/cost.h"
#include "recipes/columns.h"
#include "recipes/list.h"
#include "recipes/numpy_random.h"

namespace cairn::recipes {
namespace {

// The transform that the main job uses: all products of at most degree 6, 27 columns.
Matrix map_features(const std::vector<Values>& columns, const Values& y) {
  const auto transform = builtin_registry().transform("polynomial").make();
  set_param(transform->params(), "degree", "6");
  const Dataset data = dataset_of({columns[0], columns[1]}, {"x0", "x1"}, y, Task::binary);
  return feature_matrix(transform->fit(data, {})->apply(data.features())).x;
}

Outcome run(const DataFolder& data) {
  const auto columns = read_columns(data.file("course_ml/ex2data2.txt"));
  const Matrix x = map_features(columns, columns[2]).to_rows();
  const auto n = static_cast<std::size_t>(x.rows()), d = static_cast<std::size_t>(x.columns());
  Outcome o;
  o.checks.push_back(printed("mapped columns", static_cast<double>(d), "27"));
  const char* first[] = {"0.051267", "0.69956", "2.62830529e-03", "3.58643425e-02", "0.489384194"};
  for (std::size_t j = 0; j < std::size(first); ++j)
    o.checks.push_back(printed(fmt::format("mapped row 0, column {}", j),
                               x.dense().item({0, static_cast<std::int64_t>(j)}), first[j]));
  numpy::RandomState random(1);
  Values start = random.rand(static_cast<std::int64_t>(d));
  for (double& w : start) w -= 0.5;
  const CostGradient g = Cost(CostKind::logistic, x, columns[2], 0.5).gradient(start, 0.5);
  const char* slopes[] = {"-0.010386028450548701", "0.01140985288328012", "0.0536273463274574",
                          "0.003140278267313462"};
  o.checks.push_back(printed("regularised cost, lambda 0.5", g.cost, "0.6618252552483948"));
  o.checks.push_back(printed("dJ/db there", g.db, "0.07138288792343656"));
  for (std::size_t j = 0; j < 4; ++j)
    o.checks.push_back(printed(fmt::format("dJ/dw{} there", j), g.dw[j], slopes[j]));
  const Descent walk = gradient_descent(Cost(CostKind::logistic, x, columns[2], 0.01), start, 1,
                                        {.learning_rate = 0.01, .num_iterations = 10000});
  const char* costs[] = {"0.72", "0.59", "0.56", "0.53", "0.51", "0.50", "0.48", "0.47", "0.46", "0.45"};
  for (std::size_t i = 0; i < std::size(costs); ++i)
    o.checks.push_back(
        printed(fmt::format("J after iteration {}", 1000 * i), walk.history[1000 * i], costs[i]));
  o.checks.push_back(printed("J at the end", walk.history.back(), "0.4453292198940894"));
  double right = 0;
  Series good{.name = "accepted", .kind = "points"}, bad{.name = "rejected", .kind = "points"},
      edge{.name = "boundary", .kind = "points"};
  Values row(d);
  for (std::size_t i = 0; i < n; ++i) {
    x.tile(static_cast<std::int64_t>(i), static_cast<std::int64_t>(i) + 1, row.data());
    double z = walk.b;
    for (std::size_t j = 0; j < d; ++j) z += walk.w[j] * row[j];
    right += (z >= 0) == (columns[2][i] == 1);
    (columns[2][i] == 1 ? good : bad).points.emplace_back(columns[0][i], columns[1][i]);
  }
  o.checks.push_back(
      printed("accuracy on the training rows, %", 100 * right / static_cast<double>(n), "82.203390"));
  // The boundary: grid points next to which the decision changes.
  const Values grid = linspace(-1, 1.2, 111);
  std::vector<Values> points(2);
  for (const double a : grid)
    for (const double b : grid) points[0].push_back(a), points[1].push_back(b);
  Values labels(points[0].size(), 0.0);
  labels[0] = 1;
  const Matrix mapped = map_features(points, labels);
  double last = 0;
  for (std::size_t i = 0; i < points[0].size(); ++i) {
    mapped.tile(static_cast<std::int64_t>(i), static_cast<std::int64_t>(i) + 1, row.data());
    double z = walk.b;
    for (std::size_t j = 0; j < d; ++j) z += walk.w[j] * row[j];
    if (i % grid.size() != 0 && (z >= 0) != (last >= 0)) edge.points.emplace_back(points[0][i], points[1][i]);
    last = z;
  }
  o.charts.push_back(
      {.title = "Microchips by two tests", .x = "test 1", .y = "test 2", .series = {good, bad, edge}});
  return o;
}

}  // namespace

const Recipe kMicrochips{"microchips",
                         "M1W3-A1b",
                         "Practice lab: regularised logistic regression",
                         "Powers and products of two tests bend the boundary; the penalty keeps it smooth.",
                         "course_ml",
                         run};

}  // namespace cairn::recipes
