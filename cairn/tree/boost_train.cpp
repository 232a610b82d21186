#include "cairn/tree/boost_train_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/tree/objective/objectives_internal.h"

namespace cairn::tree {
namespace {

constexpr const char* kWhere = "gradient_boosting";
constexpr std::int64_t kBlock = 8192;
constexpr std::int64_t kLossRows = 65536;  // the training loss is told from at most so many rows
// Orders of the rows for target statistics, which rounds take in turn: with one the first rows of every level
// would always be told the least. Of many rows there are few such.
constexpr std::uint64_t kOrders = 4;
constexpr std::int64_t kManyRows = 100'000;
constexpr double kLargestTarget = 1e120;  // its square times a count must be a number

std::shared_ptr<const Queries> queries_of(const TreeData& data) {
  auto q = std::make_shared<Queries>();
  q->names = data.group_names;
  q->starts.assign(data.group_names.size() + 1, 0);
  for (const std::int64_t g : data.groups) ++q->starts[at(g + 1)];
  std::partial_sum(q->starts.begin(), q->starts.end(), q->starts.begin());
  q->rows.resize(data.groups.size());
  std::vector<std::int64_t> next = q->starts;
  for (std::size_t r = 0; r < data.groups.size(); ++r)
    q->rows[at(next[at(data.groups[r])]++)] = static_cast<std::uint32_t>(r);
  return q;
}

}  // namespace

double mean_loss(const Objective& objective, const Truth& truth, std::span<const double> raw,
                 std::int64_t step) {
  if (objective.mean_loss) return objective.mean_loss(truth, raw);
  struct Sum {
    double loss = 0, weight = 0;
  };
  const std::int64_t n = (truth.rows + step - 1) / step;
  const auto sum = parallel_reduce<Sum>(
      n, kBlock,
      [&](std::int64_t begin, std::int64_t end) {
        Sum s;
        for (std::int64_t i = begin; i < end; ++i) {
          s.loss += truth.weight(i * step) * objective.loss(truth, raw, i * step);
          s.weight += truth.weight(i * step);
        }
        return s;
      },
      [](Sum& into, const Sum& other) {
        into.loss += other.loss;
        into.weight += other.weight;
      });
  return sum.loss / sum.weight;
}

void find_gradients(const Objective& objective, Truth& truth, std::span<const double> raw,
                    std::span<double> g, std::span<double> h, const StopToken& stop) {
  if (objective.prepare) objective.prepare(truth, raw);
  if (objective.all_gradients) {
    objective.all_gradients(truth, raw, g, h);
    return;
  }
  parallel_for(
      truth.rows, kBlock,
      [&](std::int64_t begin, std::int64_t end) { objective.gradients(truth, raw, begin, end, g, h); }, stop);
}

Booster::Booster(const TreeData& data, const TreeData* validation, const Objective& objective,
                 const BoostRules& rules, const TreeEnsemble* start, const FitContext& context,
                 std::span<const std::uint32_t> watched, std::shared_ptr<const BinnedData> binned)
    : data_(data),
      validation_(validation),
      objective_(objective),
      rules_(rules),
      context_(context),
      truth_(truth_of(data, objective, rules.objective_params, y_)),
      n_(data.rows()),
      k_(truth_.num_outputs),
      sampler_(rules.sampling, rules.row_share, std::max(rules.grow.split.l2, 1.0), context.seed),
      watched_rows_(watched.begin(), watched.end()) {
  statistics_.emplace(data, rules.statistics_above, rules.statistics_smoothing);
  if (!statistics_->any()) statistics_.reset();
  make_views(std::move(binned));
  if (rules.linear) add_line_columns();
  begin(start);
}

GrowRules Booster::grow_rules() const {
  GrowRules g = rules_.grow;
  g.need_leaf_rows = objective_.leaf_quantile != nullptr;
  if (!statistics_) return g;
  const auto& source = statistics_->source();
  g.split.monotone.clear();
  for (const std::int32_t f : source)
    if (!rules_.grow.split.monotone.empty()) g.split.monotone.push_back(rules_.grow.split.monotone[at(f)]);
  for (auto& group : g.interactions) {
    std::vector<std::int32_t> members;
    for (std::int32_t f = 0; f < std::ssize(source); ++f)
      if (std::ranges::find(group, source[at(f)]) != group.end()) members.push_back(f);
    group = std::move(members);
  }
  return g;
}

void Booster::make_views(std::shared_ptr<const BinnedData> binned) {
  const GrowRules rules = grow_rules();
  const auto cut = [&](const TreeData& data) {
    return std::make_shared<const BinnedData>(data, rules_.max_bins, context_.stop);
  };
  if (!statistics_) {
    if (!binned) binned = cut(data_);
    views_.push_back(std::make_unique<View>(data_, std::move(binned), rules, context_.seed));
    return;
  }
  const std::uint64_t orders = n_ > kManyRows ? 1 : kOrders;
  for (std::uint64_t order = 0; order < orders; ++order) {
    const TreeData told = statistics_->training(derive_seed(context_.seed, "target statistics", order));
    binned = cut(told);
    views_.push_back(std::make_unique<View>(told, std::move(binned), rules, context_.seed));
  }
  if (validation_) watched_ = statistics_->others(*validation_);
}

void Booster::add_line_columns() {
  for (const auto& view : views_) {
    const auto& features = view->features.list();
    std::vector<std::uint8_t> numbers;
    for (std::int64_t f = 0; f < std::ssize(features); ++f)
      numbers.push_back(!features[at(f)].category && !(statistics_ && statistics_->is_statistic(f)) ? 1 : 0);
    view->lines = std::make_unique<const LineColumns>(view->x, std::move(numbers));
  }
}

// Tree after tree, as rounds add them: so a model that is continued has the same bits as one that was never
// ended.
std::vector<double> Booster::raw_of(const TreeData& data, const TreeEnsemble* start) const {
  const std::int64_t n = data.rows(), d = data.x.columns();
  std::vector<double> raw(at(n * k_));
  for (std::int64_t o = 0; o < k_; ++o) std::fill_n(raw.begin() + o * n, n, result_.base[at(o)]);
  if (!start) return raw;
  constexpr std::int64_t kTile = 256;
  parallel_for(
      n, kTile,
      [&](std::int64_t begin, std::int64_t end) {
        const std::int64_t rows = end - begin;
        std::vector<double> tile(at(rows * std::max<std::int64_t>(d, 1))), sums;
        if (d > 0) data.x.tile(begin, end, tile.data());
        for (std::int64_t r = 0; r < rows; ++r)
          sums.insert(sums.end(), result_.base.begin(), result_.base.end());
        std::vector<std::int32_t> all(at(rows));
        std::iota(all.begin(), all.end(), 0);
        for (std::int64_t t = 0; t < start->num_trees(); ++t) start->add_tree(t, tile, all, sums);
        for (std::int64_t o = 0; o < k_; ++o)
          for (std::int64_t r = 0; r < rows; ++r) raw[at(o * n + begin + r)] = sums[at(r * k_ + o)];
      },
      context_.stop);
  return raw;
}

void Booster::begin(const TreeEnsemble* start) {
  result_.base.resize(at(k_));
  if (start)
    result_.base = start->options().base;
  else
    objective_.start(truth_, result_.base);
  raw_ = raw_of(data_, start);
  g_.resize(raw_.size());
  h_.resize(raw_.size());
  is_watched_.resize(watched_rows_.empty() ? 0 : at(n_));
  for (const std::uint32_t r : watched_rows_) is_watched_[r] = 1;
  rows_.reserve(at(n_) - watched_rows_.size());
  for (std::uint32_t r = 0; r < static_cast<std::uint32_t>(n_); ++r)
    if (is_watched_.empty() || !is_watched_[r]) rows_.push_back(r);
  if (!is_watched_.empty())
    for (const std::int64_t r : rows_) {
      if (runs_.empty() || runs_.back().second != r) runs_.emplace_back(r, r);
      ++runs_.back().second;
    }
  if (!validation_) return;
  try {
    validation_truth_ = truth_of(*validation_, objective_, rules_.objective_params, validation_y_);
  } catch (const DataError& e) {
    throw DataError("gradient_boosting, the rows watched", e.message(),
                    "With a larger `validation`, or with patience=0, they can serve.");
  }
  validation_raw_ = raw_of(*validation_, start);
}

void Booster::leave_out(std::span<const std::size_t> rounds, double factor) {
  for (const std::size_t round : rounds) {
    const auto trees = trees_of(round);
    add_trees(trees, view_of(round).x, factor, raw_);
    if (validation_) add_trees(trees, watched().x, factor, validation_raw_);
  }
}

void Booster::put_back(std::span<const std::size_t> rounds, double factor) {
  for (const std::size_t round : rounds)
    for (Tree& tree : trees_of(round)) multiply_leaves(tree, factor);
  leave_out(rounds, 1);
}

void Booster::renew_leaves(TreeGrower& grower, std::span<const double> raw, std::int64_t output) const {
  const auto leaves = grower.leaf_rows();
  std::vector<double> values(leaves.size());
  parallel_for(std::ssize(leaves), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t l = begin; l < end; ++l) {
      if (leaves[at(l)].empty()) continue;
      std::vector<double> residuals, weights;
      for (const std::uint32_t r : leaves[at(l)]) {
        residuals.push_back(truth_.y[r] - raw[r]);
        if (!truth_.weights.empty()) weights.push_back(truth_.weights[r]);
      }
      values[at(l)] = weighted_quantile(std::move(residuals), std::move(weights),
                                        objective_.leaf_quantile(rules_.objective_params, output));
    }
  });
  grower.set_leaf_values(values);
}

