#include "cairn/tree/split_search_internal.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "cairn/tree/split_scan_internal.h"

namespace cairn::tree {
namespace {

constexpr double kTie = 1e-5;  // gains that differ by less are equal but for rounding: the first one is kept
constexpr double kSlack = 1e-7;  // what rounding may take from a sum

double soft(double g, double l1) { return g > l1 ? g - l1 : g < -l1 ? g + l1 : 0; }

// Twice the fall of the loss that a leaf of these sums brings.
double score(double g, double h, const SplitRules& rules) {
  const double t = soft(g, rules.l1);
  return h + rules.l2 > 0 ? t * t / (h + rules.l2) : 0;
}

// The same for a value that bounds have moved.
double score_at(double g, double h, double value, const SplitRules& rules) {
  return -(2 * g * value + (h + rules.l2) * value * value + 2 * rules.l1 * std::abs(value));
}

// The sums of the bins of one feature of numbers: of all of them, or of those that hold rows.
struct BinSums {
  const std::int64_t* sums;
  const std::uint8_t* bins;  // which they are, ascending; null: 0, 1, ...
  int count;
  std::int64_t missing;  // of the rows without a value
  int up_to(int last) const {
    return !bins ? last + 1 : count - (count > 0 && bins[count - 1] > last ? 1 : 0);
  }
  int bin(int place) const { return bins ? bins[place] : place; }
};

class Search {
 public:
  Search(const Gradients& gradients, std::int64_t total, const SplitRules& rules, const Bounds& bounds)
      : gradients_(gradients),
        total_(total),
        g_(gradients.g(total)),
        h_(gradients.h(total)),
        rules_(rules),
        bounded_(!rules.monotone.empty()),
        bounds_(bounds),
        least_(std::max(rules.min_child_weight * (1 - kSlack), gradients.h_scale / 2)),
        parent_(bounded_ ? score_at(g_, h_, leaf_value(g_, h_, rules, bounds), rules)
                         : score(g_, h_, rules)) {}

  void number(const BinnedFeature& f, std::int32_t feature, const BinSums& bins);
  void category(const BinnedFeature& f, std::int32_t feature, const std::int64_t* histogram);
  NodeSplit best() const { return best_; }

 private:
  void scan_plain(std::int32_t feature, const BinSums& bins, std::int64_t start, bool missing_left, int last);
  void scan(std::int32_t feature, const BinSums& bins, std::int64_t start, bool missing_left, int last);
  double gain_of(std::int64_t left, std::int32_t feature, double extra_l2) const;
  bool try_left(std::int64_t left, std::int32_t feature, double extra_l2);

