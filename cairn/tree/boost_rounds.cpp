#include "cairn/tree/boost_rounds_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/data/split.h"

namespace cairn::tree {
namespace {

// Five folds up to so many rows, then three, then one part: with more rows a loss is surer. Three of few rows
// are not enough: fits on two thirds of them want fewer rounds than one on all (0.7 % of the error on 1,280
// wines).
constexpr std::int64_t kFewRows = 2'000, kManyRows = 10'000;
constexpr double kPart = 0.1;
constexpr int kAtOnce = 10;  // rounds between two looks at the losses
// Rounds without a lower loss before it is given up: so many and a share of those before.
constexpr int kPatience = 20;
constexpr int kPatienceShare = 5;

double sum_of_weights(const TreeData& data, std::span<const std::uint32_t> rows) {
  double sum = 0;
  for (const std::uint32_t r : rows) sum += data.weights.empty() ? 1 : data.weights[r];
  return sum;
}

std::vector<std::uint32_t> numbers_of(std::span<const std::int64_t> rows) {
  return {rows.begin(), rows.end()};
}

// Learns from one part of the rows and watches the other.
struct Watched {
  Watched(TreeData learned_from, TreeData looked_at, const Objective& objective, const BoostRules& rules,
          const FitContext& quiet)
      : train(std::move(learned_from)),
        test(std::move(looked_at)),
        booster(train, &test, objective, rules, nullptr, quiet) {
    for (std::int64_t r = 0; r < test.rows(); ++r) weight += test.weights.empty() ? 1 : test.weights[at(r)];
  }
  // Both parts where they are.
  Watched(const TreeData& rows, std::span<const std::uint32_t> watched, const Objective& objective,
          const BoostRules& rules_of_it, const FitContext& quiet, std::shared_ptr<const BinnedData> binned)
      : booster(rows, nullptr, objective, rules_of_it, nullptr, quiet, watched, std::move(binned)),
        weight(sum_of_weights(rows, watched)) {}
  TreeData train, test;
  Booster booster;
  double weight = 0;
};

void check_classes_left(const TreeData& rows, std::span<const std::int64_t> learned_from) {
  if (!is_classification(rows.task)) return;
  const std::int32_t first = rows.labels[at(learned_from[0])];
  if (std::ranges::none_of(learned_from, [&](std::int64_t r) { return rows.labels[at(r)] != first; }))
    throw DataError("gradient_boosting", "a part of the rows would be of one class only");
}

std::vector<Split> parts_of(const Dataset& data, std::uint64_t seed) {
  // How often a row comes again is part of what the model will meet, and no figure is reported from here.
  if (data.num_rows() > kManyRows)
    return {split(data, {.test = kPart, .seed = seed, .copies = Copies::apart})};
  return k_fold(data, data.num_rows() > kFewRows ? 3 : 5, seed, 0, Copies::apart);
}

void take_rounds(std::span<const std::unique_ptr<Watched>> folds, const StopToken& stop) {
  parallel_for(
      std::ssize(folds), 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f)
          for (int round = 0; round < kAtOnce; ++round) folds[at(f)]->booster.advance();
      },
      stop);
}

// The mean loss over all folds' watched rows, a number for each new round.
void add_losses(std::span<const std::unique_ptr<Watched>> folds, std::vector<double>& losses) {
  double total = 0;
  for (const auto& fold : folds) total += fold->weight;
  const std::size_t known = losses.size();
  losses.resize(known + kAtOnce);
  for (const auto& fold : folds)
    for (std::size_t r = known; r < losses.size(); ++r)
      losses[r] += fold->weight / total * fold->booster.so_far().validation_history[r];
}

bool patience_is_out(int rounds, int best) { return rounds - best >= kPatience + best / kPatienceShare; }

RoundChoice fixed_rounds(const std::string& why) {
  return {
      .rounds = kFixedRounds,
      .how = fmt::format("{} rounds, as parts of the rows cannot choose their number: {}", kFixedRounds, why),
      .binned = {}};
}

}  // namespace

bool parts_leave_rows_out(const Roles& roles, std::int64_t rows) {
  return roles.group.empty() && !roles.time.empty() && rows <= kManyRows;
}

RoundChoice choose_rounds(
    const Dataset& data, const TreeData& rows,
    const std::function<TreeData(const Dataset& some, const TreeFeatures* like)>& rows_of,
    const Objective& objective, const BoostRules& rules, const FitContext& context,
    std::shared_ptr<const BinnedData> binned) {
  BoostRules watching = rules;
  watching.patience = 0;
  watching.watched_only = true;
  FitContext quiet;
  quiet.seed = context.seed;
  quiet.stop = context.stop;
  std::vector<std::unique_ptr<Watched>> folds;
  try {
    const bool alone = !objective.all_gradients &&
                       !TargetStatistics(rows, rules.statistics_above, rules.statistics_smoothing).any();
    for (const Split& part : parts_of(data, derive_seed(context.seed, "rounds"))) {
      check_classes_left(rows, part.train);
      // Time folds leave out rows on both sides.
      if (alone && std::ssize(part.train) + std::ssize(part.test) == rows.rows()) {
        if (!binned)  // one for all folds and the fit that follows
          binned = std::make_shared<const BinnedData>(rows, rules.max_bins, context.stop);
        folds.push_back(
            std::make_unique<Watched>(rows, numbers_of(part.test), objective, watching, quiet, binned));
        continue;
      }
      TreeData train = rows_of(data.select(part.train), nullptr);
      TreeData test = rows_of(data.select(part.test), &train.features);
      folds.push_back(
          std::make_unique<Watched>(std::move(train), std::move(test), objective, watching, quiet));
    }
  } catch (const DataError& e) {  // too few rows, classes, events for parts of them to serve
    return fixed_rounds(e.message());
  }
  std::vector<double> losses;  // by round, on the rows that are watched
  std::string failure;
  std::size_t best = 0;
  if (context.progress) context.progress->begin("rounds, chosen", kMostRounds);
  try {
    for (int done = 0; done < kMostRounds; done += kAtOnce) {
      take_rounds(folds, context.stop);
      add_losses(folds, losses);
      for (std::size_t r = at(done); r < losses.size(); ++r)
        if (losses[r] < losses[best] || std::isnan(losses[best])) best = r;
      if (context.progress) context.progress->advance(kAtOnce);
      if (!std::isfinite(losses.back()) || patience_is_out(done + kAtOnce, static_cast<int>(best) + 1)) break;
    }
  } catch (const FitError& e) {  // a part's loss left the range of numbers
    failure = e.message();
  }
  if (context.progress) context.progress->end();
  if (losses.empty()) return fixed_rounds(failure);
  if (!std::isfinite(losses[best])) return fixed_rounds("their loss is no number from the first round on");
  RoundChoice choice{.rounds = static_cast<int>(best) + 1, .how = {}, .binned = binned};
  choice.how =
      fmt::format("{} rounds had the lowest loss {}, {:.6g}", choice.rounds,
                  folds.size() > 1 ? fmt::format("in {}-fold cross-validation", folds.size())
                                   : fmt::format("on {:.0f} % of the rows, set apart for that", 100 * kPart),
                  losses[best]);
  return choice;
}

}  // namespace cairn::tree
