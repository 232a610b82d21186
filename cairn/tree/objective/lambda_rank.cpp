// LambdaMART: pairs of rows of one query push each other apart, the more the better the list would be without
// their mistake (Burges: From RankNet to LambdaRank to LambdaMART, 2010).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/tree/objective/objectives_internal.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kQueriesATask = 32;
constexpr double kNear = 0.01;         // pairs whose scores are nearer than this count alike
constexpr double kMostRelevance = 31;  // a gain of 2^31 - 1

double discount(std::size_t rank) { return 1 / std::log2(static_cast<double>(rank) + 2); }  // 0 is the first

// One query's rows by falling score, and by how much a swap of two of them changes the metric.
class RankedList {
 public:
  RankedList(const Truth& truth, std::span<const double> raw, std::span<const std::uint32_t> rows)
      : rows_(rows.begin(), rows.end()), top_(at(truth.params.rank_at)), map_(truth.params.rank_by_map) {
    std::ranges::stable_sort(rows_, std::greater<>(), [&](std::uint32_t r) { return raw[r]; });
    for (const std::uint32_t r : rows_) gain_.push_back(map_ ? (truth.y[r] > 0) : std::exp2(truth.y[r]) - 1);
    if (map_)
      count_relevant();
    else
      best_ = best_dcg();
  }
  std::size_t size() const { return rows_.size(); }
  std::uint32_t row(std::size_t rank) const { return rows_[rank]; }
  double gain(std::size_t rank) const { return gain_[rank]; }
  bool tells_something() const {
    return std::ranges::adjacent_find(gain_, std::not_equal_to<>()) != gain_.end();
  }
  // a < b, of other gains.
  double change(std::size_t a, std::size_t b) const {
    if (map_) return std::abs(map_change(a, b));
    return std::abs((gain_[a] - gain_[b]) * (discount(a) - discount(b))) / best_;
  }
  double loss() const {
    double sum = 0;
    for (std::size_t i = 0; i < std::min(top_, size()); ++i)
      sum += map_ ? gain_[i] * relevant_[i] / static_cast<double>(i + 1) : gain_[i] * discount(i);
    return 1 - sum / (map_ ? std::min(relevant_.back(), static_cast<double>(top_)) : best_);
  }

 private:
  double best_dcg() const {
    std::vector<double> sorted = gain_;
    std::ranges::sort(sorted, std::greater<>());
    double sum = 0;
    for (std::size_t i = 0; i < std::min(top_, sorted.size()); ++i) sum += sorted[i] * discount(i);
    return sum;
  }
  void count_relevant() {
    double count = 0, shares = 0;
    for (std::size_t i = 0; i < size(); ++i) {
      count += gain_[i];
      shares += gain_[i] / static_cast<double>(i + 1);
      relevant_.push_back(count);
      shares_.push_back(shares);
    }
  }
  // Average precision sums relevant(i) / i over relevant places i. A relevant row that moves from a down to b
  // takes its own term along and one from every count between.
  double map_change(std::size_t a, std::size_t b) const {
    const auto share = [&](std::size_t i) { return relevant_[i] / static_cast<double>(i + 1); };
    const double between = shares_[b] - shares_[a] - gain_[b] / static_cast<double>(b + 1);
    const double of_a = gain_[a] > 0 ? share(b) - share(a) - between
                                     : (relevant_[a] + 1) / static_cast<double>(a + 1) + between - share(b);
    return of_a / relevant_.back();
  }

  std::vector<std::uint32_t> rows_;
  std::size_t top_;
  bool map_;
  double best_ = 0;
  std::vector<double> gain_;
  std::vector<double> relevant_, shares_;  // up to and with a place: relevant rows, and the sum of 1 / place
};

double weight_of_query(const Truth& t, std::span<const std::uint32_t> rows) {
  double sum = 0;
  for (const std::uint32_t r : rows) sum += t.weight(r);
  return sum / static_cast<double>(rows.size());
}