  const Gradients& gradients_;
  const std::int64_t total_;
  const double g_, h_;
  const SplitRules& rules_;
  const bool bounded_;
  const Bounds bounds_;
  const double least_;  // a side's sum of second derivatives
  const double parent_;
  NodeSplit best_;
};

double Search::gain_of(std::int64_t left, std::int32_t feature, double extra_l2) const {
  const double gl = gradients_.g(left), hl = gradients_.h(left), gr = g_ - gl,
               hr = gradients_.h(total_ - left);
  if (hl < least_ || hr < least_) return 0;
  if (!bounded_) {
    if (extra_l2 == 0) return (score(gl, hl, rules_) + score(gr, hr, rules_) - parent_) / 2;
    return (score(gl, hl + extra_l2, rules_) + score(gr, hr + extra_l2, rules_) - parent_) / 2;
  }
  const double vl = leaf_value(gl, hl, rules_, bounds_), vr = leaf_value(gr, hr, rules_, bounds_);
  const auto direction = rules_.monotone[static_cast<std::size_t>(feature)];
  if ((direction > 0 && vl > vr) || (direction < 0 && vl < vr)) return 0;
  return (score_at(gl, hl, vl, rules_) + score_at(gr, hr, vr, rules_) - parent_) / 2;
}

bool Search::try_left(std::int64_t left, std::int32_t feature, double extra_l2) {
  const double gain = gain_of(left, feature, extra_l2);
  if (!(gain > best_.gain * (1 + kTie) && gain > rules_.min_gain)) return false;
  best_ = {};
  best_.gain = gain;
  best_.feature = feature;
  best_.left = left;
  return true;
}

// Neither bounds nor l1: one division does for both sides.
void Search::scan_plain(std::int32_t feature, const BinSums& bins, std::int64_t start, bool missing_left,
                        int last) {
  const ScanRules scan{.g_scale = gradients_.g_scale,
                       .h_scale = gradients_.h_scale,
                       .g = g_,
                       .h = h_,
                       .l2 = rules_.l2,
                       .least = least_,
                       .most = h_ - least_ * (1 - kSlack)};
  const BestBin found = scan_bins(bins.sums, start, bins.up_to(last) - 1, scan,
                                  2 * std::max(best_.gain, rules_.min_gain) + parent_);
  if (found.bin < 0 || !try_left(found.left, feature, 0)) return;
  best_.bin = bins.bin(found.bin);
  best_.missing_left = missing_left;
}

void Search::scan(std::int32_t feature, const BinSums& bins, std::int64_t start, bool missing_left,
                  int last) {
  std::int64_t left = start;
  for (int i = 0; i < bins.up_to(last); ++i) {
    if (bins.sums[i] == 0) continue;
    left += bins.sums[i];
    if (!try_left(left, feature, 0)) continue;
    best_.bin = bins.bin(i);
    best_.missing_left = missing_left;
  }
}

void Search::number(const BinnedFeature& f, std::int32_t feature, const BinSums& bins) {
  const bool plain = !bounded_ && rules_.l1 == 0;
  const auto go = [&](std::int64_t start, bool missing_left, int last) {
    plain ? scan_plain(feature, bins, start, missing_left, last)
          : scan(feature, bins, start, missing_left, last);
  };
  if (bins.missing == 0) {
    const double before = best_.gain;
    go(0, false, f.num_bins - 2);
    // Nothing says where missing ones belong: with the heavier side.
    if (best_.gain > before) best_.missing_left = gradients_.h(best_.left) > h_ / 2;
    return;
  }
  go(0, false, f.num_bins - 1);  // the last one asks only whether the value is missing
  go(bins.missing, true, f.num_bins - 2);
}

void Search::category(const BinnedFeature& f, std::int32_t feature, const std::int64_t* histogram) {
  struct Level {
    double order;
    int bin;
  };
  std::array<Level, 256> levels;
  int n = 0;
  const auto add = [&](int bin) {
    if (histogram[bin] == 0) return;
    levels[static_cast<std::size_t>(n++)] = {
        gradients_.g(histogram[bin]) / (gradients_.h(histogram[bin]) + rules_.category_smoothing), bin};
  };
  for (int b = 0; b < f.num_bins - (f.other_codes ? 1 : 0); ++b) add(b);
  if (f.has_missing) add(f.missing_bin());
  const auto mark = [&](int bin) {
    if (f.has_missing && bin == f.missing_bin())
      best_.missing_left = true;
    else
      best_.left_bins[static_cast<std::size_t>(bin / 64)] |= std::uint64_t{1} << (bin % 64);
  };
  if (n <= rules_.max_one_hot) {
    for (int i = 0; i < n; ++i)
      if (try_left(histogram[levels[static_cast<std::size_t>(i)].bin], feature, 0)) {
        best_.category = true;
        mark(levels[static_cast<std::size_t>(i)].bin);
      }
    return;
  }
  std::stable_sort(levels.begin(), levels.begin() + n,
                   [](const Level& a, const Level& b) { return a.order < b.order; });
  std::int64_t left = 0;
  int best_count = 0;
  for (int i = 0; i < n; ++i) {
    left += histogram[levels[static_cast<std::size_t>(i)].bin];
    if (try_left(left, feature, rules_.category_l2)) best_count = i + 1;
  }
  if (best_count == 0) return;
  best_.category = true;
  for (int i = 0; i < best_count; ++i) mark(levels[static_cast<std::size_t>(i)].bin);
}

}  // namespace

double leaf_value(double g, double h, const SplitRules& rules, const Bounds& bounds) {
  const double k = h + rules.l2;
  return std::clamp(k > 0 ? -soft(g, rules.l1) / k : 0.0, bounds.low, bounds.high);
}

NodeSplit best_split(const BinnedData& data, const Gradients& gradients, const std::int64_t* histogram,
                     std::int64_t total, std::span<const std::uint8_t> allowed, const SplitRules& rules,
                     const Bounds& bounds) {
  Search search(gradients, total, rules, bounds);
  for (std::int64_t f = 0; f < data.num_features(); ++f) {
    if (!allowed[static_cast<std::size_t>(f)]) continue;
    const BinnedFeature& feature = data.feature(f);
    if (feature.width() < 2) continue;
    const std::int64_t* h = histogram + data.offset(f);
    if (feature.category)
      search.category(feature, static_cast<std::int32_t>(f), h);
    else
      search.number(feature, static_cast<std::int32_t>(f),
                    {h, nullptr, feature.num_bins, feature.has_missing ? h[feature.missing_bin()] : 0});
  }
  return search.best();
}

NodeSplit best_split_of_rows(const BinnedData& data, const Gradients& gradients,
                             std::span<const std::uint32_t> rows, std::int64_t total,
                             std::span<const std::uint8_t> allowed, const SplitRules& rules,
                             const Bounds& bounds) {
  Search search(gradients, total, rules, bounds);
  const std::size_t n = rows.size();
  std::array<std::int64_t, kMostListed> words, sums;
  std::array<const std::uint8_t*, kMostListed> dense;
  for (std::size_t i = 0; i < n; ++i) {
    words[i] = gradients.words[rows[i]];
    dense[i] = data.row(rows[i]);
  }
  std::array<std::int64_t, kMostScanned> by_bin{};
  std::array<std::uint8_t, kMostListed> bins;
  for (std::int64_t f = 0; f < data.num_features(); ++f) {
    if (!allowed[static_cast<std::size_t>(f)]) continue;
    const BinnedFeature& feature = data.feature(f);
    if (feature.width() < 2) continue;
    std::array<std::uint64_t, kMostScanned / 64> filled{};
    const auto add = [&](std::size_t i, std::uint8_t bin) {
      by_bin[bin] += words[i];
      filled[bin / 64] |= std::uint64_t{1} << (bin % 64);
    };
    if (const std::int64_t place = data.offset(f) / std::max<std::int64_t>(data.width(), 1);
        place < data.num_dense()) {
      for (std::size_t i = 0; i < n; ++i) add(i, dense[i][place]);
    } else {
      const std::uint8_t* column = data.column(f);
      for (std::size_t i = 0; i < n; ++i) add(i, column[rows[i]]);
    }
    const std::int64_t missing =
        feature.has_missing ? by_bin[static_cast<std::size_t>(feature.missing_bin())] : 0;
    if (feature.category) search.category(feature, static_cast<std::int32_t>(f), by_bin.data());
    int count = 0;
    for (std::size_t w = 0; w < filled.size(); ++w)
      for (std::uint64_t bits = filled[w]; bits != 0; bits &= bits - 1) {
        const auto bin = 64 * w + static_cast<std::size_t>(std::countr_zero(bits));
        bins[static_cast<std::size_t>(count)] = static_cast<std::uint8_t>(bin);
        sums[static_cast<std::size_t>(count)] = std::exchange(by_bin[bin], 0);
        if (static_cast<int>(bin) < feature.num_bins) ++count;
      }
    if (!feature.category)
      search.number(feature, static_cast<std::int32_t>(f), {sums.data(), bins.data(), count, missing});
  }
  return search.best();
}

void left_table(const BinnedFeature& feature, const NodeSplit& split, std::uint8_t* goes_left) {
  std::fill_n(goes_left, kMostScanned, std::uint8_t{0});
  for (int b = 0; b < feature.num_bins; ++b) {
    const auto bin = static_cast<std::size_t>(b);
    goes_left[bin] = split.category ? (split.left_bins[bin / 64] >> (b % 64) & 1) != 0 : b <= split.bin;
  }
  if (feature.has_missing) goes_left[feature.missing_bin()] = split.missing_left;
}

}  // namespace cairn::tree
