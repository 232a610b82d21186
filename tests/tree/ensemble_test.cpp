// The structure of trees: predictions, words, files, and what a file may not hold.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/tree/ensemble_write.h"
#include "tests/support/memory_visitor.h"

using namespace cairn;

namespace {

const double kNaN = std::nan("");

TreeNode leaf(double value, double cover = 1) {
  TreeNode n;
  n.value = {value};
  n.cover = cover;
  return n;
}

// age <= 30 (missing left): 1; else city in {0, 2} (missing right): 2, else 4.
Tree small_tree() {
  Tree t;
  t.nodes.resize(1);
  t.nodes[0].feature = 0;
  t.nodes[0].threshold = 30;
  t.nodes[0].missing_left = true;
  t.nodes[0].cover = 10;
  t.nodes[0].gain = 3;
  t.split(0);
  t.nodes[1] = leaf(1, 4);
  t.nodes[2].feature = 1;
  t.nodes[2].category = true;
  t.nodes[2].left_codes = {0, 2};
  t.nodes[2].cover = 6;
  t.split(2);
  t.nodes[3] = leaf(2, 5);
  t.nodes[4] = leaf(4, 1);
  return t;
}

TreeEnsemble small_ensemble() {
  const Tree t = small_tree();
  return {{.num_features = 2, .base = {0.5}}, std::span(&t, 1)};
}

double predict(const TreeEnsemble& trees, const std::vector<double>& row) {
  double raw = 0;
  trees.predict_raw_row(row, std::span(&raw, 1));
  return raw;
}

const TreeNames kNames{{"age", "city"}, {{}, {"Bern", "Paris", "Rome"}}, {}};

// A tree of random shape on d features.
Tree random_tree(Random& random, std::int64_t d, int splits) {
  Tree t;
  t.nodes.push_back(leaf(random.normal()));
  for (int s = 0; s < splits; ++s) {
    std::vector<std::int32_t> leaves;
    for (std::int32_t i = 0; i < std::ssize(t.nodes); ++i)
      if (t.nodes[static_cast<std::size_t>(i)].is_leaf()) leaves.push_back(i);
    const std::int32_t at = leaves[random.below(leaves.size())];
    const std::int32_t left = t.split(at);
    TreeNode& n = t.nodes[static_cast<std::size_t>(at)];
    n.feature = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(d)));
    n.missing_left = random.below(2) == 0;
    n.category = random.below(4) == 0;
    n.value.clear();
    if (n.category) {
      for (std::int32_t c = 0; c < 70; ++c)
        if (random.below(3) == 0) n.left_codes.push_back(c);
    } else {
      n.threshold = random.normal();
    }
    for (const std::int32_t child : {left, left + 1})
      t.nodes[static_cast<std::size_t>(child)] = leaf(random.normal());
  }
  return t;
}

}  // namespace

TEST_CASE("tree ensemble: a row goes down by number, category and missing direction") {
  const TreeEnsemble trees = small_ensemble();
  CHECK(predict(trees, {30, 1}) == 1.5);
  CHECK(predict(trees, {30.5, 0}) == 2.5);
  CHECK(predict(trees, {30.5, 2}) == 2.5);
  CHECK(predict(trees, {INFINITY, 1}) == 4.5);
  CHECK(predict(trees, {40, 3}) == 4.5);
  CHECK(predict(trees, {40, -1}) == 4.5);
  CHECK(predict(trees, {40, 1e300}) == 4.5);
  CHECK(predict(trees, {kNaN, 0}) == 1.5);
  CHECK(predict(trees, {40, kNaN}) == 4.5);
  CHECK(predict(trees, {-INFINITY, kNaN}) == 1.5);
}

TEST_CASE("tree ensemble: blocks, single rows and a plain walk agree for any number of threads") {
  Random random(3, "trees");
  constexpr std::int64_t kFeatures = 5, kRows = 3000;
  std::vector<Tree> list;
  for (int t = 0; t < 19; ++t) list.push_back(random_tree(random, kFeatures, 1 + t * 3));
  list.push_back(Tree{{leaf(7)}, 0});
  const TreeEnsemble trees({.num_features = kFeatures, .average = true, .base = {1}}, list);
  std::vector<double> x;
  for (std::int64_t i = 0; i < kRows * kFeatures; ++i)
    x.push_back(random.below(9) == 0   ? kNaN
                : random.below(2) == 0 ? random.normal()
                                       : static_cast<double>(random.below(80)));
  const Matrix m = Matrix::from_rows(Tensor::from(std::span<const double>(x), Shape{kRows, kFeatures}));
  std::vector<double> expected, block(kRows);
  for (std::size_t r = 0; r < kRows; ++r) {
    const auto row = std::span<const double>(x).subspan(r * kFeatures, kFeatures);
    double sum = 0;
    for (std::int64_t t = 0; t < trees.num_trees(); ++t) sum += trees.leaf_values(trees.leaf_of(t, row))[0];
    expected.push_back(1 + sum / static_cast<double>(trees.num_trees()));
    CHECK(predict(trees, {row.begin(), row.end()}) == expected.back());
  }
  const int before = num_threads();
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    trees.predict_raw(m, block);
    CHECK(block == expected);
  }
  set_num_threads(before);
}

