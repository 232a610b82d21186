// M1W3: cost (L5), gradient descent (L6), the library's own fit (L7), regularisation (L9).
#include <fmt/format.h>

#include <cmath>

#include "cairn/builtin/registry.h"
#include "cairn/linear/cost.h"
#include "recipes/columns.h"
#include "recipes/list.h"
#include "recipes/numpy_random.h"

namespace cairn::recipes {
namespace {

const std::vector<Values> kRows{{0.5, 1.5}, {1, 1}, {1.5, 0.5}, {3, 0.5}, {2, 2}, {1, 2.5}};
const Values kLabels{0, 0, 0, 1, 1, 1};

Chart boundary_chart(const Values& w, double b) {
  Series zeros{.name = "y = 0", .kind = "points"}, ones{.name = "y = 1", .kind = "points"},
      line{.name = "boundary"};
  for (std::size_t i = 0; i < kRows.size(); ++i)
    (kLabels[i] == 1 ? ones : zeros).points.emplace_back(kRows[i][0], kRows[i][1]);
  for (const double x0 : {0.0, 3.5}) line.points.emplace_back(x0, -(b + w[0] * x0) / w[1]);
  return {.title = "The boundary that was learned", .x = "x0", .y = "x1", .series = {zeros, ones, line}};
}

Outcome cost(const DataFolder&) {
  const Cost c(CostKind::logistic, matrix_of_rows(kRows), kLabels);
  Outcome o;
  o.checks = {printed("J at w (1, 1), b -3", c.value(Values{1, 1}, -3), "0.36686678640551745"),
              printed("J at w (1, 1), b -4", c.value(Values{1, 1}, -4), "0.5036808636748461")};
  return o;
}

Outcome descent(const DataFolder&) {
  const Cost c(CostKind::logistic, matrix_of_rows(kRows), kLabels);
  const CostGradient g = c.gradient(Values{2, 3}, 1);
  const Descent walk = gradient_descent(c, {0, 0}, 0, {.learning_rate = 0.1, .num_iterations = 10000});
  Outcome o;
  o.checks = {printed("dJ/db at w (2, 3), b 1", g.db, "0.49861806546328574"),
              printed("dJ/dw0 there", g.dw[0], "0.498333393278696"),
              printed("dJ/dw1 there", g.dw[1], "0.49883942983996693")};
  const char* costs[] = {"0.684610468560574",   "0.1590977666870457",  "0.08460064176930078",
                         "0.05705327279402531", "0.04290759421682",    "0.03433847729884557",
                         "0.02860379802212006", "0.02450156960879306", "0.02142370332569295",
                         "0.019030137124109114"};
  for (std::size_t i = 0; i < std::size(costs); ++i)
    o.checks.push_back(
        printed(fmt::format("J after iteration {}", 1000 * i), walk.history[1000 * i], costs[i]));
  o.checks.push_back(printed("w0", walk.w[0], "5.28123029"));
  o.checks.push_back(printed("w1", walk.w[1], "5.07815608"));
  o.checks.push_back(printed("b", walk.b, "-14.222409982019837"));
  o.charts.push_back(boundary_chart(walk.w, walk.b));
  return o;
}

Outcome library(const DataFolder&) {
  std::vector<Values> columns(2);
  for (const Values& row : kRows) columns[0].push_back(row[0]), columns[1].push_back(row[1]);
  const Dataset data = dataset_of(columns, {"x0", "x1"}, kLabels, Task::binary);
  const auto model = builtin_registry().learner("logistic_regression").make()->fit(data);
  const Table said = model->predict(data.features());
  Outcome o;
  double right = 0;
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const double decided = said.column("prediction").cell(static_cast<std::int64_t>(i)) == "1" ? 1 : 0;
    o.checks.push_back(printed(fmt::format("class of point {}", i), decided, kLabels[i] == 1 ? "1" : "0"));
    right += decided == kLabels[i];
  }
  o.checks.push_back(printed("accuracy", right / 6, "1.0"));
  o.remarks = model->notes();
  return o;
}

Outcome regularised(const DataFolder&) {
  constexpr double kLambda = 0.7;
  const auto draw = [](std::int64_t n, std::int64_t d, const Values& y, CostKind kind, bool centred,
                       double b) {
    numpy::RandomState random(1);
    const Values all = random.rand(n * d);
    std::vector<Values> rows;
    for (std::int64_t i = 0; i < n; ++i) rows.emplace_back(all.begin() + i * d, all.begin() + (i + 1) * d);
    Values w = random.rand(d);
    if (centred)
      for (double& v : w) v -= 0.5;
    return Cost(kind, matrix_of_rows(rows), y, kLambda).gradient(w, b);
  };
  const CostGradient linear_cost = draw(5, 6, {0, 1, 0, 1, 0}, CostKind::squared, true, 0.5);
  const CostGradient logistic_cost = draw(5, 6, {0, 1, 0, 1, 0}, CostKind::logistic, true, 0.5);
  const CostGradient linear = draw(5, 3, {0, 1, 0, 1, 0}, CostKind::squared, false, 0.5);
  const CostGradient logistic = draw(5, 3, {0, 1, 0, 1, 0}, CostKind::logistic, false, 0.5);
  Outcome o;
  o.checks = {printed("linear: regularised cost", linear_cost.cost, "0.07917239320214275"),
              printed("logistic: regularised cost", logistic_cost.cost, "0.6850849138741673"),
              printed("linear: dJ/db", linear.db, "0.6648774569425726"),
              printed("linear: dJ/dw0", linear.dw[0], "0.29653214748822276"),
              printed("linear: dJ/dw1", linear.dw[1], "0.4911679625918033"),
              printed("linear: dJ/dw2", linear.dw[2], "0.21645877535865857"),
              printed("logistic: dJ/db", logistic.db, "0.341798994972791"),
              printed("logistic: dJ/dw0", logistic.dw[0], "0.17380012933994293"),
              printed("logistic: dJ/dw1", logistic.dw[1], "0.32007507881566943"),
              printed("logistic: dJ/dw2", logistic.dw[2], "0.10776313396851499")};
  return o;
}

}  // namespace

const Recipe kLogisticCost{
    "logistic-cost", "M1W3-L5", "The logistic cost", "The cost of two boundaries.", "", cost};
const Recipe kLogisticDescent{
    "logistic-gradient-descent",        "M1W3-L6", "Gradient descent for logistic regression",
    "The same walk with another cost.", "",        descent};
const Recipe kLibraryLogistic{"logistic-library",
                              "M1W3-L7",
                              "Logistic regression by the library",
                              "The same points by the learner that people use.",
                              "",
                              library};
const Recipe kRegularisedCost{"regularised-cost",
                              "M1W3-L9",
                              "Regularised cost and gradient",
                              "A penalty on large weights, for both costs.",
                              "",
                              regularised};

}  // namespace cairn::recipes
