// What becomes of a grown tree: pruned, its leaves' values, the tree itself, its rows' raw outputs.
#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <queue>

#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/tree/boost_grow_internal.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kChunk = 8192;  // rows of a leaf that one job updates

}  // namespace

// Takes back the weakest splits above two leaves until there are few enough leaves.
void TreeGrower::prune() {
  std::vector<std::int32_t> parent(nodes_.size(), -1);
  int leaves = 0;
  const auto above_leaves = [&](std::int32_t i) {
    const std::int32_t l = nodes_[at(i)].left;
    return l >= 0 && nodes_[at(l)].left < 0 && nodes_[at(l + 1)].left < 0;
  };
  const auto stronger = [&](std::int32_t a, std::int32_t b) {
    const Node &na = nodes_[at(a)], &nb = nodes_[at(b)];
    return na.split.gain > nb.split.gain || (na.split.gain == nb.split.gain && na.path < nb.path);
  };
  std::priority_queue<std::int32_t, std::vector<std::int32_t>, decltype(stronger)> weakest(stronger);
  for (std::int32_t i = 0; i < std::ssize(nodes_); ++i) {
    if (nodes_[at(i)].left < 0) {
      ++leaves;
      continue;
    }
    parent[at(nodes_[at(i)].left)] = parent[at(nodes_[at(i)].left + 1)] = i;
    if (above_leaves(i)) weakest.push(i);
  }
  for (; leaves > rules_.max_leaves && !weakest.empty(); --leaves) {
    const std::int32_t i = weakest.top();
    weakest.pop();
    nodes_[at(i)].left = -1;
    if (parent[at(i)] >= 0 && above_leaves(parent[at(i)])) weakest.push(parent[at(i)]);
  }
}

double TreeGrower::value_of(const Node& node, std::int32_t index) const {
  if (!own_values_.empty()) return own_values_[at(index)];
  return leaf_value(gradients_->g(node.total), gradients_->h(node.total), rules_.split, node.bounds);
}

Tree TreeGrower::tree(double rate, std::vector<std::int32_t>* leaf_nodes) const {
  Tree t;
  std::vector<std::int32_t> becomes(nodes_.size(), -1);
  struct Place {
    std::int32_t from, to;
  };
  t.nodes.emplace_back();
  std::vector<Place> open{{0, 0}};
  while (!open.empty()) {
    const Place p = open.back();
    open.pop_back();
    const Node& node = nodes_[at(p.from)];
    TreeNode& out = t.nodes[at(p.to)];
    out.cover = gradients_->h(node.total);
    if (node.left < 0) {
      becomes[at(p.from)] = p.to;
      if (outputs_ == 1)
        out.value = {rate * value_of(node, p.from)};
      else
        for (std::int64_t o = 0; o < outputs_; ++o)
          out.value.push_back(rate * own_values_[at(p.from * outputs_ + o)]);
      continue;
    }
    const BinnedFeature& f = data_.feature(node.split.feature);
    out.feature = node.split.feature;
    out.gain = node.split.gain;
    out.missing_left = node.split.missing_left;
    out.category = f.category;
    if (f.category) {
      for (std::size_t b = 0; b < f.codes.size(); ++b)
        if (node.split.left_bins[b / 64] >> (b % 64) & 1) out.left_codes.push_back(f.codes[b]);
    } else {
      out.threshold = node.split.bin < std::ssize(f.cuts) ? f.cuts[at(node.split.bin)] : INFINITY;
    }
    const std::int32_t left = t.split(p.to);
    open.push_back({node.left + 1, left + 1});
    open.push_back({node.left, left});
  }
  if (leaf_nodes)
    std::ranges::copy_if(becomes, std::back_inserter(*leaf_nodes), [](std::int32_t i) { return i >= 0; });
  return t;
}

