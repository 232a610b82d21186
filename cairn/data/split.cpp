#include "cairn/data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "cairn/base/random.h"
#include "cairn/data/times.h"

namespace cairn {
namespace {

constexpr std::int64_t kQuantileBins = 10;

// Features and target: what makes two rows the same for a learner.
Table learned_columns(const Dataset& data, const Table& from) {
  std::vector<std::string> names = data.features().names();
  if (!data.roles().target.empty()) names.push_back(data.roles().target);
  return from.only(names);
}

// What is dealt out whole: a row, identical rows, or a group.
struct Units {
  std::vector<std::int64_t> of_row;  // a unit number a row
  std::int64_t count = 0;
  std::string note;  // how rows were put together, for Split::how
};

Units number_by(const std::vector<std::uint64_t>& keys) {
  Units units;
  std::unordered_map<std::uint64_t, std::int64_t> number;
  number.reserve(keys.size());
  for (const std::uint64_t key : keys)
    units.of_row.push_back(number.emplace(key, number.size()).first->second);
  units.count = static_cast<std::int64_t>(number.size());
  return units;
}

// Keys from 0 on, none far beyond the number of rows of the whole table.
Units number_by_small(const std::vector<std::int64_t>& keys) {
  Units units;
  std::vector<std::int64_t> number(static_cast<std::size_t>(*std::ranges::max_element(keys)) + 1, -1);
  for (const std::int64_t key : keys) {
    auto& at = number[static_cast<std::size_t>(key)];
    if (at < 0) at = units.count++;
    units.of_row.push_back(at);
  }
  return units;
}

Units each_row(std::int64_t n) {
  Units units{.count = n};
  units.of_row.resize(static_cast<std::size_t>(n));
  std::iota(units.of_row.begin(), units.of_row.end(), 0);
  return units;
}

// Whether most rows that stand more than once also stand with another label: then they are repeated
// observations of a few cases, not copies, and keeping equal ones together would hide from training what the
// test asks for.
bool are_observations(const Dataset& data, const Units& units) {
  if (!is_classification(data.task()) || data.roles().target.empty()) return false;
  const Units cases = number_by(data.features().row_hashes());
  std::vector<std::int64_t> size(static_cast<std::size_t>(units.count), 0);
  std::vector<std::int64_t> unit_of_case(static_cast<std::size_t>(cases.count), -1);
  std::vector<bool> mixed(static_cast<std::size_t>(cases.count), false);
  for (std::size_t r = 0; r < units.of_row.size(); ++r) {
    ++size[static_cast<std::size_t>(units.of_row[r])];
    auto& first = unit_of_case[static_cast<std::size_t>(cases.of_row[r])];
    if (first < 0) first = units.of_row[r];
    if (first != units.of_row[r]) mixed[static_cast<std::size_t>(cases.of_row[r])] = true;
  }
  std::int64_t repeated = 0, contradicted = 0;
  for (std::size_t r = 0; r < units.of_row.size(); ++r) {
    if (size[static_cast<std::size_t>(units.of_row[r])] < 2) continue;
    ++repeated;
    contradicted += mixed[static_cast<std::size_t>(cases.of_row[r])];
  }
  return 2 * contradicted > repeated;
}

// Rows that are the same, or nearly, become one unit, unless that would leave too few of them or they are no
// copies.
Units identical_rows(const Dataset& data, std::int64_t parts) {
  Units units = data.copies().empty() ? number_by(learned_columns(data, data.table()).row_hashes())
                                      : number_by_small(data.copies());
  if (units.count == data.num_rows()) return each_row(data.num_rows());
  std::vector<std::int64_t> size(static_cast<std::size_t>(units.count), 0);
  for (const std::int64_t u : units.of_row) ++size[static_cast<std::size_t>(u)];
  std::int64_t groups = 0, rows = 0;
  for (const std::int64_t s : size)
    if (s > 1) {
      ++groups;
      rows += s;
    }
  const bool too_few = units.count < parts;
  const char* alike = data.has_near_copies() ? "identical and nearly identical" : "identical";
  if (too_few || are_observations(data, units)) {
    units = each_row(data.num_rows());
    units.note =
        fmt::format(", {} {} rows in all parts: {}", rows, alike,
                    too_few ? "too few rows are distinct" : "they are the same case with different labels");
  } else {
    units.note = fmt::format(", {} rows kept together ({} group{} of {} rows)", alike, groups,
                             groups == 1 ? "" : "s", rows);
  }
  return units;
}

// A stratum a row: the class, or the target's quantile bin. Equal targets share a bin.
std::vector<std::int64_t> strata_of(const Dataset& data, bool stratify) {
  const auto n = static_cast<std::size_t>(data.num_rows());
  if (!stratify || data.roles().target.empty()) return std::vector<std::int64_t>(n, 0);
  if (is_classification(data.task())) {
    const auto codes = data.class_codes();
    return {codes.begin(), codes.end()};
  }
  const std::vector<double> y = data.target_values();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t r) { return std::pair(y[r], r); });
  std::vector<std::int64_t> bins(n);
  std::int64_t bin = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (i == 0 || y[order[i]] != y[order[i - 1]])
      bin = static_cast<std::int64_t>(i) * kQuantileBins / static_cast<std::int64_t>(n);
    bins[order[i]] = bin;
  }
  return bins;
}