void Booster::pack(std::span<const double> g, std::span<const double> h, std::uint64_t tree_number,
                   int number) {
  pack_gradients(g, h, derive_seed(context_.seed, "tree", tree_number), gradients_);
  if (!std::isfinite(gradients_.g_scale) || !std::isfinite(gradients_.h_scale))
    throw FitError(kWhere, fmt::format("the loss left the range of numbers in round {}", number),
                   "A smaller learning_rate, or a target in other units, keeps it in.");
}

void Booster::grow_tree(std::int64_t output, int number, std::span<const std::uint32_t> rows, double rate) {
  const std::uint64_t stream = stream_of(at(number - 1));
  const std::uint64_t tree_number =
      stream * static_cast<std::uint64_t>(k_) + static_cast<std::uint64_t>(output);
  const auto part = [&](std::vector<double>& all) { return std::span(all).subspan(at(output * n_), at(n_)); };
  pack(part(g_), part(h_), tree_number, number);
  TreeGrower& grower = view_of(at(number - 1)).grower;
  grower.grow(gradients_, rows, tree_number, context_.stop);
  const auto raw = part(raw_);
  if (objective_.leaf_quantile) renew_leaves(grower, raw, output);
  Tree tree;
  if (rules_.linear) {
    tree = grow_lines(view_of(at(number - 1)), output, rows, rate);
  } else {
    tree = grower.tree(rate);
    sampler_.all_rows() && watched_rows_.empty() ? grower.add_to(raw, rate) : grower.add_to_all(raw, rate);
  }
  tree.output = static_cast<std::int32_t>(output);
  if (validation_) add_trees(std::span(&tree, 1), watched().x, 1, validation_raw_);
  result_.trees.push_back(std::move(tree));
}

