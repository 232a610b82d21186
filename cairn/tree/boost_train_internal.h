// The rounds of boosting.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cairn/model/learner.h"
#include "cairn/tree/boost_grow_internal.h"
#include "cairn/tree/boost_linear_internal.h"
#include "cairn/tree/dropout_internal.h"
#include "cairn/tree/objective/objective_internal.h"
#include "cairn/tree/row_sampling_internal.h"
#include "cairn/tree/target_statistics_internal.h"

namespace cairn::tree {

struct BoostRules {
  int trees = 100;  // rounds; several outputs grow a tree each
  double learning_rate = 0.1;
  GrowRules grow;
  int max_bins = kMostBins;
  int statistics_above = 0;  // categories of more levels are told by target statistics
  double statistics_smoothing = 1;
  Sampling sampling = Sampling::uniform;
  double row_share = 1;
  int patience = 0;
  bool watched_only = false;  // the training loss is not asked for
  DropoutRules dropout;
  std::int64_t rounds_before = 0;  // of the model that is continued: random streams go on from there
  bool shared_trees = false;       // several outputs share a round's tree, a leaf has a value for each
  bool linear = false;             // leaves answer along lines, of one output
  double line_l2 = 1;
  ObjectiveParams objective_params;
};

struct Boosted {
  std::vector<Tree> trees;  // new ones only
  std::vector<double> base;
  std::vector<double> loss_history;  // mean training loss after each round, those after the best too
  std::vector<double> validation_history;
  int best_round = 0;  // 1 is the first; with patience the trees end here
};

// Boosting a round at a time. What it is given must outlive it.
class Booster {
 public:
  // `validation`: rows whose loss is watched, or null. `start`: an ensemble to continue from, or null.
  // `watched`: rows of the data itself that are not learned from but watched, ascending, with no validation.
  // `binned`: the data cut into rules.max_bins, where somebody has done it already. Of rows that came in
  // parts there is nothing else: then no rule may ask for the numbers themselves (linear, dropout,
  // statistics), nor may there be a validation or a start.
  Booster(const TreeData& data, const TreeData* validation, const Objective& objective,
          const BoostRules& rules, const TreeEnsemble* start, const FitContext& context,
          std::span<const std::uint32_t> watched = {}, std::shared_ptr<const BinnedData> binned = {});
  // One more round; whether patience is left for another. Throws FitError, Interrupted.
  bool advance();
  const Boosted& so_far() const { return result_; }
  Boosted take();  // with patience the trees end at the best round

 private:
  // The training rows as trees see them: features with their statistics in one order of the rows.
  struct View {
    View(const TreeData& rows, std::shared_ptr<const BinnedData> cut, const GrowRules& rules,
         std::uint64_t seed)
        : features(rows.features), x(rows.x), binned(std::move(cut)), grower(*binned, rules, seed) {}
    TreeFeatures features;
    Matrix x;  // without columns where the rows came in parts
    std::shared_ptr<const BinnedData> binned;
    TreeGrower grower;
    std::unique_ptr<const LineColumns> lines;  // of linear leaves
  };
  void make_views(std::shared_ptr<const BinnedData> binned);
  void add_line_columns();
  GrowRules grow_rules() const;
  const TreeData& watched() const { return watched_ ? *watched_ : *validation_; }
  // Of one of the rounds made here, counted from 0.
  std::uint64_t stream_of(std::size_t round) const {
    return static_cast<std::uint64_t>(rules_.rounds_before) + round;
  }
  View& view_of(std::size_t round) const { return *views_[stream_of(round) % views_.size()]; }
  void begin(const TreeEnsemble* start);
  void round(int number);
  void find_gradients();
  std::int64_t trees_a_round() const { return rules_.shared_trees ? 1 : k_; }
  void pack(std::span<const double> g, std::span<const double> h, std::uint64_t tree_number, int number);
  void grow_shared_tree(int number, std::span<const std::uint32_t> rows, double rate);
  void grow_tree(std::int64_t output, int number, std::span<const std::uint32_t> rows, double rate);
  Tree grow_lines(const View& view, std::int64_t output, std::span<const std::uint32_t> rows, double rate);
  void leave_out(std::span<const std::size_t> rounds, double factor);
  void put_back(std::span<const std::size_t> rounds, double factor);
  void renew_leaves(TreeGrower& grower, std::span<const double> raw, std::int64_t output) const;
  void judge(int number);
  double watched_loss();
  std::span<Tree> trees_of(std::size_t round) {
    const auto count = static_cast<std::size_t>(trees_a_round());
    return std::span(result_.trees).subspan(round * count, count);
  }
  std::vector<double> raw_of(const TreeData& data, const TreeEnsemble* start) const;

  const TreeData& data_;
  const TreeData* validation_;
  const Objective& objective_;
  const BoostRules& rules_;
  const FitContext& context_;
  std::vector<double> y_, validation_y_;
  Truth truth_, validation_truth_;
  const std::int64_t n_, k_;
  std::optional<TargetStatistics> statistics_;  // null: no category has any
  std::vector<std::unique_ptr<View>> views_;
  std::optional<TreeData> watched_;  // as trees see them
  RowSampler sampler_;
  std::vector<double> raw_, validation_raw_, g_, h_;
  std::vector<std::uint32_t> rows_, watched_rows_;  // learned from; watched instead
  std::vector<std::uint8_t> is_watched_;            // [rows]; empty: none is
  std::vector<std::pair<std::int64_t, std::int64_t>>
      runs_;  // of rows that are learned from, where some are not
  Gradients gradients_;
  Boosted result_;
};

// `start`: an ensemble to continue from, or null. Throws FitError, Interrupted.
Boosted boost(const TreeData& data, const TreeData* validation, const Objective& objective,
              const BoostRules& rules, const TreeEnsemble* start, const FitContext& context,
              std::shared_ptr<const BinnedData> binned = {});

// First and second derivatives of all rows by their raw outputs, laid out as these are.
void find_gradients(const Objective& objective, Truth& truth, std::span<const double> raw,
                    std::span<double> g, std::span<double> h, const StopToken& stop);

// Mean loss over every `step`-th row.
double mean_loss(const Objective& objective, const Truth& truth, std::span<const double> raw,
                 std::int64_t step);

// Targets as the objective reads them; what it returns looks at `data` and at `y`, which is filled where the
// data hold them in another form. DataError where they do not fit.
Truth truth_of(const TreeData& data, const Objective& objective, const ObjectiveParams& params,
               std::vector<double>& y);

}  // namespace cairn::tree