// What is dealt: the units in a shuffled order, and how many rows of each stratum each has.
struct Deal {
  std::vector<std::int64_t> order, size;  // of the units
  std::vector<std::int64_t> begin;        // unit u has entries begin[u] .. begin[u + 1]
  struct Entry {
    std::int64_t stratum, rows;
  };
  std::vector<Entry> entries;
  std::vector<std::int64_t> rows_in_stratum;

  std::span<const Entry> entries_of(std::int64_t unit) const {
    const auto u = static_cast<std::size_t>(unit);
    return std::span(entries).subspan(static_cast<std::size_t>(begin[u]),
                                      static_cast<std::size_t>(begin[u + 1] - begin[u]));
  }
};

Deal shuffled(const Units& units, const std::vector<std::int64_t>& strata, Random random) {
  Deal deal{.size = std::vector<std::int64_t>(static_cast<std::size_t>(units.count), 0)};
  std::vector<std::pair<std::int64_t, std::int64_t>> rows;  // (unit, stratum)
  rows.reserve(strata.size());
  deal.begin.reserve(static_cast<std::size_t>(units.count) + 1);
  deal.entries.reserve(static_cast<std::size_t>(units.count));
  for (std::size_t r = 0; r < strata.size(); ++r) rows.emplace_back(units.of_row[r], strata[r]);
  std::ranges::sort(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [unit, stratum] = rows[i];
    const bool new_unit = i == 0 || unit != rows[i - 1].first;
    if (new_unit) deal.begin.push_back(static_cast<std::int64_t>(deal.entries.size()));
    if (new_unit || stratum != rows[i - 1].second) deal.entries.push_back({stratum, 0});
    ++deal.entries.back().rows;
    ++deal.size[static_cast<std::size_t>(unit)];
    if (static_cast<std::size_t>(stratum) >= deal.rows_in_stratum.size())
      deal.rows_in_stratum.resize(static_cast<std::size_t>(stratum) + 1, 0);
    ++deal.rows_in_stratum[static_cast<std::size_t>(stratum)];
  }
  deal.begin.push_back(static_cast<std::int64_t>(deal.entries.size()));
  deal.order = random.permutation(units.count);
  return deal;
}

