// The unit tests of the courses' graded labs, through the library's own functions. Numbers are those that the
// labs' public_tests.py expect; seeds are NumPy's legacy generator.
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/linear/cost.h"
#include "cairn/metrics/metric.h"
#include "recipes/columns.h"
#include "recipes/numpy_random.h"

using namespace cairn;
using recipes::matrix_of_rows;
using recipes::Values;

namespace {

doctest::Approx to_digits(double expected, int digits) {
  return doctest::Approx(expected).epsilon(std::pow(10.0, -digits));
}

Matrix normal_matrix(numpy::RandomState& random, std::int64_t n, std::int64_t d) {
  const Values all = random.randn(n * d);
  return Matrix::from_rows(Tensor::from(std::span<const double>(all), Shape{n, d}));
}

double squared(const Values& x, const Values& y, double w, double b) {
  return Cost(CostKind::squared, recipes::matrix_of({x}), y).value(Values{w}, b);
}

}  // namespace

TEST_CASE("NumPy's legacy generator") {
  numpy::RandomState a(1), b(1);
  CHECK(a.rand() == 0.417022004702574);
  CHECK(a.rand() == 0.7203244934421581);
  CHECK(a.rand() == 0.00011437481734488664);
  CHECK(b.randn() == doctest::Approx(1.6243453636632417).epsilon(1e-15));
  CHECK(b.randn() == doctest::Approx(-0.6117564136500754).epsilon(1e-15));
  CHECK(numpy::RandomState(0).permutation(10) == std::vector<std::int64_t>{2, 8, 4, 9, 1, 6, 7, 3, 0, 5});
}

TEST_CASE("M1W2-A1: cost and gradient of a line") {
  CHECK(squared({2, 4, 6, 8}, {7, 11, 15, 19}, 2, 3) == 0);
  CHECK(squared({2, 4, 6, 8}, {7, 11, 15, 19}, 2, 1) == 2);
  const Values x{1.5, 2.5, 3.5, 4.5, 1.5};
  CHECK(squared(x, {4, 7, 10, 13, 5}, 1, 0) == to_digits(15.325, 12));
  CHECK(squared(x, {4, 7, 10, 13, 5}, 1, 1) == to_digits(10.725, 12));
  CHECK(squared(x, {2, 5, 8, 11, 3}, 1, 1) == to_digits(4.525, 12));
  const Cost exact(CostKind::squared, recipes::matrix_of({{2, 4, 6, 8}}), {4.5, 8.5, 12.5, 16.5});
  CHECK(exact.gradient(Values{2}, 0.5).db == 0);
  CHECK(exact.gradient(Values{2}, 0.5).dw[0] == 0);
  const Cost off(CostKind::squared, recipes::matrix_of({{2, 4, 6, 8}}), {6, 9, 12, 15});
  CHECK(off.gradient(Values{1.5}, 1).db == -2);
  CHECK(off.gradient(Values{1.5}, 1).dw[0] == -10);
}

TEST_CASE("M1W3-A1: sigmoid, logistic cost and gradient") {
  CHECK(sigmoid(3) == to_digits(0.9525741268224334, 15));
  CHECK(sigmoid(2.5) == to_digits(0.92414182, 8));
  CHECK(sigmoid(-2.5) == to_digits(0.07585818, 7));
  CHECK(sigmoid(0) == 0.5);
  CHECK(sigmoid(-1000) == 0);
  CHECK(sigmoid(1000) == 1);

  numpy::RandomState seed17(17);
  const auto cost = [&](std::int64_t n, std::int64_t d, const Values& y, double b) {
    const Matrix x = normal_matrix(seed17, n, d);
    return Cost(CostKind::logistic, x, y).value(seed17.randn(d), b);
  };
  CHECK(cost(5, 2, {1, 0, 0, 1, 1}, 0) == to_digits(2.15510667, 8));
  CHECK(cost(4, 3, {1, 1, 0, 0}, 0) == to_digits(0.80709376, 8));
  CHECK(cost(4, 3, {1, 0, 1, 0}, 3) == to_digits(0.4529660647, 9));

  numpy::RandomState seed1(1);
  const CostGradient g = Cost(CostKind::logistic, normal_matrix(seed1, 7, 3), {1, 0, 1, 0, 1, 1, 0})
                             .gradient(Values{1, 0.5, -0.35}, 1.7);
  CHECK(g.db == to_digits(0.28936094, 7));
  CHECK(g.dw[0] == to_digits(-0.11999166, 7));
  CHECK(g.dw[1] == to_digits(0.41498775, 7));
  CHECK(g.dw[2] == to_digits(-0.71968405, 7));
}

