// Walks through trees. Eight walks at a time hide each other's waiting: rows of a block through one tree, or
// one row through eight trees. A leaf's step leads back to itself, so a walk needs no test for its end.
#include <hwy/base.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/tree/binned_trees_internal.h"
#include "cairn/tree/ensemble.h"

namespace cairn {
namespace {

constexpr std::int32_t kWalks = 8;
constexpr std::int64_t kBlock = 256;  // rows that go through a tree while it is in the cache
constexpr std::int64_t kGrain = 4 * kBlock;
constexpr std::int64_t kWordsPerCode = 4;  // a set's bits take at most this many words for each code
constexpr std::int32_t kSteadySteps = 8;   // taken before the first look whether all walks have ended

bool complete(std::span<const double> tile) {
  bool missing = false;
  for (const double v : tile) missing |= std::isnan(v);
  return !missing;
}

}  // namespace

std::int64_t TreeEnsemble::num_predicted() const {
  return options_.output == TreeOutput::logistic ? 2 : options_.num_outputs;
}

void TreeEnsemble::prepare() {
  steps_.clear(), leaf_rows_.clear(), step_roots_.clear(), depths_.clear();
  set_bits_.clear(), set_words_.assign(1, 0);
  general_ = set_.defined();
  if (set_.defined()) {
    const auto begin = set_begin_.data<std::int64_t>();
    const auto codes = set_codes_.data<std::int32_t>();
    for (std::size_t s = 0; s + 1 < begin.size(); ++s) {
      const std::int64_t count = begin[s + 1] - begin[s];
      std::int64_t words = count == 0 ? 0 : codes[at(begin[s + 1]) - 1] / 64 + 1;
      if (words > kWordsPerCode * count) words = 0;  // few of many: looked up among the codes instead
      const std::size_t first = set_bits_.size();
      set_bits_.resize(first + at(words));
      for (std::int64_t i = begin[s]; words > 0 && i < begin[s + 1]; ++i)
        set_bits_[first + at(codes[at(i)] / 64)] |= std::uint64_t{1} << (codes[at(i)] % 64);
      set_words_.push_back(std::ssize(set_bits_));
    }
  }
  steps_.reserve(at(num_nodes()));
  leaf_rows_.reserve(at(num_nodes()));
  max_depth_ = 0;
  for (std::int64_t t = 0; t < num_trees(); ++t) lay_out(t);
  binned_ = tree::BinnedTrees::of(*this);
}

// The nodes of a tree, breadth first, siblings side by side.
void TreeEnsemble::lay_out(std::int64_t tree) {
  const std::size_t first = steps_.size();
  step_roots_.push_back(static_cast<std::int32_t>(first));
  std::vector<std::int64_t> level{roots()[at(tree)]}, next;
  const auto feature_of = features(), left_of = left(), right_of = right();
  const auto missing_goes_left = missing_left();
  const auto threshold_of = thresholds();
  std::int32_t depth = 0;
  for (;; ++depth) {
    next.clear();
    const std::size_t below = steps_.size() + level.size();
    for (const std::int64_t i : level) {
      if (feature_of[at(i)] < 0) {
        steps_.push_back({INFINITY, 0, static_cast<std::int32_t>(steps_.size())});
        leaf_rows_.push_back(left_of[at(i)]);
        continue;
      }
      auto feature = static_cast<std::uint32_t>(feature_of[at(i)]);
      if (!missing_goes_left[at(i)]) feature |= kMissingRight;
      if (is_category(i)) feature |= kCategory;
      const double threshold = is_category(i) ? set_.data<std::int32_t>()[at(i)] : threshold_of[at(i)];
      steps_.push_back({threshold, feature, static_cast<std::int32_t>(below + next.size())});
      leaf_rows_.push_back(-1);
      next.push_back(left_of[at(i)]);
      next.push_back(right_of[at(i)]);
    }
    if (next.empty()) break;
    level.swap(next);
  }
  depths_.push_back(depth);
  max_depth_ = std::max<std::int64_t>(max_depth_, depth);
}

bool TreeEnsemble::in_set(std::int64_t set, double code) const {
  if (!(code >= 0 && code <= std::numeric_limits<std::int32_t>::max())) return false;
  const auto c = static_cast<std::int64_t>(code);
  const std::int64_t first = set_words_[at(set)], words = set_words_[at(set) + 1] - first;
  if (words > 0) return c < words * 64 && (set_bits_[at(first + c / 64)] >> (c % 64) & 1) != 0;
  const auto begin = set_begin_.data<std::int64_t>();
  const auto codes = set_codes_.data<std::int32_t>();
  return std::binary_search(codes.begin() + begin[at(set)], codes.begin() + begin[at(set) + 1], c);
}

bool TreeEnsemble::goes_left(std::int64_t node, double value) const {
  if (options_.f32_inputs) value = static_cast<float>(value);
  if (std::isnan(value)) return missing_left()[at(node)] != 0;
  if (is_category(node)) return in_set(set_.data<std::int32_t>()[at(node)], value);
  return value <= thresholds()[at(node)];
}

std::int64_t TreeEnsemble::leaf_of(std::int64_t tree, std::span<const double> row) const {
  std::int64_t node = roots()[at(tree)];
  while (!is_leaf(node)) node = (goes_left(node, row[at(features()[at(node)])]) ? left() : right())[at(node)];
  return node;
}

template <TreeEnsemble::Rows Kind>
inline std::int32_t TreeEnsemble::step(const Step* steps, const double* row, std::int32_t i) const {
  const Step& s = steps[i];
  double x = row[s.feature & kFeature];
  if constexpr (Kind == Rows::complete) return s.left + static_cast<std::int32_t>(x > s.threshold);
  if constexpr (Kind == Rows::any) {
    if (options_.f32_inputs) x = static_cast<float>(x);
    if ((s.feature & kCategory) && !std::isnan(x))
      return s.left + (in_set(static_cast<std::int64_t>(s.threshold), x) ? 0 : 1);
    if (s.feature & kCategory) return s.left + static_cast<std::int32_t>(s.feature >> 31);
  }
  const bool missing = std::isnan(x);
  return s.left + static_cast<std::int32_t>((x > s.threshold) | (missing & (s.feature >> 31 != 0)));
}

// Eight walks go down at most `depth` levels; after a while it is asked now and then whether any still moves.
template <TreeEnsemble::Rows Kind, class RowOf>
inline void TreeEnsemble::walk(std::int32_t* where, std::int32_t depth, RowOf&& row_of) const {
  const Step* steps = steps_.data();
  std::int32_t level = 0;
  for (const std::int32_t steady = std::min(depth, kSteadySteps); level < steady; ++level) {
    HWY_UNROLL(8) for (std::int32_t w = 0; w < kWalks; ++w) where[w] = step<Kind>(steps, row_of(w), where[w]);
  }
  for (; level < depth; ++level) {
    std::int32_t moved = 0;
    HWY_UNROLL(8) for (std::int32_t w = 0; w < kWalks; ++w) {
      const std::int32_t next = step<Kind>(steps, row_of(w), where[w]);
      moved |= next ^ where[w];
      where[w] = next;
    }
    if (moved == 0) break;
  }
}

inline void TreeEnsemble::add_leaf(std::size_t tree, std::int32_t i, const double* x, double* raw) const {
  const auto row = static_cast<std::size_t>(leaf_rows_[static_cast<std::size_t>(i)]);
  const double* values = reinterpret_cast<const double*>(values_.raw());
  if (!options_.vector_leaves) {
    double& sum = raw[reinterpret_cast<const std::int32_t*>(tree_outputs_.raw())[tree]];
    const auto leaf = static_cast<std::int64_t>(row);
    if (lines_.empty() || !lines_.has(leaf))
      sum += values[row];
    else
      sum += line_at(lines_.intercept(leaf), lines_.features(leaf), lines_.slopes(leaf), values[row],
                     [&](std::int32_t f) {
                       return options_.f32_inputs ? static_cast<double>(static_cast<float>(x[f])) : x[f];
                     });
    return;
  }
  const auto k = static_cast<std::size_t>(options_.num_outputs);
  for (std::size_t o = 0; o < k; ++o) raw[o] += values[row * k + o];
}

template <TreeEnsemble::Rows Kind>
void TreeEnsemble::walk_block(const double* rows, std::int64_t n, std::int64_t trees, double* raw) const {
  const std::int64_t d = std::max<std::int64_t>(options_.num_features, 1), k = options_.num_outputs;
  for (std::size_t t = 0; t < at(trees); ++t)
    for (std::int64_t r = 0; r < n; r += kWalks) {
      const std::int64_t count = std::min<std::int64_t>(kWalks, n - r);
      std::int32_t where[kWalks];
      std::fill_n(where, kWalks, step_roots_[t]);
      const double* first = rows + r * d;
      if (count == kWalks)
        walk<Kind>(where, depths_[t], [&](std::int32_t w) { return first + w * d; });
      else  // the last rows walk more than once
        walk<Kind>(where, depths_[t],
                   [&](std::int32_t w) { return first + std::min<std::int64_t>(w, count - 1) * d; });
      for (std::int64_t w = 0; w < count; ++w) add_leaf(t, where[w], first + w * d, raw + (r + w) * k);
    }
}

template <TreeEnsemble::Rows Kind>
void TreeEnsemble::walk_row(const double* row, double* raw) const {
  const std::int64_t trees = num_trees();
  for (std::int64_t first = 0; first < trees; first += kWalks) {
    const std::int64_t count = std::min<std::int64_t>(kWalks, trees - first);
    std::int32_t where[kWalks], depth = 0;
    for (std::int64_t w = 0; w < kWalks; ++w) {
      const std::size_t t = at(first + std::min(w, count - 1));
      where[w] = step_roots_[t];
      depth = std::max(depth, depths_[t]);
    }
    walk<Kind>(where, depth, [&](std::int32_t) { return row; });
    for (std::int64_t w = 0; w < count; ++w) add_leaf(at(first + w), where[w], row, raw);
  }
}

void TreeEnsemble::add_tree(std::int64_t tree, std::span<const double> x, std::span<const std::int32_t> rows,
                            std::span<double> raw) const {
  const auto t = at(tree);
  const std::int64_t d = std::max<std::int64_t>(options_.num_features, 1), count = std::ssize(rows);
  const double* first = x.data();
  for (std::int64_t i = 0; i < count; i += kWalks) {
    std::int32_t where[kWalks], which[kWalks];
    for (std::int64_t w = 0; w < kWalks; ++w) {
      where[w] = step_roots_[t];
      which[w] = rows[at(std::min(i + w, count - 1))];
    }
    walk<Rows::any>(where, depths_[t], [&](std::int32_t w) { return first + which[w] * d; });
    for (std::int64_t w = 0; w < std::min<std::int64_t>(kWalks, count - i); ++w)
      add_leaf(t, where[w], first + which[w] * d, raw.data() + which[w] * options_.num_outputs);
  }
}

void TreeEnsemble::predict_raw_row(std::span<const double> row, std::span<double> raw) const {
  CAIRN_ASSERT(std::ssize(row) >= num_features() && std::ssize(raw) == num_outputs());
  std::ranges::fill(raw, 0.0);
  constexpr double kNothing = 0;  // a tree of one leaf looks at a feature that need not be there
  const double* x = row.empty() ? &kNothing : row.data();
  if (general_ || options_.f32_inputs)
    walk_row<Rows::any>(x, raw.data());
  else
    walk_row<Rows::numbers>(x, raw.data());
  const double scale = options_.average && num_trees() > 0 ? static_cast<double>(num_trees()) : 1;
  for (std::size_t o = 0; o < raw.size(); ++o) raw[o] = options_.base[o] + raw[o] / scale;
}

void TreeEnsemble::predict_raw(const Matrix& x, std::span<double> raw, std::int64_t trees) const {
  trees = trees < 0 ? num_trees() : std::min(trees, num_trees());
  CAIRN_ASSERT(x.columns() == num_features() && std::ssize(raw) == x.rows() * num_outputs());
  const std::int64_t d = std::max<std::int64_t>(num_features(), 1), k = num_outputs();
  const double scale = options_.average && trees > 0 ? static_cast<double>(trees) : 1;
  parallel_for(x.rows(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> tile(at(std::min(kBlock, end - begin) * d));
    for (std::int64_t first = begin; first < end; first += kBlock) {
      const std::int64_t n = std::min(kBlock, end - first);
      if (num_features() > 0) x.tile(first, first + n, tile.data());
      if (options_.f32_inputs)
        for (double& v : tile) v = static_cast<float>(v);
      double* out = raw.data() + first * k;
      std::fill(out, out + n * k, 0.0);
      if (binned_ && x.rows() >= tree::kTileRows)
        for (std::int64_t r = 0; r < n; r += tree::kTileRows)
          binned_->add(tile.data() + r * d, std::min(tree::kTileRows, n - r), trees, out + r * k);
      else if (general_)
        walk_block<Rows::any>(tile.data(), n, trees, out);
      else if (complete(std::span<const double>(tile).first(at(n * d))))
        walk_block<Rows::complete>(tile.data(), n, trees, out);
      else
        walk_block<Rows::numbers>(tile.data(), n, trees, out);
      for (std::int64_t i = 0; i < n * k; ++i) out[i] = options_.base[at(i % k)] + out[i] / scale;
    }
  });
}

void TreeEnsemble::finish(std::span<const double> raw, std::span<double> predicted) const {
  const std::size_t k = at(num_outputs()), n = raw.size() / k;
  switch (options_.output) {
    case TreeOutput::identity:
      std::ranges::copy(raw, predicted.begin());
      return;
    case TreeOutput::exponential:
      std::ranges::transform(raw, predicted.begin(), [](double v) { return std::exp(v); });
      return;
    case TreeOutput::logistic:
      for (std::size_t r = 0; r < n; ++r) {
        const double e = std::exp(-std::abs(raw[r])), small = e / (1 + e), large = 1 / (1 + e);
        predicted[2 * r] = raw[r] > 0 ? small : large;
        predicted[2 * r + 1] = raw[r] > 0 ? large : small;
      }
      return;
    case TreeOutput::softmax:
    case TreeOutput::share:
      break;
  }
  for (std::size_t r = 0; r < n; ++r) {
    const auto from = raw.subspan(r * k, k);
    const auto to = predicted.subspan(r * k, k);
    const bool softmax = options_.output == TreeOutput::softmax;
    const double highest = softmax ? std::ranges::max(from) : 0;
    double sum = 0;
    for (std::size_t o = 0; o < k; ++o) sum += to[o] = softmax ? std::exp(from[o] - highest) : from[o];
    for (double& p : to) p /= sum;
  }
}

}  // namespace cairn
