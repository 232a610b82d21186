#include "cairn/data/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_set>

#include "cairn/base/parallel.h"
#include "cairn/data/leak.h"

namespace cairn {
namespace {

constexpr double kNearlyConstant = 0.995;
constexpr std::int64_t kNearlyConstantRows = 200, kIdRows = 20, kLeakRows = 30, kMostLeakRows = 100'000;
constexpr std::size_t kMostLeakClasses = 20, kMostSummed = 60;
constexpr std::int64_t kFewRows = 10;   // of a class
constexpr double kLeftError = 0.02;     // of the baseline's error, for a class to be told almost perfectly
constexpr double kLeftVariance = 0.01;  // of the variance of ranks, for a number
constexpr std::size_t kMostNamed = 10;

std::string flag_with(const char* flag, const std::string& name) {
  const bool plain = name.find_first_of(" \t'\"$&|;<>(),*?") == std::string::npos;
  return plain ? fmt::format("{} {}", flag, name) : fmt::format("{} \"{}\"", flag, name);
}
std::string ignore_flag(const std::string& name) { return flag_with("--ignore", name); }

// One flag for all, unless a comma in a name would part it there.
std::string ignore_flags(const std::vector<std::string>& names) {
  const bool apart = std::ranges::any_of(names, [](const auto& n) { return n.find(',') != n.npos; });
  std::string all;
  for (const std::string& name : names) {
    if (!all.empty()) all += apart ? ' ' : ',';
    all += apart ? ignore_flag(name) : name;
  }
  return apart ? all : ignore_flag(all);
}

std::string percent(double share) {
  const double p = 100 * share;
  return p > 0 && p < 0.1      ? "less than 0.1 %"
         : p > 99.9 && p < 100 ? "more than 99.9 %"
                               : fmt::format("{:.1f} %", p);
}

// What some passes over a column tell.
struct Profile {
  std::int64_t present = 0;
  std::int64_t most = 0,
               most_row = 0;   // how often the value stands that more than half the rows have, and where
  bool all_different = false;  // asked of levels, single words and whole numbers only
  bool counts_rows = false;    // whole numbers, each of a range once
};

// The value that more than half of the rows have, if there is one (Boyer and Moore 1981), and its count.
template <class Value>
void find_majority(const Column& c, Value&& value, Profile& p) {
  std::int64_t votes = 0;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    if (c.is_missing(r)) continue;
    if (votes == 0) p.most_row = r;
    votes += votes == 0 || value(r) == value(p.most_row) ? 1 : -1;
  }
  for (std::int64_t r = 0; r < c.size(); ++r) p.most += !c.is_missing(r) && value(r) == value(p.most_row);
}

void profile_text(const Column& c, Profile& p) {
  find_majority(c, [&](std::int64_t r) { return c.text_at(r); }, p);
  std::unordered_set<std::string_view> seen;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    if (c.is_missing(r)) continue;
    const std::string_view text = c.text_at(r);
    if (text.find(' ') != std::string_view::npos || !seen.insert(text).second) return;
  }
  p.all_different = true;
}

void profile_levels(const Column& c, Profile& p) {
  const auto codes = c.codes();
  std::vector<std::int64_t> counts(c.levels().size(), 0);
  for (const std::int32_t code : codes)
    if (code >= 0) ++counts[static_cast<std::size_t>(code)];
  if (p.present == 0) return;
  const auto top = std::ranges::max_element(counts);
  p.most = *top;
  p.most_row = std::ranges::find(codes, static_cast<std::int32_t>(top - counts.begin())) - codes.begin();
  p.all_different = p.most == 1;
}

