#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/tree/target_statistics_internal.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kMostSlots = 1024;  // levels with a statistic of their own; the rare ones share one
constexpr std::int64_t kMostAverages = 8;  // of the shares of classes, those of the heaviest ones

template <class F>
void for_each_value(const ColumnValues& column, F&& f) {
  const auto each = [&](auto values) {
    for (std::size_t r = 0; r < values.size(); ++r) f(r, static_cast<double>(values[r]));
  };
  column.is_f32() ? each(column.f32()) : each(column.f64());
}

}  // namespace

TargetStatistics::TargetStatistics(const TreeData& data, int most_levels, double smoothing)
    : data_(data), smoothing_(smoothing) {
  const auto& features = data.features.list();
  const auto may_have_more = [&](const TreeFeature& f) {
    return f.category && std::ssize(f.levels) + 1 > most_levels;  // missing counts as one
  };
  if (std::ranges::none_of(features, may_have_more)) return;
  find_averages();
  x_ = by_columns(data.x);
  for (std::int64_t f = 0; f < std::ssize(features); ++f) {
    std::int64_t category = -1;
    if (features[at(f)].category) category = add_category(f, most_levels);
    if (category < 0) {
      source_.push_back(static_cast<std::int32_t>(f));
      statistic_.push_back(-1);
    }
    for (std::int64_t a = 0; category >= 0 && a < std::ssize(averaged_); ++a) {
      source_.push_back(static_cast<std::int32_t>(f));
      statistic_.push_back(static_cast<std::int32_t>(category * std::ssize(averaged_) + a));
    }
  }
}

// What is averaged: the target, or of several classes the share of each.
void TargetStatistics::find_averages() {
  const std::size_t n = at(data_.rows());
  const auto weight = [&](std::size_t r) { return data_.weights.empty() ? 1.0 : data_.weights[r]; };
  double total = 0;
  for (std::size_t r = 0; r < n; ++r) total += weight(r);
  averaged_ = {1};
  if (data_.task == Task::multiclass) {
    std::vector<double> sums(data_.classes.size());
    for (std::size_t r = 0; r < n; ++r) sums[at(data_.labels[r])] += weight(r);
    averaged_.resize(sums.size());
    std::iota(averaged_.begin(), averaged_.end(), 0);
    std::ranges::stable_sort(averaged_,
                             [&](std::int32_t a, std::int32_t b) { return sums[at(a)] > sums[at(b)]; });
    averaged_.resize(std::min(sums.size(), at(kMostAverages)));
  }
  for (std::int64_t a = 0; a < std::ssize(averaged_); ++a) {
    double mean = 0, squares = 0;
    for (std::size_t r = 0; r < n; ++r) mean += weight(r) / total * target(a, r);
    for (std::size_t r = 0; r < n; ++r)
      squares += weight(r) / total * (target(a, r) - mean) * (target(a, r) - mean);
    prior_.push_back(mean);
    spread_.push_back(squares > 0 ? std::sqrt(squares) : 1);
  }
}

double TargetStatistics::target(std::int64_t average, std::size_t row) const {
  if (data_.task == Task::regression) return data_.y[row];
  return data_.labels[row] == averaged_[at(average)] ? 1 : 0;
}

// The category's number among the encoded ones, -1 where its levels are few.
std::int64_t TargetStatistics::add_category(std::int64_t feature, int most_levels) {
  const ColumnValues column(x_, feature);
  const DistinctValues levels = distinct_values(column, data_.weights);
  if (std::ssize(levels.values) + (levels.has_missing ? 1 : 0) <= most_levels) return -1;
  Encoded e;
  e.feature = static_cast<std::int32_t>(feature);
  std::vector<std::size_t> order(levels.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return levels.weights[a] > levels.weights[b]; });
  order.resize(std::min(order.size(), at(kMostSlots)));
  std::ranges::sort(order);
  e.slot.assign(levels.values.empty() ? 0 : static_cast<std::size_t>(levels.values.back()) + 1, -1);
  for (const std::size_t i : order) {
    e.codes.push_back(static_cast<std::int32_t>(levels.values[i]));
    e.slot[at(e.codes.back())] = static_cast<std::int32_t>(e.slots++);
  }
  e.slots += 2;
  Sums sums(e.slots, std::ssize(averaged_));
  for_each_value(column, [&](std::size_t r, double code) { add_row(sums, slot_of(e, code), r); });
  e.values.resize(at(e.slots * std::ssize(averaged_)));
  for (std::int64_t s = 0; s < e.slots; ++s)
    for (std::int64_t a = 0; a < std::ssize(averaged_); ++a)
      e.values[at(a * e.slots + s)] = static_cast<float>(mean(sums, s, a));
  encoded_.push_back(std::move(e));
  return std::ssize(encoded_) - 1;
}

std::int64_t TargetStatistics::slot_of(const Encoded& e, double code) const {
  if (std::isnan(code)) return e.slots - 1;
  const auto c = static_cast<std::size_t>(code);
  const std::int32_t own = c < e.slot.size() ? e.slot[c] : -1;
  return own >= 0 ? own : e.slots - 2;
}

void TargetStatistics::add_row(Sums& sums, std::int64_t slot, std::size_t row) const {
  const double weight = data_.weights.empty() ? 1.0 : data_.weights[row];
  sums.weight[at(slot)] += weight;
  const std::int64_t k = std::ssize(averaged_);
  for (std::int64_t a = 0; a < k; ++a)
    sums.sum[at(slot * k + a)] += weight * (target(a, row) - prior_[at(a)]) / spread_[at(a)];
}

