#include "cairn/tree/boost_train_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/tree/objective/objectives_internal.h"

namespace cairn::tree {
namespace {

constexpr const char* kWhere = "gradient_boosting";
constexpr std::int64_t kBlock = 8192;
constexpr std::int64_t kLossRows = 65536;  // the training loss is told from at most so many rows
constexpr double kLargestTarget = 1e120;   // its square times a count must be a number

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Mean loss over every `step`-th row.
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

class Booster {
 public:
  Booster(const TreeData& data, const TreeData* validation, const Objective& objective,
          const BoostRules& rules, const TreeEnsemble* start, const FitContext& context)
      : data_(data),
        validation_(validation),
        objective_(objective),
        rules_(rules),
        context_(context),
        truth_(truth_of(data, objective, rules.objective_params, y_)),
        n_(data.rows()),
        k_(truth_.num_outputs),
        binned_(data, rules.max_bins, context.stop),
        grower_(binned_, grow_rules(), context.seed),
        sampler_(rules.sampling, rules.row_share, std::max(rules.grow.split.l2, 1.0), context.seed) {
    begin(start);
  }
  Boosted run();

 private:
  GrowRules grow_rules() const {
    GrowRules g = rules_.grow;
    g.need_leaf_rows = objective_.leaf_quantile != nullptr;
    return g;
  }
  void begin(const TreeEnsemble* start);
  void round(int number);
  void grow_tree(std::int64_t output, int number, std::span<const std::uint32_t> rows, double rate);
  void leave_out(std::span<const std::size_t> rounds, double factor);
  void put_back(std::span<const std::size_t> rounds, double factor);
  void renew_leaves(std::span<const double> raw, std::int64_t output);
  bool judge(int number);
  std::vector<double> raw_of(const TreeData& data, const TreeEnsemble* start) const;

