// Quantile forests: against numpy on a tree of scikit-learn, the definition spelled out, a peer, and
// coverage.
#include "cairn/tree/quantile_forest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "tests/support/golden.h"
#include "tests/support/memory_visitor.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using namespace cairn::test;

namespace {

using Rows = std::vector<std::vector<double>>;

std::unique_ptr<QuantileForestModel> fit(const QuantileForestParams& params, const Dataset& data,
                                         std::uint64_t seed = 0) {
  auto model = QuantileForest(params).fit(data, {.seed = seed});
  REQUIRE(dynamic_cast<QuantileForestModel*>(model.get()) != nullptr);
  return std::unique_ptr<QuantileForestModel>(dynamic_cast<QuantileForestModel*>(model.release()));
}

std::vector<double> column(const Table& table, std::int64_t i) {
  const Tensor numbers = table.column(i).numbers();
  const auto values = numbers.data<double>();
  return {values.begin(), values.end()};
}

// y = x0 + (1 + x1) * noise: the spread depends on the row.
struct Sample {
  Rows x;
  std::vector<double> y;
};
Sample sample(std::uint64_t seed, int n) {
  Random random(seed, "rows");
  Sample s;
  for (int i = 0; i < n; ++i) {
    s.x.push_back({random.uniform(), random.uniform(), random.normal()});
    s.y.push_back(4 * s.x.back()[0] + (0.2 + 2 * s.x.back()[1]) * random.normal());
  }
  return s;
}

}  // namespace

TEST_CASE("quantile forest: one tree of scikit-learn, numpy's quantiles in its leaves") {
  const auto golden = read_golden("tree_quantiles.json");
  const auto levels = golden_numbers(golden["levels"]);
  const auto& exact = golden["exact"];
  Rows x;
  for (const auto& row : exact["x"]) x.push_back(golden_numbers(row));
  for (const auto& c : exact["cases"]) {
    INFO(c["min_samples_leaf"] << (c["weighted"].get<bool>() ? " weighted" : ""));
    Dataset data = regression_data(x, golden_numbers(exact["y"]));
    if (c["weighted"].get<bool>()) data = data.with_weights(golden_numbers(exact["weights"]));
    const auto model = fit(
        {.trees = 1, .min_samples_leaf = c["min_samples_leaf"], .max_features = "all", .bootstrap = false},
        data);
    const Table said = model->quantiles(data.features(), levels);
    const auto wanted = golden_numbers(c["quantiles"]);
    std::vector<double> got(wanted.size());
    for (std::size_t l = 0; l < levels.size(); ++l) {
      const auto values = column(said, static_cast<std::int64_t>(l));
      for (std::size_t r = 0; r < values.size(); ++r) got[r * levels.size() + l] = values[r];
    }
    CHECK(largest_difference(got, wanted) == 0);
  }
}

TEST_CASE("quantile forest: the definition, row by row, on few rows and on many") {
  for (const int n : {150, 3000}) {  // few: a walk over all targets; many: over those of the leaves
    const Sample s = sample(1, n);
    const Dataset data = regression_data(s.x, s.y);
    const auto model = fit({.trees = 8}, data, 3);
    const TreeEnsemble& trees = model->forest().trees();
    const Table said = model->quantiles(data.features(), std::vector{0.9, 0.3});
    CHECK(said.names() == std::vector<std::string>{"q_0.9", "q_0.3"});
    std::vector<std::size_t> order(s.y.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) { return s.y[i]; });
    for (std::size_t r = 0; r < 40; ++r) {
      std::vector<double> w(s.y.size());
      for (std::int64_t t = 0; t < 8; ++t) {
        std::vector<std::size_t> same;
        for (std::size_t i = 0; i < s.y.size(); ++i)
          if (trees.leaf_of(t, s.x[i]) == trees.leaf_of(t, s.x[r])) same.push_back(i);
        for (const std::size_t i : same) w[i] += 1.0 / 8 / static_cast<double>(same.size());
      }
      double below = 0;
      std::vector<double> wanted;
      for (const double level : {0.3, 0.9}) {
        below = 0;
        for (const std::size_t i : order) {
          below += w[i];
          if (below < level - 1e-12) continue;
          wanted.push_back(s.y[i]);
          break;
        }
      }
      CHECK(column(said, 1)[r] == wanted[0]);
      CHECK(column(said, 0)[r] == wanted[1]);
    }
  }
}

