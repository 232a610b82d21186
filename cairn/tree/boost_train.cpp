#include "cairn/tree/boost_train_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"

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
  void renew_leaves(std::span<const double> raw);
  bool judge(int number);
  TreeEnsemble ensemble_of(const Tree& tree) const;
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
  validation_truth_ = truth_of(*validation_, objective_, rules_.objective_params, validation_y_);
  validation_raw_ = raw_of(*validation_, start);
}

TreeEnsemble Booster::ensemble_of(const Tree& tree) const {
  Tree one = tree;
  one.output = 0;
  return {{.num_features = data_.features.size()}, std::span(&one, 1)};
}

void Booster::renew_leaves(std::span<const double> raw) {
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
                                        objective_.leaf_quantile(rules_.objective_params));
    }
  });
  grower_.set_leaf_values(values);
}

void Booster::round(int number) {
  if (objective_.prepare) objective_.prepare(truth_, raw_);
  parallel_for(
      n_, kBlock,
      [&](std::int64_t begin, std::int64_t end) { objective_.gradients(truth_, raw_, begin, end, g_, h_); },
      context_.stop);
  const std::uint64_t stream = first_number_ + static_cast<std::uint64_t>(number - 1);
  std::vector<std::uint32_t> sample;
  if (!sampler_.all_rows()) sample = sampler_.draw(stream, n_, g_, h_);
  const std::span<const std::uint32_t> rows = sampler_.all_rows() ? rows_ : sample;
  for (std::int64_t o = 0; o < k_; ++o) {
    const std::uint64_t tree_number = stream * static_cast<std::uint64_t>(k_) + static_cast<std::uint64_t>(o);
    const auto g = std::span(g_).subspan(at(o * n_), at(n_)), h = std::span(h_).subspan(at(o * n_), at(n_));
    const auto raw = std::span(raw_).subspan(at(o * n_), at(n_));
    pack_gradients(g, h, derive_seed(context_.seed, "tree", tree_number), gradients_);
    if (!std::isfinite(gradients_.g_scale) || !std::isfinite(gradients_.h_scale))
      throw FitError(kWhere, fmt::format("the loss left the range of numbers in round {}", number),
                     "A smaller learning_rate, or a target in other units, keeps it in.");
    grower_.grow(gradients_, rows, tree_number, context_.stop);
    if (objective_.leaf_quantile) renew_leaves(raw);
    Tree tree = grower_.tree(rules_.learning_rate);
    tree.output = static_cast<std::int32_t>(o);
    if (sampler_.all_rows())
      grower_.add_to(raw, rules_.learning_rate);
    else
      grower_.add_to_all(raw, rules_.learning_rate);
    if (validation_) {
      std::vector<double> step(at(validation_->rows()));
      ensemble_of(tree).predict_raw(validation_->x, step);
      for (std::size_t r = 0; r < step.size(); ++r) validation_raw_[at(o) * step.size() + r] += step[r];
    }
    result_.trees.push_back(std::move(tree));
  }
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

}  // namespace

Truth truth_of(const TreeData& data, const Objective& objective, const ObjectiveParams& params,
               std::vector<double>& y) {
  Truth t;
  t.rows = data.rows();
  t.weights = data.weights;
  t.params = params;
  if (data.task == Task::multiclass) {
    t.labels = data.labels;
    t.num_outputs = std::ssize(data.classes);
    return t;
  }
  y = data.y;
  if (data.task == Task::binary) y.assign(data.labels.begin(), data.labels.end());
  t.y = y;
  for (const double target : y) {
    if (objective.fits && !objective.fits(target))
      throw DataError(kWhere,
                      fmt::format("a target is {}; objective={} takes targets {}", target, objective.name,
                                  objective.needs),
                      "objective=squared takes any number.");
    if (!(std::abs(target) <= kLargestTarget))
      throw DataError(kWhere,
                      fmt::format("a target is {}; its square is beyond the range of numbers", target),
                      "Give the target in larger units.");
  }
  return t;
}

Boosted boost(const TreeData& data, const TreeData* validation, const Objective& objective,
              const BoostRules& rules, const TreeEnsemble* start, const FitContext& context) {
  return Booster(data, validation, objective, rules, start, context).run();
}

}  // namespace cairn::tree
