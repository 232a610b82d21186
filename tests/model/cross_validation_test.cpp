#include "cairn/model/cross_validation.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace cairn;

namespace {
CrossValidation with_values(std::vector<double> values) {
  CrossValidation cv;
  for (const double v : values) cv.folds.push_back({.value = v});
  return cv;
}
}  // namespace

TEST_CASE("a paired difference has the corrected t interval of Nadeau and Bengio") {
  const auto a = with_values({0.80, 0.82, 0.78, 0.81, 0.79}), b = with_values({0.83, 0.84, 0.80, 0.85, 0.80});
  const PairedDifference d = paired_difference(a, b, 0.95);
  // differences .03 .02 .02 .04 .01: mean .024, s = .0114018; error = s sqrt(1/5 + 1/4); t(.975, 4)
  // = 2.7764451
  CHECK(d.value == doctest::Approx(0.024));
  CHECK(d.high - d.value == doctest::Approx(2.7764451052 * 0.0114017543 * std::sqrt(0.45)).epsilon(1e-7));
  CHECK(paired_difference(a, b, 0.80).high - d.value ==
        doctest::Approx(1.5332062741 * 0.0114017543 * std::sqrt(0.45)).epsilon(1e-7));
}

TEST_CASE("folds on which the metric is undefined are left out") {
  const auto a = with_values({0.5, std::nan(""), 0.7});
  CHECK(a.mean() == doctest::Approx(0.6));
  CHECK(std::isnan(with_values({std::nan("")}).mean()));
}

TEST_CASE("judged parts put together keep their groups apart") {
  Judged a, b;
  a.truth = a.predicted = {1, 2};
  a.groups = {0, 1};
  b.truth = b.predicted = {3, 4};
  b.groups = {0, 0};
  a.append(b);
  CHECK(a.groups == std::vector<std::int64_t>{0, 1, 2, 2});
}
