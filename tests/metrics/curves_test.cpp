#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/metrics/curves.h"
#include "tests/metrics/sample.h"

using namespace cairn;
using namespace cairn::metric_tests;

namespace {

Sample binary(std::vector<std::int32_t> labels, const std::vector<double>& scores) {
  Sample s{.task = Task::binary, .labels = std::move(labels), .num_classes = 2};
  for (const double p : scores) {
    s.probabilities.insert(s.probabilities.end(), {1 - p, p});
    s.decisions.push_back(p >= 0.5);
  }
  return s;
}

double area(const std::vector<CurvePoint>& curve) {
  double sum = 0;
  for (std::size_t i = 1; i < curve.size(); ++i)
    sum += (curve[i].x - curve[i - 1].x) * (curve[i].y + curve[i - 1].y) / 2;
  return sum;
}

// The metric at a threshold, by deciding every row anew.
double value_at(const Sample& s, double threshold, const char* name) {
  Sample t = s;
  for (std::size_t i = 0; i < t.labels.size(); ++i) t.decisions[i] = t.probabilities[2 * i + 1] >= threshold;
  return metric(name).compute(t.rows()).value_or(-2);
}

}  // namespace

TEST_CASE("a thinned curve keeps its ends and its shape") {
  const Sample s = make_sample(Task::binary, 20000, 1.5, 1);
  const auto full = roc_curve(s.rows(), 1000000), thin = roc_curve(s.rows(), 200);
  CHECK(full.size() > 2000);
  CHECK(thin.size() <= 200);
  CHECK(thin.size() > 150);
  CHECK(thin.front().x == 0);
  CHECK(thin.front().y == 0);
  CHECK(std::isinf(thin.front().threshold));
  CHECK(thin.back().x == 1);
  CHECK(thin.back().y == 1);
  CHECK(area(thin) == doctest::Approx(*metric("roc_auc").compute(s.rows())).epsilon(0.002));
  CHECK(area(full) == doctest::Approx(*metric("roc_auc").compute(s.rows())).epsilon(1e-9));
  CHECK(precision_recall_curve(s.rows(), 200).size() <= 200);
  for (std::size_t i = 1; i < thin.size(); ++i) CHECK(thin[i].threshold < thin[i - 1].threshold);
}

TEST_CASE("no curve without both classes or probabilities") {
  CHECK(roc_curve(binary({1, 1}, {0.2, 0.4}).rows()).empty());
  CHECK(precision_recall_curve(binary({0, 0}, {0.2, 0.4}).rows()).empty());
  Sample silent = binary({0, 1}, {0.2, 0.4});
  silent.probabilities.clear();
  CHECK(roc_curve(silent.rows()).empty());
  CHECK(calibration_curve(silent.rows()).empty());
}

TEST_CASE("calibration: equal counts, ties together, Wilson's interval") {
  Random random(0, "calibration");
  std::vector<std::int32_t> labels;
  std::vector<double> scores;
  for (int i = 0; i < 50000; ++i) {
    scores.push_back(random.uniform());
    labels.push_back(random.uniform() < scores.back());  // calibrated by construction
  }
  const auto curve = calibration_curve(binary(labels, scores).rows(), 10);
  REQUIRE(curve.size() == 10);
  int inside = 0;
  for (const CalibrationBin& b : curve) {
    CHECK(b.n == 5000);
    inside += b.low <= b.mean_predicted && b.mean_predicted <= b.high;
  }
  CHECK(inside >= 8);
  CHECK(std::is_sorted(curve.begin(), curve.end(),
                       [](const auto& a, const auto& b) { return a.mean_predicted < b.mean_predicted; }));
  const auto tied = calibration_curve(binary({0, 1, 1, 0, 1, 1}, {0.3, 0.3, 0.3, 0.3, 0.8, 0.8}).rows(), 3);
  REQUIRE(tied.size() == 2);
  CHECK(tied[0].n == 4);
  CHECK(tied[0].observed == 0.5);
  CHECK(tied[0].mean_predicted == doctest::Approx(0.3));
  CHECK(tied[1].observed == 1);
  CHECK(tied[1].low == doctest::Approx(0.3424).epsilon(1e-3));  // Wilson, 2 of 2
}