TEST_CASE("quantile forest: held-out rows of diabetes, as scikit-learn's forests by the paper and a peer's") {
  const auto golden = read_golden("tree_quantiles.json");
  const auto levels = golden_numbers(golden["levels"]), paper = golden_numbers(golden["paper"]["loss"]),
             spread = golden_numbers(golden["paper"]["spread"]),
             peer = golden_numbers(golden["peer"]["loss"]);
  Rows train, test;
  std::vector<double> y, truth;
  const Rows rows = read_numbers(std::string(CAIRN_SOURCE_DIR) + "/data/diabetes.csv", 1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    (i % 3 == 2 ? test : train).emplace_back(rows[i].begin(), rows[i].end() - 1);
    (i % 3 == 2 ? truth : y).push_back(rows[i].back());
  }
  const auto model = fit({}, regression_data(train, y));
  const Table said = model->quantiles(regression_data(test, truth).features(), levels);
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const auto q = column(said, static_cast<std::int64_t>(l));
    double sum = 0;
    for (std::size_t i = 0; i < q.size(); ++i)
      sum += std::max(levels[l] * (truth[i] - q[i]), (levels[l] - 1) * (truth[i] - q[i]));
    INFO("level " << levels[l]);
    const double loss = sum / static_cast<double>(q.size());
    CHECK(std::abs(loss - paper[l]) < 5 * spread[l]);
    CHECK(loss < 1.05 * peer[l]);  // the peer interpolates between targets
  }
}

TEST_CASE(
    "quantile forest: intervals hold what they say on rows never seen, and are wide where the noise is") {
  const Sample s = sample(2, 4000), unseen = sample(3, 2000);
  const auto model = fit({.min_samples_leaf = 10}, regression_data(s.x, s.y));
  const Dataset rows = regression_data(unseen.x, unseen.y);
  const Table said = model->quantiles(rows.features(), std::vector{0.05, 0.95});
  const auto low = column(said, 0), high = column(said, 1);
  double held = 0, narrow = 0, wide = 0;
  for (std::size_t i = 0; i < low.size(); ++i) {
    CHECK(low[i] <= high[i]);
    held += low[i] <= unseen.y[i] && unseen.y[i] <= high[i] ? 1 : 0;
    if (unseen.x[i][1] < 0.2) narrow = std::max(narrow, high[i] - low[i]);
    if (unseen.x[i][1] > 0.8) wide = std::max(wide, high[i] - low[i]);
  }
  CHECK(held / 2000 == doctest::Approx(0.9).epsilon(0.04));
  CHECK(wide > 1.5 * narrow);
}

TEST_CASE("quantile forest: few rows a leaf, any number of threads, files, and what it refuses") {
  const Sample s = sample(4, 800);
  const Dataset data = regression_data(s.x, s.y);
  const auto model = fit({.trees = 10, .min_samples_leaf = 50}, data, 1);
  const auto thin = fit({.trees = 10, .min_samples_leaf = 50, .leaf_samples = 5}, data, 1);
  CHECK(model->notes().back() == "the leaves of 10 trees remember 8000 rows in 0.0 MB");
  const auto remembered = thin->notes().back();
  CHECK(remembered.find("remember 8000") == std::string::npos);
  const std::vector levels{0.1, 0.9};
  const auto wanted = column(model->quantiles(data.features(), levels), 0);
  for (const int threads : {1, 3}) {
    const int before = num_threads();
    set_num_threads(threads);
    const auto again = fit({.trees = 10, .min_samples_leaf = 50}, data, 1);
    CHECK(column(again->quantiles(data.features(), levels), 0) == wanted);
    set_num_threads(before);
  }
  QuantileForestModel copy;
  copy_by_visit(*model, copy);
  CHECK(column(copy.quantiles(data.features(), levels), 0) == wanted);
  CHECK(column(copy.predict(data.features()), 0) == column(model->predict(data.features()), 0));
  CHECK_THROWS_WITH_AS(model->quantiles(data.features(), std::vector{1.5}),
                       "--quantiles: 1.5 is not between 0 and 1. Such as 0.1,0.5,0.9.", UsageError);
  CHECK_THROWS_WITH_AS(model->quantiles(data.features(), std::vector{0.5, 0.5}),
                       "--quantiles: names 0.5 twice", UsageError);
  std::vector<int> labels(800);
  labels[0] = 1;
  CHECK_THROWS_WITH_AS(
      fit({}, classification_data(s.x, labels)),
      "quantile_forest: predicts quantities; this is a binary task. random_forest takes classes.", DataError);
}
