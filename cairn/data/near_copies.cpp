#include "cairn/data/near_copies.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <unordered_map>
#include <utility>

#include "cairn/base/parallel.h"

namespace cairn {
namespace {

constexpr double kTolerance = 1e-3;  // of a column's standard deviation
constexpr double kCell = 8;          // tolerances: the side of a cell, so that near numbers mostly share one
constexpr double kByChance = 1e-3;   // pairs that chance may bring
constexpr double kLeastChance = 1e-4;  // of two rows agreeing in a column, however many values it has
constexpr std::int64_t kSampleRows = 2000, kGrain = 16384;
constexpr std::size_t kBins = 64, kBands = 16, kShingle = 5, kLeastText = 20;
constexpr double kSimilar = 0.7;
constexpr std::int64_t kMostAlike = 10,
                       kShareAlike = 100;  // a group of more than 10 and 1 % is no set of copies

std::uint64_t mixed(std::uint64_t x) {  // the finaliser of MurmurHash3 (Appleby)
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

// Sets that grow together (Tarjan 1975).
class Sets {
 public:
  explicit Sets(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0); }
  std::size_t find(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);  // the first row of a set stands for it
  }

 private:
  std::vector<std::size_t> parent_;
};

// A column as what two rows are compared by: a number with its tolerance, or something that is the same or
// not.
struct Compared {
  Column column;
  double tolerance = 0, cell = 0;  // 0: not a number with fractions
  double chance = 1;               // that two rows agree
  bool block = false;

  // A fingerprint of each of the rows, which near numbers mostly share.
  template <class Use>
  void each_key(std::span<const std::int64_t> rows, Use&& use) const {
    if (column.kind() == ColumnKind::category) {
      const auto codes = column.codes();
      for (std::size_t i = 0; i < rows.size(); ++i)
        use(i, static_cast<std::uint64_t>(codes[static_cast<std::size_t>(rows[i])]) + 1);
      return;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double v = column.number_at(rows[i]);
      use(i, std::isnan(v) ? 0x7ff8'0000'0000'0000ULL
                           : std::bit_cast<std::uint64_t>((cell > 0 ? std::floor(v / cell) : v) + 0.0));
    }
  }
  bool agree(std::int64_t a, std::int64_t b) const {
    if (column.kind() == ColumnKind::category)
      return column.codes()[static_cast<std::size_t>(a)] == column.codes()[static_cast<std::size_t>(b)];
    const double x = column.number_at(a), y = column.number_at(b);
    if (std::isnan(x)) return std::isnan(y);
    return x == y || std::abs(x - y) <= tolerance;  // two equal infinities differ by NaN
  }
};

double spread_of(std::span<const double> v) {
  struct Sums {
    double n = 0, sum = 0, squares = 0;
  };
  const double first =
      v.empty() || !std::isfinite(v[0]) ? 0 : v[0];  // near the mean, so that squares stay small
  const Sums s = parallel_reduce<Sums>(
      std::ssize(v), kGrain,
      [&](std::int64_t b, std::int64_t e) {
        Sums part;
        for (std::int64_t r = b; r < e; ++r) {
          const double x = v[static_cast<std::size_t>(r)] - first;
          if (!std::isfinite(x)) continue;
          part.n += 1;
          part.sum += x;
          part.squares += x * x;
        }
        return part;
      },
      [](Sums& a, const Sums& b) {
        a.n += b.n;
        a.sum += b.sum;
        a.squares += b.squares;
      });
  return s.n < 2 ? 0 : std::sqrt(std::max(0.0, (s.squares - s.sum * s.sum / s.n) / s.n));
}

double chance_of(const Compared& c, std::span<const std::int64_t> rows) {
  const std::size_t n = rows.size(), m = std::min(n, static_cast<std::size_t>(kSampleRows));
  std::vector<std::int64_t> sample;
  for (std::size_t i = 0; i < m; ++i) sample.push_back(rows[i * n / m]);
  std::vector<std::uint64_t> keys;
  c.each_key(sample, [&](std::size_t, std::uint64_t key) { keys.push_back(key); });
  std::ranges::sort(keys);
  double pairs = 0;
  for (std::size_t i = 0, run = 0; i < m; ++i) {
    run = i > 0 && keys[i] == keys[i - 1] ? run + 1 : 0;
    pairs += static_cast<double>(run);
  }
  const double all = static_cast<double>(m) * static_cast<double>(m - 1) / 2;
  return std::max(kLeastChance, pairs / std::max(1.0, all));
}

// Features but texts, and last the target, which must agree. Whole numbers name or count things: near is not
// the same.
std::vector<Compared> compared_columns(const Dataset& data, std::span<const std::int64_t> rows) {
  std::vector<Compared> out;
  for (const Column& c : data.features().columns())
    if (c.kind() != ColumnKind::text) out.push_back({.column = c});
  if (!data.roles().target.empty()) out.push_back({.column = data.target()});
  parallel_for(std::ssize(out), 1, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t i = b; i < e; ++i) {
      Compared& c = out[static_cast<std::size_t>(i)];
      if (c.column.kind() == ColumnKind::number) {
        const Tensor numbers = c.column.numbers();
        c.tolerance = kTolerance * spread_of(numbers.data<double>());
        c.cell = kCell * c.tolerance;
      }
      c.chance = chance_of(c, rows);
    }
  });
  return out;
}

