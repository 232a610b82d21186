#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/solve/lbfgs.h"
#include "cairn/solve/newton.h"
#include "cairn/solve/proximal_newton.h"

using namespace cairn;

namespace {

// Rosenbrock's valley in any dimension: minimum 0 at (1, ..., 1).
double rosenbrock(std::span<const double> x, std::span<double> g) {
  double f = 0;
  std::fill(g.begin(), g.end(), 0.0);
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
    f += 100 * a * a + b * b;
    g[i] += -400 * x[i] * a - 2 * b;
    g[i + 1] += 200 * a;
  }
  return f;
}

// sum_i exp(x_i) - (i + 1) x_i, smallest at x_i = log(i + 1).
double exponentials(std::span<const double> x, std::span<double> g) {
  double f = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = std::exp(x[i]), a = static_cast<double>(i + 1);
    f += e - a * x[i];
    g[i] = e - a;
  }
  return f;
}
double curved_exponentials(std::span<const double> x, std::span<double> g, std::span<double> h) {
  if (!h.empty()) {
    std::fill(h.begin(), h.end(), 0.0);
    for (std::size_t i = 0; i < x.size(); ++i) h[i * x.size() + i] = std::exp(x[i]);
  }
  return exponentials(x, g);
}

// (x - c) A (x - c) / 2 with A = diag(a) + ones.
struct Quadratic {
  std::vector<double> a, c;
  double operator()(std::span<const double> x, std::span<double> g) const {
    double sum = 0, f = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] - c[i];
    for (std::size_t i = 0; i < x.size(); ++i) {
      g[i] = a[i] * (x[i] - c[i]) + sum;
      f += 0.5 * g[i] * (x[i] - c[i]);
    }
    return f;
  }
  void hessian(std::span<const std::int64_t> which, std::span<double> h) const {
    for (std::size_t i = 0; i < which.size(); ++i)
      for (std::size_t j = 0; j < which.size(); ++j)
        h[i * which.size() + j] = 1 + (i == j ? a[static_cast<std::size_t>(which[i])] : 0.0);
  }
};

}  // namespace

TEST_CASE("L-BFGS finds Rosenbrock's minimum") {
  for (const std::size_t n : {2, 10, 100}) {
    std::vector<double> start(n, -1.2);
    for (std::size_t i = 1; i < n; i += 2) start[i] = 1;
    const Minimum m = lbfgs(&rosenbrock, start, {.rule = {.tol = 1e-12, .absolute = 1e-9, .max_iter = 2000}});
    CHECK(m.converged());
    CHECK(m.value < 1e-15);
    if (n == 2) {
      CHECK(m.iterations < 60);
      CHECK(m.evaluations < 80);
    }
    CHECK(m.gradient_norm <= std::max(1e-9, 1e-12 * m.reference_norm));
    for (std::size_t i = 1; i < m.history.size(); ++i) CHECK(m.history[i] <= m.history[i - 1]);
    if (n < 100)
      for (const double x : m.x) CHECK(x == doctest::Approx(1).epsilon(1e-7));
  }
}

TEST_CASE("L-BFGS and Newton agree with closed forms") {
  const Quadratic q{{1, 10, 1e4, 1e-2}, {3, -1, 0.5, 7}};
  const Minimum m = lbfgs(q, {0, 0, 0, 0}, {.rule = {.tol = 1e-13, .max_iter = 500}});
  CHECK(m.converged());
  for (std::size_t i = 0; i < 4; ++i) CHECK(m.x[i] == doctest::Approx(q.c[i]).epsilon(1e-9));

  const NewtonMinimum n =
      newton(&curved_exponentials, std::vector<double>(20, -3.0), {.rule = {.tol = 1e-13}});
  CHECK(n.converged());
  CHECK(n.damping == 0);
  for (std::size_t i = 0; i < 20; ++i) CHECK(n.x[i] == doctest::Approx(std::log(i + 1.0)).epsilon(1e-12));
  for (const double s : n.last_step) CHECK(std::abs(s) < 1e-9);
}