// Puts each unit into the part in which its strata are rarest, larger units first; ties go to the smaller
// part.
std::vector<std::int64_t> deal_into_parts(const Deal& deal, std::int64_t parts) {
  std::vector<std::pair<std::int64_t, std::int64_t>> by_size;  // (-size, unit), shuffled among equals
  for (const std::int64_t u : deal.order) by_size.emplace_back(-deal.size[static_cast<std::size_t>(u)], u);
  std::vector<std::int64_t> place(by_size.size());
  std::iota(place.begin(), place.end(), 0);
  std::ranges::sort(place, {},
                    [&](std::int64_t i) { return std::pair(by_size[static_cast<std::size_t>(i)].first, i); });

  const std::size_t num_strata = deal.rows_in_stratum.size();
  std::vector<std::int64_t> total(static_cast<std::size_t>(parts), 0), part_of(deal.size.size());
  std::vector<std::int64_t> held(static_cast<std::size_t>(parts) * num_strata, 0);
  for (const std::int64_t at : place) {
    const std::int64_t u = by_size[static_cast<std::size_t>(at)].second;
    std::size_t best = 0;
    double best_cost = 0;
    for (std::size_t p = 0; p < total.size(); ++p) {
      double cost = 0;  // the growth of the sum of squared shares that this part holds
      for (const auto& [stratum, rows] : deal.entries_of(u)) {
        const auto s = static_cast<std::size_t>(stratum);
        const auto all = static_cast<double>(deal.rows_in_stratum[s]);
        cost += static_cast<double>(rows * (2 * held[p * num_strata + s] + rows)) / (all * all);
      }
      if (p == 0 || cost < best_cost || (cost == best_cost && total[p] < total[best])) {
        best = p;
        best_cost = cost;
      }
    }
    part_of[static_cast<std::size_t>(u)] = static_cast<std::int64_t>(best);
    total[best] += deal.size[static_cast<std::size_t>(u)];
    for (const auto& [stratum, rows] : deal.entries_of(u))
      held[best * num_strata + static_cast<std::size_t>(stratum)] += rows;
  }
  return part_of;
}

// Takes units for the test until every stratum has its share; what one stratum cannot give exactly, the next
// makes up for.
std::vector<bool> deal_test_rows(const Deal& deal, double share, bool strata_are_classes) {
  std::vector<bool> is_test(deal.size.size(), false);
  std::vector<std::vector<std::int64_t>> by_stratum(deal.rows_in_stratum.size());
  for (const std::int64_t u : deal.order)
    by_stratum[static_cast<std::size_t>(deal.entries_of(u)[0].stratum)].push_back(u);
  double owed = 0;
  for (std::size_t s = 0; s < by_stratum.size(); ++s) {
    owed += share * static_cast<double>(deal.rows_in_stratum[s]);
    std::size_t left = by_stratum[s].size();
    for (const std::int64_t u : by_stratum[s]) {
      const auto size = static_cast<double>(deal.size[static_cast<std::size_t>(u)]);
      if ((strata_are_classes && left < 2) || size / 2 > owed)
        continue;  // a class's last unit stays for training
      is_test[static_cast<std::size_t>(u)] = true;
      owed -= size;
      --left;
    }
  }
  return is_test;
}

// Whole groups: takes those that bring the test nearer to its share of every stratum.
std::vector<bool> deal_test_groups(const Deal& deal, double share) {
  std::vector<bool> is_test(deal.size.size(), false);
  std::vector<double> owed;
  for (const std::int64_t rows : deal.rows_in_stratum) owed.push_back(share * static_cast<double>(rows));
  for (const std::int64_t u : deal.order) {
    double change = 0;  // of the squared distance, each stratum measured in its own size
    for (const auto& [stratum, rows] : deal.entries_of(u)) {
      const auto s = static_cast<std::size_t>(stratum);
      const auto all = static_cast<double>(deal.rows_in_stratum[s]);
      const auto taken = static_cast<double>(rows);
      change += (taken * taken - 2 * taken * owed[s]) / all;
    }
    if (change >= 0) continue;
    is_test[static_cast<std::size_t>(u)] = true;
    for (const auto& [stratum, rows] : deal.entries_of(u))
      owed[static_cast<std::size_t>(stratum)] -= static_cast<double>(rows);
  }
  return is_test;
}

// Rows by time, and where a block may begin: at a change of time.
struct Timeline {
  std::vector<std::int64_t> order;
  std::vector<std::int64_t> changes;  // places in `order`, ascending, 0 left out

  // The change nearest to `place`.
  std::int64_t nearest(double place) const {
    return *std::ranges::min_element(
        changes, {}, [&](std::int64_t c) { return std::abs(static_cast<double>(c) - place); });
  }
};

