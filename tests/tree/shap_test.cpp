// Shapley values against their definition: a sum over all sets of features.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/shap.h"
#include "tests/support/golden.h"

using namespace cairn;

namespace {

constexpr std::int64_t kFeatures = 5;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Trees with repeated features, missing values, categories and covers that add up.
std::vector<Tree> random_trees(Random& random, int count, int splits, int outputs, bool vector_leaves) {
  std::vector<Tree> trees;
  for (int k = 0; k < count; ++k) {
    Tree t;
    t.output = vector_leaves ? 0 : k % outputs;
    t.nodes.resize(1);
    t.nodes[0].cover = 200;
    for (int s = 0; s < splits; ++s) {
      std::vector<std::int32_t> leaves;
      for (std::int32_t i = 0; i < std::ssize(t.nodes); ++i)
        if (t.nodes[at(i)].is_leaf()) leaves.push_back(i);
      const std::int32_t node = leaves[random.below(leaves.size())];
      const std::int32_t left = t.split(node);
      TreeNode& n = t.nodes[at(node)];
      n.feature = static_cast<std::int32_t>(random.below(kFeatures));
      n.missing_left = random.below(2) == 0;
      n.category = n.feature == 4;
      if (n.category) n.left_codes = {0, 2};
      n.threshold = random.normal() / 2;
      const double share =
          s == 3 ? 0 : 0.1 + 0.8 * random.uniform();  // once a side that no training row took
      const double cover = n.cover;
      t.nodes[at(left)].cover = share * cover;
      t.nodes[at(left + 1)].cover = cover - t.nodes[at(left)].cover;
      if (share == 0) break;
    }
    for (TreeNode& n : t.nodes)
      if (n.is_leaf())
        for (int o = 0; o < (vector_leaves ? outputs : 1); ++o) n.value.push_back(random.normal());
    trees.push_back(t);
  }
  return trees;
}

std::vector<double> random_rows(Random& random, std::int64_t n) {
  std::vector<double> rows;
  for (std::int64_t i = 0; i < n * kFeatures; ++i)
    rows.push_back(random.below(8) == 0             ? std::nan("")
                   : i % kFeatures == kFeatures - 1 ? static_cast<double>(random.below(4))
                                                    : random.normal());
  return rows;
}

Matrix matrix(const std::vector<double>& rows) {
  return Matrix::from_rows(
      Tensor::from(std::span<const double>(rows), Shape{std::ssize(rows) / kFeatures, kFeatures}));
}

// What the trees are expected to say when the features of `known` are known to be x's.
double expected(const TreeEnsemble& trees, std::int64_t output, const double* x, unsigned known) {
  const auto walk = [&](auto&& self, std::int64_t tree, std::int64_t node) -> double {
    if (trees.is_leaf(node)) {
      if (trees.options().vector_leaves) return trees.leaf_values(node)[at(output)];
      return trees.tree_outputs()[at(tree)] == output ? trees.leaf_values(node)[0] : 0;
    }
    const auto f = trees.features()[at(node)];
    const std::int64_t left = trees.left()[at(node)], right = trees.right()[at(node)];
    if (known >> f & 1U) return self(self, tree, trees.goes_left(node, x[f]) ? left : right);
    const double cover = trees.covers()[at(node)];
    return (trees.covers()[at(left)] * self(self, tree, left) +
            trees.covers()[at(right)] * self(self, tree, right)) /
           cover;
  };
  double sum = 0;
  for (std::int64_t t = 0; t < trees.num_trees(); ++t) sum += walk(walk, t, trees.roots()[at(t)]);
  const double scale = trees.options().average ? 1 / static_cast<double>(trees.num_trees()) : 1;
  return trees.options().base[at(output)] + sum * scale;
}

double factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

// Shapley's own formula, for any value of a set.
template <class Value>
double shapley(int feature, Value&& value) {
  double sum = 0;
  for (unsigned set = 0; set < 1U << kFeatures; ++set) {
    if (set >> feature & 1U) continue;
    const int size = std::popcount(set);
    sum += factorial(size) * factorial(static_cast<int>(kFeatures) - size - 1) /
           factorial(static_cast<int>(kFeatures)) * (value(set | 1U << feature) - value(set));
  }
  return sum;
}

template <class Value>
double interaction(int i, int j, Value&& value) {
  double sum = 0;
  const unsigned both = 1U << i | 1U << j;
  for (unsigned set = 0; set < 1U << kFeatures; ++set) {
    if (set & both) continue;
    const int size = std::popcount(set);
    sum += factorial(size) * factorial(static_cast<int>(kFeatures) - size - 2) /
           (2 * factorial(static_cast<int>(kFeatures) - 1)) *
           (value(set | both) - value(set | 1U << i) - value(set | 1U << j) + value(set));
  }
  return sum;
}

struct Case {
  TreeEnsemble trees;
  std::vector<double> rows;
  std::int64_t outputs;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  Random random(11, "shap");
  for (const bool vector_leaves : {false, true}) {
    const auto outputs = vector_leaves ? 3 : 2;
    const auto trees = random_trees(random, 6, 12, outputs, vector_leaves);
    TreeEnsembleOptions options{.num_features = kFeatures,
                                .num_outputs = outputs,
                                .vector_leaves = vector_leaves,
                                .average = vector_leaves,
                                .base = std::vector<double>(at(outputs), 0.25)};
    all.push_back({{options, trees}, random_rows(random, 9), outputs});
  }
  return all;
}

}  // namespace