TEST_CASE("confusion counts weights by truth and decision") {
  Sample s = binary({0, 1, 1, 0}, {0.2, 0.9, 0.1, 0.7});
  s.weights = {1, 2, 3, 4};
  const Confusion c = confusion(s.rows());
  CHECK(c.num_classes == 2);
  CHECK(c.counts == std::vector<double>{1, 4, 3, 2});
}

TEST_CASE("residuals: quantiles of all rows, a spread of points") {
  Sample s{.task = Task::regression};
  for (int i = 0; i <= 1000; ++i) {
    s.predicted.push_back(i);
    s.truth.push_back(i + (i * 8 % 1001) / 10.0);
  }
  const ResidualCurve curve = residual_curve(s.rows(), 100);
  CHECK(curve.residual.size() == 100);
  CHECK(curve.predicted.front() == 0);
  CHECK(curve.predicted.back() >= 980);
  CHECK(curve.low == doctest::Approx(5.0));
  CHECK(curve.median == doctest::Approx(50.0));
  CHECK(curve.high == doctest::Approx(95.0));
  CHECK(residual_curve(s.rows(), 5000).residual.size() == 1001);
}

TEST_CASE("the best threshold is the best of all, by trying each") {
  for (const char* name : {"accuracy", "f1", "balanced_accuracy", "mcc", "cohen_kappa", "precision"}) {
    CAPTURE(name);
    Sample s = make_sample(Task::binary, 200, 0.8, 3);
    for (double& p : s.probabilities) p = std::round(p * 50) / 50;
    for (int i = 0; i < 200; ++i) s.weights.push_back(1 + i % 3);
    const ThresholdChoice best = best_threshold(s.rows(), metric(name));
    CHECK(best.value == doctest::Approx(value_at(s, best.threshold, name)).epsilon(1e-12));
    for (double t = -0.01; t < 1.02; t += 0.02) CHECK(value_at(s, t, name) <= best.value + 1e-12);
  }
}

TEST_CASE("threshold: ties go to the one nearest 0.5") {
  CHECK(best_threshold(binary({0, 0, 1, 1}, {0.1, 0.2, 0.7, 0.8}).rows(), metric("accuracy")).threshold ==
        0.5);
  CHECK(best_threshold(binary({0, 0, 1, 1}, {0.1, 0.2, 0.3, 0.4}).rows(), metric("accuracy")).threshold ==
        doctest::Approx(0.25));
  // Nobody ever positive, nobody ever negative.
  CHECK(best_threshold(binary({0, 0, 0}, {0.6, 0.9, 1.0}).rows(), metric("accuracy")).threshold > 1);
  CHECK(best_threshold(binary({1, 1, 1}, {0.0, 0.3, 0.2}).rows(), metric("accuracy")).threshold <= 0);
  CHECK_THROWS_WITH_AS(best_threshold(binary({0, 1}, {0.2, 0.3}).rows(), metric("roc_auc")),
                       doctest::Contains("'roc_auc' does not depend on decisions"), UsageError);
  CHECK_THROWS_AS(best_threshold(make_sample(Task::multiclass, 9, 1, 1).rows(), metric("accuracy")),
                  UsageError);
}

TEST_CASE("the cheapest threshold of a calibrated model is cost / (sum of costs)") {
  Random random(0, "costs");
  std::vector<std::int32_t> labels;
  std::vector<double> scores;
  for (int i = 0; i < 200000; ++i) {
    scores.push_back(random.uniform());
    labels.push_back(random.uniform() < scores.back());
  }
  const Sample s = binary(labels, scores);
  const ThresholdChoice choice = cheapest_threshold(s.rows(), 1, 4);
  CHECK(choice.threshold == doctest::Approx(0.2).epsilon(0.1));
  // Mean cost at t: t^2/2 * 4/... : missed = t^2/2 positives below t, false alarms = (1-t)^2/2 negatives
  // above.
  CHECK(choice.value == doctest::Approx(4 * 0.2 * 0.2 / 2 + 0.8 * 0.8 / 2).epsilon(0.02));
  CHECK_THROWS_AS(cheapest_threshold(s.rows(), -1, 1), UsageError);
}
