#include "cairn/metrics/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/metrics/ranking_internal.h"

namespace cairn {
namespace metric_detail {
namespace {

using Wide = unsigned __int128;

constexpr int kMaxDigitBits = 11;         // 2048 buckets: their write positions stay in the first-level cache
constexpr std::int64_t kChunk = 1 << 18;  // rows a task of the first pass
constexpr std::size_t kInsertionSortSize = 24;  // below this insertion sort beats another counting pass

// Doubles as integers of the same order; both zeros become one, NaNs fall outside the infinities.
std::uint64_t ordered_key(double score) {
  const auto bits = std::bit_cast<std::uint64_t>(score + 0.0);
  const auto sign = static_cast<std::uint64_t>(static_cast<std::int64_t>(bits) >> 63);
  return bits ^ (sign | (std::uint64_t{1} << 63));
}

// What a stretch of the order (lowest score first) says about the area, in integers: twice the placement of a
// row is twice the rows of the other class below it plus those tied with it.
struct Tally {
  std::uint64_t positives = 0, negatives = 0;
  Wide wins = 0;                                    // sum over positives of twice their placement
  Wide positive_squares = 0, negative_squares = 0;  // sums of squares of twice the placement

  void append(const Tally& next) {
    const Wide below = 2 * static_cast<Wide>(negatives), above = 2 * static_cast<Wide>(positives);
    const Wide next_losses = 2 * static_cast<Wide>(next.positives) * next.negatives - next.wins;
    positive_squares += next.positive_squares + 2 * below * next.wins + below * below * next.positives;
    negative_squares += next.negative_squares + 2 * above * next_losses + above * above * next.negatives;
    wins += next.wins + below * next.positives;
    positives += next.positives;
    negatives += next.negatives;
  }
  void append_ties(std::uint64_t tied_positives, std::uint64_t tied_negatives) {
    const Wide p = 2 * static_cast<Wide>(negatives) + tied_negatives;
    const Wide q = 2 * static_cast<Wide>(positives) + tied_positives;
    wins += p * tied_positives;
    positive_squares += p * p * tied_positives;
    negative_squares += q * q * tied_negatives;
    positives += tied_positives;
    negatives += tied_negatives;
  }
};

void tally_sorted(std::uint64_t* entries, std::size_t n, Tally& tally) {
  for (std::size_t i = 1; i < n; ++i) {
    const std::uint64_t entry = entries[i];
    std::size_t j = i;
    for (; j > 0 && entries[j - 1] > entry; --j) entries[j] = entries[j - 1];
    entries[j] = entry;
  }
  for (std::size_t begin = 0; begin < n;) {
    std::uint64_t tied_positives = 0;
    std::size_t end = begin;
    for (; end < n && (entries[end] >> 1) == (entries[begin] >> 1); ++end) tied_positives += entries[end] & 1;
    tally.append_ties(tied_positives, end - begin - tied_positives);
    begin = end;
  }
}

// An entry is a key with the label in its lowest bit; the key's highest bit has been shifted out, which the
// bucket knows. Destroys entries and scratch (both n long).
void tally_bucket(std::uint64_t* entries, std::uint64_t* scratch, std::size_t n, Tally& tally) {
  if (n <= kInsertionSortSize) return tally_sorted(entries, n, tally);
  std::uint64_t low = entries[0], high = entries[0], labels = 0;
  for (std::size_t i = 0; i < n; ++i) {
    low = std::min(low, entries[i]);
    high = std::max(high, entries[i]);
    labels += entries[i] & 1;
  }
  low >>= 1;
  high >>= 1;
  if (low == high) return tally.append_ties(labels, n - labels);
  const int digit_bits = std::min(kMaxDigitBits, static_cast<int>(std::bit_width(n)) - 1);
  const int shift = std::max(0, static_cast<int>(std::bit_width(high - low)) - digit_bits);
  const std::size_t buckets = ((high - low) >> shift) + 1;
  std::array<std::uint32_t, (1 << kMaxDigitBits) + 1>
      start;  // only as much as is used is cleared: most buckets are small
  std::fill_n(start.begin(), buckets + 1, 0U);
  for (std::size_t i = 0; i < n; ++i) ++start[(((entries[i] >> 1) - low) >> shift) + 1];
  for (std::size_t b = 0; b < buckets; ++b) start[b + 1] += start[b];
  for (std::size_t i = 0; i < n; ++i) scratch[start[((entries[i] >> 1) - low) >> shift]++] = entries[i];
  for (std::size_t b = 0, begin = 0; b < buckets; ++b) {  // start[b] is now where bucket b ends
    const std::size_t end = start[b];
    if (end > begin) tally_bucket(scratch + begin, entries + begin, end - begin, tally);
    begin = end;
  }
}

struct KeyRange {
  std::uint64_t low = std::numeric_limits<std::uint64_t>::max(), high = 0;
};

// The first counting pass, in chunks side by side: entries grouped by the leading digit of key - range.low.
// Returns where each bucket begins (buckets + 1 values).
std::vector<std::int64_t> scatter(const double* scores, std::int64_t stride, const std::int32_t* labels,
                                  std::int64_t n, std::int32_t positive, KeyRange range, int shift,
                                  std::uint64_t* entries) {
  const auto buckets = static_cast<std::size_t>((range.high - range.low) >> shift) + 1;
  const auto chunks = static_cast<std::size_t>((n + kChunk - 1) / kChunk);
  std::vector<std::uint32_t> counts(chunks * buckets);
  parallel_for(n, kChunk, [&](std::int64_t begin, std::int64_t end) {
    std::uint32_t* count = counts.data() + static_cast<std::size_t>(begin / kChunk) * buckets;
    for (std::int64_t i = begin; i < end; ++i)
      ++count[(ordered_key(scores[i * stride]) - range.low) >> shift];
  });
  std::vector<std::int64_t> starts(buckets + 1), next(chunks * buckets);
  std::int64_t total = 0;
  for (std::size_t b = 0; b < buckets; ++b) {
    starts[b] = total;
    for (std::size_t c = 0; c < chunks; ++c) {
      next[c * buckets + b] = total;
      total += counts[c * buckets + b];
    }
  }
  starts[buckets] = total;
  parallel_for(n, kChunk, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t* at = next.data() + static_cast<std::size_t>(begin / kChunk) * buckets;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint64_t key = ordered_key(scores[i * stride]) - range.low;
      entries[at[key >> shift]++] = (key << 1) | static_cast<std::uint64_t>(labels[i] == positive);
    }
  });
  return starts;
}

RankingArea area_of(const Tally& t) {
  const Wide p = t.positives, n = t.negatives, losses = 2 * p * n - t.wins;
  const auto as_double = [](Wide v) { return static_cast<double>(v); };
  RankingArea area{as_double(t.wins) / (2 * as_double(p * n)), std::numeric_limits<double>::quiet_NaN(),
                   static_cast<std::int64_t>(t.positives), static_cast<std::int64_t>(t.negatives)};
  if (t.positives < 2 || t.negatives < 2) return area;
  // Variance of the placements of the positives over their number, and the same for the negatives; the
  // differences of large numbers are taken in integers.
  const double of_positives = as_double(p * t.positive_squares - t.wins * t.wins) / as_double(p * (p - 1));
  const double of_negatives = as_double(n * t.negative_squares - losses * losses) / as_double(n * (n - 1));
  area.variance = of_positives / (4 * as_double(n * n) * as_double(p)) +
                  of_negatives / (4 * as_double(p * p) * as_double(n));
  return area;
}

}  // namespace

