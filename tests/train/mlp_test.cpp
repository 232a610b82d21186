// The learner mlp: what its parameters mean.
#include "cairn/train/mlp.h"

#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/nn/network.h"
#include "cairn/tensor/precision.h"
#include "cairn/train/net_learner.h"
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

TEST_CASE("mlp: a group of no parameter is left out for a declared network, and a mistake in a user's own") {
  const Line line;
  const Dataset data = test::regression_data(line.rows, line.y);
  const std::string no_bias = R"({"input": [2], "layers": [{"layer": "linear", "out": 1, "bias": false}]})";
  CHECK_NOTHROW(Mlp({.network = no_bias, .epochs = 1}).fit(data));
  NetLearnerParts parts{.factory = [&](std::int64_t, std::int64_t) { return Network::parse(no_bias); },
                        .step = {.groups = {{.match = "*.wieght", .penalty = 0}}}};
  CHECK_THROWS_WITH_AS(NetLearner(parts).fit(data), doctest::Contains("no parameter is called '*.wieght'"),
                       UsageError);
}

TEST_CASE("mlp: levels become a few learned numbers; one that training never saw is predicted for too") {
  // 40 levels whose effect is a sine of their number: two numbers can say it.
  std::vector<std::string> levels;
  for (int k = 0; k < 40; ++k) levels.push_back("k" + std::to_string(k));
  Random random(5, "levels");
  std::vector<std::int32_t> codes;
  std::vector<double> x, y;
  for (int i = 0; i < 400; ++i) {
    codes.push_back(static_cast<std::int32_t>(i % 39));  // k39 is not among them
    x.push_back(random.normal());
    y.push_back(3 * std::sin(0.3 * (i % 39)) + x.back());
  }
  const auto table = [&](const std::vector<std::int32_t>& of, const std::vector<double>& numbers) {
    return std::vector<Column>{Column::category("level", Tensor::from(of), levels),
                               Column::number("x", Tensor::from(numbers))};
  };
  std::vector<Column> columns = table(codes, x);
  columns.push_back(Column::number("y", Tensor::from(y)));
  const Dataset data(Table(std::move(columns)), {.roles = {.target = "y"}});
  const auto model = prepare(Mlp({.hidden = "16", .categories = "embed", .epochs = 40, .l2 = 0.1}), data)
                         ->fit(data, {.seed = 1});
  const auto said = model->predict(Table(table({0, 5, 39, -1}, {0, 0, 0, 0}))).column("prediction");
  CHECK(said.number_at(0) == doctest::Approx(0).epsilon(0.6));
  CHECK(said.number_at(1) == doctest::Approx(3 * std::sin(1.5)).epsilon(0.3));
  for (const std::int64_t r : {2, 3}) CHECK(std::abs(said.number_at(r)) < 4);

  const std::string network = Mlp({.hidden = "8"}).network(41, 1, "0:40:13");
  const Network net = Network::parse(network);
  CHECK(net.rows()[0].output == Shape{14});
  CHECK_THROWS_WITH_AS(Mlp({.network = network, .hidden = "8"}),
                       doctest::Contains("mlp.hidden is set beside mlp.network"), ParamError);
}

TEST_CASE("mlp: precision bf16 learns what f32 does and tells the loss in both, or says that it cannot") {
  Random random(5, "bf16");
  std::vector<std::vector<double>> rows;
  std::vector<double> y;
  for (int i = 0; i < 1500; ++i) {
    rows.emplace_back();
    for (int c = 0; c < 20; ++c) rows.back().push_back(random.normal());
    y.push_back(rows.back()[0] - 2 * rows.back()[1] * rows.back()[2] + 0.1 * random.normal());
  }
  const Dataset data = test::regression_data(rows, y, {});
  const auto learner = [](const char* precision) {
    return Mlp({.hidden = "256,128", .epochs = 15, .precision = precision});
  };
  if (!why_no_bf16().empty()) {
    CHECK_THROWS_WITH_AS(learner("bf16"), doctest::Contains("mlp.precision: bf16 is asked for"), UsageError);
    return;
  }
  const auto error = [&](const Model& model) {
    const Table said = model.predict(data.features());
    const auto v = said.column("prediction").values().data<double>();
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += (v[i] - y[i]) * (v[i] - y[i]);
    return sum / static_cast<double>(y.size());
  };
  const auto exact = learner("f32").fit(data, {.seed = 1}), rounded = learner("bf16").fit(data, {.seed = 1});
  CHECK(error(*exact) != error(*rounded));
  CHECK(error(*rounded) < 1.2 * error(*exact) + 0.02);
  bool told = false;
  for (const std::string& note : rounded->notes())
    told = told || note.find("the loss of 1024 training rows is") != std::string::npos;
  CHECK(told);
}