// Rows that share a fingerprint, each beside the one before and the first of its bucket: linear in the rows.
template <class Consider>
void consider_buckets(std::vector<std::pair<std::uint64_t, std::uint32_t>>& keyed, Consider&& consider) {
  std::ranges::sort(keyed);
  for (std::size_t i = 1, first = 0; i < keyed.size(); ++i) {
    if (keyed[i].first != keyed[i - 1].first) {
      first = i;
      continue;
    }
    consider(keyed[i - 1].second, keyed[i].second);
    if (first + 1 < i) consider(keyed[first].second, keyed[i].second);
  }
}

// Two fingerprints a row, each of half of what the columns tell: rows that differ in one column share one of
// them. Tables of numbers and levels.
void join_near_numbers(std::vector<Compared>& columns, std::span<const std::int64_t> rows, bool has_target,
                       Sets& sets, const StopToken& stop) {
  const std::size_t features = columns.size() - (has_target ? 1 : 0), n = rows.size();
  if (features < 2) return;
  double information = 0, largest = 0;
  std::vector<std::size_t> order;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    information -= std::log(columns[c].chance);
    if (c >= features) continue;
    largest = std::max(largest, -std::log(columns[c].chance));
    order.push_back(c);
  }
  const double pairs = 2 * std::log(static_cast<double>(n)) - std::log(2.0), most = std::log(kByChance);
  if (pairs - information > most) return;
  const int may_differ = pairs - (information - largest) > most ? 0 : 1;
  std::ranges::stable_sort(order, {}, [&](std::size_t c) { return columns[c].chance; });
  for (std::size_t i = 0; i < order.size(); ++i) columns[order[i]].block = i % 4 == 1 || i % 4 == 2;
  const auto near = [&](std::int64_t a, std::int64_t b) {
    if (has_target && !columns.back().agree(a, b)) return false;
    int different = 0;
    for (std::size_t c = 0; c < features && different <= may_differ; ++c)
      different += !columns[c].agree(a, b);
    return different <= may_differ;
  };
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keyed(n);
  for (const bool block : {false, true}) {
    stop.throw_if_requested("looking for copies");
    parallel_for(static_cast<std::int64_t>(n), kGrain, [&](std::int64_t b, std::int64_t e) {
      const auto first = static_cast<std::size_t>(b);
      for (std::int64_t r = b; r < e; ++r)
        keyed[static_cast<std::size_t>(r)] = {0, static_cast<std::uint32_t>(r)};
      for (std::size_t c = 0; c < features; ++c)
        if (columns[c].block == block)
          columns[c].each_key(rows.subspan(first, static_cast<std::size_t>(e - b)),
                              [&](std::size_t i, std::uint64_t cell) {
                                auto& key = keyed[first + i].first;
                                key = mixed(key * 31 + cell);
                              });
    });
    consider_buckets(keyed, [&](std::size_t a, std::size_t b) {
      if (sets.find(a) != sets.find(b) && near(rows[a], rows[b])) sets.join(a, b);
    });
  }
}

// Lower case, every digit the same, everything else between words one blank.
std::string plain_text(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 'A' && u <= 'Z')
      plain += static_cast<char>(u - 'A' + 'a');
    else if (u >= '0' && u <= '9')
      plain += '0';
    else if ((u >= 'a' && u <= 'z') || u >= 0x80)
      plain += c;
    else if (!plain.empty() && plain.back() != ' ')
      plain += ' ';
  }
  return plain;
}

template <class Use>
void each_shingle(std::string_view plain, Use&& use) {
  for (std::size_t i = 0; i + kShingle <= plain.size(); ++i) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, plain.data() + i, kShingle);
    use(mixed(bytes + 0x9e3779b97f4a7c15ULL));
  }
}

std::vector<std::uint64_t> shingles(std::string_view plain) {
  std::vector<std::uint64_t> set;
  each_shingle(plain, [&](std::uint64_t h) { set.push_back(h); });
  std::ranges::sort(set);
  const auto repeated = std::ranges::unique(set);
  set.erase(repeated.begin(), repeated.end());
  return set;
}

double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t both = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    both += a[i] == b[j];
    const bool step_a = a[i] <= b[j], step_b = b[j] <= a[i];
    i += step_a;
    j += step_b;
  }
  const std::size_t either = a.size() + b.size() - both;
  return either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
}

using Sketch = std::array<std::uint64_t, kBins>;

// The least hash of each of 64 stretches; an empty one takes what the next full one has (Shrivastava, Li:
// Densifying one permutation hashing via rotation; 2014).
Sketch sketch_of(std::string_view plain) {
  Sketch sketch;
  sketch.fill(~std::uint64_t{0});
  each_shingle(plain, [&](std::uint64_t h) { sketch[h >> 58] = std::min(sketch[h >> 58], h); });
  const Sketch found = sketch;
  for (std::size_t i = 0; i < kBins; ++i)
    for (std::size_t step = 1; sketch[i] == ~std::uint64_t{0} && step < kBins; ++step)
      if (const std::uint64_t h = found[(i + step) % kBins]; h != ~std::uint64_t{0})
        sketch[i] = mixed(h + step);
  return sketch;
}