TEST_CASE("shap_values: Shapley's sum over all sets of features") {
  for (const Case& c : cases()) {
    const std::int64_t n = std::ssize(c.rows) / kFeatures;
    std::vector<double> values(at(n * c.outputs * (kFeatures + 1))), raw(at(n * c.outputs));
    shap_values(c.trees, matrix(c.rows), values);
    c.trees.predict_raw(matrix(c.rows), raw);
    for (std::int64_t r = 0; r < n; ++r) {
      for (std::int64_t o = 0; o < c.outputs; ++o) {
        const double* v = values.data() + (r * c.outputs + o) * (kFeatures + 1);
        const double* x = c.rows.data() + r * kFeatures;
        double sum = 0;
        for (int f = 0; f < kFeatures; ++f) {
          const double exact = shapley(f, [&](unsigned set) { return expected(c.trees, o, x, set); });
          CHECK(v[f] == doctest::Approx(exact).epsilon(1e-10));
          sum += v[f];
        }
        CHECK(v[kFeatures] == doctest::Approx(expected(c.trees, o, x, 0)).epsilon(1e-10));
        CHECK(sum + v[kFeatures] == doctest::Approx(raw[at(r * c.outputs + o)]).epsilon(1e-10));
      }
    }
  }
}

TEST_CASE("shap_interactions: the sum over all sets, rows that add up to Shapley values") {
  for (const Case& c : cases()) {
    constexpr std::int64_t kWidth = kFeatures + 1;
    const std::int64_t n = std::ssize(c.rows) / kFeatures;
    std::vector<double> values(at(n * c.outputs * kWidth)), pairs(at(n * c.outputs * kWidth * kWidth));
    shap_values(c.trees, matrix(c.rows), values);
    shap_interactions(c.trees, matrix(c.rows), pairs);
    for (std::int64_t i = 0; i < n * c.outputs; ++i) {
      const double* x = c.rows.data() + i / c.outputs * kFeatures;
      const double* p = pairs.data() + i * kWidth * kWidth;
      for (int f = 0; f < kFeatures; ++f) {
        double sum = 0;
        for (int g = 0; g < kFeatures; ++g) {
          sum += p[f * kWidth + g];
          if (f == g) continue;
          const double exact =
              interaction(f, g, [&](unsigned set) { return expected(c.trees, i % c.outputs, x, set); });
          CHECK(p[f * kWidth + g] == doctest::Approx(exact).epsilon(1e-9));
        }
        CHECK(sum == doctest::Approx(values[at(i * kWidth + f)]).epsilon(1e-9));
      }
      CHECK(p[kWidth * kWidth - 1] == values[at(i * kWidth + kFeatures)]);
    }
  }
}