Timeline timeline_of(const Dataset& data) {
  const Column time = times_of(data.table().column(data.roles().time));
  const std::string where = fmt::format("--time {}", time.name());
  std::vector<double> at;
  for (std::int64_t r = 0; r < time.size(); ++r) {
    if (time.is_missing(r))
      throw DataError(where, fmt::format("row {} has no time", r + 1), "Fill it or drop the row.");
    at.push_back(time.number_at(r));
  }
  Timeline line;
  line.order.resize(at.size());
  std::iota(line.order.begin(), line.order.end(), 0);
  std::ranges::sort(line.order, {},
                    [&](std::int64_t r) { return std::pair(at[static_cast<std::size_t>(r)], r); });
  for (std::size_t i = 1; i < at.size(); ++i)
    if (at[static_cast<std::size_t>(line.order[i])] != at[static_cast<std::size_t>(line.order[i - 1])])
      line.changes.push_back(static_cast<std::int64_t>(i));
  if (line.changes.empty())
    throw DataError(where,
                    fmt::format("all {} rows have the same time; earlier rows cannot be told from later ones",
                                at.size()));
  return line;
}

std::vector<std::int64_t> sorted_slice(const std::vector<std::int64_t>& order, std::int64_t begin,
                                       std::int64_t end) {
  std::vector<std::int64_t> rows(order.begin() + begin, order.begin() + end);
  std::ranges::sort(rows);
  return rows;
}

std::string way_of(const Dataset& data, bool stratify, const std::string& note) {
  if (!data.roles().group.empty()) return fmt::format("by group '{}', whole groups", data.roles().group);
  if (!stratify || data.roles().target.empty()) return "random" + note;
  return fmt::format("stratified by {}{}", data.roles().target, note);
}

Units units_of(const Dataset& data, std::int64_t parts, Copies copies) {
  if (data.roles().group.empty())
    return copies == Copies::together ? identical_rows(data, parts) : each_row(data.num_rows());
  Units units{.of_row = data.groups()};
  units.count = units.of_row.empty() ? 0 : *std::ranges::max_element(units.of_row) + 1;
  return units;
}

Split time_split(const Dataset& data, double share) {
  const Timeline line = timeline_of(data);
  const std::int64_t n = data.num_rows();
  const std::int64_t cut = line.nearest((1 - share) * static_cast<double>(n));
  const Column& time = data.table().column(data.roles().time);
  return {sorted_slice(line.order, 0, cut), sorted_slice(line.order, cut, n),
          fmt::format("by time, test from {} = {} on", time.name(),
                      time.cell(line.order[static_cast<std::size_t>(cut)]))};
}

std::vector<Split> time_folds(const Dataset& data, int folds) {
  const Timeline line = timeline_of(data);
  const std::int64_t n = data.num_rows();
  if (static_cast<std::int64_t>(line.changes.size()) < folds)
    throw DataError(
        fmt::format("--time {}", data.roles().time),
        fmt::format("has {} different times; {} folds need {}", line.changes.size() + 1, folds, folds + 1),
        "Use fewer --folds.");
  std::vector<std::int64_t> cuts;  // where part i begins; the rows before the first are only trained on
  for (int i = 1; i <= folds; ++i) {
    std::int64_t cut = line.nearest(static_cast<double>(n) * i / (folds + 1));
    // Leave a change of time for every part that is still to come, and go beyond the last part's.
    const auto latest = line.changes[line.changes.size() - static_cast<std::size_t>(folds - i) - 1];
    cut = std::min(cut, latest);
    if (!cuts.empty() && cut <= cuts.back()) cut = *std::ranges::upper_bound(line.changes, cuts.back());
    cuts.push_back(cut);
  }
  cuts.push_back(n);
  std::vector<Split> result;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
    result.push_back({sorted_slice(line.order, 0, cuts[i]), sorted_slice(line.order, cuts[i], cuts[i + 1]),
                      fmt::format("by time {}, fold {} of {} trained on what lies before it",
                                  data.roles().time, i + 1, folds)});
  return result;
}

std::string groups_stay_whole(const Dataset& data) {
  const std::string& group = data.roles().group;
  return fmt::format("The groups of '{}' stay whole{}.", group,
                     group == "none" ? "" : "; cairn train --group none deals out single rows");
}

void check_not_empty(const Split& s, const Dataset& data, double share) {
  if (!s.train.empty() && !s.test.empty()) return;
  throw DataError(
      "split",
      fmt::format("{} rows cannot be split with a test share of {}: the {} part would be empty",
                  data.num_rows(), share, s.test.empty() ? "test" : "training"),
      data.roles().group.empty() ? "Give more rows, another --holdout, or --test." : groups_stay_whole(data));
}

}  // namespace

