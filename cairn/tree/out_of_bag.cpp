#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/metrics/metric.h"
#include "cairn/tree/out_of_bag_internal.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kOutOfBagRows = 20'000;  // looked at to tell the score
constexpr std::int64_t kTreesAtOnce = 16;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// What the trees that have not seen a row say of it.
struct OutOfBag {
  std::vector<double> sums;            // [count, outputs]
  std::vector<std::uint32_t> seen_by;  // [count]: trees that answered
};

// Of every `step`-th row.
OutOfBag answers(const TreeData& data, const TreeEnsemble& trees, std::uint64_t seed, std::int64_t step) {
  const std::int64_t n = data.rows(), count = (n + step - 1) / step;
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 0; r < n; r += step) rows.push_back(r);
  const Matrix some = step == 1 ? data.x : data.x.select_rows(rows);
  const std::int64_t d = data.features.size();
  std::vector<double> x(at(count * d));
  if (d > 0) some.tile(0, count, x.data());
  OutOfBag found{.sums = std::vector<double>(at(count * trees.num_outputs())),
                 .seen_by = std::vector<std::uint32_t>(at(count))};
  for (std::int64_t first = 0; first < trees.num_trees(); first += kTreesAtOnce) {
    const std::int64_t end_tree = std::min(trees.num_trees(), first + kTreesAtOnce);
    std::vector<std::vector<std::uint32_t>> drawn(at(end_tree - first));
    parallel_for(end_tree - first, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t)
        drawn[at(t)] = draw_rows(n, seed, static_cast<std::uint64_t>(first + t));
    });
    parallel_for(count, 256, [&](std::int64_t begin, std::int64_t end) {
      std::vector<std::int32_t> unseen;
      for (std::int64_t t = first; t < end_tree; ++t) {
        unseen.clear();
        for (std::int64_t i = begin; i < end; ++i) {
          if (drawn[at(t - first)][at(i * step)] > 0) continue;
          ++found.seen_by[at(i)];
          unseen.push_back(static_cast<std::int32_t>(i));
        }
        trees.add_tree(t, x, unseen, found.sums);
      }
    });
  }
  return found;
}

}  // namespace

std::vector<std::uint32_t> draw_rows(std::int64_t n, std::uint64_t seed, std::uint64_t tree) {
  std::vector<std::uint32_t> count(at(n));
  Random random(seed, "bootstrap", tree);
  for (std::int64_t i = 0; i < n; ++i) ++count[random.below(static_cast<std::uint64_t>(n))];
  return count;
}

std::vector<OwnEstimate> out_of_bag(const TreeData& data, const TreeEnsemble& trees,
                                    std::span<const double> levels, std::span<const double> given,
                                    std::uint64_t seed) {
  const std::int64_t step = (data.rows() + kOutOfBagRows - 1) / kOutOfBagRows, k = trees.num_outputs();
  const OutOfBag found = answers(data, trees, seed, step);
  const bool classes = is_classification(data.task);
  std::vector<double> truth, predicted, probabilities, weights;
  std::vector<std::int32_t> labels, decisions;
  std::vector<std::int64_t> groups;
  for (std::size_t i = 0; i < found.seen_by.size(); ++i) {
    if (found.seen_by[i] == 0) continue;
    const std::size_t row = i * at(step);
    if (!given.empty()) weights.push_back(given[row]);
    if (!data.groups.empty()) groups.push_back(data.groups[row]);
    const auto sums = std::span<const double>(found.sums).subspan(i * at(k), at(k));
    if (classes) {
      labels.push_back(data.labels[row]);
      decisions.push_back(static_cast<std::int32_t>(std::ranges::max_element(sums) - sums.begin()));
      for (const double s : sums) probabilities.push_back(s / found.seen_by[i]);
    } else {
      truth.push_back(data.y[row]);
      predicted.push_back(sums[0] / found.seen_by[i]);
    }
  }
  Scored scored{.task = data.task,
                .truth = truth,
                .predicted = predicted,
                .labels = labels,
                .decisions = decisions,
                .probabilities = probabilities,
                .weights = weights,
                .groups = groups};
  scored.num_classes = std::ssize(data.classes);
  if (!levels.empty()) {
    scored.levels = levels;
    scored.quantiles = predicted;
    scored.predicts = Predicts::quantiles;
  }
  std::vector<OwnEstimate> told;
  if (scored.size() == 0) return told;
  const std::vector<const char*> names = classes          ? std::vector{"accuracy", "brier"}
                                         : levels.empty() ? std::vector{"r2", "rmse"}
                                                          : std::vector{"pinball"};
  for (const char* name : names)
    if (const auto e = estimate(metric(name), scored, seed)) told.push_back({name, *e});
  return told;
}

std::string out_of_bag_note(const std::vector<OwnEstimate>& estimates) {
  if (estimates.empty()) return "out-of-bag: no row could be judged";
  const auto& [name, e] = estimates[0];
  if (std::isnan(e.low) || std::isnan(e.high))  // of one group, say
    return fmt::format("out-of-bag {} {:.4f} on {} rows", name, e.value, e.n);
  return fmt::format("out-of-bag {} {:.4f} ({:.4f} to {:.4f}) on {} rows", name, e.value, e.low, e.high, e.n);
}

}  // namespace cairn::tree
