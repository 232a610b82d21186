// What a person may demand of single trees and forests as of boosting: quantiles, features that may meet; and
// what a forest says of itself.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/model/archive.h"
#include "cairn/model/evaluate.h"
#include "cairn/tree/decision_tree.h"
#include "cairn/tree/forest.h"
#include "cairn/tree/gradient_boosting.h"
#include "cairn/tree/quantile_forest.h"
#include "tests/support/error_text.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using namespace cairn::test;
using cairn::testing::error_text;

namespace {

using Rows = std::vector<std::vector<double>>;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Sample {
  Rows x;
  std::vector<double> y;
};

// Every feature matters, and the first two together; noise grows with x2.
Sample sample(std::uint64_t seed, int n) {
  Random random(seed, "rows");
  Sample s;
  for (int i = 0; i < n; ++i) {
    s.x.push_back({random.normal(), random.normal(), random.normal()});
    const auto& x = s.x.back();
    s.y.push_back(x[0] * x[1] + x[1] + 0.5 * x[2] + std::exp(x[2] / 2) * random.normal());
  }
  return s;
}

std::vector<OwnEstimate> own_of(const Model& model) {
  return dynamic_cast<const OutOfBagModel&>(model).out_of_bag();
}

const TreeModel& trees_in(const Model& model) { return dynamic_cast<const TreeModel&>(model); }

struct Met {
  bool apart = true, together = false;  // no path holds x0 and another; some path holds x1 and x2
};

Met paths_of(const TreeEnsemble& trees) {
  Met met;
  std::vector<unsigned> above(at(trees.num_nodes()));  // bits of the features asked on the way
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i) {
    if (trees.is_leaf(i)) continue;
    const unsigned here = above[at(i)] | 1U << trees.features()[at(i)];
    met.apart = met.apart && (here == 1U || (here & 1U) == 0);
    met.together = met.together || here == 6U;
    above[at(trees.left()[at(i)])] = above[at(trees.right()[at(i)])] = here;
  }
  return met;
}

}  // namespace

TEST_CASE("interactions: features meet on a path where they may, in trees, forests and boosting alike") {
  const Sample s = sample(1, 800);
  const Dataset values = regression_data(s.x, s.y);
  std::vector<int> labels;
  for (const double y : s.y) labels.push_back(y > 1 ? 2 : y > 0 ? 1 : 0);
  const Dataset classes = classification_data(s.x, labels);
  const std::vector<std::string> groups{"x1,x2"};
  const auto check = [&](const Learner& learner, const char* what) {
    for (const Dataset* data : {&values, &classes}) {
      CAPTURE(what);
      const auto model = learner.fit(*data, {.seed = 2});
      const Met met = paths_of(trees_in(*model).trees());
      CHECK(met.apart);
      CHECK(met.together);
    }
  };
  check(DecisionTree({.interactions = groups}), "tree");
  check(DecisionTree({.max_leaves = 30, .interactions = groups}), "tree, best first");
  check(DecisionTree({.max_features = "sqrt", .interactions = groups}), "tree, some features");
  RandomForestParams forest;
  forest.trees = 5;
  forest.interactions = groups;
  check(RandomForest(forest), "forest");
  ExtraTreesParams extra;
  extra.trees = 5;
  extra.interactions = groups;
  check(ExtraTrees(extra), "extra trees");
  check(GradientBoosting({.trees = 10, .interactions = groups}), "boosting");
  CHECK(!paths_of(trees_in(*DecisionTree({.max_depth = 6}).fit(values)).trees()).apart);
  CHECK(error_text([&] { DecisionTree({.interactions = {"x1,x9"}}).fit(values); }) ==
        "decision_tree.interactions: there is no feature 'x9'. Did you mean 'x0'?");
}