void profile_numbers(const Column& c, Profile& p) {
  const Tensor numbers = c.numbers();
  const auto values = numbers.data<double>();
  find_majority(c, [&](std::int64_t r) { return values[static_cast<std::size_t>(r)]; }, p);
  if (c.kind() != ColumnKind::number && c.kind() != ColumnKind::integer) return;
  double low = INFINITY, high = -INFINITY;
  for (const double v : values) {
    if (std::isnan(v)) continue;
    if (v != std::floor(v)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  if (p.present == 0 || high - low != static_cast<double>(p.present - 1)) return;
  std::vector<bool> seen(static_cast<std::size_t>(p.present), false);
  for (const double v : values) {
    if (std::isnan(v)) continue;
    const auto place = static_cast<std::size_t>(v - low);
    if (seen[place]) return;
    seen[place] = true;
  }
  p.all_different = p.counts_rows = true;
}

Profile profile_of(const Column& c) {
  Profile p{.present = c.size() - c.num_missing()};
  if (c.kind() == ColumnKind::text)
    profile_text(c, p);
  else if (c.kind() == ColumnKind::category)
    profile_levels(c, p);
  else
    profile_numbers(c, p);
  return p;
}

Warning empty_column(const Column& c) {
  return {"empty_column", c.name(),
          fmt::format("'{}' has no value in any of {} rows; leave it out with {}.", c.name(), c.size(),
                      ignore_flag(c.name()))};
}

std::vector<Warning> check_column(const Column& c) {
  if (c.kind() == ColumnKind::tensor || c.kind() == ColumnKind::image || c.size() == 0) return {};
  const Profile p = profile_of(c);
  const auto share = static_cast<double>(p.most) / static_cast<double>(c.size());
  std::vector<Warning> found;
  if (p.present == 0) return {empty_column(c)};
  if (p.most == c.size()) {
    found.push_back({"constant_column", c.name(),
                     fmt::format("'{}' is '{}' in every row and cannot help; leave it out with {}.", c.name(),
                                 c.cell(p.most_row), ignore_flag(c.name()))});
  } else if (share >= kNearlyConstant && c.size() >= kNearlyConstantRows) {
    found.push_back(
        {"nearly_constant_column", c.name(),
         fmt::format("'{}' is '{}' in {} of {} rows ({}); if the rest are slips, leave it out with {}.",
                     c.name(), c.cell(p.most_row), p.most, c.size(), percent(share), ignore_flag(c.name()))});
  }
  if (p.present >= kIdRows && p.all_different)
    found.push_back(
        {"id_like_column", c.name(),
         fmt::format(
             "'{}' {} ('{}', '{}', ...) and looks like an identifier; keep it beside the predictions with "
             "{}, or leave it out with {}.",
             c.name(), p.counts_rows ? "counts the rows" : "is different in every row", c.cell(0), c.cell(1),
             flag_with("--id", c.name()), ignore_flag(c.name()))});
  if (2 * c.num_missing() >= c.size())
    found.push_back(
        {"mostly_missing_column", c.name(),
         fmt::format(
             "'{}' is missing in {} of {} rows ({}); what is filled in is a guess. Leave it out with {}.",
             c.name(), c.num_missing(), c.size(),
             percent(static_cast<double>(c.num_missing()) / static_cast<double>(c.size())),
             ignore_flag(c.name()))});
  return found;
}

// Names the first columns of each code and counts the rest.
std::vector<Warning> shortened(const std::vector<std::vector<Warning>>& by_column) {
  std::map<std::string, std::size_t> count;
  std::vector<Warning> result;
  for (const auto& warnings : by_column)
    for (const Warning& w : warnings)
      if (++count[w.code] <= kMostNamed) result.push_back(w);
  for (const auto& [code, n] : count)
    if (n > kMostNamed)
      result.push_back({code, "", fmt::format("The same holds for {} more columns.", n - kMostNamed)});
  return result;
}

template <class Check>
std::vector<Warning> over_columns(const Table& table, Check&& check) {
  std::vector<std::vector<Warning>> found(static_cast<std::size_t>(table.num_columns()));
  parallel_for(table.num_columns(), 1, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t c = b; c < e; ++c) found[static_cast<std::size_t>(c)] = check(table.column(c));
  });
  return shortened(found);
}

void check_duplicates(const Table& table, std::vector<Warning>& warnings) {
  if (table.num_columns() == 0) return;
  const auto hashes = table.row_hashes();
  const std::unordered_set<std::uint64_t> distinct(hashes.begin(), hashes.end());
  const std::size_t repeats = hashes.size() - distinct.size();
  if (repeats == 0) return;
  warnings.push_back(
      {"duplicate_rows", "",
       fmt::format(
           "{} of {} rows ({}) repeat an earlier row in every column; a split keeps identical rows on "
           "one side. Remove them if they are copies.",
           repeats, hashes.size(),
           percent(static_cast<double>(repeats) / static_cast<double>(hashes.size())))});
}