  const TreeData& data_;
  const TreeData* validation_;
  const Objective& objective_;
  const BoostRules& rules_;
  const FitContext& context_;
  std::vector<double> y_, validation_y_;
  Truth truth_, validation_truth_;
  const std::int64_t n_, k_;
  BinnedData binned_;
  TreeGrower grower_;
  RowSampler sampler_;
  std::vector<double> raw_, validation_raw_, g_, h_;
  std::vector<std::uint32_t> rows_;
  Gradients gradients_;
  std::uint64_t first_number_ = 0;
  Boosted result_;
};

std::vector<double> Booster::raw_of(const TreeData& data, const TreeEnsemble* start) const {
  const std::int64_t n = data.rows();
  std::vector<double> raw(at(n * k_)), rowwise(start ? raw.size() : 0);
  if (start) start->predict_raw(data.x, rowwise);
  for (std::int64_t o = 0; o < k_; ++o)
    for (std::int64_t r = 0; r < n; ++r)
      raw[at(o * n + r)] = start ? rowwise[at(r * k_ + o)] : result_.base[at(o)];
  return raw;
}

void Booster::begin(const TreeEnsemble* start) {
  result_.base.resize(at(k_));
  if (start)
    result_.base = start->options().base;
  else
    objective_.start(truth_, result_.base);
  first_number_ = start ? static_cast<std::uint64_t>(start->num_trees()) : 0;
  raw_ = raw_of(data_, start);
  g_.resize(raw_.size());
  h_.resize(raw_.size());
  rows_.resize(at(n_));
  std::iota(rows_.begin(), rows_.end(), 0U);
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
    const auto trees = std::span(result_.trees).subspan(round * at(k_), at(k_));
    add_trees(trees, data_.x, factor, raw_);
    if (validation_) add_trees(trees, validation_->x, factor, validation_raw_);
  }
}

void Booster::put_back(std::span<const std::size_t> rounds, double factor) {
  for (const std::size_t round : rounds)
    for (Tree& tree : std::span(result_.trees).subspan(round * at(k_), at(k_))) multiply_leaves(tree, factor);
  leave_out(rounds, 1);
}

void Booster::renew_leaves(std::span<const double> raw, std::int64_t output) {
  const auto leaves = grower_.leaf_rows();
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
  grower_.set_leaf_values(values);
}

void Booster::grow_tree(std::int64_t output, int number, std::span<const std::uint32_t> rows, double rate) {
  const std::uint64_t stream = first_number_ + static_cast<std::uint64_t>(number - 1);
  const std::uint64_t tree_number =
      stream * static_cast<std::uint64_t>(k_) + static_cast<std::uint64_t>(output);
  const auto part = [&](std::vector<double>& all) { return std::span(all).subspan(at(output * n_), at(n_)); };
  pack_gradients(part(g_), part(h_), derive_seed(context_.seed, "tree", tree_number), gradients_);
  if (!std::isfinite(gradients_.g_scale) || !std::isfinite(gradients_.h_scale))
    throw FitError(kWhere, fmt::format("the loss left the range of numbers in round {}", number),
                   "A smaller learning_rate, or a target in other units, keeps it in.");
  grower_.grow(gradients_, rows, tree_number, context_.stop);
  const auto raw = part(raw_);
  if (objective_.leaf_quantile) renew_leaves(raw, output);
  Tree tree = grower_.tree(rate);
  tree.output = static_cast<std::int32_t>(output);
  if (sampler_.all_rows())
    grower_.add_to(raw, rate);
  else
    grower_.add_to_all(raw, rate);
  if (validation_) add_trees(std::span(&tree, 1), validation_->x, 1, validation_raw_);
  result_.trees.push_back(std::move(tree));
}

void Booster::round(int number) {
  const std::uint64_t stream = first_number_ + static_cast<std::uint64_t>(number - 1);
  const auto out = rounds_left_out(rules_.dropout, result_.trees.size() / at(k_), stream, context_.seed);
  leave_out(out, -1);
  if (objective_.prepare) objective_.prepare(truth_, raw_);
  if (objective_.all_gradients)
    objective_.all_gradients(truth_, raw_, g_, h_);
  else
    parallel_for(
        n_, kBlock,
        [&](std::int64_t begin, std::int64_t end) { objective_.gradients(truth_, raw_, begin, end, g_, h_); },
        context_.stop);
  std::vector<std::uint32_t> sample;
  if (!sampler_.all_rows()) sample = sampler_.draw(stream, n_, g_, h_);
  const std::span<const std::uint32_t> rows = sampler_.all_rows() ? rows_ : sample;
  // The new tree and the d that were left out aim at the same: together they go as far as the d did and a
  // step more.
  const auto d = static_cast<double>(out.size());
  const double rate = rules_.learning_rate / (d > 0 ? d + rules_.learning_rate : 1);
  for (std::int64_t o = 0; o < k_; ++o) grow_tree(o, number, rows, rate);
  if (d > 0) put_back(out, d / (d + rules_.learning_rate));
}

// Whether to go on after this round.
bool Booster::judge(int number) {
  result_.loss_history.push_back(mean_loss(objective_, truth_, raw_, (n_ + kLossRows - 1) / kLossRows));
  if (!std::isfinite(result_.loss_history.back()))
    throw FitError(kWhere, fmt::format("the loss left the range of numbers in round {}", number),
                   "A smaller learning_rate, or a target in other units, keeps it in.");
  if (context_.log) context_.log({{"round", number}, {"loss", result_.loss_history.back()}});
  result_.best_round = number;
  if (!validation_) return true;
  validation_truth_.delta = truth_.delta;
  result_.validation_history.push_back(mean_loss(objective_, validation_truth_, validation_raw_, 1));
  const auto& history = result_.validation_history;
  result_.best_round = static_cast<int>(std::ranges::min_element(history) - history.begin()) + 1;
  return rules_.patience == 0 || number - result_.best_round < rules_.patience;
}

Boosted Booster::run() {
  if (context_.progress) context_.progress->begin("trees", rules_.trees);
  for (int number = 1; number <= rules_.trees; ++number) {
    context_.stop.throw_if_requested("boosting");
    round(number);
    if (context_.progress) context_.progress->advance(1);
    if (!judge(number)) break;
  }
  if (context_.progress) context_.progress->end();
  if (validation_ && rules_.patience > 0) result_.trees.resize(at(result_.best_round * k_));
  return std::move(result_);
}

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
  y = data.y;
  if (data.task == Task::binary) y.assign(data.labels.begin(), data.labels.end());
  t.y = y;
  if (objective.predicts == Predicts::risk) t.by_time = rows_by_time(t.y);
  for (const double target : y) {
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
              const BoostRules& rules, const TreeEnsemble* start, const FitContext& context) {
  return Booster(data, validation, objective, rules, start, context).run();
}

}  // namespace cairn::tree
