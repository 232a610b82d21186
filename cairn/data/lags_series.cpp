#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "cairn/base/error.h"
#include "cairn/data/lags_internal.h"
#include "cairn/data/times.h"

namespace cairn::lags_detail {
namespace {

constexpr double kGap = 1.5;  // times the longest step of training

// A missing group is one of its own.
std::string group_of(const Column* groups, std::int64_t row) { return groups ? groups->cell(row) : ""; }

// `told`: the column as it was read.
void sort_by_time(Series& s, const Column& time, const Column& told, const std::string& group) {
  std::ranges::stable_sort(s.rows, {}, [&](std::int64_t r) { return time.number_at(r); });
  for (std::size_t i = 1; i < s.rows.size(); ++i)
    if (time.number_at(s.rows[i]) == time.number_at(s.rows[i - 1]))
      throw DataError(
          "lags",
          fmt::format("rows {} and {}{} have the same {} '{}'; of two rows at one time none is the "
                      "other's past",
                      s.rows[i - 1] + 1, s.rows[i] + 1,
                      group.empty() ? "" : fmt::format(" of group '{}'", group), time.name(),
                      told.cell(s.rows[i])),
          group.empty() ? "Name the column that tells the series apart: \"group\": \"COL\"." : "");
}

}  // namespace

void History::visit(Visitor& v) {
  v.value("group", group);
  v.value("times", times);
  v.value("values", values);
  if (v.loading() && (!std::ranges::is_sorted(times, std::less_equal<>()) ||
                      std::ranges::any_of(times, [](double t) { return !std::isfinite(t); })))
    throw ModelFileError("lags", fmt::format("the past of group '{}' is not in the order of time", group));
}

std::vector<Series> series_of(const Table& table, const Order& order, const std::vector<History>& histories) {
  const Column time = times_of(table.column(order.time));
  const Column* groups = order.group.empty() ? nullptr : &table.column(order.group);
  std::unordered_map<std::string, std::size_t> number;
  std::vector<std::string> names;
  std::vector<Series> all;
  for (std::int64_t r = 0; r < table.num_rows(); ++r) {
    if (!std::isfinite(time.number_at(r)))
      throw DataError(fmt::format("column '{}', row {}", time.name(), r + 1),
                      "has no time; lags need to know what came before", "Fill it or drop the row.");
    const auto [at, added] = number.emplace(group_of(groups, r), all.size());
    if (added) {
      all.emplace_back();
      names.push_back(at->first);
    }
    all[at->second].rows.push_back(r);
  }
  for (const History& h : histories)
    if (const auto it = number.find(h.group); it != number.end()) all[it->second].history = &h;
  for (std::size_t s = 0; s < all.size(); ++s) {
    Series& one = all[s];
    sort_by_time(one, time, table.column(order.time), names[s]);
    double before = 0;
    if (one.history) {
      const double first = time.number_at(one.rows.front());
      const auto& times = one.history->times;
      one.from_history = static_cast<std::size_t>(std::ranges::lower_bound(times, first) - times.begin());
      if (one.from_history > 0) before = times[one.from_history - 1];
    }
    std::size_t known = one.from_history;
    for (std::size_t i = 0; i < one.rows.size(); ++i) {
      const double now = time.number_at(one.rows[i]);
      if (order.longest_step > 0 && known > 0 && now - before > kGap * order.longest_step) known = 0;
      one.reach.push_back(known);
      ++known;
      before = now;
    }
  }
  return all;
}

double longest_step(const std::vector<Series>& series, const Column& time) {
  double longest = 0;
  for (const Series& s : series)
    for (std::size_t i = 1; i < s.rows.size(); ++i)
      longest = std::max(longest, time.number_at(s.rows[i]) - time.number_at(s.rows[i - 1]));
  return longest;
}

double earlier(const Series& series, std::size_t i, std::size_t back, std::size_t column,
               std::span<const double> cells) {
  if (back > series.reach[i]) return std::nan("");
  if (back <= i) return cells[static_cast<std::size_t>(series.rows[i - back])];
  const std::size_t place = series.from_history + i - back;
  return series.history->values[column * series.history->times.size() + place];
}

}  // namespace cairn::lags_detail