// The grown tree with lines in its leaves; adds what it answers to the raw output of all rows.
Tree Booster::grow_lines(const View& view, std::int64_t output, std::span<const std::uint32_t> rows,
                         double rate) {
  const auto part = [&](std::vector<double>& all) { return std::span(all).subspan(at(output * n_), at(n_)); };
  std::vector<std::int32_t> nodes, leaf = view.grower.leaf_of_all();
  Tree tree = view.grower.tree(rate, &nodes);
  for (std::int32_t& l : leaf) l = nodes[at(l)];
  fit_lines(tree, leaf, rows, part(g_), part(h_), *view.lines, rules_.grow.split.l2, rules_.line_l2, rate,
            context_.stop);
  add_lines(tree, leaf, *view.lines, part(raw_));
  return tree;
}

// One tree for all outputs: its questions are those that lower the loss most along one direction of raw
// outputs, another in every round; its leaves answer all outputs.
void Booster::grow_shared_tree(int number, std::span<const std::uint32_t> rows, double rate) {
  const std::uint64_t stream = stream_of(at(number - 1));
  Random random(context_.seed, "direction of a round", stream);
  std::vector<double> direction(at(k_)), g(at(n_)), h(at(n_));
  double squares = 0;
  for (double& d : direction) {
    d = random.normal();
    squares += d * d;
  }
  for (double& d : direction) d *= std::sqrt(static_cast<double>(k_) / squares);
  parallel_for(n_, kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = 0; o < k_; ++o) {
      const double d = direction[at(o)];
      for (std::int64_t r = begin; r < end; ++r) {
        g[at(r)] += d * g_[at(o * n_ + r)];
        h[at(r)] += h_[at(o * n_ + r)];
      }
    }
  });
  pack(g, h, stream, number);
  TreeGrower& grower = view_of(at(number - 1)).grower;
  grower.grow(gradients_, rows, stream, context_.stop);
  const std::vector<std::int32_t> leaf = grower.leaf_of_all();
  const std::int64_t leaves = grower.num_leaves();
  std::vector<double> values(at(leaves * k_));
  parallel_for(k_, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) {
      std::vector<double> gs(at(leaves)), hs(at(leaves));
      for (const std::uint32_t r : rows) {
        gs[at(leaf[r])] += g_[at(o * n_) + r];
        hs[at(leaf[r])] += h_[at(o * n_) + r];
      }
      for (std::int64_t l = 0; l < leaves; ++l)
        values[at(l * k_ + o)] = leaf_value(gs[at(l)], hs[at(l)], rules_.grow.split);
      for (std::int64_t r = 0; r < n_; ++r) raw_[at(o * n_ + r)] += rate * values[at(leaf[at(r)] * k_ + o)];
    }
  });
  grower.set_leaf_values(values, k_);
  Tree tree = grower.tree(rate);
  if (validation_) add_trees(std::span(&tree, 1), watched().x, 1, validation_raw_);
  result_.trees.push_back(std::move(tree));
}