TEST_CASE("criterion=quantile: leaves hold the quantile of their rows, and one column says its level") {
  const Sample s = sample(3, 400);
  const Dataset data = regression_data(s.x, s.y);
  // One leaf: the quantile of all. Sorted, place 0.9 * 400 stands between two rows.
  std::vector<double> sorted = s.y;
  std::ranges::sort(sorted);
  const auto all =
      DecisionTree({.criterion = "quantile", .quantile = 0.9, .max_depth = 0, .min_samples_leaf = 400})
          .fit(data);
  const Table said = all->predict(data.features());
  CHECK(said.names() == std::vector<std::string>{"prediction", "q_0.9"});
  CHECK(said.column("q_0.9").number_at(7) == doctest::Approx((sorted[359] + sorted[360]) / 2).epsilon(1e-12));
  CHECK(all->predicts() == Predicts::quantiles);
  CHECK(DecisionTree({.criterion = "quantile"}).predicts() == Predicts::quantiles);
  CHECK(DecisionTree({.criterion = "absolute"}).predicts() == Predicts::value);
  for (const double level : {0.0, 1.0}) {  // of which rows on one side count nothing
    RandomForestParams forest;
    forest.quantile = level;
    const std::string outside = fmt::format("quantile = {:g} is outside (0, 1)", level);
    CHECK(error_text([&] { DecisionTree({.quantile = level}); }).starts_with("decision_tree." + outside));
    CHECK(error_text([&] { RandomForest{forest}; }).starts_with("random_forest." + outside));
  }
  // Of new rows about as many lie below as the level says.
  const Sample fresh = sample(4, 4000);
  RandomForestParams p;
  p.criterion = "quantile";
  p.min_samples_leaf = 20;
  p.trees = 20;
  for (const double level : {0.2, 0.8}) {
    p.quantile = level;
    const auto forest = RandomForest(p).fit(data, {.seed = 1});
    const Table q = forest->predict(regression_data(fresh.x, fresh.y).features());
    double below = 0;
    for (std::size_t r = 0; r < fresh.y.size(); ++r)
      below += fresh.y[r] <= q.column("prediction").number_at(static_cast<std::int64_t>(r)) ? 1 : 0;
    CHECK(std::abs(below / 4000 - level) < 0.06);  // a median would be off by 0.3
    const auto own = own_of(*forest);
    REQUIRE(own.size() == 1);
    CHECK(own[0].metric == "pinball");
    const Judged judged = judge(*forest, regression_data(fresh.x, fresh.y));
    const double there = *metric("pinball").compute(judged.view());
    CHECK(std::abs(own[0].estimate.value / there - 1) < 0.1);
    const auto again = model_from_bytes(to_bytes(*forest), "model.cairn", builtin_registry());
    CHECK(to_bytes(*again) == to_bytes(*forest));
    CHECK(own_of(*again)[0].estimate.low == own[0].estimate.low);
  }
  // Pruning weighs branches by the same loss.
  const auto pruned =
      DecisionTree({.criterion = "quantile", .quantile = 0.3, .prune_folds = 5}).fit(data, {.seed = 1});
  CHECK(trees_in(*pruned).trees().num_nodes() < 101);
  CHECK(
      error_text([&] { DecisionTree({.criterion = "quantile", .monotone = {"x0+"}}).fit(data); }) ==
      "decision_tree.monotone: criterion=quantile cannot keep it. gradient_boosting keeps it for values and "
      "two classes.");
  CHECK(error_text([&] {
          DecisionTree({.criterion = "quantile"}).fit(classification_data(s.x, std::vector<int>(400, 1)));
        }) == "decision_tree.criterion: quantile does not serve a binary task. gini and entropy do.");
}