TEST_CASE("M1W3-A1: predictions") {
  numpy::RandomState seed5(5);
  const auto predict = [&](std::int64_t n, Values w, double b) {
    const auto d = static_cast<std::int64_t>(w.size());
    const Matrix x = normal_matrix(seed5, n, d);
    std::vector<int> classes;
    Values row(w.size());
    for (std::int64_t i = 0; i < n; ++i) {
      x.tile(i, i + 1, row.data());
      double z = b;
      for (std::size_t j = 0; j < w.size(); ++j) z += w[j] * row[j];
      classes.push_back(sigmoid(z) >= 0.5);
    }
    return classes;
  };
  CHECK(predict(8, seed5.randn(3), 0.5) == std::vector<int>{1, 1, 1, 0, 1, 0, 0, 1});
  Values w = seed5.randn(4);
  for (double& v : w) v += 0.6;
  CHECK(predict(6, w, -1.7) == std::vector<int>{0, 0, 0, 1, 1, 0});
}

TEST_CASE("M1W3-A1: regularised cost and gradient") {
  numpy::RandomState seed1(1);
  const auto cost = [&](std::int64_t n, std::int64_t d, const Values& y, double b, double lambda) {
    const Values w = seed1.randn(d);
    return Cost(CostKind::logistic, normal_matrix(seed1, n, d), y, lambda).value(w, b);
  };
  CHECK(cost(6, 3, {0, 1, 1, 0, 1, 1}, 0.4, 0.1) == to_digits(0.5469746792761936, 14));
  CHECK(cost(8, 5, {1, 0, 1, 0, 0, 1, 0, 1}, -0.6, 0.01) == to_digits(1.2608591964119995, 14));
  const Cost zeros(CostKind::logistic, Matrix::from_rows(Tensor::zeros({8, 5}, DType::f64)), Values(8, 0.5),
                   3);
  CHECK(zeros.value(Values(5, 2.0), 0) == to_digits(4.443147180559945, 14));

  numpy::RandomState again(1);
  const auto gradient = [&](std::int64_t n, std::int64_t d, const Values& y, double b, double lambda) {
    const Values w = again.randn(d);
    return Cost(CostKind::logistic, normal_matrix(again, n, d), y, lambda).gradient(w, b);
  };
  const CostGradient first = gradient(7, 5, {0, 1, 1, 0, 1, 1, 0}, 0.2, 0.1);
  CHECK(first.db == to_digits(-0.1506447567869257, 14));
  const Values expected{0.19530838, -0.00632206, 0.19687367, 0.15741161, 0.02791437};
  for (std::size_t j = 0; j < expected.size(); ++j)
    CHECK(first.dw[j] == doctest::Approx(expected[j]).epsilon(1e-5));
  const CostGradient second = gradient(7, 7, {1, 0, 0, 0, 1, 1, 0}, 0, 0);
  CHECK(second.db == to_digits(0.02660329857573818, 13));
  const Values more{0.23567643, -0.06921029, -0.19705212, -0.0002884, 0.06490588, 0.26948175, 0.10777992};
  for (std::size_t j = 0; j < more.size(); ++j) CHECK(second.dw[j] == doctest::Approx(more[j]).epsilon(1e-4));
}

