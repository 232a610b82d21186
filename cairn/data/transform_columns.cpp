#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "cairn/base/error.h"
#include "cairn/base/name_pattern.h"
#include "cairn/base/suggest.h"
#include "cairn/data/transform_columns_internal.h"

namespace cairn::transform_detail {
namespace {

bool is_one_of(ColumnKind kind, std::initializer_list<ColumnKind> kinds) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

std::string names_of(std::initializer_list<ColumnKind> kinds) {
  std::string text;
  for (const ColumnKind kind : kinds) text += (text.empty() ? "" : " or ") + std::string(name_of(kind));
  return text;
}

}  // namespace

std::size_t ColumnFinder::find(std::string_view name) {
  const auto& columns = table_.columns();
  if (next_ < columns.size() && columns[next_].name() == name) return next_++;
  if (index_.empty()) index_ = table_.index();
  const auto it = index_.find(name);
  if (it == index_.end()) return kAbsent;
  next_ = it->second + 1;
  return it->second;
}

std::vector<std::string> choose(const Table& features, const std::vector<std::string>& wanted,
                                std::initializer_list<ColumnKind> kinds, std::string_view transform) {
  std::vector<std::string> names;
  if (wanted.empty()) {
    for (const Column& c : features.columns())
      if (is_one_of(c.kind(), kinds)) names.push_back(c.name());
    return names;
  }
  const std::string where = fmt::format("{}.columns", transform);
  const auto index = features.index();
  std::unordered_set<std::string_view> chosen;
  for (const std::string& name : wanted) {
    const auto it = index.find(name);
    if (it == index.end() && name.find('*') != std::string::npos) {
      const std::size_t before = names.size();
      for (const Column& c : features.columns())
        if (is_one_of(c.kind(), kinds) && name_matches(name, c.name()) && chosen.insert(c.name()).second)
          names.push_back(c.name());
      if (names.size() == before)
        throw UsageError(where, fmt::format("no {} column fits '{}'", names_of(kinds), name),
                         fmt::format("Columns: {}.", shortened(features.columns().size(), [&](std::size_t i) {
                                       return features.columns()[i].name();
                                     })));
      continue;
    }
    if (it == index.end())
      throw UsageError(where, fmt::format("there is no feature '{}'", name),
                       suggestion(name, features.names()));
    const ColumnKind kind = features.columns()[it->second].kind();
    if (!is_one_of(kind, kinds))
      throw UsageError(where, fmt::format("'{}' is {}; {} acts on {} columns", name, name_of(kind), transform,
                                          names_of(kinds)));
    if (chosen.insert(name).second) names.push_back(name);
  }
  return names;
}

std::vector<std::size_t> find_all(const Table& features, std::span<const std::string> names,
                                  std::initializer_list<ColumnKind> kinds, std::string_view transform) {
  ColumnFinder finder(features);
  std::vector<std::size_t> at;
  std::vector<std::string> problems;
  for (const std::string& name : names) {
    const std::size_t found = finder.find(name);
    if (found == ColumnFinder::kAbsent) {
      problems.push_back(fmt::format("column '{}' is missing", name));
      continue;
    }
    at.push_back(found);
    const ColumnKind kind = features.columns()[found].kind();
    if (!is_one_of(kind, kinds))
      problems.push_back(fmt::format("column '{}' is {}, expected {}", name, name_of(kind), names_of(kinds)));
  }
  if (!problems.empty())
    throw DataError(std::string(transform), fmt::format("{}", fmt::join(problems, "; ")),
                    "The step was fitted on columns of these names.");
  return at;
}

Table replace(const Table& features, std::span<const std::size_t> at,
              std::vector<std::vector<Column>> in_place, std::vector<Column> at_end,
              std::string_view transform) {
  std::vector<std::vector<Column>*> instead(features.columns().size(), nullptr);
  bool renames = !at_end.empty();
  for (std::size_t i = 0; i < at.size(); ++i) {
    instead[at[i]] = &in_place[i];
    renames = renames || in_place[i].size() != 1 || in_place[i][0].name() != features.columns()[at[i]].name();
  }
  std::vector<Column> columns;
  for (std::size_t c = 0; c < instead.size(); ++c) {
    if (!instead[c])
      columns.push_back(features.columns()[c]);
    else
      std::move(instead[c]->begin(), instead[c]->end(), std::back_inserter(columns));
  }
  std::move(at_end.begin(), at_end.end(), std::back_inserter(columns));
  if (columns.empty()) return Table::with_rows(features.num_rows());
  if (!renames) return Table(std::move(columns));
  std::unordered_set<std::string_view> seen;
  for (const Column& c : columns)
    if (!seen.insert(c.name()).second)
      throw DataError(std::string(transform),
                      fmt::format("makes a column '{}', which stands in the table already", c.name()),
                      "Rename the column in the data or leave it out with --ignore.");
  return Table(std::move(columns));
}

DType feature_dtype(const Table& features) {
  bool any = false;
  for (const Column& c : features.columns()) {
    if (c.kind() != ColumnKind::number) continue;
    if (c.values().dtype() != DType::f32) return DType::f64;
    any = true;
  }
  return any ? DType::f32 : DType::f64;
}

std::vector<std::string> level_names(const Column& c) {
  return c.kind() == ColumnKind::category ? c.levels() : std::vector<std::string>{"false", "true"};
}

std::vector<std::int32_t> level_codes(const Column& c) {
  if (c.kind() == ColumnKind::category) return {c.codes().begin(), c.codes().end()};
  std::vector<std::int32_t> codes;
  for (std::int64_t r = 0; r < c.size(); ++r)
    codes.push_back(c.is_missing(r) ? -1 : static_cast<int>(c.number_at(r)));
  return codes;
}

std::vector<double> standardised(const Column& c, const std::vector<double>& weights) {
  const Tensor numbers = c.numbers();
  const auto from = numbers.data<double>();
  const Moments m = moments(from, weights);
  const bool flat = m.count == 0 || m.is_constant() || !std::isfinite(m.deviation);
  std::vector<double> z;
  for (const double x : from) z.push_back(std::isnan(x) || flat ? 0 : (x - m.mean) / m.deviation);
  return z;
}

void check_range(const Column& c, const Moments& m, std::string_view transform) {
  if (m.count == 0 || std::isfinite(m.high - m.low)) return;
  for (std::int64_t r = 0; r < c.size(); ++r)
    if (std::isinf(c.number_at(r)))
      throw DataError(fmt::format("column '{}', row {}", c.name(), r + 1),
                      fmt::format("is {}; {} takes finite numbers", c.number_at(r), transform),
                      "Correct or drop the row.");
  throw DataError(
      fmt::format("column '{}'", c.name()),
      fmt::format("reaches from {} to {}; {} cannot hold the difference", m.low, m.high, transform),
      "Change the column's unit or leave it out with --ignore.");
}

std::string columns_in_words(std::size_t count) {
  return fmt::format("{} column{}", count, count == 1 ? "" : "s");
}

std::string shortened(std::size_t count, const std::function<std::string(std::size_t)>& piece) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(count, kMost); ++i) text += (i == 0 ? "" : ", ") + piece(i);
  return count > kMost ? text + fmt::format(", and {} more", count - kMost) : text;
}

}  // namespace cairn::transform_detail
