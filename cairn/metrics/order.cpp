// How well scores order the rows of each group: a query's documents, a person's offers.
#include <algorithm>
#include <cmath>

#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"

namespace cairn::metric_detail {
namespace {

constexpr double kMostRelevance = 1000;  // 2^relevance is a number

struct Ranked {
  double score, relevance;
};

// `value` of each group that has a relevant row, its rows by falling score.
template <class F>
std::vector<OfGroup> each_group(const Scored& rows, F&& value) {
  if (rows.groups.empty()) return {};
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    if (!(weight_of(rows, i) > 0)) continue;
    const double truth = rows.truth[static_cast<std::size_t>(i)];
    if (!(truth >= 0 && truth <= kMostRelevance) || std::isnan(rows.predicted[static_cast<std::size_t>(i)]))
      return {};
  }
  const Units units = units_of(rows);
  std::vector<OfGroup> of(static_cast<std::size_t>(units.count));
  constexpr std::int64_t kGroupsATask = 64;
  parallel_for(units.count, kGroupsATask, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Ranked> list;
    for (auto g = static_cast<std::size_t>(begin); g < static_cast<std::size_t>(end); ++g) {
      list.clear();
      double weight = 0;
      for (std::int64_t m = units.starts[g]; m < units.starts[g + 1]; ++m) {
        const auto row = static_cast<std::size_t>(units.members[static_cast<std::size_t>(m)]);
        const double w = weight_of(rows, static_cast<std::int64_t>(row));
        if (!(w > 0)) continue;
        list.push_back({rows.predicted[row], rows.truth[row]});
        weight += w;
      }
      if (std::ranges::none_of(list, [](const Ranked& r) { return r.relevance > 0; })) continue;
      std::ranges::stable_sort(list, std::greater<>(), &Ranked::score);
      of[g] = {value(list), weight / static_cast<double>(list.size())};
    }
  });
  std::erase_if(of, [](const OfGroup& g) { return !(g.weight > 0); });
  return of;
}

double gain(double relevance) { return std::exp2(relevance) - 1; }
double discount(std::size_t rank) { return 1 / std::log2(static_cast<double>(rank) + 2); }  // rank 0 is first

std::size_t end_of_ties(const std::vector<Ranked>& list, std::size_t begin) {
  std::size_t end = begin;
  while (end < list.size() && list[end].score == list[begin].score) ++end;
  return end;
}

// The expected gain when rows of equal score stand in random order: each of their places gets their mean gain
// (McSherry and Najork: Computing information retrieval performance measures efficiently in the presence of
// tied scores, 2008).
double ndcg_of(std::vector<Ranked>& list, std::size_t cutoff) {
  double found = 0, best = 0;
  for (std::size_t begin = 0; begin < list.size() && begin < cutoff;) {
    const std::size_t end = end_of_ties(list, begin);
    double gains = 0, discounts = 0;
    for (std::size_t i = begin; i < end; ++i) gains += gain(list[i].relevance);
    for (std::size_t i = begin; i < std::min(end, cutoff); ++i) discounts += discount(i);
    found += gains / static_cast<double>(end - begin) * discounts;
    begin = end;
  }
  std::ranges::sort(list, std::greater<>(), &Ranked::relevance);
  for (std::size_t i = 0; i < std::min(list.size(), cutoff); ++i)
    best += gain(list[i].relevance) * discount(i);
  return found / best;
}

// The expected sum of precisions at relevant rows; among n tied rows with r relevant ones the i-th place is
// relevant with probability r / n, and (i - 1) (r - 1) / (n - 1) others are expected before it.
double average_precision_of(const std::vector<Ranked>& list, std::size_t cutoff) {
  double sum = 0, above = 0, relevant = 0;
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = end_of_ties(list, begin);
    const auto n = static_cast<double>(end - begin);
    double r = 0;
    for (std::size_t i = begin; i < end; ++i) r += list[i].relevance > 0 ? 1 : 0;
    for (std::size_t i = begin; i < std::min(end, cutoff); ++i) {
      const double before = n > 1 ? static_cast<double>(i - begin) * (r - 1) / (n - 1) : 0;
      sum += r / n * (above + 1 + before) / static_cast<double>(i + 1);
    }
    above += r;
    begin = end;
  }
  relevant = above;
  return sum / std::min(relevant, static_cast<double>(cutoff));
}

}  // namespace

std::vector<OfGroup> ndcg(const Scored& rows, std::int64_t cutoff) {
  return each_group(
      rows, [&](std::vector<Ranked>& list) { return ndcg_of(list, static_cast<std::size_t>(cutoff)); });
}

std::vector<OfGroup> mean_precision(const Scored& rows, std::int64_t cutoff) {
  return each_group(rows, [&](const std::vector<Ranked>& list) {
    return average_precision_of(list, static_cast<std::size_t>(cutoff));
  });
}

Value mean_of(const std::vector<OfGroup>& groups) {
  WeightedSum s;
  for (const OfGroup& g : groups) s.sum += g.weight * g.value, s.weight += g.weight;
  const Value mean = s.mean();
  return mean ? Value(std::min(*mean, 1.0)) : mean;  // but for rounding
}

Bounds group_bounds(const std::vector<OfGroup>& groups, double value) {
  const auto m = static_cast<double>(groups.size());
  double total = 0, squares = 0, of_weights = 0;
  for (const OfGroup& g : groups) total += g.weight, of_weights += g.weight * g.weight;
  for (const OfGroup& g : groups) {
    const double influence = g.weight * (g.value - value) / total;
    squares += influence * influence;
  }
  const Spread s{m < 2 ? 0 : squares * m / (m - 1), std::ssize(groups)};
  return bounded_interval(value, s, total * total / of_weights);
}

}  // namespace cairn::metric_detail
