// Forests grow the trees that decision trees grow, and a model file holds them in few bytes.
#include "cairn/tree/forest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/model/archive.h"
#include "cairn/tree/decision_tree.h"
#include "cairn/tree/quantile_forest.h"
#include "tests/support/model_file.h"

using namespace cairn;
using namespace cairn::test;

namespace {

const double kNaN = std::nan("");

// Two numbers, one of them with gaps, a category of seven levels with gaps; classes 0 to `classes` - 1, or
// values.
Dataset mixed_rows(int n, int classes, std::uint64_t seed, bool weighted) {
  Random random(seed, "rows");
  std::vector<double> a, b, y, w;
  std::vector<std::int32_t> c, label;
  for (int i = 0; i < n; ++i) {
    a.push_back(random.normal());
    b.push_back(random.below(8) == 0 ? kNaN : static_cast<double>(random.below(9)));
    c.push_back(static_cast<std::int32_t>(random.below(8)) - 1);
    y.push_back(a[a.size() - 1] + (c.back() % 3) + (std::isnan(b.back()) ? 2 : 0.3 * b.back()) +
                random.normal());
    label.push_back(classes == 0 ? 0 : std::clamp(static_cast<int>(y.back()), 0, classes - 1));
    w.push_back(weighted ? 0.25 + random.uniform() : 1);
  }
  std::vector<std::string> names;
  for (int k = 0; k < std::max(classes, 1); ++k) names.push_back(std::to_string(k));
  Column target =
      classes == 0 ? Column::number("y", Tensor::from(y)) : Column::category("y", Tensor::from(label), names);
  const Dataset data(
      Table({Column::number("a", Tensor::from(a)), Column::number("b", Tensor::from(b)),
             Column::category("c", Tensor::from(c), {"p", "q", "r", "s", "t", "u", "v"}), std::move(target)}),
      {.roles = {.target = "y"},
       .task = classes == 0   ? Task::regression
               : classes == 2 ? Task::binary
                              : Task::multiclass});
  return data.with_weights(w);
}

const TreeModel& trees_of(const Model& model) { return dynamic_cast<const TreeModel&>(model); }

RandomForestParams one_tree() {
  RandomForestParams p;
  p.trees = 1;
  p.bootstrap = false;
  p.max_features = "all";
  return p;
}

std::vector<double> raw(const TreeModel& model, const Dataset& data) {
  std::vector<double> said(static_cast<std::size_t>(data.num_rows() * model.trees().num_outputs()));
  model.trees().predict_raw(model.features().matrix(data.features()), said);
  return said;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

}  // namespace

TEST_CASE("forests: a tree of all rows and features is the decision tree") {
  for (const int classes : {0, 2, 3, 6})
    for (const bool weighted : {false, true})
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        INFO(classes << " classes, weighted " << weighted << ", seed " << seed);
        const Dataset data = mixed_rows(180, classes, seed, weighted);
        const auto forest = RandomForest(one_tree()).fit(data);
        const auto tree = DecisionTree(DecisionTreeParams{}).fit(data);
        const TreeEnsemble &f = trees_of(*forest).trees(), &t = trees_of(*tree).trees();
        // Cuts that part the rows alike may be found under another name in small nodes, so what counts is how
        // far the criterion falls by every cut of the upper levels, and what is said of the rows.
        CHECK(f.features()[0] == t.features()[0]);
        CHECK(f.gains()[0] == doctest::Approx(t.gains()[0]).epsilon(1e-6));
        CHECK(largest_difference(raw(trees_of(*forest), data), raw(trees_of(*tree), data)) < 1e-9);
      }
}

TEST_CASE("forests: large nodes are cut between bins, nearly where the best cut is") {
  for (const int classes : {0, 2, 5}) {
    INFO(classes << " classes");
    const Dataset data = mixed_rows(6000, classes, 9, false);
    RandomForestParams p = one_tree();
    p.max_depth = 3;
    const auto forest = RandomForest(p).fit(data);
    const auto tree = DecisionTree({.max_depth = 3}).fit(data);
    double binned = 0, exact = 0;
    for (const float g : trees_of(*forest).trees().gains()) binned += static_cast<double>(g);
    for (const float g : trees_of(*tree).trees().gains()) exact += static_cast<double>(g);
    CHECK(binned > 0.995 * exact);
    CHECK(binned < 1.005 * exact);
  }
}

TEST_CASE("forests: extra trees of values and of many classes learn, with gaps and categories") {
  for (const int classes : {0, 2, 5}) {
    const Dataset data = mixed_rows(800, classes, 3, true), fresh = mixed_rows(400, classes, 4, true);
    ExtraTreesParams p;
    p.trees = 30;
    p.min_samples_leaf = 3;
    const auto model = ExtraTrees(p).fit(data);
    const std::vector<double> said = raw(trees_of(*model), fresh);
    if (classes == 0) {
      const auto y = fresh.target_values();
      double mean = 0, error = 0, spread = 0;
      for (const double v : y) mean += v / static_cast<double>(y.size());
      for (std::size_t i = 0; i < y.size(); ++i) {
        error += (y[i] - said[i]) * (y[i] - said[i]);
        spread += (y[i] - mean) * (y[i] - mean);
      }
      CHECK(1 - error / spread > 0.5);
      continue;
    }
    double right = 0;
    const auto k = static_cast<std::size_t>(classes);
    for (std::size_t i = 0; i < fresh.class_codes().size(); ++i) {
      const auto* row = said.data() + i * k;
      right += std::max_element(row, row + k) - row == fresh.class_codes()[i] ? 1 : 0;
    }
    CHECK(right / 400 > (classes == 2 ? 0.75 : 0.45));
  }
}