TEST_CASE("shap_values_against: unknown features come from background rows") {
  Random random(5, "background");
  const std::vector<double> background = random_rows(random, 7);
  for (const Case& c : cases()) {
    const std::int64_t n = std::ssize(c.rows) / kFeatures;
    std::vector<double> values(at(n * c.outputs * (kFeatures + 1)));
    shap_values_against(c.trees, matrix(c.rows), matrix(background), values);
    const auto value = [&](std::int64_t row, std::int64_t output, unsigned known) {
      std::vector<double> mixed = background, raw(at(7 * c.outputs));
      for (std::int64_t b = 0; b < 7; ++b)
        for (int f = 0; f < kFeatures; ++f)
          if (known >> f & 1U) mixed[at(b * kFeatures + f)] = c.rows[at(row * kFeatures + f)];
      c.trees.predict_raw(matrix(mixed), raw);
      double sum = 0;
      for (std::int64_t b = 0; b < 7; ++b) sum += raw[at(b * c.outputs + output)];
      return sum / 7;
    };
    for (std::int64_t i = 0; i < n * c.outputs; ++i) {
      const std::int64_t r = i / c.outputs, o = i % c.outputs;
      for (int f = 0; f < kFeatures; ++f) {
        const double exact = shapley(f, [&](unsigned set) { return value(r, o, set); });
        CHECK(values[at(i * (kFeatures + 1) + f)] == doctest::Approx(exact).epsilon(1e-10));
      }
      CHECK(values[at(i * (kFeatures + 1) + kFeatures)] == doctest::Approx(value(r, o, 0)).epsilon(1e-10));
    }
    CHECK_THROWS_AS(shap_values_against(c.trees, matrix(c.rows), matrix({}), values), UsageError);
  }
}

TEST_CASE("shap_values_against: the shap library's numbers of LightGBM's models") {
  const auto golden = test::read_golden("shap_background.json");
  const auto pairs = test::read_golden("trees/pairs.json")["pairs"];
  const auto explained = golden["explained"].get<std::size_t>(),
             others = golden["background"].get<std::size_t>();
  CHECK(golden["models"].size() == 2);
  for (const auto& [name, told] : golden["models"].items()) {
    CAPTURE(name);
    const TreeEnsemble trees =
        read_lightgbm(std::string(CAIRN_SOURCE_DIR) + "/tests/golden/trees/" + name).trees;
    const std::int64_t d = trees.num_features(), k = trees.num_outputs();
    std::vector<double> rows, background;
    for (std::size_t r = 0; r < explained + others; ++r)
      for (const double v : test::golden_numbers(pairs[name]["rows"][r]))
        (r < explained ? rows : background).push_back(v);
    const auto of_rows = [&](const std::vector<double>& values) {
      return Matrix::from_rows(
          Tensor::from(std::span<const double>(values), Shape{std::ssize(values) / d, d}));
    };
    std::vector<double> values(explained * at(k * (d + 1)));
    shap_values_against(trees, of_rows(rows), of_rows(background), values);
    std::size_t place = 0;
    for (std::size_t r = 0; r < explained; ++r)
      for (std::int64_t o = 0; o < k; ++o) {
        for (const double v : test::golden_numbers(told["values"][r][at(o)]))
          CHECK(values[place++] == doctest::Approx(v).epsilon(1e-6));
        CHECK(values[place++] == doctest::Approx(told["base"][at(o)].get<double>()).epsilon(1e-6));
      }
  }
}

