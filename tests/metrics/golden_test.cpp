// Every metric and curve against scikit-learn (scripts/golden/metrics.py).
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cairn/metrics/curves.h"
#include "cairn/metrics/metric.h"

using namespace cairn;

namespace {

struct Case {
  std::vector<double> truth, predicted, probabilities, weights;
  std::vector<std::int32_t> labels, decisions;
  Scored rows;

  explicit Case(const nlohmann::json& j) {
    weights = j.at("weights").get<std::vector<double>>();
    rows.task = task_from_name(j.at("task").get<std::string>());
    if (rows.task == Task::regression) {
      rows.truth = truth = j.at("truth").get<std::vector<double>>();
      predicted = j.at("predicted").get<std::vector<double>>();
    } else {
      labels = j.at("labels").get<std::vector<std::int32_t>>();
      decisions = j.at("decisions").get<std::vector<std::int32_t>>();
      probabilities = j.at("probabilities").get<std::vector<double>>();
      rows.num_classes = j.at("num_classes").get<std::int64_t>();
      rows.positive = j.at("positive").get<std::int32_t>();
    }
    rows.truth = truth, rows.predicted = predicted, rows.labels = labels, rows.decisions = decisions;
    rows.probabilities = probabilities, rows.weights = weights;
  }
  Case(const Case&) = delete;
};

nlohmann::json golden() {
  std::ifstream file(CAIRN_SOURCE_DIR "/tests/golden/metrics.json");
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

void check_curve(const std::vector<CurvePoint>& ours, const nlohmann::json& theirs) {
  // Ours leaves out points on straight lines, theirs was asked to keep all: the same area, and no point of
  // ours is new.
  const auto area = [](const auto& x, const auto& y, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 1; i < n; ++i) sum += (x(i) - x(i - 1)) * (y(i) + y(i - 1)) / 2;
    return sum;
  };
  const auto of = [&](std::size_t k) {
    return [&theirs, k](std::size_t i) { return theirs[i][k].get<double>(); };
  };
  CHECK(area([&](std::size_t i) { return ours[i].x; }, [&](std::size_t i) { return ours[i].y; },
             ours.size()) == doctest::Approx(area(of(0), of(1), theirs.size())).epsilon(1e-12));
  for (const CurvePoint& point : ours) {
    double nearest = 1;
    for (const auto& t : theirs)
      nearest = std::min(nearest, std::hypot(point.x - t[0].get<double>(), point.y - t[1].get<double>()));
    CHECK(nearest < 1e-12);
  }
}

}  // namespace

TEST_CASE("metrics equal scikit-learn's") {
  const auto all = golden();
  for (const auto& [name, j] : all.at("cases").items()) {
    CAPTURE(name);
    const Case c(j);
    std::size_t compared = 0;
    for (const Metric& m : metrics()) {
      if (!m.applies(c.rows.task) || m.judges != Judges::values) continue;
      CAPTURE(std::string(m.name));
      const auto value = m.compute(c.rows);
      REQUIRE(value.has_value());
      const double expected = j.at("expected").at(m.name).get<double>();
      CHECK(std::abs(*value - expected) <= 1e-12 * std::max(1.0, std::abs(expected)));
      ++compared;
    }
    CHECK(compared == j.at("expected").size());  // no metric of the table without a golden value
  }
}

TEST_CASE("curves equal scikit-learn's") {
  const auto all = golden();
  int compared = 0;
  for (const auto& [name, j] : all.at("cases").items()) {
    if (!j.contains("roc")) continue;
    CAPTURE(name);
    const Case c(j);
    check_curve(roc_curve(c.rows, 1000), j.at("roc"));
    const auto pr = precision_recall_curve(c.rows, 1000);
    // scikit-learn's curve goes on to thresholds below the last positive; ours stops at recall 1.
    CHECK(pr.front().y == 1);
    CHECK(pr.back().x == 1);
    for (const CurvePoint& point : pr) {
      double nearest = 1;
      for (const auto& t : j.at("pr"))
        nearest = std::min(nearest, std::hypot(point.x - t[0].get<double>(), point.y - t[1].get<double>()));
      CHECK(nearest < 1e-12);
    }
    ++compared;
  }
  CHECK(compared >= 6);
}
