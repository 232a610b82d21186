// The learner mlp: what its parameters mean.
#include "cairn/train/mlp.h"

#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/random.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;

namespace {

struct Line {
  std::vector<std::vector<double>> rows;
  std::vector<double> y;
  Line() {
    Random random(3, "line");
    for (int i = 0; i < 64; ++i) {
      rows.push_back({random.normal(), random.normal()});
      y.push_back(rows.back()[0] - 2 * rows.back()[1] + 0.1 * random.normal());
    }
  }
};

std::vector<double> fitted(const Line& line, std::span<const double> weights, double l2) {
  const Mlp learner({.hidden = "8", .epochs = 20, .l2 = l2, .precision = "f64"});
  const Dataset data = test::regression_data(line.rows, line.y, weights);
  const Table said = learner.fit(data, {.seed = 1})->predict(data.features());
  const auto v = said.column("prediction").values().data<double>();
  return {v.begin(), v.end()};
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("mlp: the penalty stands beside the sum over the rows: rows that count twice halve it") {
  const Line line;
  const std::vector<double> once = fitted(line, {}, 5);
  const std::vector<double> twice(line.y.size(), 2);
  CHECK(largest_difference(once, fitted(line, twice, 10)) < 1e-9);
  CHECK(largest_difference(once, fitted(line, twice, 5)) > 1e-3);
}