std::optional<RankingArea> ranking_area(const double* scores, std::int64_t stride, const std::int32_t* labels,
                                        std::int64_t n, std::int32_t positive) {
  const KeyRange range = parallel_reduce<KeyRange>(
      n, kChunk,
      [&](std::int64_t begin, std::int64_t end) {
        KeyRange r;
        for (std::int64_t i = begin; i < end; ++i) {
          const std::uint64_t key = ordered_key(scores[i * stride]);
          r.low = std::min(r.low, key);
          r.high = std::max(r.high, key);
        }
        return r;
      },
      [](KeyRange& into, const KeyRange& other) {
        into.low = std::min(into.low, other.low);
        into.high = std::max(into.high, other.high);
      });
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (n == 0 || range.low < ordered_key(-kInfinity) || range.high > ordered_key(kInfinity))
    return std::nullopt;

  const int digit_bits = std::min(
      kMaxDigitBits, std::max(1, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n))) - 2));
  const int shift = std::max(0, static_cast<int>(std::bit_width(range.high - range.low)) - digit_bits);
  const auto entries = std::make_unique_for_overwrite<std::uint64_t[]>(static_cast<std::size_t>(n));
  const auto scratch = std::make_unique_for_overwrite<std::uint64_t[]>(static_cast<std::size_t>(n));
  const auto starts = scatter(scores, stride, labels, n, positive, range, shift, entries.get());

  const std::int64_t buckets = static_cast<std::int64_t>(starts.size()) - 1;
  const std::int64_t buckets_a_task = n < kChunk ? buckets : 4;
  const Tally total = parallel_reduce<Tally>(
      buckets, buckets_a_task,
      [&](std::int64_t begin, std::int64_t end) {
        Tally tally;
        for (std::int64_t b = begin; b < end; ++b) {
          const std::int64_t at = starts[static_cast<std::size_t>(b)],
                             size = starts[static_cast<std::size_t>(b) + 1] - at;
          if (size > 0)
            tally_bucket(entries.get() + at, scratch.get() + at, static_cast<std::size_t>(size), tally);
        }
        return tally;
      },
      [](Tally& into, const Tally& next) { into.append(next); });
  if (total.positives == 0 || total.negatives == 0) return std::nullopt;
  return area_of(total);
}