// Those of watched rows stay 0. They have their say all the same in the base, in the bins and in what
// prepare() finds (huber's delta), which are of all rows.
void Booster::find_gradients() {
  if (runs_.empty() || objective_.all_gradients) {
    tree::find_gradients(objective_, truth_, raw_, g_, h_, context_.stop);
    return;
  }
  if (objective_.prepare) objective_.prepare(truth_, raw_);
  parallel_for(
      n_, kBlock,
      [&](std::int64_t begin, std::int64_t end) {
        auto run = std::ranges::upper_bound(runs_, begin, {}, &std::pair<std::int64_t, std::int64_t>::second);
        for (; run != runs_.end() && run->first < end; ++run)
          objective_.gradients(truth_, raw_, std::max(begin, run->first), std::min(end, run->second), g_, h_);
      },
      context_.stop);
}

void Booster::round(int number) {
  const std::uint64_t stream = stream_of(at(number - 1));
  const auto out =
      rounds_left_out(rules_.dropout, result_.trees.size() / at(trees_a_round()), stream, context_.seed);
  leave_out(out, -1);
  find_gradients();
  std::vector<std::uint32_t> sample;
  if (!sampler_.all_rows()) {
    sample = sampler_.draw(stream, n_, std::ssize(rows_), g_, h_);
    if (!is_watched_.empty()) std::erase_if(sample, [&](std::uint32_t r) { return is_watched_[r] != 0; });
    if (sample.empty()) sample.push_back(rows_.front());
  }
  const std::span<const std::uint32_t> rows = sampler_.all_rows() ? rows_ : sample;
  // The new tree and the d that were left out aim at the same: together they go as far as the d did and a
  // step more.
  const auto d = static_cast<double>(out.size());
  const double rate = rules_.learning_rate / (d > 0 ? d + rules_.learning_rate : 1);
  if (rules_.shared_trees)
    grow_shared_tree(number, rows, rate);
  else
    for (std::int64_t o = 0; o < k_; ++o) grow_tree(o, number, rows, rate);
  if (d > 0) put_back(out, d / (d + rules_.learning_rate));
}