// The rows on which leaks are looked for: each distinct row once, since a copy would tell every column's
// target; evenly spread when there are many. A table of few different rows is looked at as it is.
Dataset rows_to_judge(const Dataset& data) {
  std::vector<std::string> names = data.features().names();
  names.push_back(data.roles().target);
  std::unordered_set<std::uint64_t> seen;
  std::vector<std::int64_t> rows;
  const auto hashes = data.table().only(names).row_hashes();
  for (std::size_t r = 0; r < hashes.size(); ++r)
    if (seen.insert(hashes[r]).second) rows.push_back(static_cast<std::int64_t>(r));
  if (4 * rows.size() < hashes.size()) {
    rows.resize(hashes.size());
    std::iota(rows.begin(), rows.end(), 0);
  }
  if (const auto n = static_cast<std::int64_t>(rows.size()); n > kMostLeakRows) {
    std::vector<std::int64_t> spread;
    for (std::int64_t i = 0; i < kMostLeakRows; ++i)
      spread.push_back(rows[static_cast<std::size_t>(i * n / kMostLeakRows)]);
    rows = std::move(spread);
  }
  return static_cast<std::int64_t>(rows.size()) == data.num_rows() ? data : data.select(rows);
}

// A word that tells the class: a footer of one source, a label that was left in the text.
std::vector<Warning> check_leak_in_text(const Column& c, const Dataset& data) {
  if (!is_classification(data.task()) || data.classes().size() > kMostLeakClasses) return {};
  const OneWordFit fit =
      predict_class_from_word(c, data.class_codes(), static_cast<std::int32_t>(data.classes().size()));
  // Among many words some tell a handful of rows by chance.
  if (fit.word.empty() || fit.baseline_error < kFewRows || fit.error > kLeftError * fit.baseline_error)
    return {};
  return {{"leak_suspect", c.name(),
           fmt::format(
               "The word '{}' in '{}' alone tells '{}' wrongly in only {} of {} rows looked at ({} by always "
               "saying the most frequent class). If it was not in the text before the target was known, take "
               "it out.",
               fit.word, c.name(), data.roles().target, fit.error, fit.rows, fit.baseline_error)}};
}

std::vector<Warning> check_leak(const Column& c, const Dataset& data) {
  if (c.kind() == ColumnKind::text) return check_leak_in_text(c, data);
  if (c.kind() == ColumnKind::tensor || c.kind() == ColumnKind::image) return {};
  const bool by_class = is_classification(data.task());
  const OneColumnFit fit =
      by_class ? predict_class_from(c, data.class_codes(), static_cast<std::int32_t>(data.classes().size()))
               : predict_rank_from(c, data.target_values());
  // One slip more, so that a small table's boundary between two classes does not hide a perfect feature.
  const bool suspect =
      by_class ? fit.error <= 1 + kLeftError * fit.baseline_error && fit.error < fit.baseline_error / 4
               : fit.error <= kLeftVariance * fit.baseline_error;
  if (!suspect) return {};
  const std::string& target = data.roles().target;
  const std::string measured =
      fit.error == 0
          ? fmt::format("'{}' alone tells '{}' in every one of {} rows looked at", c.name(), target, fit.rows)
      : by_class ? fmt::format(
                       "'{}' alone tells '{}' wrongly in only {} of {} rows ({} by always saying the most "
                       "frequent class)",
                       c.name(), target, fit.error, fit.rows, fit.baseline_error)
                 : fmt::format("'{}' alone explains {} of the order of '{}'", c.name(),
                               percent(1 - fit.error / fit.baseline_error), target);
  return {{"leak_suspect", c.name(),
           fmt::format("{}, judged on other rows than it was learned from. If it is not known before the "
                       "target is, leave it "
                       "out with {}.",
                       measured, ignore_flag(c.name()))}};
}

