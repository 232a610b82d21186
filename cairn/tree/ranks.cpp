#include "cairn/tree/ranks_internal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "cairn/base/parallel.h"
#include "cairn/tree/bins_internal.h"

namespace cairn::tree {
namespace {

// Few items are sorted by comparing, many by digits: the more there are, the larger the digits that pay.
constexpr std::size_t kFewItems = 48, kManyItems = 2048;
constexpr int kSmallDigit = 8, kDigitBits = 11;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::uint32_t key_of(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x + 0.0F);
  return bits >> 31 ? ~bits : bits | 1U << 31;
}

float value_of(std::uint32_t key) { return std::bit_cast<float>(key >> 31 ? key & ~(1U << 31) : ~key); }

template <class T>
void take_keys(std::span<const T> x, RankedFeature& f) {
  f.keyed = true;
  for (std::size_t r = 0; r < x.size(); ++r)
    if (!std::isnan(x[r])) f.ranks[r] = key_of(static_cast<float>(x[r]));
}

// f32: keys and rows in one word each.
void rank_f32(std::span<const float> x, RankedFeature& f) {
  std::vector<std::uint64_t> items, memory;
  items.reserve(x.size());
  for (std::size_t r = 0; r < x.size(); ++r)
    if (!std::isnan(x[r])) items.push_back(static_cast<std::uint64_t>(key_of(x[r])) << 32 | r);
  sort_by_rank(items, std::uint64_t{1} << 32, memory);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto row = static_cast<std::uint32_t>(items[i]);
    if (i == 0 || items[i] >> 32 != items[i - 1] >> 32) f.values.push_back(static_cast<double>(x[row]) + 0.0);
    f.ranks[row] = static_cast<std::uint32_t>(f.values.size() - 1);
  }
}

void rank_f64(std::span<const double> x, RankedFeature& f) {
  std::vector<std::pair<double, std::uint32_t>> items;
  items.reserve(x.size());
  for (std::size_t r = 0; r < x.size(); ++r)
    if (!std::isnan(x[r])) items.emplace_back(x[r] + 0.0, static_cast<std::uint32_t>(r));
  std::ranges::sort(items);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i == 0 || items[i].first != items[i - 1].first) f.values.push_back(items[i].first);
    f.ranks[items[i].second] = static_cast<std::uint32_t>(f.values.size() - 1);
  }
}

template <class T>
void copy_codes(std::span<const T> x, RankedFeature& f) {
  for (std::size_t r = 0; r < x.size(); ++r)
    if (!std::isnan(x[r])) f.ranks[r] = static_cast<std::uint32_t>(x[r]);
}

bool fits_f32(std::span<const double> x) {
  return std::ranges::all_of(
      x, [](double v) { return std::isnan(v) || static_cast<double>(static_cast<float>(v)) == v; });
}

// As many rows a bin as can be, but equal values share one.
void bin_ranks(RankedFeature& f) {
  constexpr std::size_t kMost = kMissingBin;
  std::vector<std::uint32_t> rows(f.num_ranks), bin_of(f.num_ranks);
  std::size_t left = 0;
  for (const std::uint32_t r : f.ranks)
    if (r != kMissingRank) ++rows[r], ++left;
  std::size_t in_bin = 0;
  for (std::uint32_t r = 0; r < f.num_ranks; ++r) {
    bin_of[r] = static_cast<std::uint32_t>(f.bin_ends.size());
    in_bin += rows[r];
    const std::size_t bins_left = kMost - f.bin_ends.size(), ranks_left = f.num_ranks - 1 - r;
    if (r + 1 < f.num_ranks && (bins_left == 1 || (in_bin * bins_left < left && ranks_left >= bins_left)))
      continue;
    f.bin_ends.push_back(r);
    left -= in_bin;
    in_bin = 0;
  }
  f.bins.resize(f.ranks.size());
  for (std::size_t i = 0; i < f.bins.size(); ++i)
    f.bins[i] = f.ranks[i] == kMissingRank ? kMissingBin : static_cast<std::uint8_t>(bin_of[f.ranks[i]]);
}

}  // namespace

