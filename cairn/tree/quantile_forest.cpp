#include "cairn/tree/quantile_forest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/model/contributions.h"
#include "cairn/tree/tree_data_internal.h"

namespace cairn {
namespace {

using P = QuantileForestParams;

constexpr std::int64_t kRows = 64;       // predicted at a time by one thread
constexpr double kRounding = 1e-12;      // weights sum to one but for this
constexpr std::size_t kSortFactor = 16;  // sorting so many times fewer places is quicker than a walk over all

ParamList quantile_forest_params() {
  return {
      param<&P::trees>("trees", "how many", between(1, 1e6), {"n_estimators", "num_trees", "ntree"})
          .searched_when_named(50, 1000, SearchScale::log)
          .counts_steps(),
      param<&P::max_depth>("max_depth", "most questions on a row's way down; 0: no limit", between(0, 1e6)),
      param<&P::min_samples_split>("min_samples_split", "rows a node must have to be split", at_least(2)),
      param<&P::min_samples_leaf>("min_samples_leaf", "rows a leaf must have", at_least(1),
                                  {"min_data_in_leaf", "nodesize"})
          .searched(1, 20, SearchScale::log),
      param<&P::max_features>("max_features",
                              "features looked at in a node: auto (third), sqrt, log2, third, all or a "
                              "share",
                              {}, {"mtry"})
          .searched({"sqrt", "third", "0.5", "all"}),
      param<&P::bootstrap>("bootstrap",
                           "each tree learns from rows drawn with replacement; no: from all rows"),
      param<&P::leaf_samples>("leaf_samples",
                              "most rows that a leaf remembers, drawn at random; 0: all that fell into it",
                              between(0, 1e9), {"max_samples_leaf"})};
}

// The dense rows of x in tiles, and the leaf of each in each tree.
template <class Use>
void walk_leaves(const TreeEnsemble& trees, const Matrix& x, const StopToken& stop, Use&& use) {
  const std::int64_t d = trees.num_features();
  parallel_for(
      x.rows(), kRows,
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> tile(at((end - begin) * d));
        if (d > 0) x.tile(begin, end, tile.data());
        std::vector<std::int32_t> leaves(at(trees.num_trees()));
        for (std::int64_t r = begin; r < end; ++r) {
          const auto row = std::span<const double>(tile).subspan(at((r - begin) * d), at(d));
          for (std::int64_t t = 0; t < trees.num_trees(); ++t)
            leaves[at(t)] = trees.left()[at(trees.leaf_of(t, row))];  // a leaf's place among all leaves
          use(r, leaves);
        }
      },
      stop);
}

// At most `most` rows of each leaf, drawn without replacement, still in ascending order.
void thin(std::vector<std::int64_t>& begin, std::vector<std::int32_t>& samples, std::int64_t most,
          std::uint64_t seed) {
  std::int64_t kept = 0;
  for (std::size_t leaf = 0; leaf + 1 < begin.size(); ++leaf) {
    auto part = std::span(samples).subspan(at(begin[leaf]), at(begin[leaf + 1] - begin[leaf]));
    if (std::ssize(part) > most) {
      Random(seed, "leaf samples", leaf).shuffle(part);
      part = part.first(at(most));
      std::ranges::sort(part);
    }
    std::ranges::copy(part, samples.begin() + kept);  // to the left, or where it lies
    begin[leaf] = kept;
    kept += std::ssize(part);
  }
  begin.back() = kept;
  samples.resize(at(kept));
}

// The weights w_i(x) of the training rows for one row x: kept by a thread from row to row.
class RowWeights {
 public:
  void begin(std::size_t rows) {
    share_.resize(std::max(share_.size(), rows));  // zero but for those touched
    rows_ = rows;
    touched_.clear();
    trees_ = 0;
  }
  // The rows of a leaf, each by its part of them.
  void add(std::span<const std::int32_t> leaf, std::span<const double> weights) {
    double sum = weights.empty() ? static_cast<double>(leaf.size()) : 0;
    if (!weights.empty())
      for (const std::int32_t i : leaf) sum += weights[at(i)];
    if (!(sum > 0)) return;
    for (const std::int32_t i : leaf) {
      if (share_[at(i)] == 0) touched_.push_back(i);
      share_[at(i)] += (weights.empty() ? 1 : weights[at(i)]) / sum;
    }
    trees_ += 1;
  }
  // Places in ascending order with their weight; all is zero again after it.
  template <class Use>
  void take(Use&& use) {
    if (touched_.size() * kSortFactor < rows_) {
      std::ranges::sort(touched_);
    } else {
      touched_.clear();
      for (std::size_t i = 0; i < rows_; ++i)
        if (share_[i] != 0) touched_.push_back(static_cast<std::int32_t>(i));
    }
    for (const std::int32_t i : touched_) {
      use(at(i), share_[at(i)] / trees_);
      share_[at(i)] = 0;
    }
  }

