#include "cairn/tree/bins_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kRowBlock = 4096;
constexpr std::int64_t kLine = 32;  // bytes that a row of more than 16 begins at a multiple of
constexpr int kDigitBits = 11;
// A feature is sparse when one bin holds this share of its rows, and there are enough such features.
constexpr double kSparseShare = 0.8;
constexpr std::size_t kLeastSparse = 16;

// Unsigned keys in the order of the numbers.
std::uint32_t key_of(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x + 0.0F);  // -0 and 0 are one value
  return bits >> 31 ? ~bits : bits | 1U << 31;
}
std::uint64_t key_of(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x + 0.0);
  return bits >> 63 ? ~bits : bits | 1ULL << 63;
}
float value_of(std::uint32_t key) { return std::bit_cast<float>(key >> 31 ? key & ~(1U << 31) : ~key); }
double value_of(std::uint64_t key) { return std::bit_cast<double>(key >> 63 ? key & ~(1ULL << 63) : ~key); }

// Least significant digit first; digits that are the same everywhere are skipped.
template <class K>
void radix_sort(std::vector<K>& keys) {
  constexpr int kDigits = (sizeof(K) * 8 + kDigitBits - 1) / kDigitBits;
  if (keys.size() < 2048) {
    std::ranges::sort(keys);
    return;
  }
  std::vector<std::array<std::uint32_t, 1 << kDigitBits>> counts(kDigits);
  for (const K k : keys)
    for (int d = 0; d < kDigits; ++d) ++counts[at(d)][k >> (d * kDigitBits) & ((1 << kDigitBits) - 1)];
  std::vector<K> other(keys.size());
  for (int d = 0; d < kDigits; ++d) {
    auto& count = counts[at(d)];
    if (std::ranges::find(count, keys.size()) != count.end()) continue;
    std::uint32_t sum = 0;
    for (std::uint32_t& c : count) sum += std::exchange(c, sum);
    for (const K k : keys) other[count[k >> (d * kDigitBits) & ((1 << kDigitBits) - 1)]++] = k;
    keys.swap(other);
  }
}

template <class T>
DistinctValues distinct_unweighted(std::span<const T> x) {
  DistinctValues d;
  std::vector<decltype(key_of(T{}))> keys;
  keys.reserve(x.size());
  for (const T v : x)
    if (!std::isnan(v)) keys.push_back(key_of(v));
  d.has_missing = keys.size() < x.size();
  radix_sort(keys);
  for (std::size_t i = 0; i < keys.size();) {
    std::size_t end = i + 1;
    while (end < keys.size() && keys[end] == keys[i]) ++end;
    d.values.push_back(static_cast<double>(value_of(keys[i])));
    d.weights.push_back(static_cast<double>(end - i));
    i = end;
  }
  return d;
}

template <class T>
DistinctValues distinct_weighted(std::span<const T> x, std::span<const double> weights) {
  DistinctValues d;
  std::vector<std::pair<T, double>> pairs;
  pairs.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!std::isnan(x[i])) pairs.emplace_back(x[i] + T{0}, weights[i]);
  d.has_missing = pairs.size() < x.size();
  std::ranges::sort(pairs);
  for (const auto& [v, w] : pairs) {
    if (d.values.empty() || d.values.back() != static_cast<double>(v)) {
      d.values.push_back(static_cast<double>(v));
      d.weights.push_back(0);
    }
    d.weights.back() += w;
  }
  return d;
}

// A category's bins: every level that occurs, or the heaviest ones and one for the rest.
void bin_category(BinnedFeature& f, const DistinctValues& d, int max_bins) {
  std::vector<std::size_t> order(d.values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  f.other_codes = std::ssize(order) > max_bins;
  if (f.other_codes) {
    std::ranges::stable_sort(order,
                             [&](std::size_t a, std::size_t b) { return d.weights[a] > d.weights[b]; });
    order.resize(at(max_bins - 1));
    std::ranges::sort(order);
  }
  for (const std::size_t i : order) f.codes.push_back(static_cast<std::int32_t>(d.values[i]));
  f.num_bins = std::max(1, static_cast<int>(f.codes.size()) + (f.other_codes ? 1 : 0));
}

// The bins of a block of one number column: how many cuts are below each value. Eight steps of halving on
// cuts filled up to 255 with infinity; several values at a time hide each step's waiting.
template <class T>
void bin_numbers(const T* x, std::int64_t n, const double* cuts, int last, std::uint8_t missing,
                 std::uint8_t* bins) {
  constexpr int kAtOnce = 8;
  std::int64_t i = 0;
  for (; i + kAtOnce <= n; i += kAtOnce) {
    int below[kAtOnce] = {};
    for (int step = 128; step > 0; step /= 2)
      for (int j = 0; j < kAtOnce; ++j)
        below[j] += cuts[below[j] + step - 1] < static_cast<double>(x[i + j]) ? step : 0;
    for (int j = 0; j < kAtOnce; ++j)
      bins[i + j] = std::isnan(x[i + j]) ? missing : static_cast<std::uint8_t>(std::min(below[j], last));
  }
  for (; i < n; ++i) {
    int below = 0;
    for (int step = 128; step > 0; step /= 2)
      below += cuts[below + step - 1] < static_cast<double>(x[i]) ? step : 0;
    bins[i] = std::isnan(x[i]) ? missing : static_cast<std::uint8_t>(std::min(below, last));
  }
}

template <class T>
void bin_codes(const T* x, std::int64_t n, const std::vector<std::uint8_t>& bin_of, std::uint8_t last,
               std::uint8_t missing, std::uint8_t* bins) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (std::isnan(x[i])) {
      bins[i] = missing;
      continue;
    }
    const auto code = static_cast<std::size_t>(x[i]);
    bins[i] = code < bin_of.size() ? bin_of[code] : last;
  }
}

}  // namespace

