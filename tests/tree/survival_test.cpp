// Cox and accelerated failure time: derivatives against differences and XGBoost's, against peers, bad events.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/model/archive.h"
#include "cairn/model/evaluate.h"
#include "cairn/tree/objective/objectives_internal.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;

namespace {

using P = GradientBoostingParams;

Dataset survival_data(const std::vector<std::vector<double>>& x, const std::vector<double>& time,
                      const std::vector<double>& event) {
  std::vector<Column> columns;
  for (std::size_t f = 0; f < x.size(); ++f)
    columns.push_back(Column::number("x" + std::to_string(f), Tensor::from(x[f])));
  columns.push_back(Column::number("event", Tensor::from(event)));
  columns.push_back(Column::number("time", Tensor::from(time)));
  return {Table(std::move(columns)),
          {.roles = {.target = "time", .event = "event"}, .task = Task::regression}};
}

Dataset survival_rows(std::uint64_t seed, int n) {
  MadeNumbers made(seed);
  std::vector<std::vector<double>> x(4);
  std::vector<double> time, event;
  for (int i = 0; i < n; ++i) {
    double row[4];
    for (double& v : row) v = made.normal();
    const double until = std::exp(1 + 0.8 * row[0] - 0.5 * row[1] * row[2] + 0.5 * made.normal());
    const double censored = std::exp(1.5 + 1.0 * made.normal());
    for (std::size_t f = 0; f < 4; ++f) x[f].push_back(row[f]);
    time.push_back(std::nearbyint(std::min(until, censored) * 100) / 100 + 0.01);
    event.push_back(until <= censored);
  }
  return survival_data(x, time, event);
}

Json golden() {
  std::ifstream file(CAIRN_SOURCE_DIR "/tests/golden/boosting_objectives.json");
  return Json::parse(file)["survival"];
}

struct Few {
  std::vector<double> time, raw, weights;
  std::vector<std::uint8_t> event;
  tree::Truth truth;
};

void take_few(Few& f, const Json& few) {
  f.time = few["time"].get<std::vector<double>>();
  f.raw = few["margin"].get<std::vector<double>>();
  f.event = few["event"].get<std::vector<std::uint8_t>>();
  f.truth.y = f.time;
  f.truth.events = f.event;
  f.truth.rows = std::ssize(f.time);
  f.truth.by_time = tree::rows_by_time(f.time);
  f.truth.by_time = tree::rows_by_time(f.time);
}

constexpr std::pair<const char*, tree::Noise> kNoises[] = {
    {"normal", tree::Noise::normal}, {"logistic", tree::Noise::logistic}, {"extreme", tree::Noise::extreme}};

}  // namespace

TEST_CASE("cox: derivatives are XGBoost's, and against central differences with weights and equal times") {
  const Json few = golden()["few"];
  Few f;
  take_few(f, few);
  std::vector<double> g(f.raw.size()), h(g.size()), up_g(g.size()), down_g(g.size()), any(g.size());
  tree::cox_gradients(f.truth, f.raw, g, h);
  for (std::size_t i = 0; i < g.size(); ++i) {
    CHECK(g[i] == doctest::Approx(few["cox"]["g"][i].get<double>()).epsilon(2e-6).scale(1));
    CHECK(h[i] == doctest::Approx(few["cox"]["h"][i].get<double>()).epsilon(2e-6).scale(1));
  }
  for (std::size_t i = 0; i < g.size(); ++i) f.weights.push_back(0.5 + static_cast<double>(i % 3));
  f.time[3] = f.time[5] = f.time[8];  // two that happened and one that is censored
  f.truth.by_time = tree::rows_by_time(f.time);
  f.truth.by_time = tree::rows_by_time(f.time);
  f.truth.weights = f.weights;
  tree::cox_gradients(f.truth, f.raw, g, h);
  double events = 0;
  for (std::size_t i = 0; i < g.size(); ++i) events += f.event[i] * f.weights[i];
  for (std::size_t i = 0; i < g.size(); ++i) {
    constexpr double kStep = 1e-5;
    std::vector<double> up = f.raw, down = f.raw;
    up[i] += kStep, down[i] -= kStep;
    const double slope = (tree::cox_loss(f.truth, up) - tree::cox_loss(f.truth, down)) / (2 * kStep) * events;
    CHECK(g[i] == doctest::Approx(slope).epsilon(1e-6).scale(1));
    tree::cox_gradients(f.truth, up, up_g, any);
    tree::cox_gradients(f.truth, down, down_g, any);
    CHECK(h[i] == doctest::Approx((up_g[i] - down_g[i]) / (2 * kStep)).epsilon(1e-6).scale(1));
  }
  // A common part says nothing.
  std::vector<double> moved = f.raw;
  for (double& v : moved) v += 900;
  CHECK(tree::cox_loss(f.truth, moved) == doctest::Approx(tree::cox_loss(f.truth, f.raw)).epsilon(1e-12));
}

