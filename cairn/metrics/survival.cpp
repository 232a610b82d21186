// Who is first, where some times are known only to be longer than those seen.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "cairn/base/index.h"
#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"

namespace cairn::metric_detail {
namespace {

// Sums of weights by place, each query and each addition in logarithmic time (Fenwick 1994).
class Sums {
 public:
  explicit Sums(std::size_t n) : tree_(n + 1), own_(n) {}
  void add(std::size_t place, double w) {
    own_[place] += w;
    total_ += w;
    for (std::size_t i = place + 1; i < tree_.size(); i += i & -i) tree_[i] += w;
  }
  double below(std::size_t place) const {
    double sum = 0;
    for (std::size_t i = place; i > 0; i -= i & -i) sum += tree_[i];
    return sum;
  }
  double tied(std::size_t place) const { return own_[place]; }
  double total() const { return total_; }

 private:
  std::vector<double> tree_, own_;
  double total_ = 0;
};

// Pairs in which a row is the one that came first, or the other: of weight `all`, `right` of it in order.
struct Pairs {
  double right = 0, all = 0;
};

struct Survival {
  std::vector<std::size_t> rows;   // of positive weight, by time
  std::vector<std::size_t> place;  // [n] of the row's risk among the distinct ones
  std::size_t places = 0;
};

std::optional<Survival> survival(const Scored& rows) {
  Survival s;
  std::vector<double> risks, risk(at(rows.size()));
  const double sign = rows.predicts == Predicts::risk ? 1 : -1;  // a long time is a small risk
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    if (!(weight_of(rows, i) > 0)) continue;
    risk[at(i)] = sign * rows.predicted[at(i)];
    if (std::isnan(risk[at(i)]) || std::isnan(rows.truth[at(i)])) return std::nullopt;
    s.rows.push_back(at(i));
    risks.push_back(risk[at(i)]);
  }
  std::ranges::sort(risks);
  risks.erase(std::unique(risks.begin(), risks.end()), risks.end());
  s.places = risks.size();
  s.place.resize(at(rows.size()));
  for (const std::size_t r : s.rows)
    s.place[r] = static_cast<std::size_t>(std::ranges::lower_bound(risks, risk[r]) - risks.begin());
  std::ranges::stable_sort(s.rows, {}, [&](std::size_t r) { return rows.truth[r]; });
  return s;
}

// Calls visit(rows of one time) in the order of the times, or backwards.
template <class F>
void each_time(const Scored& rows, const std::vector<std::size_t>& sorted, F&& visit) {
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    const auto end =
        std::find_if(begin, sorted.end(), [&](std::size_t r) { return rows.truth[r] != rows.truth[*begin]; });
    visit(std::span(begin, end));
    begin = end;
  }
}

// A pair can be compared when the earlier one's time is known to be the earlier: it happened, and the other's
// time is longer, or as long and censored (Harrell and others: Evaluating the yield of medical tests, 1982).
std::optional<std::vector<std::array<Pairs, 2>>> pairs_of(const Scored& rows) {
  auto s = survival(rows);
  if (!s) return std::nullopt;
  const auto happened = [&](std::size_t r) { return rows.events.empty() || rows.events[r] != 0; };
  const auto weight = [&](std::size_t r) { return weight_of(rows, static_cast<std::int64_t>(r)); };
  std::vector<std::array<Pairs, 2>> pairs(at(rows.size()));
  Sums earlier(s->places);
  const auto as_later = [&](std::size_t r) {
    const double above = earlier.total() - earlier.below(s->place[r]) - earlier.tied(s->place[r]);
    pairs[r][1] = {above + earlier.tied(s->place[r]) / 2, earlier.total()};
  };
  each_time(rows, s->rows, [&](std::span<const std::size_t> same) {
    for (const std::size_t r : same)
      if (happened(r)) as_later(r);
    for (const std::size_t r : same)
      if (happened(r)) earlier.add(s->place[r], weight(r));
    for (const std::size_t r : same)
      if (!happened(r)) as_later(r);
  });
  Sums later(s->places);
  std::ranges::reverse(s->rows);
  each_time(rows, s->rows, [&](std::span<const std::size_t> same) {
    for (const std::size_t r : same)
      if (!happened(r)) later.add(s->place[r], weight(r));
    for (const std::size_t r : same)
      if (happened(r)) pairs[r][0] = {later.below(s->place[r]) + later.tied(s->place[r]) / 2, later.total()};
    for (const std::size_t r : same)
      if (happened(r)) later.add(s->place[r], weight(r));
  });
  return pairs;
}

Pairs sum_of(const Scored& rows, const std::vector<std::array<Pairs, 2>>& pairs) {
  Pairs sum;
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const double w = weight_of(rows, i);
    sum.right += w * pairs[at(i)][0].right;
    sum.all += w * pairs[at(i)][0].all;
  }
  return sum;
}

}  // namespace

Value concordance(const Scored& rows) {
  const auto pairs = pairs_of(rows);
  if (!pairs) return std::nullopt;
  const Pairs sum = sum_of(rows, *pairs);
  return sum.all > 0 ? Value(std::clamp(sum.right / sum.all, 0.0, 1.0)) : std::nullopt;
}

Bounds concordance_bounds(const Scored& rows, double value) {
  const auto pairs = *pairs_of(rows);
  const double all = sum_of(rows, pairs).all;
  std::vector<double> influence(at(rows.size())), weights(at(rows.size()));
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const double w = weight_of(rows, i);
    if (!(w > 0)) continue;
    const auto& [first, second] = pairs[at(i)];
    influence[at(i)] = w * (first.right + second.right - value * (first.all + second.all)) / all;
    weights[at(i)] = first.all + second.all > 0 ? w : 0;
  }
  return bounded_interval(value, spread(rows, influence), effective_units(rows, weights));
}

}  // namespace cairn::metric_detail