TEST_CASE("M2W2-A1: softmax") {
  const auto p = softmax(Values{1, 2, 3, 4});
  const Values expected{0.0320586033, 0.0871443187, 0.2368828181, 0.6439142599};
  for (std::size_t i = 0; i < 4; ++i) CHECK(p[i] == doctest::Approx(expected[i]).epsilon(1e-9));
  for (const double v : softmax(Values(10, std::log(0.1)))) CHECK(v == to_digits(0.1, 14));
  CHECK(softmax(Values{1000, 1000})[0] == 0.5);
}

TEST_CASE("M2W3-A1: mean squared error and share of wrong classes") {
  const auto half_mse = [](const Values& y, const Values& f) {
    return *metric("mse").compute({.task = Task::regression, .truth = y, .predicted = f}) / 2;
  };
  CHECK(half_mse({2.4, 4.2}, {2.3, 4.1}) == to_digits(0.005, 12));
  CHECK(half_mse({3}, {3}) == 0);
  CHECK(half_mse({3}, {0}) == 4.5);
  CHECK(half_mse(Values(15, 3.0), Values(15, 2.0)) == 0.5);
  const auto wrong = [](const std::vector<std::int32_t>& y, const std::vector<std::int32_t>& f) {
    return 1 - *metric("accuracy")
                    .compute({.task = Task::multiclass, .labels = y, .decisions = f, .num_classes = 4});
  };
  CHECK(wrong({1, 0, 1, 1, 1, 0}, {0, 1, 0, 0, 0, 1}) == 1);
  CHECK(wrong({1, 2, 0}, {1, 2, 3}) == to_digits(1.0 / 3, 12));
  CHECK(wrong({1, 0, 1, 1, 1, 0}, {1, 1, 1, 0, 0, 0}) == 0.5);
  CHECK(wrong({1, 2, 0, 3}, {1, 2, 1, 3}) == 0.25);
}

TEST_CASE("gradients of both costs against central differences") {
  numpy::RandomState random(3);
  const Matrix x = normal_matrix(random, 30, 4);
  Values weights, squares = random.randn(30), labels;
  for (int i = 0; i < 30; ++i) weights.push_back(0.5 + random.rand()), labels.push_back(random.rand() > 0.5);
  for (const CostKind kind : {CostKind::squared, CostKind::logistic}) {
    const Cost cost(kind, x, kind == CostKind::squared ? squares : labels, 0.3, weights);
    const Values w = random.randn(4);
    const CostGradient g = cost.gradient(w, 0.4);
    constexpr double kStep = 1e-6;
    for (std::size_t j = 0; j < w.size(); ++j) {
      Values up = w, down = w;
      up[j] += kStep, down[j] -= kStep;
      CHECK(g.dw[j] ==
            doctest::Approx((cost.value(up, 0.4) - cost.value(down, 0.4)) / (2 * kStep)).epsilon(1e-6));
    }
    CHECK(g.db == doctest::Approx((cost.value(w, 0.4 + kStep) - cost.value(w, 0.4 - kStep)) / (2 * kStep))
                      .epsilon(1e-6));
  }
}

TEST_CASE("large data take the parallel road to the same gradient") {
  numpy::RandomState random(4);
  constexpr std::int64_t kRows = 60000;
  const Matrix small = normal_matrix(random, 100, 3);
  std::vector<std::int64_t> repeat;
  for (std::int64_t i = 0; i < kRows; ++i) repeat.push_back(i % 100);
  const Values y100 = random.randn(100);
  Values y;
  for (const auto i : repeat) y.push_back(y100[static_cast<std::size_t>(i)]);
  const Values w{0.1, -0.2, 0.3};
  const CostGradient a = Cost(CostKind::squared, small, y100).gradient(w, 1),
                     b = Cost(CostKind::squared, small.select_rows(repeat), y).gradient(w, 1);
  CHECK(a.cost == doctest::Approx(b.cost).epsilon(1e-12));
  for (std::size_t j = 0; j < 3; ++j) CHECK(a.dw[j] == doctest::Approx(b.dw[j]).epsilon(1e-10));
}
