#include "cairn/tree/boost_rounds_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/data/split.h"

namespace cairn::tree {
namespace {

// Five folds up to so many rows, then three, then one part: with more rows a loss is surer.
constexpr std::int64_t kFewRows = 2'000, kManyRows = 10'000;
constexpr double kPart = 0.1;
constexpr int kAtOnce = 10;  // rounds between two looks at the losses
// Rounds without a lower loss before it is given up: so many and a share of those before.
constexpr int kPatience = 30;
constexpr int kPatienceShare = 4;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Learns from one part of the rows and watches the other.
struct Watched {
  Watched(TreeData learned_from, TreeData looked_at, const Objective& objective, const BoostRules& rules,
          const FitContext& quiet)
      : train(std::move(learned_from)),
        test(std::move(looked_at)),
        booster(train, &test, objective, rules, nullptr, quiet) {
    for (std::int64_t r = 0; r < test.rows(); ++r) weight += test.weights.empty() ? 1 : test.weights[at(r)];
  }
  TreeData train, test;
  Booster booster;
  double weight = 0;
};

std::vector<Split> parts_of(const Dataset& data, std::uint64_t seed) {
  // How often a row comes again is part of what the model will meet, and no figure is reported from here.
  if (data.num_rows() > kManyRows)
    return {split(data, {.test = kPart, .seed = seed, .copies = Copies::apart})};
  return k_fold(data, data.num_rows() > kFewRows ? 3 : 5, seed, 0, Copies::apart);
}

}  // namespace

RoundChoice choose_rounds(
    const Dataset& data,
    const std::function<TreeData(const Dataset& rows, const TreeFeatures* like)>& rows_of,
    const Objective& objective, const BoostRules& rules, const FitContext& context) {
  BoostRules watching = rules;
  watching.patience = 0;
  watching.watched_only = true;
  FitContext quiet;
  quiet.seed = context.seed;
  quiet.stop = context.stop;
  RoundChoice choice;
  std::vector<std::unique_ptr<Watched>> folds;
  try {
    for (const Split& part : parts_of(data, derive_seed(context.seed, "rounds"))) {
      TreeData train = rows_of(data.select(part.train), nullptr);
      TreeData test = rows_of(data.select(part.test), &train.features);
      folds.push_back(
          std::make_unique<Watched>(std::move(train), std::move(test), objective, watching, quiet));
    }
  } catch (const DataError& e) {  // too few rows, classes, events for parts of them to serve
    choice.rounds = kFixedRounds;
    choice.how = fmt::format("{} rounds, as the rows cannot be divided to choose their number: {}",
                             kFixedRounds, e.message());
    return choice;
  }
  if (context.progress) context.progress->begin("rounds, chosen", kMostRounds);
  int best = 1;
  for (int done = 0; done < kMostRounds; done += kAtOnce) {
    parallel_for(
        std::ssize(folds), 1,
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t f = begin; f < end; ++f)
            for (int round = 0; round < kAtOnce; ++round) folds[at(f)]->booster.advance();
        },
        context.stop);
    double total = 0;
    std::vector<double> losses(kAtOnce);
    for (const auto& fold : folds) {
      total += fold->weight;
      for (int round = 0; round < kAtOnce; ++round)
        losses[at(round)] += fold->weight * fold->booster.so_far().validation_history[at(done + round)];
    }
    for (double& loss : losses) loss /= total;
    choice.losses.insert(choice.losses.end(), losses.begin(), losses.end());
    best = static_cast<int>(std::ranges::min_element(choice.losses) - choice.losses.begin()) + 1;
    if (context.progress) context.progress->advance(kAtOnce);
    if (done + kAtOnce - best >= kPatience + best / kPatienceShare) break;
  }
  if (context.progress) context.progress->end();
  choice.rounds = best;
  choice.how =
      folds.size() > 1
          ? fmt::format("{} rounds had the lowest loss in {}-fold cross-validation, {:.6g}", best,
                        folds.size(), choice.losses[at(best - 1)])
          : fmt::format("{} rounds had the lowest loss on {:.0f} % of the rows, set apart for that, {:.6g}",
                        best, 100 * kPart, choice.losses[at(best - 1)]);
  return choice;
}

}  // namespace cairn::tree
