// The path of penalties with cross-validated strength: the weights are elastic_net's at the strength chosen,
// the errors those of folds fitted one by one.
#include "cairn/linear/elastic_net_cv.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/random.h"
#include "cairn/linear/elastic_net.h"
#include "cairn/linear/linear_model.h"
#include "tests/support/error_text.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using Rows = std::vector<std::vector<double>>;

namespace {

struct Sample {
  Rows x;
  std::vector<double> y;
};

// Two of eight columns matter.
Sample sample(int n, double noise) {
  Sample s;
  Random random(6, "path");
  for (int i = 0; i < n; ++i) {
    std::vector<double> row;
    for (int j = 0; j < 8; ++j) row.push_back(random.normal() + (j == 3 ? 100 : 0));
    s.y.push_back(5 + 3 * row[0] - 2 * row[3] + noise * random.normal());
    s.x.push_back(std::move(row));
  }
  return s;
}

const LinearModel& linear(const std::unique_ptr<Model>& model) {
  return dynamic_cast<const LinearModel&>(*model);
}

double chosen(const PenaltyPath& path) { return path.values[static_cast<std::size_t>(path.chosen)]; }

std::int64_t columns_used(const LinearModel& model) {
  return std::ranges::count_if(model.weights(), [](double w) { return w != 0; });
}

}  // namespace

TEST_CASE("the weights are elastic_net's at the strength chosen, dense and sparse, with an offset column") {
  const Sample s = sample(200, 1);
  for (const Matrix::Layout layout : {Matrix::Layout::columns, Matrix::Layout::csr})
    for (const double l1_ratio : {1.0, 0.4})
      for (const bool intercept : {true, false}) {
        const Dataset data = test::regression_data(s.x, s.y, {}, layout);
        const auto model =
            ElasticNetCv({.l1_ratio = l1_ratio, .intercept = intercept, .tol = 1e-12}).fit(data);
        const double alpha = chosen(linear(model).path());
        const auto alone =
            ElasticNet({.alpha = alpha, .l1_ratio = l1_ratio, .intercept = intercept, .tol = 1e-12})
                .fit(data);
        for (std::size_t j = 0; j < 8; ++j)
          CHECK(std::abs(linear(model).weights()[j] - linear(alone).weights()[j]) < 1e-4);
        CHECK(linear(model).intercepts()[0] ==
              doctest::Approx(linear(alone).intercepts()[0]).epsilon(1e-3).scale(1));
      }
}

TEST_CASE("the error told is near the noise, and one standard error keeps fewer columns") {
  const Sample s = sample(400, 2);
  const Dataset data = test::regression_data(s.x, s.y);
  const auto least = ElasticNetCv({}).fit(data);
  const PenaltyPath& path = linear(least).path();
  CHECK(path.mean[static_cast<std::size_t>(path.chosen)] == doctest::Approx(4).epsilon(0.15));
  const auto steady = ElasticNetCv({.rule = "one_standard_error"}).fit(data);
  CHECK(chosen(linear(steady).path()) > chosen(path));
  CHECK(linear(steady).path().least == path.least);  // the strength of least error is the same
  CHECK(columns_used(linear(steady)) <= columns_used(linear(least)));
  CHECK(columns_used(linear(steady)) == 2);
  CHECK(linear(steady).weights()[0] > 2);
  CHECK(linear(steady).weights()[3] < -1);
}

TEST_CASE("the first strength sets every weight to 0") {
  const Sample s = sample(60, 1);
  const auto model = ElasticNetCv({.num_alphas = 1}).fit(test::regression_data(s.x, s.y));
  for (const double w : linear(model).weights()) CHECK(std::abs(w) < 1e-9);
}

TEST_CASE("too few rows for the folds are told") {
  CHECK(testing::error_text([] {
          ElasticNetCv({}).fit(test::regression_data({{1}, {2}, {3}}, std::vector<double>{1, 2, 4}));
        }).find("3 rows are too few for 5 folds") != std::string::npos);
}