 private:
  std::vector<double> share_;
  std::vector<std::int32_t> touched_;
  std::size_t rows_ = 0;
  double trees_ = 0;
};

}  // namespace

const ParamList& QuantileForestParams::list() {
  static const ParamList l = quantile_forest_params();
  return l;
}

QuantileForestModel::QuantileForestModel(TreeModel forest, const Matrix& rows,
                                         std::span<const double> targets, std::span<const double> weights,
                                         std::int64_t leaf_samples, std::uint64_t seed)
    : forest_(std::move(forest)) {
  const std::int64_t n = rows.rows(), leaves = num_leaves();
  std::vector<std::int32_t> order(at(n)), place(at(n));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::int32_t r) { return targets[at(r)]; });
  std::vector<double> sorted(at(n)), sorted_weights(weights.empty() ? 0 : at(n));
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[at(order[i])] = static_cast<std::int32_t>(i);
    sorted[i] = targets[at(order[i])];
    if (!weights.empty()) sorted_weights[i] = weights[at(order[i])];
  }
  const std::int64_t trees = forest_.trees().num_trees();
  std::vector<std::int32_t> leaf_of(at(n * trees));
  walk_leaves(forest_.trees(), rows, {}, [&](std::int64_t r, const std::vector<std::int32_t>& found) {
    std::ranges::copy(found, leaf_of.begin() + place[at(r)] * trees);
  });
  // Places in ascending order go to their leaves: each leaf's list ascends by itself.
  std::vector<std::int64_t> begin(at(leaves + 1));
  for (const std::int32_t leaf : leaf_of) ++begin[at(leaf) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<std::int64_t> next(begin.begin(), begin.end() - 1);
  std::vector<std::int32_t> samples(leaf_of.size());
  for (std::size_t i = 0; i < leaf_of.size(); ++i)
    samples[at(next[at(leaf_of[i])]++)] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) / trees);
  if (leaf_samples > 0) thin(begin, samples, leaf_samples, seed);
  targets_ = Tensor::take(std::move(sorted));
  if (!weights.empty()) weights_ = Tensor::take(std::move(sorted_weights));
  leaf_begin_ = Tensor::take(std::move(begin));
  samples_ = Tensor::take(std::move(samples));
  check();
}

std::int64_t QuantileForestModel::num_leaves() const {
  const auto features = forest_.trees().features();
  return std::ranges::count_if(features, [](std::int32_t f) { return f < 0; });
}

Table QuantileForestModel::quantiles(const Table& table, std::span<const double> levels) const {
  for (const double level : levels)
    if (!(level > 0 && level < 1))
      throw UsageError("--quantiles", fmt::format("{} is not between 0 and 1", level),
                       "Such as 0.1,0.5,0.9.");
  const Matrix x = forest_.features().matrix(table);
  const auto targets = targets_.data<double>();
  const auto begin = leaf_begin_.data<std::int64_t>();
  const auto samples = samples_.data<std::int32_t>();
  const std::span<const double> weights =
      weights_.defined() ? weights_.data<double>() : std::span<const double>{};
  std::vector<std::size_t> order(levels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return levels[i]; });
  std::vector<std::vector<double>> found(levels.size(), std::vector<double>(at(x.rows())));
  walk_leaves(forest_.trees(), x, {}, [&](std::int64_t r, const std::vector<std::int32_t>& leaves) {
    static thread_local RowWeights of_row;
    of_row.begin(targets.size());
    for (const std::int32_t leaf : leaves)
      of_row.add(samples.subspan(at(begin[at(leaf)]), at(begin[at(leaf) + 1] - begin[at(leaf)])), weights);
    double below = 0, last = std::nan("");
    std::size_t next = 0;
    of_row.take([&](std::size_t place, double share) {
      below += share;
      last = targets[place];
      for (; next < order.size() && below >= levels[order[next]] - kRounding; ++next)
        found[order[next]][at(r)] = last;
    });
    for (; next < order.size(); ++next) found[order[next]][at(r)] = last;  // rounding at the very end
  });
  Table out = Table::with_rows(table.num_rows());
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::string name = quantile_column(levels[i]);
    if (out.find(name)) throw UsageError("--quantiles", fmt::format("names {} twice", levels[i]));
    out = out.with(Column::number(name, Tensor::take(std::move(found[i]))));
  }
  return out;
}