double TargetStatistics::mean(const Sums& sums, std::int64_t slot, std::int64_t average) const {
  return sums.sum[at(slot * std::ssize(averaged_) + average)] / (sums.weight[at(slot)] + smoothing_);
}

TreeData TargetStatistics::training(std::uint64_t seed) const {
  const std::int64_t n = data_.rows(), k = std::ssize(averaged_);
  Random random(seed, "order of the rows");
  const std::vector<std::int64_t> order = random.permutation(n);
  std::vector<Tensor> columns(encoded_.size() * at(k));
  parallel_for(std::ssize(encoded_), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Encoded& e = encoded_[at(i)];
      const ColumnValues column(x_, e.feature);
      std::vector<std::int32_t> slots(at(n));
      for_each_value(column, [&](std::size_t r, double code) {
        slots[r] = static_cast<std::int32_t>(slot_of(e, code));
      });
      Sums sums(e.slots, k);
      std::vector<std::vector<float>> values(at(k), std::vector<float>(at(n)));
      for (const std::int64_t r : order) {
        for (std::int64_t a = 0; a < k; ++a)
          values[at(a)][at(r)] = static_cast<float>(mean(sums, slots[at(r)], a));
        add_row(sums, slots[at(r)], at(r));
      }
      for (std::int64_t a = 0; a < k; ++a) columns[at(i * k + a)] = Tensor::take(std::move(values[at(a)]));
    }
  });
  return with_statistics(data_, x_, columns);
}

TreeData TargetStatistics::others(const TreeData& data) const {
  const Matrix x = by_columns(data.x);
  const std::int64_t k = std::ssize(averaged_);
  std::vector<Tensor> columns;
  for (const Encoded& e : encoded_)
    for (std::int64_t a = 0; a < k; ++a) {
      std::vector<float> values(at(data.rows()));
      for_each_value(ColumnValues(x, e.feature), [&](std::size_t r, double code) {
        values[r] = static_cast<float>(e.values[at(a * e.slots + slot_of(e, code))]);
      });
      columns.push_back(Tensor::take(std::move(values)));
    }
  return with_statistics(data, x, columns);
}

TreeData TargetStatistics::with_statistics(const TreeData& data, const Matrix& x,
                                           const std::vector<Tensor>& statistics) const {
  TreeData d = data;
  std::vector<TreeFeature> features;
  std::vector<Tensor> columns;
  for (std::size_t f = 0; f < source_.size(); ++f) {
    const TreeFeature& source = data.features.list()[at(source_[f])];
    if (statistic_[f] < 0) {
      features.push_back(source);
      columns.push_back(x.column_tensors()[at(source_[f])]);
      continue;
    }
    features.push_back({source.name, false, {}});
    columns.push_back(statistics[at(statistic_[f])]);
  }
  d.features = TreeFeatures(std::move(features));
  d.x = Matrix::from_columns(std::move(columns), data.rows());
  return d;
}

// Levels whose statistic is at most the threshold go left. Rare levels cannot be listed, so where they go
// left the other side is listed and the children change places.
TargetStatistics::LevelSplit TargetStatistics::split_of(const TreeNode& node) const {
  const std::int32_t statistic = statistic_[at(node.feature)];
  const std::int64_t k = std::ssize(averaged_);
  const Encoded& e = encoded_[at(statistic / k)];
  const auto left = [&](std::int64_t slot) {
    return e.values[at(statistic % k * e.slots + slot)] <= node.threshold;
  };
  LevelSplit s;
  s.swapped = left(e.slots - 2);
  for (std::size_t slot = 0; slot < e.codes.size(); ++slot)
    if (left(static_cast<std::int64_t>(slot)) != s.swapped) s.codes.push_back(e.codes[slot]);
  s.missing_listed = left(e.slots - 1) != s.swapped;
  return s;
}

void TargetStatistics::decode(Tree& tree) const {
  Tree out;
  out.output = tree.output;
  struct Place {
    std::int32_t from, to;
    double cover;  // by which covers are multiplied, so that a node's is the sum of its children's
  };
  out.nodes.emplace_back();
  std::vector<Place> open{{0, 0, 1}};
  while (!open.empty()) {
    const Place p = open.back();
    open.pop_back();
    TreeNode node = tree.nodes[at(p.from)];
    if (!node.is_leaf() && statistic_[at(node.feature)] >= 0) {
      LevelSplit s = split_of(node);
      if (s.swapped) std::swap(node.left, node.right);
      if (s.codes.empty() && !s.missing_listed) {  // no value goes there
        const double kept = tree.nodes[at(node.right)].cover;
        open.push_back({node.right, p.to, kept > 0 ? p.cover * node.cover / kept : p.cover});
        continue;
      }
      node.category = true;
      node.threshold = 0;
      node.missing_left = s.missing_listed;
      node.left_codes = std::move(s.codes);
    }
    const std::int32_t from_left = node.left, from_right = node.right;
    node.cover *= p.cover;
    if (!node.is_leaf()) node.feature = source_[at(node.feature)];
    for (std::int32_t& f : node.slope_features) f = source_[at(f)];
    out.nodes[at(p.to)] = std::move(node);
    if (from_left < 0) continue;
    const std::int32_t left = out.split(p.to);
    open.push_back({from_right, left + 1, p.cover});
    open.push_back({from_left, left, p.cover});
  }
  tree = std::move(out);
}

}  // namespace cairn::tree
