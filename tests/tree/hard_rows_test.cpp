// Data at the edge of what trees can learn from: every tree learner gives numbers, or says what is wrong.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <memory>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/tree/decision_tree.h"
#include "cairn/tree/tree_list.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using namespace cairn::test;

namespace {

const double kNaN = std::nan("");
using Rows = std::vector<std::vector<double>>;

// What every tree learner that serves the data says of their rows, all finite.
void each_learner(const Dataset& data, const std::function<void(const LearnerEntry&, const Table&)>& look) {
  for (const LearnerEntry& entry : tree_learners()) {
    if (is_classification(data.task()) ? !entry.binary : !entry.regression) continue;
    INFO(entry.name);
    const auto learner = entry.make();
    if (std::string_view(entry.name) != "decision_tree") set_param(learner->params(), "trees", "5");
    const auto model = learner->fit(data);
    const Table said = model->predict(data.features());
    for (const Column& c : said.columns())
      if (c.kind() == ColumnKind::number)
        for (std::int64_t r = 0; r < c.size(); ++r) CHECK(std::isfinite(c.number_at(r)));
    look(entry, said);
  }
}

}  // namespace

TEST_CASE("trees: a target that never changes is refused, one that does where weights are is learned") {
  Rows x;
  std::vector<double> w;
  for (int i = 0; i < 40; ++i) {
    x.push_back({static_cast<double>(i), static_cast<double>(i % 3)});
    w.push_back(i == 0 ? 0 : 1);
  }
  CHECK_THROWS_WITH_AS(
      DecisionTree(DecisionTreeParams{}).fit(regression_data(x, std::vector<double>(40, 7.25))),
      doctest::Contains("every row holds 7.25; there is nothing to learn"), DataError);
  std::vector<double> y(40, 7.25);
  y[0] = 1;  // a row that does not count
  each_learner(regression_data(x, y).with_weights(w), [](const LearnerEntry&, const Table& said) {
    for (std::int64_t r = 1; r < said.num_rows(); ++r)
      CHECK(said.column("prediction").number_at(r) == doctest::Approx(7.25).epsilon(1e-12));
  });
}

TEST_CASE("trees: weights beside which the others round away make no gain that is no number") {
  const Rows x{{0}, {1}, {2}};
  for (const std::vector<double>& w :
       std::vector<std::vector<double>>{{1e17, 1, 1}, {1, 1e17, 1}, {1, 1, 1e17}}) {
    INFO(w[0] << " " << w[1]);
    const auto gains = [&](const Dataset& data) {
      const auto model = DecisionTree(DecisionTreeParams{}).fit(data.with_weights(w));
      const auto& trees = dynamic_cast<const TreeModel&>(*model).trees();
      for (const float g : trees.gains()) CHECK(std::isfinite(g));
    };
    gains(regression_data(x, std::vector<double>{1, 2, 4}));
    gains(classification_data(x, std::vector<int>{0, 1, 2}));
    each_learner(regression_data(x, std::vector<double>{1, 2, 4}).with_weights(w),
                 [](const LearnerEntry&, const Table&) {});
  }
}

TEST_CASE("trees: one row, a column of gaps, nothing but gaps, infinite values") {
  each_learner(regression_data({{1, 2}}, std::vector<double>{3}), [](const LearnerEntry&, const Table& said) {
    CHECK(said.column("prediction").number_at(0) == doctest::Approx(3));
  });
  Rows gap, gaps, infinite;
  std::vector<double> y;
  for (int i = 0; i < 60; ++i) {
    gap.push_back({kNaN, static_cast<double>(i % 10)});
    gaps.push_back({kNaN, kNaN});
    infinite.push_back({i % 4 == 0   ? INFINITY
                        : i % 4 == 1 ? -INFINITY
                                     : static_cast<double>(i),
                        static_cast<double>(i % 7)});
    y.push_back(i % 4 == 0 ? 10 : i % 10);
  }
  each_learner(regression_data(gap, y), [](const LearnerEntry&, const Table&) {});
  each_learner(regression_data(gaps, y), [&](const LearnerEntry&, const Table& said) {
    for (std::int64_t r = 1; r < said.num_rows(); ++r)  // nothing tells the rows apart
      CHECK(said.column("prediction").number_at(r) == said.column("prediction").number_at(0));
  });
  each_learner(regression_data(infinite, y), [](const LearnerEntry&, const Table&) {});
}

TEST_CASE("trees: rows of weight 0 are as if they were not there") {
  Random random(1, "rows");
  Rows x, kept;
  std::vector<double> y, y_kept, w;
  for (int i = 0; i < 120; ++i) {
    x.push_back({random.normal(), random.normal()});
    y.push_back(i % 3 == 0 ? 1e6 : x.back()[0]);
    w.push_back(i % 3 == 0 ? 0 : 1);
    if (i % 3 != 0) kept.push_back(x.back()), y_kept.push_back(y.back());
  }
  const Dataset with = regression_data(x, y).with_weights(w), without = regression_data(kept, y_kept);
  for (const LearnerEntry& entry : tree_learners()) {
    INFO(entry.name);
    const auto a = entry.make()->fit(with), b = entry.make()->fit(without);
    const Table said = a->predict(without.features()), expected = b->predict(without.features());
    for (std::int64_t r = 0; r < said.num_rows(); ++r)
      CHECK(said.column("prediction").number_at(r) ==
            doctest::Approx(expected.column("prediction").number_at(r)).epsilon(1e-9));
  }
  for (const LearnerEntry& entry : tree_learners())
    CHECK_THROWS_WITH_AS(entry.make()->fit(regression_data(x, y).with_weights(std::vector<double>(120, 0.0))),
                         doctest::Contains("every weight is 0; no row counts"), DataError);
}

TEST_CASE("trees: a name for every row, and a category of 200,000 levels") {
  constexpr int kRows = 1500, kLevels = 200'000;
  Random random(2, "levels");
  std::vector<std::int32_t> code;
  std::vector<double> y;
  std::vector<std::string> names;
  for (int l = 0; l < kLevels; ++l) names.push_back("level " + std::to_string(l));
  for (int i = 0; i < kRows; ++i) {
    code.push_back(static_cast<std::int32_t>(random.below(kLevels)));
    y.push_back(code.back() % 2 + 0.1 * random.normal());
  }
  each_learner(
      Dataset(Table({Column::category("c", Tensor::from(code), names), Column::number("y", Tensor::from(y))}),
              {.roles = {.target = "y"}, .task = Task::regression}),
      [](const LearnerEntry&, const Table&) {});
}

TEST_CASE("trees: counts below 0 are refused where counts are learned") {
  const Dataset data = regression_data({{1}, {2}, {3}}, std::vector<double>{1, -2, 3.5});
  for (const LearnerEntry& entry : tree_learners()) {
    const auto learner = entry.make();
    if (std::string_view(entry.name) == "quantile_forest") continue;
    const bool boosting = std::string_view(entry.name) == "gradient_boosting";
    set_param(learner->params(), boosting ? "objective" : "criterion", "poisson");
    CHECK_THROWS_WITH_AS(learner->fit(data), doctest::Contains("a target is -2"), DataError);
  }
}