TEST_CASE("aft: derivatives are XGBoost's, and against central differences") {
  const Json few = golden()["few"];
  for (const auto& [name, noise] : kNoises) {
    CAPTURE(std::string(name));
    Few f;
    take_few(f, few);
    f.truth.params.noise = noise;
    f.truth.params.noise_scale = 1.3;
    std::vector<double> g(f.raw.size()), h(g.size()), up_g(g.size()), down_g(g.size()), any(g.size());
    tree::aft_gradients(f.truth, f.raw, 0, f.truth.rows, g, h);
    for (std::size_t i = 0; i < g.size(); ++i) {
      CHECK(g[i] == doctest::Approx(few[name]["g"][i].get<double>()).epsilon(2e-6));
      CHECK(h[i] == doctest::Approx(few[name]["h"][i].get<double>()).epsilon(2e-6));
      constexpr double kStep = 1e-5;
      const auto row = static_cast<std::int64_t>(i);
      std::vector<double> up = f.raw, down = f.raw;
      up[i] += kStep, down[i] -= kStep;
      const double slope =
          (tree::aft_loss(f.truth, up, row) - tree::aft_loss(f.truth, down, row)) / (2 * kStep);
      CHECK(g[i] == doctest::Approx(slope).epsilon(1e-6).scale(1e-2));
      tree::aft_gradients(f.truth, up, 0, f.truth.rows, up_g, any);
      tree::aft_gradients(f.truth, down, 0, f.truth.rows, down_g, any);
      CHECK(h[i] == doctest::Approx((up_g[i] - down_g[i]) / (2 * kStep)).epsilon(1e-6).scale(1e-2));
    }
    // Far out the censored normal's hazard has no digits left in erfc.
    for (double far : {-60.0, -42.0, 42.0}) {
      std::vector<double> raw(f.raw.size(), far);
      if (noise == tree::Noise::extreme && far < 0) continue;
      tree::aft_gradients(f.truth, raw, 0, f.truth.rows, g, h);
      for (std::size_t i = 0; i < g.size(); ++i)
        CHECK((std::isfinite(g[i]) && std::isfinite(h[i]) && h[i] > 0));
    }
  }
}

TEST_CASE("survival: who is first among rows not seen is told as well as by the peer") {
  const Json recorded = golden();
  const Dataset rows = survival_rows(1, 2000), held_out = survival_rows(2, 1000);
  CHECK(rows.target_values()[0] == doctest::Approx(recorded["first"][4].get<double>()).epsilon(1e-12));
  int events = 0;
  for (const auto e : rows.events()) events += e;
  CHECK(events == recorded["events"].get<int>());
  const P p{.trees = 60, .max_depth = 3};
  const auto check = [&](const char* name, P with) {
    CAPTURE(std::string(name));
    const Evaluation e = evaluate(*fit_boosting(with, rows), held_out);
    const Estimate c = *e.find("concordance")->estimate;
    MESSAGE(std::string(name), " ", c.value, " peer ", recorded["concordance"][name].get<double>());
    CHECK(e.results.size() == 1);
    CHECK(c.high - c.low < 0.05);
    CHECK(c.value > recorded["concordance"][name].get<double>() - 0.004);
  };
  P with = p;
  with.objective = "cox";
  check("cox", with);
  with.objective = "aft";
  check("normal", with);
  with.aft_distribution = "logistic", with.aft_scale = 0.5;
  check("logistic", with);
  with.aft_distribution = "extreme", with.aft_scale = 0.7;
  check("extreme", with);
}

TEST_CASE("aft: predicted times of a known distribution are the medians, censored or not") {
  // One constant feature: the prediction is exp(mu) of the best constant, which by symmetry is the median.
  MadeNumbers made(4);
  std::vector<double> time, event;
  for (int i = 0; i < 4000; ++i) {
    const double until = std::exp(2 + made.normal()), censored = std::exp(2.5 + made.normal());
    time.push_back(std::min(until, censored));
    event.push_back(until <= censored);
  }
  const Dataset data = survival_data({std::vector<double>(4000, 1)}, time, event);
  const Table p = fit_boosting({.objective = "aft", .trees = 1}, data)->predict(data.features());
  CHECK(p.column("prediction").number_at(0) == doctest::Approx(std::exp(2)).epsilon(0.05));
}

TEST_CASE("survival: the same bytes for any number of threads") {
  const Dataset rows = survival_rows(3, 20000);
  const int before = num_threads();
  for (const char* objective : {"cox", "aft"}) {
    std::string bytes;
    for (const int threads : {1, 2, 7}) {
      set_num_threads(threads);
      const std::string now = to_bytes(*fit_boosting({.objective = objective, .trees = 3}, rows));
      if (bytes.empty()) bytes = now;
      CHECK(now == bytes);
    }
  }
  set_num_threads(before);
}

TEST_CASE("survival: times and events that make no sense") {
  const std::vector<std::vector<double>> x{{1, 2, 3}};
  for (const char* objective : {"cox", "aft"}) {
    const auto refused = [&](std::vector<double> time, std::vector<double> event, const std::string& text) {
      CHECK_THROWS_WITH_AS(fit_boosting({.objective = objective}, survival_data(x, time, event)),
                           doctest::Contains(text.c_str()), DataError);
    };
    const std::string takes = std::string("; objective=") + objective + " takes targets times above 0";
    refused({1, -2, 3}, {1, 1, 0}, "a target is -2" + takes);
    refused({1, 0, 3}, {1, 1, 0}, "a target is 0" + takes);
    refused({1, 2, 3}, {0, 0, 0}, "in none of 3 rows it happened: every time is censored");
    refused({1, 2, 3}, {1, 2, 0}, "event 'event', row 2: '2' is neither 1 (it happened) nor 0");
    refused({1, 2, 3}, {1, 0, std::nan("")}, "event 'event', row 3: is missing; 1 (it happened) or 0");
  }
}