TEST_CASE("forests: what they say of themselves is near what new rows say") {
  const Sample s = sample(5, 600), fresh = sample(6, 3000);
  RandomForestParams p;
  p.trees = 60;
  const auto near = [](const Model& model, const Dataset& test) {
    const Judged judged = judge(model, test);
    for (const OwnEstimate& own : own_of(model)) {
      CAPTURE(own.metric);
      const double there = *metric(own.metric).compute(judged.view());
      CHECK(own.estimate.low < own.estimate.value);
      CHECK(own.estimate.value < own.estimate.high);
      CHECK(own.estimate.n == 600);
      CHECK(std::abs(own.estimate.value - there) < 0.15);
    }
    return own_of(model).size();
  };
  CHECK(near(*RandomForest(p).fit(regression_data(s.x, s.y), {.seed = 1}),
             regression_data(fresh.x, fresh.y)) == 2);
  const auto classes = [](const Sample& of) {
    std::vector<int> labels;
    for (const double y : of.y) labels.push_back(y > 0.5 ? 1 : 0);
    return classification_data(of.x, labels);
  };
  CHECK(near(*RandomForest(p).fit(classes(s), {.seed = 1}), classes(fresh)) == 2);
  CHECK(!own_of(*QuantileForest({.trees = 10}).fit(regression_data(s.x, s.y))).empty());
  p.bootstrap = false;  // every row is seen by every tree
  CHECK(own_of(*RandomForest(p).fit(classes(s))).empty());
  p.bootstrap = true;
  p.trees = 1;
  const auto of_one_row = RandomForest(p).fit(regression_data({{1, 2, 3}}, std::vector<double>{4}));
  CHECK(own_of(*of_one_row).empty());
  CHECK(of_one_row->notes().back() == "out-of-bag: no row could be judged");
}

TEST_CASE("forests: rows count of themselves what they came with, however classes are balanced") {
  const Sample s = sample(7, 600), fresh = sample(8, 3000);
  const auto rare = [](const Sample& of) {
    std::vector<int> labels;
    for (const double y : of.y) labels.push_back(y > 2 ? 1 : 0);
    return classification_data(of.x, labels);
  };
  RandomForestParams p;
  p.trees = 60;
  p.min_samples_leaf = 10;
  p.class_weight = "balanced";
  const auto forest = RandomForest(p).fit(rare(s), {.seed = 1});
  const auto own = own_of(*forest);
  REQUIRE(own.size() == 2);
  REQUIRE(own[0].metric == "accuracy");
  const double right = own[0].estimate.value * 600;  // every row counts once
  CHECK(right == doctest::Approx(std::round(right)).epsilon(1e-12));
  const Judged judged = judge(*forest, rare(fresh));
  for (const OwnEstimate& e : own)
    CHECK(std::abs(e.estimate.value - *metric(e.metric).compute(judged.view())) < 0.05);
}

TEST_CASE("forests: intervals of what they say of themselves are over whole groups") {
  // Of twenty rows of a group all are high or all are low, and no feature tells.
  Random random(9, "groups");
  std::vector<double> x0, x1, y, group;
  double shift = 0;
  for (int r = 0; r < 600; ++r) {
    if (r % 20 == 0) shift = 2 * random.normal();
    x0.push_back(random.normal()), x1.push_back(random.normal());
    y.push_back(x0.back() + shift + 0.3 * random.normal());
    group.push_back(std::floor(r / 20.0));
  }
  const Table table({Column::number("x0", Tensor::from(x0)), Column::number("x1", Tensor::from(x1)),
                     Column::number("y", Tensor::from(y))});
  RandomForestParams p;
  p.trees = 10;
  const auto width = [&](const Table& rows, const std::string& role) {
    const Dataset data(rows, {.roles = {.target = "y", .group = role}, .task = Task::regression});
    const auto own = own_of(*RandomForest(p).fit(data, {.seed = 1}));
    REQUIRE(own[1].metric == "rmse");
    return own[1].estimate.high - own[1].estimate.low;
  };
  const double alone = width(table, ""),
               grouped = width(table.with(Column::number("g", Tensor::from(group))), "g");
  CHECK(grouped > 2 * alone);
  const Table one = table.with(Column::number("g", Tensor::from(std::vector<double>(y.size(), 1.0))));
  const Dataset data(one, {.roles = {.target = "y", .group = "g"}, .task = Task::regression});
  const auto forest = RandomForest(p).fit(data, {.seed = 1});  // of one group there is no interval
  CHECK(std::isnan(own_of(*forest)[0].estimate.low));
  CHECK(forest->notes().back().find("nan") == std::string::npos);
  const auto again = model_from_bytes(to_bytes(*forest), "model.cairn", builtin_registry());
  CHECK(to_bytes(*again) == to_bytes(*forest));
}