void join_near_texts(const Dataset& data, std::span<const std::int64_t> rows,
                     const std::vector<Compared>& others, Sets& sets, const StopToken& stop) {
  std::vector<Column> texts;
  for (const Column& c : data.features().columns())
    if (c.kind() == ColumnKind::text) texts.push_back(c);
  const std::size_t n = rows.size();
  std::vector<std::string> plain(n);
  std::vector<Sketch> sketches(n);
  parallel_for(
      static_cast<std::int64_t>(n), 256,
      [&](std::int64_t b, std::int64_t e) {
        for (std::int64_t i = b; i < e; ++i) {
          const auto at = static_cast<std::size_t>(i);
          for (const Column& c : texts) {
            const std::int64_t row = rows[at];
            plain[at] += plain_text(c.is_missing(row) ? std::string_view() : c.text_at(row)) + '\n';
          }
          sketches[at] = sketch_of(plain[at]);
        }
      },
      stop);
  const auto near = [&](std::size_t a, std::size_t b) {
    for (const Compared& c : others)
      if (!c.agree(rows[a], rows[b])) return false;
    std::size_t same = 0;
    for (std::size_t i = 0; i < kBins; ++i) same += sketches[a][i] == sketches[b][i];
    return same * 2 >= kBins && jaccard(shingles(plain[a]), shingles(plain[b])) >= kSimilar;
  };
  constexpr std::size_t kInBand = kBins / kBands;
  for (std::size_t band = 0; band < kBands; ++band) {
    stop.throw_if_requested("looking for copies");
    std::vector<std::pair<std::uint64_t, std::uint32_t>> keyed;
    for (std::size_t i = 0; i < n; ++i) {
      if (plain[i].size() < kLeastText) continue;
      std::uint64_t key = band;
      for (std::size_t k = 0; k < kInBand; ++k) key = mixed(key * 31 + sketches[i][band * kInBand + k]);
      keyed.emplace_back(key, static_cast<std::uint32_t>(i));
    }
    consider_buckets(keyed, [&](std::size_t a, std::size_t b) {
      if (sets.find(a) != sets.find(b) && near(a, b)) sets.join(a, b);
    });
  }
}

bool can_compare(const Dataset& data) {
  const Table features = data.features();
  return features.num_columns() > 0 && std::ranges::none_of(features.columns(), [](const Column& c) {
           return c.kind() == ColumnKind::tensor || c.kind() == ColumnKind::image;
         });
}

}  // namespace

double text_similarity(std::string_view a, std::string_view b) {
  return jaccard(shingles(plain_text(a)), shingles(plain_text(b)));
}

NearCopies find_near_copies(const Dataset& data, const StopToken& stop) {
  NearCopies found;
  std::vector<std::string> names = data.features().names();
  const bool has_target = !data.roles().target.empty();
  if (has_target) names.push_back(data.roles().target);
  // Identical rows are one: the first of them stands for all.
  std::unordered_map<std::uint64_t, std::int64_t> number;
  std::vector<std::int64_t> rows;
  const auto hashes = data.table().only(names).row_hashes();
  number.reserve(hashes.size());
  for (std::size_t r = 0; r < hashes.size(); ++r) {
    const auto [at, fresh] = number.emplace(hashes[r], std::ssize(rows));
    if (fresh) rows.push_back(static_cast<std::int64_t>(r));
    found.of_row.push_back(at->second);
  }
  constexpr std::size_t kFewRows = 20;
  if (rows.size() < kFewRows || rows.size() > std::numeric_limits<std::uint32_t>::max() || !can_compare(data))
    return found;
  Sets sets(rows.size());
  const Table features = data.features();
  std::vector<Compared> columns = compared_columns(data, rows);
  const bool texts =
      std::ranges::any_of(features.columns(), [](const Column& c) { return c.kind() == ColumnKind::text; });
  if (texts)
    join_near_texts(data, rows, columns, sets, stop);
  else
    join_near_numbers(columns, rows, has_target, sets, stop);
  std::vector<std::int64_t> size(rows.size(), 0);
  for (std::size_t i = 0; i < rows.size(); ++i) ++size[sets.find(i)];
  const std::int64_t largest = *std::ranges::max_element(size);
  if (largest == 1) return found;
  if (largest > kMostAlike && largest * kShareAlike > std::ssize(rows)) {
    found.everywhere = true;
    return found;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t root = sets.find(i);
    if (size[root] < 2) continue;
    if (found.second < 0 && root != i) {
      found.first = rows[root];
      found.second = rows[i];
    }
  }
  for (std::int64_t& of : found.of_row) {
    const std::size_t root = sets.find(static_cast<std::size_t>(of));
    found.near_rows += size[root] > 1;
    of = static_cast<std::int64_t>(root);
  }
  return found;
}

}  // namespace cairn