double between_values(double a, double b) {
  const double m = a / 2 + b / 2;
  return std::isfinite(m) && m >= a && m < b ? m : a;
}

DistinctValues distinct_values(const ColumnValues& column, std::span<const double> weights) {
  if (weights.empty())
    return column.is_f32() ? distinct_unweighted(column.f32()) : distinct_unweighted(column.f64());
  return column.is_f32() ? distinct_weighted(column.f32(), weights)
                         : distinct_weighted(column.f64(), weights);
}

std::vector<double> quantile_cuts(std::span<const double> values, std::span<const double> weights,
                                  int max_bins) {
  std::vector<double> cuts;
  const std::size_t n = values.size();
  if (n <= 1) return cuts;
  if (std::ssize(values) <= max_bins) {
    for (std::size_t i = 0; i + 1 < n; ++i) cuts.push_back(between_values(values[i], values[i + 1]));
    return cuts;
  }
  double left = 0;
  for (const double w : weights) left += w;
  double bin = 0;
  int bins_left = max_bins;
  for (std::size_t i = 0; i + 1 < n && bins_left > 1; ++i) {
    bin += weights[i];
    // The bin ends where its share is reached, or where the next value would carry it further past than it is
    // short of it now.
    const double share = left / bins_left;
    if (bin < share && bin + weights[i + 1] - share <= share - bin) continue;
    cuts.push_back(between_values(values[i], values[i + 1]));
    left -= bin;
    bin = 0;
    --bins_left;
  }
  return cuts;
}

BinnedFeature cut_feature(const DistinctValues& distinct, bool category, int max_bins) {
  BinnedFeature f;
  f.category = category;
  f.has_missing = distinct.has_missing;
  if (category) {
    bin_category(f, distinct, max_bins);
  } else {
    f.cuts = quantile_cuts(distinct.values, distinct.weights, max_bins);
    f.num_bins = static_cast<int>(f.cuts.size()) + 1;
  }
  return f;
}

FeatureBinner::FeatureBinner(const BinnedFeature& feature)
    : category_(feature.category),
      last_(static_cast<std::uint8_t>(feature.num_bins - 1)),
      missing_(static_cast<std::uint8_t>(feature.missing_bin())),
      cuts_(feature.cuts) {
  cuts_.resize(256, INFINITY);
  bin_of_.assign(feature.codes.empty() ? 0 : at(feature.codes.back()) + 1, last_);
  for (std::size_t b = 0; b < feature.codes.size(); ++b)
    bin_of_[at(feature.codes[b])] = static_cast<std::uint8_t>(b);
}

void FeatureBinner::bin(const ColumnValues& column, std::int64_t begin, std::int64_t end,
                        std::uint8_t* bins) const {
  const auto run = [&](auto values) {
    if (category_)
      bin_codes(values.data() + begin, end - begin, bin_of_, last_, missing_, bins);
    else
      bin_numbers(values.data() + begin, end - begin, cuts_.data(), last_, missing_, bins);
  };
  column.is_f32() ? run(column.f32()) : run(column.f64());
}

BinnedData::BinnedData(const TreeData& data, int max_bins, const StopToken& stop) : n_(data.rows()) {
  if (n_ > kMostRows)  // rows are numbers of 32 bits, signed in vectors
    throw ResourceError("trees", fmt::format("{} rows; at most {} can be learned from", n_, kMostRows));
  const std::int64_t d = data.features.size();
  const Matrix x = by_columns(data.x);
  features_.resize(at(d));
  parallel_for(
      d, 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f)
          features_[at(f)] = cut_feature(distinct_values(ColumnValues(x, f), data.weights),
                                         data.features.list()[at(f)].category, max_bins);
      },
      stop);
  columns_.resize(at(n_ * d) + kColumnSlack);
  bin_columns(x, stop);
  lay_out(stop);
}

