#include "cairn/data/time_order.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <numeric>
#include <vector>

#include "cairn/data/summary.h"
#include "cairn/data/times.h"

namespace cairn {
namespace {

constexpr std::int64_t kFewRows = 30, kFewTimes = 8;
constexpr double kSignificant = 1e-4, kAlike = 0.1;

double upper_tail(double z) { return std::erfc(z / std::sqrt(2.0)) / 2; }

// A whole word of the name speaks of time: "order_date", "model year", "Time".
bool named_after_time(const std::string& name) {
  constexpr std::array kWords{"time", "date", "datetime", "timestamp", "year",   "yr",     "month", "week",
                              "day",  "hour", "minute",   "quarter",   "season", "period", "epoch", "t"};
  std::string word;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    const char c = i < name.size() ? name[i] : ' ';
    if (std::isalpha(static_cast<unsigned char>(c))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (std::ranges::find(kWords, word) != kWords.end()) return true;
    word.clear();
  }
  return false;
}

// The numbers of a column that never fall and are never missing; empty: it is another.
std::vector<double> growing(const Column& c) {
  if (c.num_missing() > 0) return {};
  std::vector<double> v;
  v.reserve(static_cast<std::size_t>(c.size()));
  for (std::int64_t r = 0; r < c.size(); ++r) {
    const double x = c.number_at(r);
    if (r > 0 && !(x >= v.back())) return {};  // most columns leave here, after a few rows
    v.push_back(x);
  }
  return v;
}

// A counter of rows or hours: every step up, most of them by as much. Where rows are left out, some are
// longer.
bool by_even_steps(const std::vector<double>& v) {
  constexpr double kMost = 0.8;
  std::vector<double> steps;
  for (std::size_t i = 1; i < v.size(); ++i) steps.push_back(v[i] - v[i - 1]);
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::ranges::nth_element(steps, middle);
  const double step = *middle;
  if (!(std::ranges::min(steps) > 0)) return false;
  const auto even = std::ranges::count_if(steps, [&](double s) { return std::abs(s - step) <= 1e-6 * step; });
  return static_cast<double>(even) >= kMost * static_cast<double>(steps.size());
}

std::int64_t num_changes(const std::vector<double>& v) {
  std::int64_t n = 0;
  for (std::size_t i = 1; i < v.size(); ++i) n += v[i] != v[i - 1];
  return n;
}

struct Likeness {
  double alike = std::nan(""), p = 1;
  bool sorted = false;  // by the target itself
};

Likeness likeness_of_numbers(const std::vector<double>& y) {
  Likeness l;
  const std::vector<double> ranks = mean_ranks(y);
  const auto n = static_cast<double>(y.size());
  const double mean = (n - 1) / 2;
  double product = 0, squares = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    squares += (ranks[i] - mean) * (ranks[i] - mean);
    if (i > 0) product += (ranks[i] - mean) * (ranks[i - 1] - mean);
  }
  if (!(squares > 0)) return l;
  l.alike = product / squares;
  l.p = upper_tail(l.alike * std::sqrt(n));
  l.sorted = std::ranges::is_sorted(y) || std::ranges::is_sorted(y, std::greater<>{});
  return l;
}

Likeness likeness_of_classes(const std::vector<std::int32_t>& codes, std::size_t num_classes) {
  Likeness l;
  std::vector<double> count(num_classes, 0);
  std::size_t same = 0, changes = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    ++count[static_cast<std::size_t>(codes[i])];
    if (i > 0) (codes[i] == codes[i - 1] ? same : changes) += 1;
  }
  const auto pairs = static_cast<double>(codes.size() - 1), n = static_cast<double>(codes.size());
  double chance = 0;
  for (const double c : count) chance += c * c / (n * n);
  if (!(chance < 1)) return l;
  const double seen = static_cast<double>(same) / pairs;
  l.alike = (seen - chance) / (1 - chance);
  l.p = upper_tail((seen - chance) / std::sqrt(chance * (1 - chance) / pairs));
  l.sorted = changes < num_classes;
  return l;
}

Likeness likeness(const Dataset& data, const std::vector<std::size_t>& order) {
  if (data.roles().target.empty()) return {};
  if (is_classification(data.task())) {
    const auto codes = data.class_codes();
    std::vector<std::int32_t> in_time;
    for (const std::size_t r : order) in_time.push_back(codes[r]);
    return likeness_of_classes(in_time, data.classes().size());
  }
  const auto values = data.target_values();
  std::vector<double> in_time;
  for (const std::size_t r : order) in_time.push_back(values[r]);
  return likeness_of_numbers(in_time);
}

}  // namespace

std::optional<TimeOrder> find_time_order(const Dataset& data) {
  if (!data.roles().time.empty() || !data.roles().group.empty() || data.num_rows() < kFewRows)
    return std::nullopt;
  const Table features = data.features();
  std::vector<std::size_t> order(static_cast<std::size_t>(data.num_rows()));
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (const Column& c : features.columns()) {
    if (c.kind() != ColumnKind::date || c.num_missing() > 0) continue;
    const bool in_order = !growing(c).empty();
    if (!in_order)
      std::ranges::stable_sort(order, {},
                               [&](std::size_t r) { return c.number_at(static_cast<std::int64_t>(r)); });
    if (c.number_at(static_cast<std::int64_t>(order.front())) ==
        c.number_at(static_cast<std::int64_t>(order.back())))
      continue;
    const Likeness l = likeness(data, order);
    return TimeOrder{.column = c.name(), .is_date = true, .in_order = in_order, .alike = l.alike, .p = l.p};
  }
  std::optional<Likeness> l;  // of the rows as they stand, for whichever number grows with them
  for (const Column& c : features.columns()) {
    if (c.kind() != ColumnKind::number && c.kind() != ColumnKind::integer) continue;
    const std::vector<double> v = growing(c);
    if (v.empty() || num_changes(v) + 1 < kFewTimes) continue;
    if (!named_after_time(c.name()) && !by_even_steps(v)) continue;
    if (!l) l = likeness(data, order);
    if (l->sorted || !(l->p < kSignificant) || !(l->alike > kAlike)) continue;
    return TimeOrder{.column = c.name(), .is_date = false, .in_order = true, .alike = l->alike, .p = l->p};
  }
  return std::nullopt;
}

std::vector<std::int64_t> latest_rows(const Column& column, std::int64_t most) {
  const Column time = times_of(column);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(time.size()));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  if (time.size() <= most) return rows;
  const auto when = [&](std::int64_t r) { return time.is_missing(r) ? -INFINITY : time.number_at(r); };
  std::ranges::stable_sort(rows, {}, when);
  rows.erase(rows.begin(), rows.end() - most);
  std::ranges::sort(rows);
  return rows;
}

}  // namespace cairn