// Columns that together are the target, where none of them is alone.
std::vector<Warning> check_sums(const Dataset& data, const std::vector<Warning>& alone) {
  if (is_classification(data.task()) || !alone.empty()) return {};
  std::vector<Column> numbers;
  for (const Column& c : data.features().columns())
    if ((c.kind() == ColumnKind::number || c.kind() == ColumnKind::integer) && c.num_missing() == 0)
      numbers.push_back(c);
  if (numbers.size() > kMostSummed) return {};
  const auto shares = exact_combination(numbers, data.target_values());
  if (shares.empty()) return {};
  std::string sum;
  std::vector<std::string> names;
  for (const SummedColumn& s : shares) {
    sum += fmt::format("{}{:.6g} '{}'", sum.empty() ? "" : " + ", s.weight, s.column);
    names.push_back(s.column);
  }
  return {
      {"leak_combination", "",
       fmt::format(
           "'{}' is a sum of other columns in every row looked at: {}. If they are not known before it is, "
           "leave them out with {}.",
           data.roles().target, sum, ignore_flags(names))}};
}

void check_classes(const Dataset& data, std::vector<Warning>& warnings) {
  const auto codes = data.class_codes();
  std::vector<std::int64_t> counts(data.classes().size(), 0);
  for (const std::int32_t c : codes) ++counts[static_cast<std::size_t>(c)];
  const auto n = static_cast<double>(codes.size());
  const auto least = static_cast<std::size_t>(std::ranges::min_element(counts) - counts.begin());
  const auto most = static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin());
  constexpr double kUneven = 0.2;  // of the share a class would have among equals
  if (static_cast<double>(counts[least]) < kUneven * n / static_cast<double>(counts.size()))
    warnings.push_back(
        {"imbalance", data.roles().target,
         fmt::format(
             "Only {} of {} rows ({}) are '{}', and {} are '{}': always saying the latter is right that "
             "often. Judge by --metric {} and consider --class-weight balanced.",
             counts[least], codes.size(), percent(static_cast<double>(counts[least]) / n),
             data.classes()[least], percent(static_cast<double>(counts[most]) / n), data.classes()[most],
             counts.size() == 2 ? "average_precision" : "f1_macro")});
  std::string rare;
  std::size_t number = 0;
  for (std::size_t c = 0; c < counts.size(); ++c)
    if (counts[c] < kFewRows && ++number <= kMostNamed)
      rare += fmt::format("{}'{}' ({})", rare.empty() ? "" : ", ", data.classes()[c], counts[c]);
  if (number > 0)
    warnings.push_back(
        {"rare_class", data.roles().target,
         fmt::format(
             "{} class{} of '{}' ha{} fewer than {} rows: {}{}. They can be neither learned nor judged "
             "well; collect more or put them together.",
             number, number == 1 ? "" : "es", data.roles().target, number == 1 ? "s" : "ve", kFewRows, rare,
             number > kMostNamed ? ", ..." : "")});
}

}  // namespace

std::vector<Warning> check_table(const Table& table) {
  std::vector<Warning> warnings = over_columns(table, check_column);
  check_duplicates(table, warnings);
  return warnings;
}

std::vector<Warning> check_dataset(const Dataset& data) {
  std::vector<Warning> warnings;
  if (data.roles().target.empty() || data.num_rows() == 0) return warnings;
  const Table features = data.features();
  if (data.num_rows() >= kLeakRows) {
    const Dataset part = rows_to_judge(data);
    warnings = over_columns(part.features(), [&](const Column& c) { return check_leak(c, part); });
    for (Warning& w : check_sums(part, warnings)) warnings.push_back(std::move(w));
  }
  if (is_classification(data.task())) check_classes(data, warnings);
  if (features.num_columns() >= data.num_rows())
    warnings.push_back(
        {"more_columns_than_rows", "",
         fmt::format("There are {} columns and {} rows: a model can fit such data without learning anything. "
                     "Prefer a strong penalty, and trust only what is measured on held-out rows.",
                     features.num_columns(), data.num_rows())});
  return warnings;
}

}  // namespace cairn