std::optional<Ranking> rank(const Scored& rows, std::int32_t c) {
  struct Entry {
    std::uint64_t key;
    std::int64_t row;
  };
  std::vector<Entry> entries;
  entries.reserve(static_cast<std::size_t>(rows.size()));
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    if (!rows.weights.empty() && !(rows.weights[static_cast<std::size_t>(i)] > 0)) continue;
    const double score = rows.probabilities[static_cast<std::size_t>(i * rows.num_classes + c)];
    if (std::isnan(score)) return std::nullopt;
    entries.push_back({~ordered_key(score), i});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.key != b.key ? a.key < b.key : a.row < b.row; });
  Ranking ranking;
  ranking.order.reserve(entries.size());
  for (std::size_t at = 0; at < entries.size();) {
    const std::uint64_t key = entries[at].key;
    TieGroup group{.score =
                       rows.probabilities[static_cast<std::size_t>(entries[at].row * rows.num_classes + c)]};
    for (; at < entries.size() && entries[at].key == key; ++at) {
      const auto row = static_cast<std::size_t>(entries[at].row);
      const double weight = rows.weights.empty() ? 1.0 : rows.weights[row];
      (rows.labels[row] == c ? group.positive : group.negative) += weight;
      ranking.order.push_back(entries[at].row);
    }
    group.end = static_cast<std::int64_t>(at);
    ranking.positive += group.positive;
    ranking.negative += group.negative;
    ranking.groups.push_back(group);
  }
  return ranking;
}

}  // namespace metric_detail

std::optional<RankingArea> ranking_area(std::span<const double> scores, std::span<const std::int32_t> labels,
                                        std::int32_t positive) {
  if (scores.size() != labels.size())
    throw UsageError("ranking_area",
                     fmt::format("there are {} scores and {} labels; expected one label a score",
                                 scores.size(), labels.size()));
  if (scores.size() >= (std::size_t{1} << 31))
    throw UsageError("ranking_area", fmt::format("{} scores; expected fewer than 2^31", scores.size()));
  return metric_detail::ranking_area(scores.data(), 1, labels.data(),
                                     static_cast<std::int64_t>(scores.size()), positive);
}

}  // namespace cairn