void QuantileForestModel::visit(Visitor& v) {
  v.child("forest", forest_);
  v.tensor("targets", targets_);
  v.tensor("target_weights", weights_);
  v.tensor("leaf_begin", leaf_begin_);
  v.tensor("samples", samples_);
  if (v.loading()) check();
}

void QuantileForestModel::check() const {
  const auto refuse = [](const std::string& what) { throw ModelFileError("model", what); };
  if (forest_.task() != Task::regression) refuse("is a quantile forest of classes");
  const std::int64_t leaves = num_leaves();
  if (!targets_.defined() || targets_.ndim() != 1 || targets_.size() == 0 || !samples_.defined() ||
      samples_.ndim() != 1)
    refuse("is a quantile forest without targets");
  check_stored("targets", targets_, DType::f64, {targets_.size()});
  if (weights_.defined()) check_stored("target_weights", weights_, DType::f64, {targets_.size()});
  check_stored("leaf_begin", leaf_begin_, DType::i64, {leaves + 1});
  check_stored("samples", samples_, DType::i32, {samples_.size()});
  const auto targets = targets_.data<double>();
  if (!std::ranges::is_sorted(targets) || !std::isfinite(targets.front()) || !std::isfinite(targets.back()) ||
      std::ranges::any_of(targets, [](double y) { return std::isnan(y); }))
    refuse("has targets that are not finite numbers in ascending order");
  if (weights_.defined())
    for (const double w : weights_.data<double>())
      if (!(w >= 0 && std::isfinite(w))) refuse(fmt::format("has a row of weight {}", w));
  const auto begin = leaf_begin_.data<std::int64_t>();
  if (begin.front() != 0 || begin.back() != samples_.size() || !std::ranges::is_sorted(begin))
    refuse("has leaves whose rows do not follow one another");
  for (const std::int32_t i : samples_.data<std::int32_t>())
    if (i < 0 || i >= targets_.size())
      refuse(fmt::format("has a leaf with row {} of {}", i, targets_.size()));
}

std::vector<std::string> QuantileForestModel::notes() const {
  std::vector<std::string> notes = forest_.notes();
  notes.push_back(fmt::format("the leaves of {} trees remember {} rows in {:.1f} MB",
                              forest_.trees().num_trees(), samples_.size(),
                              static_cast<double>(samples_.size()) * 4e-6));
  return notes;
}

Json QuantileForestModel::drawn_trees() const { return forest_.drawn_trees(); }

Contributions QuantileForestModel::contributions(const Table& table, const ColumnShares& shares) const {
  return forest_.contributions(table, shares);
}

std::unique_ptr<Model> QuantileForest::fit(const Dataset& data, const FitContext& context) const {
  if (data.task() != Task::regression)
    throw DataError(kName, fmt::format("predicts quantities; this is a {} task", name_of(data.task())),
                    "random_forest takes classes.");
  RandomForestParams p;
  p.trees = params_.trees;
  p.max_depth = params_.max_depth;
  p.min_samples_split = params_.min_samples_split;
  p.min_samples_leaf = params_.min_samples_leaf;
  p.max_features = params_.max_features;
  p.bootstrap = params_.bootstrap;
  const auto forest = RandomForest(p).fit(data, context);
  const tree::TreeData rows = tree::tree_data(data, kName);
  return std::make_unique<QuantileForestModel>(dynamic_cast<const TreeModel&>(*forest), rows.x, rows.y,
                                               rows.weights, params_.leaf_samples, context.seed);
}

}  // namespace cairn
