#include "cairn/model/conformal.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/random.h"

using namespace cairn;

namespace {

Judged residuals(std::vector<double> sizes, std::vector<double> weights = {}) {
  Judged j{.task = Task::regression, .truth = std::move(sizes), .weights = std::move(weights)};
  j.predicted.assign(j.truth.size(), 0.0);
  return j;
}

}  // namespace

TEST_CASE("conformal: the quantile is the ceil((n + 1) coverage)-th smallest score") {
  const ConformalScores nine(residuals({9, -8, 7, -6, 5, -4, 3, -2, 1}));
  CHECK(nine.quantile(0.9) == 9);  // ceil(10 * 0.9) = 9
  CHECK(nine.quantile(0.8) == 8);
  CHECK(nine.quantile(0.7) == 7);   // 10 * 0.7 must not round up to 8
  CHECK(nine.quantile(0.31) == 4);  // ceil(3.1)
  CHECK_THROWS_WITH_AS(nine.quantile(0.95), doctest::Contains("residuals of weight 19 or more"),
                       NotSupported);
  CHECK_THROWS_AS(nine.quantile(1), UsageError);
  CHECK_THROWS_AS(nine.quantile(0), UsageError);
  CHECK_THROWS_WITH_AS(ConformalScores{}.quantile(0.9), doctest::Contains("Train it again"), NotSupported);
}

TEST_CASE("conformal: ties count together, a weight of 2 is a row twice, a weight of 0 none") {
  const ConformalScores tied(residuals({1, 2, 2, 2, 3}));
  CHECK(tied.quantile(0.5) == 2);
  const ConformalScores weighted(residuals({3, 1, 2, 99}, {1, 1, 3, 0}));
  CHECK(weighted.size() == 3);
  for (const double coverage : {0.1, 0.2, 0.34, 0.5, 0.6, 0.67, 0.8})
    CHECK(weighted.quantile(coverage) == tied.quantile(coverage));
}

TEST_CASE("conformal: intervals of rows from one source cover as asked") {
  constexpr int kRows = 4000;
  Random random(7, "conformal");
  std::vector<double> seen, fresh;
  for (int i = 0; i < kRows; ++i) seen.push_back(random.normal());
  for (int i = 0; i < kRows; ++i) fresh.push_back(random.normal());
  const std::vector<double> levels{0.5, 0.8, 0.9, 0.95};
  const auto coverage = measure_coverage(ConformalScores(residuals(seen)), residuals(fresh), levels);
  REQUIRE(coverage.size() == levels.size());
  for (const Coverage& c : coverage) {
    CAPTURE(c.asked);
    CHECK(std::abs(c.held.value - c.asked) < 0.03);
    CHECK(c.held.n == kRows);
  }
  CHECK(coverage[2].quantile == doctest::Approx(1.645).epsilon(0.05));  // of a normal distribution
  CHECK(coverage[2].mean_size == doctest::Approx(2 * coverage[2].quantile));
}

TEST_CASE("conformal: prediction sets hold the classes that are likely enough") {
  Judged j{.task = Task::multiclass, .probabilities = {}, .num_classes = 3};
  for (int i = 1; i <= 9; ++i) {  // the true class has probability i / 10
    j.labels.push_back(0);
    j.decisions.push_back(0);
    j.probabilities.insert(j.probabilities.end(), {i / 10.0, 1 - i / 10.0, 0.0});
  }
  const double q = ConformalScores(j).quantile(0.8);
  CHECK(q == doctest::Approx(0.8));
  const std::vector<std::string> classes{"a", "b|c", "d"};
  std::vector<std::optional<std::string>> said{"a", "b|c"};
  const Table predicted({Column::category_of("prediction", said),
                         Column::number("p_a", Tensor::from(std::vector<double>{0.7, 0.1})),
                         Column::number("p_b|c", Tensor::from(std::vector<double>{0.25, 0.1})),
                         Column::number("p_d", Tensor::from(std::vector<double>{0.05, 0.1}))});
  const Table sets = with_prediction_set(predicted, classes, q);
  CHECK(sets.column("prediction_set").text_at(0) == "a|b\\|c");
  CHECK(sets.column("prediction_set").text_at(1).empty());
}