TEST_CASE("forests: a file holds the same trees, in few bytes") {
  for (const int classes : {0, 2, 9})
    for (const bool weighted : {false, true}) {
      INFO(classes << " classes, weighted " << weighted);
      const Dataset data = mixed_rows(1500, classes, 7, weighted);
      RandomForestParams p;
      p.trees = 30;
      const auto model = RandomForest(p).fit(data);
      const TreeEnsemble& trees = trees_of(*model).trees();
      const std::string bytes = to_bytes(*model);
      const auto back = model_from_bytes(bytes, "model.cairn", builtin_registry());
      CHECK(to_bytes(*back) == bytes);
      const TreeEnsemble& again = trees_of(*back).trees();
      CHECK(std::ranges::equal(again.left(), trees.left()));
      CHECK(std::ranges::equal(again.covers(), trees.covers()));
      CHECK(std::ranges::equal(again.gains(), trees.gains()));
      CHECK(raw(trees_of(*back), data) == raw(trees_of(*model), data));
      // As arrays a node took 29 bytes and a leaf 8 for every class.
      CHECK(static_cast<double>(bytes.size()) <
            (weighted ? 16.0 : 11.0) * static_cast<double>(trees.num_nodes()));
    }
}

TEST_CASE("forests: a file whose parts do not fit together is refused by name") {
  const Dataset data = mixed_rows(200, 3, 1, false);
  RandomForestParams p;
  p.trees = 3;
  const std::string bytes = to_bytes(*RandomForest(p).fit(data));
  const auto refusal = [&](const char* part, const auto& change) -> std::string {
    ModelFile file(bytes);
    const auto it = std::ranges::find_if(file.parts, [&](const auto& f) { return f.name.ends_with(part); });
    REQUIRE(it != file.parts.end());
    change(*it);
    try {
      model_from_bytes(file.bytes(), "model.cairn", builtin_registry());
    } catch (const ModelFileError& e) {
      return e.what();
    }
    return "";
  };
  const auto fill = [](char value) {
    return [value](ModelFile::Part& part) { std::ranges::fill(part.bytes, value); };
  };
  // A leaf of the first tree changes places with a question of the last one, and the first question with a
  // leaf.
  const auto exchange = [](bool leaf_first) {
    return [leaf_first](ModelFile::Part& part) {
      const auto is_leaf = [](char c) { return c == 0; };
      std::string& splits = part.bytes;
      const auto first =
          leaf_first ? std::ranges::find_if(splits, is_leaf) : std::ranges::find_if_not(splits, is_leaf);
      const auto last = leaf_first ? std::find_if_not(splits.rbegin(), splits.rend(), is_leaf)
                                   : std::find_if(splits.rbegin(), splits.rend(), is_leaf);
      std::swap(*first, *last);
    };
  };
  CHECK(refusal("splits", exchange(true)).find("'splits' says that tree 0 has more nodes than it has") !=
        std::string::npos);
  CHECK(refusal("splits", exchange(false)).find("'splits' says that tree 0 has fewer nodes than it has") !=
        std::string::npos);
  // What it says of itself: accuracy and the Brier score, four numbers each.
  const auto told = [](std::size_t place, double number) {
    return [place, number](ModelFile::Part& part) {
      std::memcpy(part.bytes.data() + place * sizeof number, &number, sizeof number);
    };
  };
  CHECK(refusal("out_of_bag", told(0, kNaN)).find("its out-of-bag accuracy is nan, from ") !=
        std::string::npos);
  CHECK(refusal("out_of_bag", told(5, 2.0)).find("; a number between its bounds is expected") !=
        std::string::npos);
  CHECK(refusal("out_of_bag", told(7, -1.0)).find("counts -1 out-of-bag rows") != std::string::npos);
  CHECK(refusal("out_of_bag", told(5, kNaN)).empty());  // nobody knows that bound
  CHECK(refusal("splits", fill(9)).find("'threshold_of' is missing or of another form") != std::string::npos);
  CHECK(refusal("tree_begins", fill(0)).find("'tree_begins' does not cover the nodes") != std::string::npos);
  CHECK(refusal("value_of", fill(127)).find("'value_of' holds the number") != std::string::npos);
  CHECK(refusal("set_sizes", fill(0)).find("'set_sizes' does not cover the codes") != std::string::npos);
}

TEST_CASE("forests: a category of very many levels is learned and stored small") {
  constexpr int kRows = 4000, kLevels = 300'000;
  Random random(2, "levels");
  std::vector<std::int32_t> code, label;
  std::vector<double> y;
  std::vector<std::string> names;
  for (int l = 0; l < kLevels; ++l) names.push_back("level " + std::to_string(l));
  for (int i = 0; i < kRows; ++i) {
    code.push_back(static_cast<std::int32_t>(random.below(kLevels)));
    label.push_back(code.back() % 3 == 0 ? 1 : 0);
    y.push_back(random.normal());
  }
  for (const bool classes : {true, false}) {
    Column target = classes ? Column::category("y", Tensor::from(label), {"0", "1"})
                            : Column::number("y", Tensor::from(y));
    const Dataset data(Table({Column::category("c", Tensor::from(code), names), std::move(target)}),
                       {.roles = {.target = "y"}, .task = classes ? Task::binary : Task::regression});
    RandomForestParams p;
    p.trees = 4;
    const auto model = RandomForest(p).fit(data);
    CHECK(trees_of(*model).trees().num_nodes() > 4);
    CHECK(to_bytes(*model).size() < 20'000'000);
  }
}
