// What a page draws of a model of trees.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/random.h"
#include "cairn/tree/decision_tree.h"
#include "cairn/tree/forest.h"
#include "cairn/tree/gradient_boosting.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using namespace cairn::test;

namespace {

struct Noise {
  std::vector<std::vector<double>> x;
  std::vector<int> labels;
  std::vector<double> y;
};

Noise noise(int n) {
  Random random(1, "rows");
  Noise s;
  for (int i = 0; i < n; ++i) {
    s.x.push_back({random.normal(), random.normal(), random.normal()});
    s.labels.push_back(static_cast<int>(random.below(3)));
    s.y.push_back(random.normal());
  }
  return s;
}

Json drawn(const Learner& learner, const Dataset& data) { return learner.fit(data)->drawn_trees(); }

// Children follow their parents, and the rows of a node are those of its two children.
void check_form(const Json& trees, std::size_t most) {
  const Json& nodes = trees["nodes"];
  CHECK(nodes.size() <= most);
  std::size_t next = 1;
  for (const Json& n : nodes) {
    CHECK((n.contains("question") + n.contains("answer") + n.contains("leaves_below")) == 1);
    if (!n.contains("question")) continue;
    CHECK(n["yes"] == next);
    CHECK(n["no"] == next + 1);
    REQUIRE(next + 1 < nodes.size());
    CHECK(n["cover"].get<double>() ==
          doctest::Approx(nodes[next]["cover"].get<double>() + nodes[next + 1]["cover"].get<double>()));
    next += 2;
  }
  CHECK(next == nodes.size());
}

}  // namespace

TEST_CASE("drawn trees: a small tree is there as a whole, in words") {
  const std::vector<std::vector<double>> x{{1}, {2}, {3}, {4}};
  const Json trees =
      drawn(DecisionTree(DecisionTreeParams{}), regression_data(x, std::vector<double>{5, 5, 7, 8}));
  CHECK(trees["count"] == 1);
  CHECK(trees["leaves"] == 3);
  CHECK(trees["leaf"] == "value");
  CHECK(trees["output"].is_null());
  check_form(trees, 5);
  CHECK(trees["nodes"][0]["question"] == "x0 <= 2.5");
  CHECK(trees["nodes"][0]["cover"] == 4);
  CHECK(trees["nodes"][1]["answer"] == Json{5.0});
  CHECK(trees["nodes"][2]["question"] == "x0 <= 3.5");
  CHECK(trees["nodes"][4]["answer"] == Json{8.0});
}

TEST_CASE("drawn trees: of a large tree and of many the uppermost questions") {
  const Noise s = noise(600);
  const Json one = drawn(DecisionTree(DecisionTreeParams{}), classification_data(s.x, s.labels));
  check_form(one, 63);
  CHECK(one["leaf"] == "shares");
  CHECK(one["leaves"].get<int>() > 63);
  double below = 0;
  for (const Json& n : one["nodes"])
    below += n.contains("answer") ? 1 : n.contains("leaves_below") ? n["leaves_below"].get<double>() : 0;
  CHECK(below == one["leaves"].get<double>());
  const Json forest = drawn(RandomForest({.trees = 7}), regression_data(s.x, s.y));
  CHECK(forest["count"] == 7);
  CHECK(forest["leaf"] == "value");
  check_form(forest, 15);
  const Json boosted =
      drawn(GradientBoosting({.trees = 4, .outputs = "a_tree_each"}), classification_data(s.x, s.labels));
  CHECK(boosted["count"] == 12);
  CHECK(boosted["leaf"] == "score");
  CHECK(boosted["output"] == "0");
  check_form(boosted, 15);
}