TEST_CASE("shap_values: more nodes than are planned at once") {
  // Trees of one question each: its feature gets what the row's side says more than the mean of both.
  constexpr std::int64_t kTrees = 100'000, kWidth = kFeatures + 1;  // 300,000 nodes; 2^18 are planned
  Random random(3, "stumps");
  std::vector<Tree> stumps(at(kTrees));
  const std::vector<double> row(at(kFeatures), 1.0);
  std::vector<double> exact(at(kWidth));
  for (Tree& t : stumps) {
    t.nodes.resize(1);
    const std::int32_t left = t.split(0);
    const auto feature = static_cast<std::int32_t>(random.below(kFeatures));
    const bool goes_left = random.below(2) == 0;
    t.nodes[0].feature = feature;
    t.nodes[0].threshold = goes_left ? 2 : 0;
    t.nodes[0].cover = 4;
    t.nodes[at(left)].cover = 1, t.nodes[at(left + 1)].cover = 3;
    const double low = random.normal(), high = random.normal();
    t.nodes[at(left)].value = {low}, t.nodes[at(left + 1)].value = {high};
    const double mean = (low + 3 * high) / 4;
    exact[at(feature)] += (goes_left ? low : high) - mean;
    exact[at(kFeatures)] += mean;
  }
  const TreeEnsemble trees({.num_features = kFeatures, .base = {0}}, stumps);
  std::vector<double> values(at(kWidth)), pairs(at(kWidth * kWidth));
  shap_values(trees, matrix(row), values);
  shap_interactions(trees, matrix(row), pairs);
  for (std::size_t f = 0; f < exact.size(); ++f) {
    CHECK(values[f] == doctest::Approx(exact[f]).epsilon(1e-9));
    CHECK(pairs[f * at(kWidth) + f] == doctest::Approx(exact[f]).epsilon(1e-9));
  }
}

TEST_CASE("shap_values: the same bytes for any number of threads, deep trees, no covers") {
  // A chain: more features on a path than four points integrate.
  constexpr std::int64_t kDeep = 30;
  Tree chain;
  chain.nodes.resize(1);
  chain.nodes[0].cover = 1024;
  std::int32_t node = 0;
  for (std::int32_t f = 0; f < kDeep; ++f) {
    const std::int32_t left = chain.split(node);
    chain.nodes[at(node)].feature = f;
    chain.nodes[at(left)].cover = chain.nodes[at(node)].cover / 4;
    chain.nodes[at(left + 1)].cover = chain.nodes[at(node)].cover * 0.75;
    chain.nodes[at(left)].value = {static_cast<double>(f)};
    node = left + 1;
  }
  chain.nodes[at(node)].value = {100};
  const TreeEnsemble trees({.num_features = kDeep, .base = {0}}, std::span(&chain, 1));
  std::vector<double> row(at(kDeep), 1.0), raw(1);
  const auto x = [&](std::int64_t n) {
    std::vector<double> rows;
    for (std::int64_t i = 0; i < n; ++i) rows.insert(rows.end(), row.begin(), row.end());
    return Matrix::from_rows(Tensor::from(std::span<const double>(rows), Shape{n, kDeep}));
  };
  std::vector<double> values(at(kDeep + 1)), many(at(300 * (kDeep + 1))), again(many.size());
  shap_values(trees, x(1), values);
  double sum = 0;
  for (const double v : values) sum += v;
  CHECK(sum == doctest::Approx(100).epsilon(1e-12));
  const int before = num_threads();
  set_num_threads(1);
  shap_values(trees, x(300), many);
  set_num_threads(7);
  shap_values(trees, x(300), again);
  set_num_threads(before);
  CHECK(many == again);
  CHECK(std::equal(values.begin(), values.end(), many.begin()));

  for (TreeNode& n : chain.nodes) n.cover = 0;
  const TreeEnsemble bare({.num_features = kDeep, .base = {0}}, std::span(&chain, 1));
  CHECK_THROWS_WITH_AS(
      shap_values(bare, x(1), values),
      "model: its trees do not say how many training rows came to each node. Explain against "
      "background rows instead.",
      DataError);
}