Split split(const Dataset& data, const SplitOptions& options) {
  if (!(options.test > 0 && options.test < 1))
    throw UsageError("split", fmt::format("a test share of {} is outside (0, 1)", options.test), "Try 0.2.");
  const bool by_group = !data.roles().group.empty();
  if (!by_group && !data.roles().time.empty()) return time_split(data, options.test);
  const Units units = units_of(data, 2, options.copies);
  const Deal deal = shuffled(units, strata_of(data, options.stratify), Random(options.seed, "split"));
  const bool by_class = options.stratify && is_classification(data.task()) && !data.roles().target.empty();
  const std::vector<bool> is_test =
      by_group ? deal_test_groups(deal, options.test) : deal_test_rows(deal, options.test, by_class);
  Split result{.how = way_of(data, options.stratify, units.note)};
  for (std::size_t r = 0; r < units.of_row.size(); ++r)
    (is_test[static_cast<std::size_t>(units.of_row[r])] ? result.test : result.train)
        .push_back(static_cast<std::int64_t>(r));
  check_not_empty(result, data, options.test);
  return result;
}

std::vector<Split> k_fold(const Dataset& data, int folds, std::uint64_t seed, int repeat, Copies copies) {
  if (folds < 2)
    throw UsageError("--folds", fmt::format("{} folds cannot be; there must be at least 2", folds));
  const bool by_group = !data.roles().group.empty();
  if (!by_group && !data.roles().time.empty()) return time_folds(data, folds);
  const Units units = units_of(data, folds, copies);
  if (units.count < folds)
    throw DataError("--folds",
                    fmt::format("{} {}{} cannot be dealt into {} folds", units.count,
                                by_group ? "group" : "row", units.count == 1 ? "" : "s", folds),
                    by_group ? groups_stay_whole(data) : "Use fewer folds.");
  const std::vector<std::int64_t> strata = strata_of(data, true);
  const Deal deal = shuffled(units, strata, Random(seed, "split", static_cast<std::uint64_t>(repeat) + 1));
  const std::vector<std::int64_t> part_of = deal_into_parts(deal, folds);
  std::string how = fmt::format("{} folds, {}", folds, way_of(data, true, units.note));
  if (is_classification(data.task()) && !data.roles().target.empty())
    for (std::size_t c = 0; c < deal.rows_in_stratum.size(); ++c)
      if (const std::int64_t rows = deal.rows_in_stratum[c]; rows > 0 && rows < folds)
        how += fmt::format("; class '{}' has {} row{}: not every test part has one", data.classes()[c], rows,
                           rows == 1 ? "" : "s");
  std::vector<Split> result(static_cast<std::size_t>(folds), Split{.how = how});
  for (std::size_t r = 0; r < units.of_row.size(); ++r)
    for (std::size_t f = 0; f < result.size(); ++f)
      (part_of[static_cast<std::size_t>(units.of_row[r])] == static_cast<std::int64_t>(f) ? result[f].test
                                                                                          : result[f].train)
          .push_back(static_cast<std::int64_t>(r));
  return result;
}

int folds_possible(const Dataset& data, std::int64_t asked) {
  std::int64_t most = data.num_rows();
  if (!data.roles().group.empty()) {
    const auto groups = data.groups();
    most = std::ssize(std::unordered_set(groups.begin(), groups.end()));
  } else if (!data.roles().time.empty()) {
    const Tensor times = times_of(data.table().column(data.roles().time)).numbers();
    const auto t = times.data<double>();
    most = std::ssize(std::unordered_set(t.begin(), t.end())) - 1;
  }
  return static_cast<int>(std::min(asked, most));
}

bool keeps_rows_together(const Dataset& data, std::int64_t parts) {
  return identical_rows(data, parts).count < data.num_rows();
}

std::int64_t count_shared_rows(const Dataset& train, const Dataset& test) {
  const auto known = learned_columns(train, train.table()).row_hashes();
  const std::unordered_set<std::uint64_t> seen(known.begin(), known.end());
  const auto asked = learned_columns(train, test.table()).row_hashes();
  return std::ranges::count_if(asked, [&](std::uint64_t h) { return seen.contains(h); });
}

}  // namespace cairn
