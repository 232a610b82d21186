// M1W2: several features. Vectors (L1), gradient descent (L2), scaling (L3), SGD (L5), normal equation (L6).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/builtin/registry.h"
#include "cairn/linear/cost.h"
#include "cairn/linear/linear_model.h"
#include "cairn/ops/linalg.h"
#include "recipes/columns.h"
#include "recipes/list.h"
#include "recipes/numpy_random.h"

namespace cairn::recipes {
namespace {

const std::vector<std::string> kHouseFeatures{"size", "bedrooms", "floors", "age"};

double apply(const Values& w, double b, const Values& x) { return linalg::dot(w, x) + b; }

// The course's loader skips the first line: 99 houses.
struct Houses {
  std::vector<Values> features;
  Values price;
};
Houses read_houses(const DataFolder& data) {
  auto columns = read_columns(data.file("course_ml/houses.txt"));
  for (Values& c : columns) c.erase(c.begin());
  Houses h;
  h.price = columns.back();
  columns.pop_back();
  h.features = std::move(columns);
  return h;
}

Series cost_line(std::string name, const std::vector<double>& history, std::size_t most) {
  Series s{.name = std::move(name)};
  for (std::size_t i = 0; i < std::min(most, history.size()); ++i)
    s.points.emplace_back(static_cast<double>(i), history[i]);
  return s;
}

Outcome vectors(const DataFolder&) {
  numpy::RandomState random(1);
  constexpr std::int64_t kLength = 10'000'000;
  const Values a = random.rand(kLength), b = random.rand(kLength);
  Outcome o;
  o.checks = {
      printed("dot of two vectors of 10,000,000", linalg::dot(a, b), "2501072.5817"),
      printed("[1, 2, 3, 4] . [-1, 4, 3, 2]", linalg::dot(Values{1, 2, 3, 4}, Values{-1, 4, 3, 2}), "24")};
  return o;
}

Outcome multiple_variables(const DataFolder&) {
  const Matrix x = matrix_of_rows({{2104, 5, 1, 45}, {1416, 3, 2, 40}, {852, 2, 1, 35}});
  const Values y{460, 232, 178}, best{0.39133535, 18.75376741, -53.36032453, -26.42131618};
  const double best_b = 785.1811367994083;
  const Cost cost(CostKind::squared, x, y);
  const CostGradient g = cost.gradient(best, best_b);
  const Descent walk =
      gradient_descent(cost, Values(4, 0.0), 0.0, {.learning_rate = 5.0e-7, .num_iterations = 1000});
  Outcome o;
  o.checks = {
      printed("f(x0) at the given weights", apply(best, best_b, {2104, 5, 1, 45}), "459.9999976194083"),
      printed("J at the given weights", g.cost, "1.5578904880036537e-12"),
      printed("dJ/db there", g.db, "-1.673925169143331e-06"),
      printed("dJ/dw0 there", g.dw[0], "-2.73e-3"),
      printed("dJ/dw1 there", g.dw[1], "-6.27e-6"),
      printed("dJ/dw2 there", g.dw[2], "-2.22e-6"),
      printed("dJ/dw3 there", g.dw[3], "-6.92e-5")};
  const char* costs[] = {"2529.46", "695.99", "694.92", "693.86", "692.81",
                         "691.77",  "690.73", "689.71", "688.70", "687.69"};
  for (std::size_t i = 0; i < std::size(costs); ++i)
    o.checks.push_back(
        printed(fmt::format("J after iteration {}", i * 100), walk.history[i * 100], costs[i]));
  const char* weights[] = {"0.20", "0.00", "-0.01", "-0.07"};
  for (std::size_t j = 0; j < 4; ++j)
    o.checks.push_back(printed(fmt::format("w{}", j), walk.w[j], weights[j]));
  o.checks.push_back(printed("b", walk.b, "-0.00"));
  o.checks.push_back(printed("prediction of house 0", apply(walk.w, walk.b, {2104, 5, 1, 45}), "426.19"));
  o.checks.push_back(printed("prediction of house 1", apply(walk.w, walk.b, {1416, 3, 2, 40}), "286.17"));
  o.checks.push_back(printed("prediction of house 2", apply(walk.w, walk.b, {852, 2, 1, 35}), "171.47"));
  o.charts.push_back({.title = "Cost against iterations",
                      .x = "iteration",
                      .y = "J",
                      .series = {cost_line("J", walk.history, 100)}});
  o.remarks.push_back(
      "The features have very different scales, so one learning rate suits none of them: the cost barely "
      "moves.");
  return o;
}

Outcome scaling(const DataFolder& data) {
  const Houses h = read_houses(data);
  const Cost raw(CostKind::squared, matrix_of(h.features), h.price);
  Outcome o;
  struct Run {
    double rate;
    const char* costs[3];
  };
  Chart raw_chart{.title = "Raw features: three learning rates", .x = "iteration", .y = "J"};
  for (const Run& run : {Run{9.9e-7, {"9.55884e4", "1.28213e5", "1.72159e5"}},
                         Run{9e-7, {"6.64616e4", "6.18990e4", "5.76572e4"}},
                         Run{1e-7, {"4.42313e4", "2.76461e4", "1.75102e4"}}}) {
    const Descent walk =
        gradient_descent(raw, Values(4, 0.0), 0.0, {.learning_rate = run.rate, .num_iterations = 10});
    for (std::size_t i = 0; i < 3; ++i)
      o.checks.push_back(printed(fmt::format("learning rate {}: J after iteration {}", run.rate, i),
                                 walk.history[i], run.costs[i]));
    raw_chart.series.push_back(cost_line(fmt::format("learning rate {}", run.rate), walk.history, 10));
  }
  const ZScore z = z_score(h.features);
  const Cost scaled(CostKind::squared, matrix_of(z.columns), h.price);
  const Descent walk =
      gradient_descent(scaled, Values(4, 0.0), 0.0, {.learning_rate = 0.1, .num_iterations = 1000});
  const char* means[] = {"1418.37374", "2.71717172", "1.38383838", "38.3838384"};
  const char* sds[] = {"411.61562893", "0.65196523", "0.48631932", "25.77788069"};
  const char* weights[] = {"110.56039756", "-21.26715096", "-32.70718139", "-37.97015909"};
  const char* ranges[] = {"5.85", "6.14", "2.06", "3.69"};
  for (std::size_t j = 0; j < 4; ++j) {
    const auto [low, high] = std::minmax_element(z.columns[j].begin(), z.columns[j].end());
    o.checks.push_back(printed("mean of " + kHouseFeatures[j], z.mean[j], means[j]));
    o.checks.push_back(printed("standard deviation of " + kHouseFeatures[j], z.sd[j], sds[j]));
    o.checks.push_back(printed("scaled range of " + kHouseFeatures[j], *high - *low, ranges[j]));
    o.checks.push_back(printed("w of " + kHouseFeatures[j], walk.w[j], weights[j]));
  }
  const char* costs[] = {"5.76170e4", "221.086", "219.209", "219.207"};
  for (std::size_t i = 0; i < 4; ++i)
    o.checks.push_back(
        printed(fmt::format("scaled: J after iteration {}", i * 100), walk.history[i * 100], costs[i]));
  o.checks.push_back(printed("b", walk.b, "363.15608081"));
  double price = walk.b;
  const Values house{1200, 3, 1, 40};
  for (std::size_t j = 0; j < 4; ++j) price += walk.w[j] * (house[j] - z.mean[j]) / z.sd[j];
  o.checks.push_back(printed("price of (1200, 3, 1, 40), $", price * 1000, "318709"));
  o.charts.push_back(std::move(raw_chart));
  o.charts.push_back({.title = "Scaled features: learning rate 0.1",
                      .x = "iteration",
                      .y = "J",
                      .series = {cost_line("J", walk.history, 60)},
                      .log_y = true});
  return o;
}

Outcome normal_equation(const DataFolder& data) {
  const LearnerEntry& entry = builtin_registry().learner("linear_regression");
  Outcome o;
  const auto two = entry.make()->fit(dataset_of({{1.0, 2.0}}, {"size"}, {300, 500}, Task::regression));
  const auto& line = dynamic_cast<const LinearModel&>(*two);
  o.checks = {printed("two houses: w", line.weights()[0], "200"),
              printed("two houses: b", line.intercepts()[0], "100"),
              printed("two houses: f(1200)", line.weights()[0] * 1200 + line.intercepts()[0], "240100")};
  const Houses h = read_houses(data);
  const auto model = entry.make()->fit(dataset_of(h.features, kHouseFeatures, h.price, Task::regression));
  const auto& m = dynamic_cast<const LinearModel&>(*model);
  const Values w(m.weights().begin(), m.weights().end());
  const char* weights[] = {"0.26860107", "-32.62006902", "-67.25453872", "-1.47297443"};
  for (std::size_t j = 0; j < 4; ++j)
    o.checks.push_back(printed("w of " + kHouseFeatures[j], w[j], weights[j]));
  o.checks.push_back(printed("b", m.intercepts()[0], "220.42153358"));
  const char* predictions[] = {"295.18", "485.98", "389.52", "492.15"};
  for (std::size_t i = 0; i < 4; ++i)
    o.checks.push_back(printed(
        fmt::format("prediction of house {}", i),
        apply(w, m.intercepts()[0], {h.features[0][i], h.features[1][i], h.features[2][i], h.features[3][i]}),
        predictions[i]));
  o.checks.push_back(printed("price of (1200, 3, 1, 40), $",
                             apply(w, m.intercepts()[0], {1200, 3, 1, 40}) * 1000, "318709.09"));
  Series scatter{.name = "houses", .kind = "points"};
  for (std::size_t i = 0; i < h.price.size(); ++i)
    scatter.points.emplace_back(
        h.price[i], apply(w, m.intercepts()[0],
                          {h.features[0][i], h.features[1][i], h.features[2][i], h.features[3][i]}));
  o.charts.push_back({.title = "Predicted against actual price",
                      .x = "actual (thousand $)",
                      .y = "predicted (thousand $)",
                      .series = {scatter}});
  o.remarks = m.notes();
  return o;
}

}  // namespace

const Recipe kVectors{
    "vectors", "M1W2-L1", "Vectors instead of loops", "One dot product over ten million numbers.",
    "",        vectors};
const Recipe kMultipleVariables{"multiple-variables",
                                "M1W2-L2",
                                "Gradient descent for several variables",
                                "The same walk with four features, and why it is slow without scaling.",
                                "",
                                multiple_variables};
const Recipe kFeatureScaling{"feature-scaling",
                             "M1W2-L3",
                             "Feature scaling and the learning rate",
                             "Scaled features let one learning rate suit them all: 1000 times fewer steps.",
                             "course_ml",
                             scaling};
const Recipe kNormalEquation{"normal-equation",
                             "M1W2-L6",
                             "Least squares in one go",
                             "Solving for the weights instead of walking to them.",
                             "course_ml",
                             normal_equation};

}  // namespace cairn::recipes