void TreeGrower::add_to(std::span<double> raw, double rate) const {
  struct Job {
    std::int32_t node;
    std::int64_t begin, end;
  };
  std::vector<Job> jobs;
  std::vector<std::int32_t> open{0};
  while (!open.empty()) {
    const std::int32_t i = open.back();
    open.pop_back();
    const Node& node = nodes_[at(i)];
    if (node.left >= 0 && node.rows_divided) {
      open.push_back(node.left);
      open.push_back(node.left + 1);
      continue;
    }
    for (std::int64_t b = 0; b < node.count; b += kChunk)
      jobs.push_back({i, node.begin + b, node.begin + std::min(node.count, b + kChunk)});
  }
  constexpr std::int64_t kJobs = 8;
  parallel_for(std::ssize(jobs), kJobs, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t j = first; j < last; ++j) {
      const Job& job = jobs[at(j)];
      const Node& node = nodes_[at(job.node)];
      if (node.left < 0) {
        const double v = rate * value_of(node, job.node);
        for (std::int64_t i = job.begin; i < job.end; ++i) raw[rows_[at(i)]] += v;
        continue;
      }
      // The last split of a branch: its rows were not divided, each looks for its own side.
      std::array<std::uint8_t, 256> table{};
      left_table(data_.feature(node.split.feature), node.split, table.data());
      const std::uint8_t* column = data_.column(node.split.feature);
      const double values[] = {rate * value_of(nodes_[at(node.left + 1)], node.left + 1),
                               rate * value_of(nodes_[at(node.left)], node.left)};
      for (std::int64_t i = job.begin; i < job.end; ++i) {
        const std::uint32_t row = rows_[at(i)];
        raw[row] += values[table[column[row]]];
      }
    }
  });
}

// Rows that were not learned from are in no node's list: each walks down by its bins. Calls found(row, node).
template <class F>
void TreeGrower::walk_all(F&& found) const {
  struct Step {
    const std::uint8_t* column;  // null: a leaf
    const std::uint8_t* goes_left;
    std::int32_t left;
  };
  std::vector<Step> steps(nodes_.size());
  std::vector<std::array<std::uint8_t, 256>> tables(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (node.left < 0) continue;
    left_table(data_.feature(node.split.feature), node.split, tables[i].data());
    steps[i] = {data_.column(node.split.feature), tables[i].data(), node.left};
  }
  parallel_for(data_.rows(), kChunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const Step* step = steps.data();
      while (step->column) step = steps.data() + step->left + (step->goes_left[step->column[r]] ? 0 : 1);
      found(at(r), static_cast<std::size_t>(step - steps.data()));
    }
  });
}

void TreeGrower::add_to_all(std::span<double> raw, double rate) const {
  std::vector<double> values(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].left < 0) values[i] = rate * value_of(nodes_[i], static_cast<std::int32_t>(i));
  walk_all([&](std::size_t row, std::size_t node) { raw[row] += values[node]; });
}

std::vector<std::int32_t> TreeGrower::leaf_of_all() const {
  std::vector<std::int32_t> number(nodes_.size()), leaf(at(data_.rows()));
  std::int32_t leaves = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].left < 0) number[i] = leaves++;
  walk_all([&](std::size_t row, std::size_t node) { leaf[row] = number[node]; });
  return leaf;
}

std::vector<std::span<const std::uint32_t>> TreeGrower::leaf_rows() const {
  std::vector<std::span<const std::uint32_t>> all;
  for (const Node& node : nodes_)
    if (node.left < 0) all.emplace_back(rows_.data() + node.begin, at(node.count));
  return all;
}

std::int64_t TreeGrower::num_leaves() const {
  return std::ranges::count_if(nodes_, [](const Node& node) { return node.left < 0; });
}

void TreeGrower::set_leaf_values(std::span<const double> values, std::int64_t outputs) {
  outputs_ = outputs;
  own_values_.assign(nodes_.size() * at(outputs), 0.0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].left < 0)
      for (std::size_t o = 0; o < at(outputs); ++o) own_values_[i * at(outputs) + o] = values[next++];
}

}  // namespace cairn::tree
