#include "cairn/data/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace cairn {
namespace {

constexpr std::size_t kBlock =
    1024;  // partial sums of this many rows keep the rounding error of a long sum small
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Sum of term(i) over the rows that count.
template <class Term>
double sum_of(std::span<const double> values, std::span<const double> weights, Term&& term) {
  double total = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    double part = 0;
    const std::size_t end = std::min(values.size(), begin + kBlock);
    if (weights.empty()) {
      for (std::size_t i = begin; i < end; ++i) part += std::isnan(values[i]) ? 0 : term(values[i]);
    } else {
      for (std::size_t i = begin; i < end; ++i)
        part += std::isnan(values[i]) || weights[i] == 0 ? 0 : weights[i] * term(values[i]);
    }
    total += part;
  }
  return total;
}

struct Weighted {
  double value, weight;
};

std::vector<Weighted> sorted_pairs(std::span<const double> values, std::span<const double> weights) {
  std::vector<Weighted> pairs;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isnan(values[i]) && weights[i] > 0) pairs.push_back({values[i], weights[i]});
  std::ranges::sort(pairs, {}, &Weighted::value);
  const bool whole =
      std::ranges::all_of(pairs, [](const Weighted& p) { return p.weight == std::floor(p.weight); });
  if (!whole) {
    double sum = 0;
    for (const Weighted& p : pairs) sum += p.weight;
    for (Weighted& p : pairs) p.weight *= static_cast<double>(pairs.size()) / sum;
  }
  return pairs;
}

double between(double low, double high, double share) {
  return share == 0 || low == high ? low : low * (1 - share) + high * share;
}

}  // namespace

bool Moments::is_constant() const {
  if (count == 0 || low == high) return true;
  // The error bound of a two-pass variance (Chan, Golub and LeVeque 1983) as scikit-learn uses it.
  const double epsilon = std::numeric_limits<double>::epsilon(), n = static_cast<double>(count);
  return deviation <= n * epsilon * std::abs(mean);
}

Moments moments(std::span<const double> values, std::span<const double> weights) {
  Moments m;
  m.low = std::numeric_limits<double>::infinity();
  m.high = -m.low;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i]) || (!weights.empty() && weights[i] == 0)) continue;
    ++m.count;
    m.low = std::min(m.low, values[i]);
    m.high = std::max(m.high, values[i]);
  }
  if (m.count == 0) return Moments{.mean = kNaN, .deviation = kNaN, .low = kNaN, .high = kNaN};
  // Squares of numbers beyond these would leave the range of f64.
  const double largest = std::max(std::abs(m.low), std::abs(m.high));
  const bool extreme = largest > 1e100 || (largest < 1e-100 && largest > 0);
  const double unit = extreme ? largest : 1;
  m.weight = sum_of(values, weights, [](double) { return 1.0; });
  const double mean = sum_of(values, weights, [&](double x) { return x / unit; }) / m.weight;
  const double squares =
      sum_of(values, weights, [&](double x) { return (x / unit - mean) * (x / unit - mean); });
  const double drift = sum_of(values, weights, [&](double x) { return x / unit - mean; });
  m.mean = std::clamp(mean * unit, m.low, m.high);
  m.deviation = std::sqrt(std::max(0.0, (squares - drift * drift / m.weight) / m.weight)) * unit;
  return m;
}

std::vector<double> quantiles(std::span<const double> values, std::span<const double> probabilities,
                              std::span<const double> weights) {
  std::vector<double> result;
  if (weights.empty()) {
    std::vector<double> present;
    present.reserve(values.size());
    std::ranges::copy_if(values, std::back_inserter(present), [](double x) { return !std::isnan(x); });
    if (present.empty()) return std::vector<double>(probabilities.size(), kNaN);
    auto from = present.begin();
    for (const double p : probabilities) {
      const double place = p * static_cast<double>(present.size() - 1);
      const auto at = present.begin() + static_cast<std::ptrdiff_t>(place);
      std::nth_element(from, at, present.end());
      const double share = place - std::floor(place);
      result.push_back(share == 0 ? *at : between(*at, *std::min_element(at + 1, present.end()), share));
      from = at;
    }
    return result;
  }
  const std::vector<Weighted> pairs = sorted_pairs(values, weights);
  if (pairs.empty()) return std::vector<double>(probabilities.size(), kNaN);
  std::vector<double> until;  // the weight of all values up to and including this one
  for (const Weighted& p : pairs) until.push_back((until.empty() ? 0 : until.back()) + p.weight);
  const auto value_at = [&](double place) {
    const auto it = std::ranges::upper_bound(until, place);
    return (it == until.end() ? pairs.back() : pairs[static_cast<std::size_t>(it - until.begin())]).value;
  };
  for (const double p : probabilities) {
    const double place = std::max(0.0, p * (until.back() - 1)), whole = std::floor(place);
    result.push_back(between(value_at(whole), value_at(whole + 1), place - whole));
  }
  return result;
}

double most_frequent(std::span<const double> values, std::span<const double> weights) {
  std::vector<double> ones;
  if (weights.empty()) {
    ones.assign(values.size(), 1);
    weights = ones;
  }
  const std::vector<Weighted> pairs = sorted_pairs(values, weights);
  double best = kNaN, most = 0;
  for (std::size_t i = 0; i < pairs.size();) {
    double sum = 0;
    const double value = pairs[i].value;
    for (; i < pairs.size() && pairs[i].value == value; ++i) sum += pairs[i].weight;
    if (sum > most) {
      most = sum;
      best = value;
    }
  }
  return best;
}

std::vector<double> mean_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(values[i], i); });
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) ranks[order[k]] = static_cast<double>(i + end - 1) / 2;
    i = end;
  }
  return ranks;
}

}  // namespace cairn
