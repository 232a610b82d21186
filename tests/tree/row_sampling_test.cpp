// Rows of a round, drawn by the size of their gradients, where some rows are watched instead of learned from.
#include "cairn/tree/row_sampling_internal.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/tree/boost_train_internal.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using namespace cairn::tree;

namespace {

// Every fourth run of five rows is watched.
std::vector<std::uint32_t> watched_of(std::uint32_t n) {
  std::vector<std::uint32_t> watched;
  for (std::uint32_t r = 0; r < n; ++r)
    if (r / 5 % 4 == 3) watched.push_back(r);
  return watched;
}

struct Watching {
  TreeData rows;
  BoostRules rules;
  FitContext context;
  std::vector<std::uint32_t> watched;
  Boosted boosted(int rounds) const {
    Booster booster(rows, nullptr, objective_for("squared", Task::regression), rules, nullptr, context,
                    watched);
    for (int r = 0; r < rounds; ++r) booster.advance();
    return booster.take();
  }
};

Watching watching(int n, Sampling sampling, double share) {
  Random random(5, "rows");
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int r = 0; r < n; ++r) {
    x.push_back({random.normal(), random.normal()});
    y.push_back(x.back()[0] * x.back()[1] + random.normal());
  }
  Watching w{.rows = tree_data(test::regression_data(x, y), "here"),
             .rules = {},
             .context = {.seed = 3},
             .watched = watched_of(static_cast<std::uint32_t>(n))};
  w.rules.grow.max_depth = 3;
  w.rules.sampling = sampling;
  w.rules.row_share = share;
  w.rules.watched_only = true;
  return w;
}

}  // namespace

TEST_CASE("row sampling: the share is of the rows that are learned from") {
  constexpr std::uint32_t kRows = 20'000;
  const std::vector<std::uint32_t> watched = watched_of(kRows);
  const auto learned = static_cast<std::int64_t>(kRows - watched.size());
  for (const Sampling sampling : {Sampling::uniform, Sampling::minimum_variance, Sampling::goss})
    for (const double share : {0.3, 0.8}) {
      CAPTURE(static_cast<int>(sampling));
      CAPTURE(share);
      RowSampler sampler(sampling, share, 1, 7);
      double drawn = 0;
      constexpr int kRounds = 10;
      for (std::uint64_t round = 0; round < kRounds; ++round) {
        Random random(1, "gradients", round);
        std::vector<double> g, h(kRows, 1.0);
        for (std::uint32_t r = 0; r < kRows; ++r) g.push_back(random.normal());
        for (const std::uint32_t r : watched) g[r] = h[r] = 0;
        for (const std::uint32_t r : sampler.draw(round, kRows, learned, g, h)) drawn += h[r] > 0 ? 1 : 0;
      }
      CHECK(drawn / kRounds == doctest::Approx(share * static_cast<double>(learned)).epsilon(0.02));
    }
}

TEST_CASE("row sampling: a watched booster leaves out rows as any other does") {
  for (const Sampling sampling : {Sampling::minimum_variance, Sampling::goss}) {
    CAPTURE(static_cast<int>(sampling));
    const Watching w = watching(2000, sampling, 0.8);
    const auto learned = static_cast<double>(2000 - w.watched.size());
    double sum = 0, squares = 0;
    constexpr int kRounds = 40;
    for (const Tree& tree : w.boosted(kRounds).trees) {
      const double off = tree.nodes[0].cover - learned;  // drawn rows count for those that were not
      sum += off, squares += off * off;
    }
    const double deviation = std::sqrt(squares / kRounds);
    CHECK(deviation > 2);  // where all rows were drawn there would be none
    CHECK(std::abs(sum) / kRounds < deviation);
  }
}

TEST_CASE("row sampling: watched rows are not learned from, whatever blocks and threads they fall into") {
  const Watching w = watching(20'000, Sampling::uniform, 1);
  const int before = num_threads();
  set_num_threads(1);
  const Boosted one = w.boosted(5);
  set_num_threads(7);
  const Boosted seven = w.boosted(5);
  set_num_threads(before);
  CHECK(one.validation_history == seven.validation_history);
  for (const Tree& tree : one.trees)
    CHECK(tree.nodes[0].cover == doctest::Approx(20'000.0 - static_cast<double>(w.watched.size())));
  // A leaf of the first round by hand: l2 = 1 and the mean of the gradients there.
  Watching stump = w;
  stump.rules.grow.max_depth = 1;
  stump.rules.learning_rate = 1;
  const Boosted first = stump.boosted(1);
  const Tree& tree = first.trees[0];
  REQUIRE(tree.nodes.size() == 3);
  const auto f = static_cast<std::size_t>(tree.nodes[0].feature);
  std::vector<double> values(20'000 * 2);
  w.rows.x.tile(0, 20'000, values.data());
  double sums[2] = {0, 0}, counts[2] = {0, 0};
  for (std::uint32_t r = 0; r < 20'000; ++r) {
    if (r / 5 % 4 == 3) continue;
    const int side = values[2 * r + f] <= tree.nodes[0].threshold ? 0 : 1;
    sums[side] += w.rows.y[r] - first.base[0];
    counts[side] += 1;
  }
  for (const int side : {0, 1}) {
    const TreeNode& leaf =
        tree.nodes[static_cast<std::size_t>(tree.nodes[0].left) + static_cast<std::size_t>(side)];
    CHECK(leaf.cover == doctest::Approx(counts[side]));
    CHECK(leaf.value[0] ==
          doctest::Approx(sums[side] / (counts[side] + stump.rules.grow.split.l2)).epsilon(1e-3));
  }
}