BinnedData::BinnedData(std::vector<BinnedFeature> features, std::vector<std::uint8_t> columns,
                       std::int64_t rows, const StopToken& stop)
    : n_(rows), features_(std::move(features)), columns_(std::move(columns)) {
  CAIRN_ASSERT(n_ <= kMostRows && columns_.size() >= at(n_ * num_features()) + kColumnSlack);
  lay_out(stop);
}

void BinnedData::bin_columns(const Matrix& x, const StopToken& stop) {
  const std::int64_t d = num_features();
  std::vector<ColumnValues> values;
  std::vector<FeatureBinner> binners;
  for (std::int64_t f = 0; f < d; ++f) {
    values.emplace_back(x, f);
    binners.emplace_back(feature(f));
  }
  parallel_for(
      n_, kRowBlock,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = 0; f < d; ++f)
          binners[at(f)].bin(values[at(f)], begin, end, columns_.data() + f * n_ + begin);
      },
      stop);
}

void BinnedData::lay_out(const StopToken& stop) {
  find_sparse();
  lay_out_rows(stop);
}

void BinnedData::find_sparse() {
  const std::int64_t d = num_features();
  std::vector<int> common(at(d), -1);
  parallel_for(d, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t f = begin; f < end; ++f) {
      std::array<std::int64_t, 256> rows{};
      for (std::int64_t r = 0; r < n_; ++r) ++rows[column(f)[r]];
      const auto most = std::ranges::max_element(rows);
      if (static_cast<double>(*most) >= kSparseShare * static_cast<double>(n_) && feature(f).width() > 1)
        common[at(f)] = static_cast<int>(most - rows.begin());
    }
  });
  const auto found = static_cast<std::size_t>(d - std::ranges::count(common, -1));
  for (std::int64_t f = 0; f < d; ++f) {
    const bool sparse = common[at(f)] >= 0 && found >= kLeastSparse;
    if (sparse) features_[at(f)].sparse_bin = common[at(f)];
    (sparse ? sparse_ : dense_).push_back(static_cast<std::int32_t>(f));
  }
  width_ = 8;
  for (const std::int32_t f : dense_)
    width_ = std::max<std::int64_t>(width_, (feature(f).width() + 7) / 8 * 8);
  offsets_.resize(at(d));
  for (const std::int32_t f : dense_) {
    offsets_[at(f)] = histogram_size_;
    histogram_size_ += width_;
  }
  for (const std::int32_t f : sparse_) {
    offsets_[at(f)] = histogram_size_;
    histogram_size_ += feature(f).width();
  }
}

std::int64_t BinnedData::stride_of(std::int64_t dense) {
  const std::int64_t eights = (dense + 7) / 8 * 8;
  return eights > 16 ? (dense + kLine - 1) / kLine * kLine : eights;
}

// A sparse feature takes a byte a row, and 4 for at most a fifth of them.
double BinnedData::bytes(std::int64_t rows, std::int64_t features) {
  return static_cast<double>(rows) * static_cast<double>(features + stride_of(features));
}

void BinnedData::lay_out_rows(const StopToken& stop) {
  stride_ = stride_of(num_dense());
  row_memory_.assign(at(n_ * stride_ + kLine), 0);
  const auto address = reinterpret_cast<std::uintptr_t>(row_memory_.data());
  rows_ = row_memory_.data() + (kLine - address % kLine) % kLine;
  sparse_begin_.assign(sparse_.empty() ? 0 : at(n_) + 1, 0);
  const auto listed = [&](std::int32_t f, std::int64_t r) { return column(f)[r] != feature(f).sparse_bin; };
  parallel_for(
      n_, kRowBlock,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = 0; i < num_dense(); ++i) {
          const std::uint8_t* bins = column(dense_[at(i)]);
          for (std::int64_t r = begin; r < end; ++r) rows_[r * stride_ + i] = bins[r];
        }
        for (const std::int32_t f : sparse_)
          for (std::int64_t r = begin; r < end; ++r) sparse_begin_[at(r) + 1] += listed(f, r) ? 1 : 0;
      },
      stop);
  if (sparse_.empty()) return;
  for (std::int64_t r = 0; r < n_; ++r) sparse_begin_[at(r) + 1] += sparse_begin_[at(r)];
  sparse_entries_.resize(at(sparse_begin_.back()));
  parallel_for(
      n_, kRowBlock,
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<std::int64_t> next(sparse_begin_.begin() + begin, sparse_begin_.begin() + end);
        for (const std::int32_t f : sparse_)
          for (std::int64_t r = begin; r < end; ++r)
            if (listed(f, r))
              sparse_entries_[at(next[at(r - begin)]++)] =
                  static_cast<std::uint32_t>(offset(f) + column(f)[r]);
      },
      stop);
}

}  // namespace cairn::tree
