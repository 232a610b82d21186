// M1W2-L5: stochastic gradient descent on the scaled houses.
#include <fmt/format.h>

#include <cmath>

#include "cairn/builtin/registry.h"
#include "cairn/linear/linear_model.h"
#include "recipes/columns.h"
#include "recipes/list.h"

namespace cairn::recipes {
namespace {

Outcome run(const DataFolder& data) {
  auto columns = read_columns(data.file("course_ml/houses.txt"));
  for (Values& c : columns) c.erase(c.begin());  // the course's loader skips the first line
  const Values price = columns.back();
  columns.pop_back();
  const ZScore z = z_score(columns);
  const auto learner = builtin_registry().learner("sgd").make();
  const auto model =
      learner->fit(dataset_of(z.columns, {"size", "bedrooms", "floors", "age"}, price, Task::regression));
  const auto& m = dynamic_cast<const LinearModel&>(*model);
  Outcome o;
  // The order of the rows is random here and there, so the numbers agree as two shuffles of the course's own
  // do.
  const char* weights[] = {"about 109.95 +- 2", "about -20.97 +- 2", "about -32.35 +- 2",
                           "about -38.07 +- 2"};
  const char* predictions[] = {"about 295.17 +- 4", "about 485.84 +- 4", "about 389.62 +- 4",
                               "about 492.00 +- 4"};
  Series scatter{.name = "houses", .kind = "points"};
  for (std::size_t j = 0; j < 4; ++j)
    o.checks.push_back(level(fmt::format("w{}", j), m.weights()[j], weights[j]));
  o.checks.push_back(level("b", m.intercepts()[0], "about 363.15 +- 2"));
  for (std::size_t i = 0; i < price.size(); ++i) {
    double f = m.intercepts()[0];
    for (std::size_t j = 0; j < 4; ++j) f += m.weights()[j] * z.columns[j][i];
    if (i < 4) o.checks.push_back(level(fmt::format("prediction of house {}", i), f, predictions[i]));
    scatter.points.emplace_back(price[i], f);
  }
  o.charts.push_back({.title = "Predicted against actual price",
                      .x = "actual (thousand $)",
                      .y = "predicted (thousand $)",
                      .series = {scatter}});
  o.remarks = m.notes();
  return o;
}

}  // namespace

const Recipe kSgdHouses{"sgd-houses",
                        "M1W2-L5",
                        "Linear regression by stochastic gradient descent",
                        "One step a row, in shuffled order, reaches what batch gradient descent reaches.",
                        "course_ml",
                        run};

}  // namespace cairn::recipes
