#include "cairn/tree/prune_choice_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/data/split.h"
#include "cairn/tree/cart_setup_internal.h"

namespace cairn::tree {
namespace {

constexpr std::size_t kMostStrengths = 100;  // compared

CartSample sample_of(const TreeData& rows, std::vector<std::uint32_t> listed) {
  CartSample sample{std::move(listed), {}};
  if (!rows.weights.empty())
    for (const std::uint32_t r : sample.rows) sample.weights.push_back(rows.weights[r]);
  return sample;
}

// Between two strengths at which the whole tree loses branches, and none at all; at most so many of them.
std::vector<double> strengths_between(std::vector<double> alphas) {
  alphas.erase(std::ranges::unique(alphas).begin(), alphas.end());
  std::vector<double> between{0};
  const std::size_t n = alphas.size(), kept = std::min(n, kMostStrengths);
  for (std::size_t i = 0; i < kept; ++i) {
    const std::size_t k = kept == n ? i : i * (n - 1) / (kept - 1);
    between.push_back(k + 1 < n ? std::sqrt(alphas[k]) * std::sqrt(alphas[k + 1]) : alphas[k]);
  }
  return between;
}

// Folds are asked for by a parameter here, under a flag elsewhere.
std::vector<Split> pruning_folds(const Dataset& data, int folds, std::uint64_t seed) {
  try {
    return k_fold(data, folds, seed);
  } catch (const DataError& e) {
    const bool by_count = e.where() == "--folds";
    if (!by_count && !e.hint().ends_with("--folds.")) throw;  // about the times themselves
    throw DataError("decision_tree.prune_folds",
                    by_count ? e.message() : fmt::format("{} {}", e.where(), e.message()),
                    "Ask for fewer folds, or choose ccp_alpha yourself.");
  }
}

// Losses are counted in a power of 2 about as large as the targets, so that no square of one overflows.
int exponent_of(const CartTarget& target) {
  double most = 0;
  for (const double y : target.y) most = std::max(most, std::abs(y));
  return most > 0 ? std::ilogb(most) : 0;
}

// Of a value that is `away` above the truth.
double loss_of(double away, const CartRules& rules) {
  if (rules.criterion == Criterion::absolute) return std::abs(away);
  if (rules.criterion == Criterion::quantile)
    return std::max(-rules.quantile * away, (1 - rules.quantile) * away);
  return away * away;
}

}  // namespace

double chosen_ccp_alpha(const Dataset& data, const TreeData& rows, const RankedData& ranked,
                        const CartTarget& target, const CartRules& rules, int folds, std::uint64_t seed,
                        const StopToken& stop) {
  std::vector<std::uint32_t> all(at(rows.rows()));
  std::iota(all.begin(), all.end(), 0U);
  const std::vector<double> alphas =
      strengths_between(pruning_strengths(ranked, target, sample_of(rows, all), rules, seed, stop));
  if (alphas.size() < 2) return 0;
  // Rows of weight 0 are in the data and not among the rows of trees.
  const std::vector<double> given = data.weights();
  std::vector<std::int64_t> place(at(data.num_rows()), -1);
  std::int64_t counted = 0;
  for (std::size_t r = 0; r < place.size(); ++r)
    if (given.empty() || given[r] > 0) place[r] = counted++;
  const auto among = [&](const std::vector<std::int64_t>& listed) {
    std::vector<std::uint32_t> found;
    for (const std::int64_t r : listed)
      if (place[at(r)] >= 0) found.push_back(static_cast<std::uint32_t>(place[at(r)]));
    return found;
  };
  const std::size_t k = target.num_classes == 0 ? 1 : at(target.num_classes);
  const std::int64_t d = rows.features.size();
  std::vector<double> losses(alphas.size()), squares(alphas.size());
  double weight = 0;
  std::size_t rows_judged = 0;  // by time, the first stretch never is
  const int exponent = target.num_classes == 0 ? exponent_of(target) : 0;
  for (const Split& fold : pruning_folds(data, folds, seed)) {
    const std::vector<std::uint32_t> judged = among(fold.test);
    const auto learned = among(fold.train);
    if (judged.empty() || learned.empty()) continue;
    std::vector<std::int64_t> selected(judged.begin(), judged.end());
    std::vector<double> x(judged.size() * at(d));
    if (d > 0) rows.x.select_rows(selected).tile(0, std::ssize(judged), x.data());
    rows_judged += judged.size();
    const auto judge = [&](std::size_t a, const Tree& pruned) {
      const TreeEnsemble tree(ensemble_options(rows), std::span(&pruned, 1));
      std::vector<double> said(k);
      for (std::size_t i = 0; i < judged.size(); ++i) {
        tree.predict_raw_row(std::span<const double>(x).subspan(i * at(d), at(d)), said);
        const double away =
            target.num_classes == 0 ? std::scalbn(said[0] - target.y[judged[i]], -exponent) : 0;
        const double loss = target.num_classes == 0
                                ? loss_of(away, rules)
                                : static_cast<double>(std::ranges::max_element(said) - said.begin() !=
                                                      target.labels[judged[i]]);
        const double w = rows.weights.empty() ? 1 : rows.weights[judged[i]];
        losses[a] += w * loss;
        squares[a] += w * loss * loss;
        if (a == 0) weight += w;
      }
    };
    grow_pruned(ranked, target, sample_of(rows, learned), rules, alphas, seed, stop, judge);
  }
  if (!(weight > 0)) return 0;
  const std::size_t best = at(std::ranges::min_element(losses) - losses.begin());
  const double mean = losses[best] / weight,
               deviation = std::sqrt(std::max(0.0, squares[best] / weight - mean * mean));
  const double bar = mean + deviation / std::sqrt(static_cast<double>(rows_judged));
  for (std::size_t a = alphas.size(); a-- > best;)
    if (losses[a] / weight <= bar) return alphas[a];
  return alphas[best];
}

}  // namespace cairn::tree