void Booster::judge(int number) {
  result_.loss_history.push_back(
      rules_.watched_only ? 0.0 : mean_loss(objective_, truth_, raw_, (n_ + kLossRows - 1) / kLossRows));
  if (!std::isfinite(result_.loss_history.back()))
    throw FitError(kWhere, fmt::format("the loss left the range of numbers in round {}", number),
                   "A smaller learning_rate, or a target in other units, keeps it in.");
  if (context_.log) context_.log({{"round", number}, {"loss", result_.loss_history.back()}});
  result_.best_round = number;
  if (!validation_ && watched_rows_.empty()) return;
  result_.validation_history.push_back(watched_loss());
  const auto& history = result_.validation_history;
  result_.best_round = static_cast<int>(std::ranges::min_element(history) - history.begin()) + 1;
}

double Booster::watched_loss() {
  if (validation_) {
    validation_truth_.delta = truth_.delta;
    return mean_loss(objective_, validation_truth_, validation_raw_, 1);
  }
  double loss = 0, weight = 0;
  for (const std::uint32_t r : watched_rows_) {
    loss += truth_.weight(r) * objective_.loss(truth_, raw_, r);
    weight += truth_.weight(r);
  }
  return loss / weight;
}

bool Booster::advance() {
  context_.stop.throw_if_requested("boosting");
  const int number = static_cast<int>(result_.loss_history.size()) + 1;
  round(number);
  judge(number);
  return !validation_ || rules_.patience == 0 || number - result_.best_round < rules_.patience;
}

Boosted Booster::take() {
  if (validation_ && rules_.patience > 0) result_.trees.resize(at(result_.best_round * trees_a_round()));
  if (statistics_)
    for (Tree& tree : result_.trees) statistics_->decode(tree);
  return std::move(result_);
}

Truth truth_of(const TreeData& data, const Objective& objective, const ObjectiveParams& params,
               std::vector<double>& y) {
  Truth t;
  t.rows = data.rows();
  t.weights = data.weights;
  t.params = params;
  if (objective.predicts == Predicts::rank_score && !data.groups.empty()) t.queries = queries_of(data);
  t.events = data.events;
  if (objective.predicts == Predicts::quantiles) t.num_outputs = std::ssize(params.levels);
  if (data.task == Task::multiclass) {
    t.labels = data.labels;
    t.num_outputs = std::ssize(data.classes);
    return t;
  }
  if (data.task == Task::binary) y.assign(data.labels.begin(), data.labels.end());
  t.y = data.task == Task::binary ? std::span<const double>(y) : data.y;
  if (objective.predicts == Predicts::risk) t.by_time = rows_by_time(t.y);
  for (const double target : t.y) {
    if (objective.fits && !objective.fits(target))
      throw DataError(kWhere,
                      fmt::format("a target is {}; objective={} takes targets {}", target, objective.name,
                                  objective.needs),
                      objective.predicts == Predicts::value ? "objective=squared takes any number." : "");
    if (!(std::abs(target) <= kLargestTarget))
      throw DataError(kWhere,
                      fmt::format("a target is {}; its square is beyond the range of numbers", target),
                      "Give the target in larger units.");
  }
  if (objective.check) objective.check(t);
  return t;
}

Boosted boost(const TreeData& data, const TreeData* validation, const Objective& objective,
              const BoostRules& rules, const TreeEnsemble* start, const FitContext& context,
              std::shared_ptr<const BinnedData> binned) {
  Booster booster(data, validation, objective, rules, start, context, {}, std::move(binned));
  if (context.progress) context.progress->begin("trees", rules.trees);
  for (int number = 1; number <= rules.trees; ++number) {
    const bool more = booster.advance();
    if (context.progress) context.progress->advance(1);
    if (!more) break;
  }
  if (context.progress) context.progress->end();
  return booster.take();
}

}  // namespace cairn::tree