TEST_CASE("Newton damps steps that overshoot and Hessians that are singular") {
  // sqrt(1 + x^2): an undamped Newton step maps x to -x^3 and diverges from 3.
  const NewtonMinimum far = newton(
      [](std::span<const double> x, std::span<double> g, std::span<double> h) {
        const double r = std::sqrt(1 + x[0] * x[0]);
        g[0] = x[0] / r;
        if (!h.empty()) h[0] = 1 / (r * r * r);
        return r;
      },
      {3.0}, {.rule = {.tol = 1e-12}});
  CHECK(far.converged());
  CHECK(std::abs(far.x[0]) < 1e-11);
  // (x + y - 1)^2 has a line of minima.
  const NewtonMinimum line = newton(
      [](std::span<const double> x, std::span<double> g, std::span<double> h) {
        const double r = x[0] + x[1] - 1;
        g[0] = g[1] = 2 * r;
        if (!h.empty()) std::fill(h.begin(), h.end(), 2.0);
        return r * r;
      },
      {0, 0}, {.rule = {.tol = 1e-9}});
  CHECK(line.converged());
  CHECK(line.x[0] + line.x[1] == doctest::Approx(1).epsilon(1e-8));
}

TEST_CASE("One Hessian serves several Newton steps near the minimum") {
  std::vector<double> near;
  for (int i = 0; i < 5; ++i) near.push_back(std::log(i + 1.0) + 0.01);
  const NewtonMinimum m = newton(&curved_exponentials, near, {.rule = {.tol = 1e-9}, .near_minimum = true});
  CHECK(m.converged());
  CHECK(m.hessians == 1);
  CHECK(m.iterations > 1);
}

TEST_CASE("An L1 penalty: soft thresholds, and two algorithms with one answer") {
  // Without cross terms the minimum is the soft threshold of the centre.
  const auto separate = [](std::span<const double> x, std::span<double> g) {
    const double c[] = {3, -0.2, -2, 0.5};
    double f = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      g[i] = x[i] - c[i];
      f += 0.5 * g[i] * g[i];
    }
    return f;
  };
  const std::vector<double> l1{1, 1, 1, 0};
  const Minimum m = orthant_wise_lbfgs(separate, l1, {0, 0, 0, 0}, {.rule = {.tol = 1e-12}});
  CHECK(m.converged());
  CHECK(m.x[0] == doctest::Approx(2));
  CHECK(m.x[1] == 0);
  CHECK(m.x[2] == doctest::Approx(-1));
  CHECK(m.x[3] == doctest::Approx(0.5));

  const Quadratic q{{1, 2, 3, 4, 5, 6}, {2, -0.3, 0.4, -2, 0.1, 1}};
  const std::vector<double> weights{1, 1, 1, 2, 2, 0.5};
  const StopRule rule{.tol = 1e-11, .max_iter = 500};
  const Minimum a = orthant_wise_lbfgs(q, weights, std::vector<double>(6, 0.0), {.rule = rule});
  const ProximalMinimum b = proximal_newton(q, [&](auto, auto which, auto h) { q.hessian(which, h); },
                                            weights, std::vector<double>(6, 0.0), {.rule = rule});
  CHECK(a.converged());
  CHECK(b.converged());
  CHECK(b.iterations <= 10);
  CHECK(a.value == doctest::Approx(b.value).epsilon(1e-12));
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(a.x[i] == doctest::Approx(b.x[i]).epsilon(1e-8));
    CHECK((a.x[i] == 0) == (b.x[i] == 0));
  }
  const ProximalMinimum narrow =
      proximal_newton(q, [&](auto, auto which, auto h) { q.hessian(which, h); }, weights,
                      std::vector<double>(6, 0.0), {.rule = rule, .max_working_set = 1});
  CHECK(narrow.too_wide);
}

TEST_CASE("Minimisers say why they stop") {
  const std::vector<double> start{-1.2, 1};
  const Minimum capped = lbfgs(&rosenbrock, start, {.rule = {.tol = 1e-12, .max_iter = 3}});
  CHECK_FALSE(capped.converged());
  CHECK(capped.reason == StopReason::max_iter);
  CHECK(capped.iterations == 3);
  CHECK(capped.history.size() == 4);
  CHECK(std::string(describe(capped.reason)) == "the iteration cap is reached");
  const Minimum hard = lbfgs(&rosenbrock, start, {.rule = {.tol = 0, .max_iter = 10'000}});
  CHECK(hard.reason != StopReason::max_iter);
  CHECK(hard.value < 1e-20);
  const Minimum there = lbfgs(&rosenbrock, {1, 1}, {});
  CHECK(there.converged());
  CHECK(there.iterations == 0);
  const auto broken = [](std::span<const double>, std::span<double> g) {
    g[0] = 1;
    return std::nan("");
  };
  CHECK_THROWS_AS(lbfgs(broken, {0}, {}), FitError);
  StopSource source;
  source.request();
  CHECK_THROWS_AS(lbfgs(&rosenbrock, start, {.rule = {.stop = source.token()}}), Interrupted);
  CHECK_THROWS_AS(newton(&curved_exponentials, {0.5}, {.rule = {.stop = source.token()}}), Interrupted);
}