TEST_CASE("tree ensemble: a set of few categories out of very many") {
  Tree t = small_tree();
  t.nodes[2].left_codes = {1, 2'000'000'000};
  const TreeEnsemble trees({.num_features = 2}, std::span(&t, 1));
  CHECK(predict(trees, {40, 2e9}) == 2);
  CHECK(predict(trees, {40, 1}) == 2);
  CHECK(predict(trees, {40, 2}) == 4);
}

TEST_CASE("tree ensemble: outputs") {
  Tree a{{leaf(0.3)}, 0}, b{{leaf(-1)}, 1};
  const std::vector<Tree> both{a, b};
  const TreeEnsemble soft({.num_features = 0, .num_outputs = 2, .output = TreeOutput::softmax}, both);
  std::vector<double> raw(2), p(2);
  soft.predict_raw_row({}, raw);
  CHECK(raw == std::vector<double>{0.3, -1});
  soft.finish(raw, p);
  CHECK(p[0] == doctest::Approx(1 / (1 + std::exp(-1.3))));
  const TreeEnsemble logistic({.output = TreeOutput::logistic}, std::span(&a, 1));
  logistic.finish(std::vector<double>{0.3}, p);
  CHECK(p[1] == doctest::Approx(1 / (1 + std::exp(-0.3))));
  CHECK(p[0] + p[1] == doctest::Approx(1));
  const TreeEnsemble counts({.output = TreeOutput::exponential}, std::span(&a, 1));
  counts.finish(std::vector<double>{2}, std::span(p).first(1));
  CHECK(p[0] == doctest::Approx(std::exp(2)));
}

TEST_CASE("tree ensemble: words, DOT and JSON") {
  const TreeEnsemble trees = small_ensemble();
  CHECK(tree_text(trees, 0, kNames) ==
        "age <= 30 or missing (cover 10, gain 3)\n"
        "  -> 1 (cover 4)\n"
        "age > 30\n"
        "  city is one of Bern, Rome (cover 6, gain 0)\n"
        "    -> 2 (cover 5)\n"
        "  city is none of Bern, Rome or missing\n"
        "    -> 4 (cover 1)\n");
  const std::vector<double> row{41.5, 2};
  CHECK(decision_path(trees, 0, row, kNames) ==
        std::vector<std::string>{"age = 41.5: > 30", "city = Rome: is one of Bern, Rome", "-> 2"});
  CHECK(tree_dot(trees, 0, kNames).find("n0 -> n1 [label=\"yes\"]") != std::string::npos);
  const Json json = trees_json(trees, kNames);
  CHECK(json["trees"][0]["nodes"][2]["left_levels"] == Json{"Bern", "Rome"});
  CHECK(json["trees"][0]["nodes"][0]["missing"] == "left");
}

TEST_CASE("tree ensemble: a tree comes back as it was given") {
  const Tree before = small_tree(), after = small_ensemble().tree(0);
  REQUIRE(after.nodes.size() == before.nodes.size());
  for (std::size_t i = 0; i < after.nodes.size(); ++i) {
    const TreeNode &a = after.nodes[i], &b = before.nodes[i];
    CHECK((a.feature == b.feature && a.threshold == b.threshold && a.category == b.category));
    CHECK((a.left == b.left && a.right == b.right && a.left_codes == b.left_codes && a.value == b.value));
  }
}

TEST_CASE("tree ensemble: trees that are none are refused") {
  const auto refused = [](auto&& spoil, TreeEnsembleOptions options = {.num_features = 2}) {
    Tree t = small_tree();
    spoil(t);
    try {
      const TreeEnsemble trees(options, std::span(&t, 1));
    } catch (const ModelFileError&) {
      return true;
    }
    return false;
  };
  CHECK(!refused([](Tree&) {}));
  CHECK(refused([](Tree& t) { t.nodes[2].left = 0; }));   // a cycle
  CHECK(refused([](Tree& t) { t.nodes[2].left = 2; }));   // itself
  CHECK(refused([](Tree& t) { t.nodes[2].left = 4; }));   // shared
  CHECK(refused([](Tree& t) { t.nodes[2].right = 5; }));  // beyond
  CHECK(refused([](Tree& t) { t.nodes[2].right = -1; }));
  CHECK(refused([](Tree& t) { t.nodes.push_back(leaf(3)); }));  // hangs on nothing
  CHECK(refused([](Tree& t) { t.nodes[0].feature = 2; }));
  CHECK(refused([](Tree& t) { t.nodes[0].threshold = kNaN; }));
  CHECK(refused([](Tree& t) { t.nodes[1].value = {INFINITY}; }));
  CHECK(refused([](Tree& t) { t.nodes[1].value = {1, 2}; }));
  CHECK(refused([](Tree& t) { t.nodes[1].cover = -1; }));
  CHECK(refused([](Tree& t) { t.nodes[2].left_codes = {2, 0}; }));
  CHECK(refused([](Tree& t) { t.nodes[2].left_codes = {-1}; }));
  CHECK(refused([](Tree& t) { t.output = 1; }));
  CHECK(refused([](Tree& t) { t.nodes.clear(); }));
  CHECK(refused([](Tree&) {}, {.num_features = 2, .num_outputs = 0}));
  CHECK(refused([](Tree&) {}, {.num_features = 2, .num_outputs = std::int64_t{1} << 60}));
  CHECK(refused([](Tree&) {}, {.num_features = 2, .num_outputs = 1, .base = {kNaN}}));
  CHECK(refused([](Tree&) {},
                {.num_features = 2, .num_outputs = 1, .vector_leaves = true, .output = TreeOutput::share}));
}

TEST_CASE("tree ensemble: stored and read back") {
  TreeEnsemble trees = small_ensemble(), again;
  test::copy_by_visit(trees, again);
  CHECK(tree_text(again, 0, kNames) == tree_text(trees, 0, kNames));
  CHECK(predict(again, {40, 2}) == 2.5);
}