void sort_by_rank(std::vector<std::uint64_t>& items, std::uint64_t limit,
                  std::vector<std::uint64_t>& memory) {
  if (items.size() <= kFewItems) {
    std::ranges::sort(items);
    return;
  }
  memory.resize(items.size());
  const int most = items.size() < kManyItems ? kSmallDigit : kDigitBits;
  const int bits = std::max(1, static_cast<int>(std::bit_width(limit - 1)));
  const int passes = (bits + most - 1) / most, digit = (bits + passes - 1) / passes;
  const std::uint64_t mask = (std::uint64_t{1} << digit) - 1;
  std::array<std::uint32_t, 1 << kDigitBits> count;
  for (int pass = 0; pass < passes; ++pass) {
    const int shift = 32 + pass * digit;
    std::fill_n(count.begin(), mask + 1, 0U);
    for (const std::uint64_t i : items) ++count[i >> shift & mask];
    if (count[items[0] >> shift & mask] == items.size()) continue;
    std::uint32_t sum = 0;
    for (std::size_t d = 0; d <= mask; ++d) sum += std::exchange(count[d], sum);
    for (const std::uint64_t i : items) memory[count[i >> shift & mask]++] = i;
    items.swap(memory);
  }
}

RankedData::RankedData(const TreeData& data, RanksFor purpose, const StopToken& stop) : rows_(data.rows()) {
  const Matrix x = by_columns(data.x);
  features_.resize(at(data.features.size()));
  parallel_for(
      data.features.size(), 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          RankedFeature& f = features_[at(i)];
          const ColumnValues values(x, i);
          f.category = data.features.list()[at(i)].category;
          f.ranks.assign(at(rows_), kMissingRank);
          if (f.category) {
            values.is_f32() ? copy_codes(values.f32(), f) : copy_codes(values.f64(), f);
            f.num_ranks = static_cast<std::uint32_t>(data.features.list()[at(i)].levels.size());
            continue;
          }
          const bool keys = purpose == RanksFor::extra_trees;
          if (keys && (values.is_f32() || fits_f32(values.f64()))) {
            values.is_f32() ? take_keys(values.f32(), f) : take_keys(values.f64(), f);
            continue;
          }
          if (values.is_f32()) {
            rank_f32(values.f32(), f);
          } else if (fits_f32(values.f64())) {
            const std::vector<float> narrow(values.f64().begin(), values.f64().end());
            rank_f32(narrow, f);
          } else {
            rank_f64(values.f64(), f);
          }
          f.num_ranks = static_cast<std::uint32_t>(f.values.size());
          if (purpose == RanksFor::forest) bin_ranks(f);
        }
      },
      stop);
  if (purpose == RanksFor::tree) return;
  const std::int64_t d = num_features();
  by_row_.resize(at(rows_ * d));
  bins_by_row_.resize(at(rows_ * d));
  constexpr std::int64_t kBlock = 1024;
  parallel_for(rows_, kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t f = 0; f < d; ++f) {
      const std::uint32_t* ranks = feature(f).ranks.data();
      for (std::int64_t r = begin; r < end; ++r) by_row_[at(r * d + f)] = ranks[r];
      if (feature(f).bins.empty()) continue;
      const std::uint8_t* bins = feature(f).bins.data();
      for (std::int64_t r = begin; r < end; ++r) bins_by_row_[at(r * d + f)] = bins[r];
    }
  });
}

double RankedFeature::value(std::uint32_t rank) const {
  return keyed ? static_cast<double>(value_of(rank)) : values[rank];
}

namespace {

// As std::nextafter, which is a call, towards minus infinity.
float next_below(float v) {
  const auto bits = std::bit_cast<std::uint32_t>(v);
  return v == 0 ? -std::numeric_limits<float>::denorm_min()
                : std::bit_cast<float>(v > 0 ? bits - 1 : bits + 1);
}

}  // namespace

DrawnCut drawn_cut(const RankedFeature& feature, std::uint32_t low, std::uint32_t high, Random& random) {
  const double a = feature.value(low), b = feature.value(high);
  if (low == high) return {low, INFINITY};  // one value and missing ones
  if (!std::isfinite(a) || !std::isfinite(b)) {
    const std::uint32_t rank = low + static_cast<std::uint32_t>(random.below(high - low));
    return {rank, feature.value(rank)};
  }
  double threshold = a + random.uniform() * (b - a);
  if (threshold < a) threshold = a;
  if (threshold >= b) threshold = std::nextafter(b, a);
  if (!std::isfinite(threshold)) threshold = between_values(a, b);
  if (feature.keyed) {  // the largest f32 that is no larger
    float below = static_cast<float>(threshold);
    if (static_cast<double>(below) > threshold) below = next_below(below);
    return {key_of(below), static_cast<double>(below)};
  }
  const auto first = feature.values.begin() + low, end = feature.values.begin() + high;
  const auto next = std::upper_bound(first, end, threshold);
  const auto near = static_cast<double>(static_cast<float>(threshold));
  if (next != first && near >= *(next - 1) && near < *next) threshold = near;
  return {static_cast<std::uint32_t>(next - feature.values.begin()) - 1, threshold};
}

}  // namespace cairn::tree
