// Categories as means of the target: against sums over the rows before, and decoded trees against encoded
// ones.
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/random.h"
#include "cairn/tree/ensemble.h"
#include "cairn/tree/target_statistics_internal.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;
using namespace cairn::tree;

namespace {

struct Made {
  std::vector<std::int32_t> codes;  // -1: missing
  std::vector<double> x, y;
};

Made made(std::uint64_t seed, int n, int levels, bool missing) {
  Random random(seed, "rows");
  Made m;
  for (int i = 0; i < n; ++i) {
    m.codes.push_back(missing && random.below(9) == 0
                          ? -1
                          : static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(levels))));
    m.x.push_back(random.normal());
    m.y.push_back(random.normal() + m.codes.back() % 5);
  }
  return m;
}

std::vector<std::string> names(int levels) {
  std::vector<std::string> all;
  for (int i = 0; i < levels; ++i) all.push_back("l" + std::to_string(i));
  return all;
}

Dataset dataset(const Made& m, int levels, bool classes = false) {
  std::vector<Column> columns{Column::category("c", Tensor::from(m.codes), names(levels)),
                              Column::number("x", Tensor::from(m.x))};
  if (!classes) {
    columns.push_back(Column::number("y", Tensor::from(m.y)));
    return {Table(columns), {.roles = {.target = "y"}, .task = Task::regression}};
  }
  std::vector<std::int32_t> labels;
  for (const double y : m.y) labels.push_back(y < 1 ? 0 : y < 3 ? 1 : 2);
  columns.push_back(Column::category("y", Tensor::from(labels), {"low", "middle", "high"}));
  return {Table(columns), {.roles = {.target = "y"}, .task = Task::multiclass}};
}

double value(const TreeData& data, std::int64_t feature, std::size_t row) {
  const ColumnValues column(by_columns(data.x), feature);
  return column.is_f32() ? static_cast<double>(column.f32()[row]) : column.f64()[row];
}

}  // namespace

TEST_CASE("target statistics: a row is told the mean of its level among the rows before it") {
  const Made m = made(1, 60, 6, true);
  const TreeData data = tree_data(dataset(m, 6), "test");
  const TargetStatistics statistics(data, 4, 2);
  REQUIRE(statistics.any());
  CHECK(statistics.source() == std::vector<std::int32_t>{0, 1});
  const TreeData encoded = statistics.training(5);
  CHECK(!encoded.features.list()[0].category);
  double mean = 0, squares = 0;
  for (const double y : m.y) mean += y / 60;
  for (const double y : m.y) squares += (y - mean) * (y - mean) / 60;
  const std::vector<std::int64_t> order = Random(5, "order of the rows").permutation(60);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto row = static_cast<std::size_t>(order[i]);
    double sum = 2 * mean, weight = 2;
    for (std::size_t j = 0; j < i; ++j) {
      const auto before = static_cast<std::size_t>(order[j]);
      if (m.codes[before] != m.codes[row]) continue;
      sum += m.y[before];
      weight += 1;
    }
    CHECK(value(encoded, 0, row) ==
          doctest::Approx((sum / weight - mean) / std::sqrt(squares)).epsilon(1e-5));
    CHECK(value(encoded, 1, row) == m.x[row]);
  }
  CHECK(!TargetStatistics(data, 7, 2).any());
}

TEST_CASE("target statistics: trees mean the same in levels as in statistics") {
  for (const int levels : {9, 1500}) {  // with 1500 some levels are rare and share a statistic
    for (const bool classes : {false, true}) {
      const Made m = made(2, 4000, levels, true);
      const TreeData data = tree_data(dataset(m, levels, classes), "test");
      const TargetStatistics statistics(data, 4, 1);
      CHECK(statistics.source().size() == (classes ? 4 : 2));
      const TreeData seen = statistics.others(data);
      Random random(3, "trees");
      for (int trial = 0; trial < 20; ++trial) {
        Tree tree;
        tree.nodes.emplace_back();
        for (std::int32_t parent = 0; parent < 7; ++parent) {
          tree.split(parent);
          TreeNode& node = tree.nodes[static_cast<std::size_t>(parent)];
          node.feature = static_cast<std::int32_t>(random.below(statistics.source().size()));
          // A value of some row, or one below or above all of them.
          const auto row = random.below(4000);
          node.threshold = random.below(6) == 0 ? random.normal() * 100 : value(seen, node.feature, row);
        }
        for (std::size_t i = 7; i < tree.nodes.size(); ++i) tree.nodes[i].value = {random.normal()};
        Tree decoded = tree;
        statistics.decode(decoded);
        std::vector<double> by_statistics(4000), by_levels(4000);
        TreeEnsemble({.num_features = std::ssize(statistics.source())}, std::span(&tree, 1))
            .predict_raw(seen.x, by_statistics);
        TreeEnsemble({.num_features = 2}, std::span(&decoded, 1)).predict_raw(data.x, by_levels);
        CHECK(by_statistics == by_levels);
      }
    }
  }
}

TEST_CASE("target statistics: levels without meaning are not learned by heart") {
  Made train = made(4, 600, 150, false), test = made(5, 2000, 150, false);
  for (Made* m : {&train, &test})
    for (std::size_t i = 0; i < m->y.size(); ++i) m->y[i] += m->x[i] - m->codes[i] % 5;  // only x tells
  const auto error = [&](const char* splits) {
    const auto fitted = GradientBoosting({.trees = 60, .category_splits = splits}).fit(dataset(train, 150));
    const auto* model = dynamic_cast<const TreeModel*>(fitted.get());
    std::vector<double> raw(2000);
    model->trees().predict_raw(model->features().matrix(dataset(test, 150).features()), raw);
    double sum = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) sum += (raw[i] - test.y[i]) * (raw[i] - test.y[i]) / 2000;
    return sum;
  };
  CHECK(error("statistics") < 0.95 * error("groups"));
}
