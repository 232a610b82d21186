#include "cairn/tree/proximity.h"

#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/tree/forest.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using namespace cairn::test;

namespace {

// Two leaves: x <= `threshold`, or beyond.
Tree stump(double threshold) {
  Tree t;
  t.nodes.resize(1);
  t.nodes[0].feature = 0;
  t.nodes[0].threshold = threshold;
  t.nodes[0].cover = 2;
  t.split(0);
  for (const std::size_t leaf : {1U, 2U}) {
    t.nodes[leaf].value = {1};
    t.nodes[leaf].cover = 1;
  }
  return t;
}

}  // namespace

TEST_CASE("proximity: shares of the trees, by hand") {
  const std::vector<Tree> stumps{stump(1.5), stump(2.5), stump(3.5), stump(3.5)};
  const TreeEnsemble trees({.num_features = 1, .average = true}, stumps);
  const Dataset rows = regression_data({{1}, {2}, {3}, {4}}, std::vector<double>{0, 1, 0, 1});
  const Matrix x = TreeFeatures(rows.features()).matrix(rows.features());
  const Proximities found = proximities(trees, x, 2);
  CHECK(found.k == 2);
  // Row 1 shares three of four leaves with row 2, two with row 3, none with row 4; and so on.
  CHECK(found.neighbors == std::vector<std::int32_t>{1, 2, 0, 2, 1, 0, 2, 1});
  CHECK(found.proximity == std::vector<float>{0.75F, 0.5F, 0.75F, 0.75F, 0.75F, 0.5F, 0.5F, 0.25F});
  CHECK(proximities(trees, x, 100).k == 3);
  CHECK(proximities(trees, x, 0).neighbors.empty());
}

TEST_CASE("proximity: every pair of a forest counted, for any number of threads") {
  Random random(1, "rows");
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int i = 0; i < 300; ++i) {
    x.push_back({random.normal(), random.normal(), i % 9 == 0 ? std::nan("") : random.normal()});
    y.push_back(x.back()[0] + x.back()[1]);
  }
  const Dataset data = regression_data(x, y);
  RandomForestParams p;
  p.trees = 20;
  p.min_samples_leaf = 5;
  const auto model = RandomForest(p).fit(data);
  const auto& forest = dynamic_cast<const TreeModel&>(*model);
  const Matrix rows = forest.features().matrix(data.features());
  const Proximities found = proximities(forest.trees(), rows, 299);
  for (std::int64_t r = 0; r < 300; r += 37) {
    float before = 1;
    for (std::int64_t j = 0; j < 299; ++j) {
      const auto i = static_cast<std::size_t>(r * 299 + j);
      const auto other = static_cast<std::size_t>(found.neighbors[i]);
      int same = 0;
      for (std::int64_t t = 0; t < 20; ++t)
        same +=
            forest.trees().leaf_of(t, x[static_cast<std::size_t>(r)]) == forest.trees().leaf_of(t, x[other]);
      CHECK(found.proximity[i] == static_cast<float>(same) / 20);
      CHECK(found.proximity[i] <= before);
      before = found.proximity[i];
    }
  }
  const int threads = num_threads();
  set_num_threads(3);
  const Proximities again = proximities(forest.trees(), rows, 299);
  CHECK(again.neighbors == found.neighbors);
  CHECK(again.proximity == found.proximity);
  set_num_threads(threads);
}