void query_gradients(const Truth& t, std::span<const double> raw, std::span<const std::uint32_t> rows,
                     std::span<double> g, std::span<double> h) {
  for (const std::uint32_t r : rows) g[r] = h[r] = 0;
  const RankedList list(t, raw, rows);
  if (!list.tells_something()) return;
  const bool differ = raw[list.row(0)] != raw[list.row(list.size() - 1)];
  double pushes = 0;
  for (std::size_t a = 0; a + 1 < list.size() && a < at(t.params.rank_at); ++a)
    for (std::size_t b = a + 1; b < list.size(); ++b) {
      if (list.gain(a) == list.gain(b)) continue;
      const bool right = list.gain(a) > list.gain(b);
      const std::uint32_t better = list.row(right ? a : b), worse = list.row(right ? b : a);
      const double wrong = 1 / (1 + std::exp(raw[better] - raw[worse]));  // the pair's chance of being wrong
      const double apart = std::abs(raw[better] - raw[worse]);
      const double change = list.change(a, b) / (differ ? kNear + apart : 1);
      const double push = change * wrong, curve = change * wrong * (1 - wrong);
      g[better] -= push, g[worse] += push;
      h[better] += curve, h[worse] += curve;
      pushes += 2 * push;
    }
  if (!(pushes > 0)) return;
  // A query with many pairs speaks louder, but not in proportion.
  const double scale = weight_of_query(t, rows) * std::log2(1 + pushes) / pushes;
  for (const std::uint32_t r : rows) g[r] *= scale, h[r] *= scale;
}

}  // namespace

void rank_gradients(const Truth& t, std::span<const double> raw, std::span<double> g, std::span<double> h) {
  parallel_for(t.queries->count(), kQueriesATask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t q = begin; q < end; ++q) query_gradients(t, raw, t.queries->of(q), g, h);
  });
}

double rank_loss(const Truth& t, std::span<const double> raw) {
  struct Sum {
    double loss = 0, weight = 0;
  };
  const auto sum = parallel_reduce<Sum>(
      t.queries->count(), kQueriesATask,
      [&](std::int64_t begin, std::int64_t end) {
        Sum s;
        for (std::int64_t q = begin; q < end; ++q) {
          const RankedList list(t, raw, t.queries->of(q));
          if (!list.tells_something()) continue;
          const double w = weight_of_query(t, t.queries->of(q));
          s.loss += w * list.loss();
          s.weight += w;
        }
        return s;
      },
      [](Sum& into, const Sum& other) { into.loss += other.loss, into.weight += other.weight; });
  return sum.weight > 0 ? sum.loss / sum.weight : 0;
}

bool is_relevance(double y) { return y >= 0 && y <= kMostRelevance && y == std::floor(y); }

void check_queries(const Truth& t) {
  constexpr const char* kWhere = "gradient_boosting";
  if (!t.queries)
    throw UsageError(kWhere, "objective=lambdarank orders the rows of each query, and no column names them",
                     "Name it with --group COL.");
  bool differs = false;
  for (std::int64_t q = 0; q < t.queries->count(); ++q) {
    const auto rows = t.queries->of(q);
    if (t.queries->names[at(q)].empty())
      throw DataError(kWhere, fmt::format("{} rows belong to no query", rows.size()),
                      "Leave them out, or name another column with --group.");
    if (rows.size() == 1)
      throw DataError(kWhere,
                      fmt::format("the query '{}' has one row; a ranking learns from pairs of a query's rows",
                                  t.queries->names[at(q)]),
                      "Leave such rows out, or name another column with --group.");
    differs |= std::ranges::any_of(rows, [&](std::uint32_t r) { return t.y[r] != t.y[rows.front()]; });
  }
  if (!differs)
    throw DataError(kWhere, fmt::format("in none of {} queries do the rows differ in relevance; there is "
                                        "nothing to put in order",
                                        t.queries->count()));
}

}  // namespace cairn::tree
