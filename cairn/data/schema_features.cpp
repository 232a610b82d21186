#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "cairn/base/index.h"

#include "cairn/data/schema_features_internal.h"

namespace cairn::schema_detail {
namespace {

using Positions = std::unordered_map<std::string_view, std::size_t>;

Positions positions_of(const std::vector<std::string>& names) {
  Positions positions;
  positions.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) positions.emplace(names[i], i);
  return positions;
}

void warn_absent(std::size_t absent, const std::string& example, const std::string& column,
                 std::vector<Warning>* warnings) {
  if (absent == 0 || !warnings) return;
  warnings->push_back({"absent_features", column,
                       fmt::format("{} feature{} of the model (such as '{}') stand{} nowhere in the data and "
                                   "{} taken for 0.",
                                   absent, absent == 1 ? "" : "s", example, absent == 1 ? "s" : "",
                                   absent == 1 ? "is" : "are")});
}

// The features `names` of a column, a number column each. `places[i]`: where names[i] stands in it, or -1.
std::vector<Column> spread(const Matrix& m, const std::vector<std::string>& names,
                           const std::vector<std::int64_t>& places) {
  std::vector<std::vector<double>> values(names.size(), std::vector<double>(at(m.rows())));
  std::vector<std::int64_t> wanted(at(m.columns()), -1);
  for (std::size_t i = 0; i < places.size(); ++i)
    if (places[i] >= 0) wanted[at(places[i])] = static_cast<std::int64_t>(i);
  std::vector<double> row(m.is_sparse() ? 0 : at(m.columns()));
  const Tensor stored = m.is_sparse() ? m.values().to(DType::f64) : Tensor();
  for (std::int64_t r = 0; r < m.rows(); ++r) {
    if (m.is_sparse()) {
      for (auto e = at(m.indptr()[at(r)]); e < at(m.indptr()[at(r + 1)]); ++e)
        if (const auto w = wanted[at(m.indices()[e])]; w >= 0)
          values[at(w)][at(r)] = stored.data<double>()[e];
      continue;
    }
    m.tile(r, r + 1, row.data());
    for (std::size_t j = 0; j < row.size(); ++j)
      if (wanted[j] >= 0) values[at(wanted[j])][at(r)] = row[j];
  }
  std::vector<Column> columns;
  for (std::size_t i = 0; i < names.size(); ++i)
    columns.push_back(Column::number(names[i], Tensor::take(std::move(values[i]))));
  return columns;
}

void spread_features(const Table& table, const std::vector<std::string>& absent, std::vector<Column>& columns,
                     std::vector<Warning>* warnings) {
  for (const Column& c : table.columns()) {
    if (c.kind() != ColumnKind::tensor) continue;
    const Positions have = positions_of(c.feature_names());
    std::vector<std::string> names;
    std::vector<std::int64_t> places;
    std::size_t zero = 0;
    std::string example;
    for (const std::string& name : absent) {
      const auto found = have.find(name);
      if (found == have.end() && !c.matrix().is_sparse()) continue;
      if (found == have.end() && zero++ == 0) example = name;
      names.push_back(name);
      places.push_back(found == have.end() ? -1 : static_cast<std::int64_t>(found->second));
    }
    if (zero == names.size()) continue;  // nothing of this column is asked for
    warn_absent(zero, example, c.name(), warnings);
    for (Column& made : spread(c.matrix(), names, places)) columns.push_back(std::move(made));
    return;
  }
}

// The number columns that a spec calls features; an empty column when one is not there.
Column gathered(const Table& table, const ColumnSpec& spec) {
  const auto index = table.index();
  std::vector<Tensor> numbers;
  for (const std::string& name : spec.levels) {
    const auto found = index.find(name);
    if (found == index.end()) return {};
    const Column& c = table.columns()[found->second];
    if (c.kind() != ColumnKind::number && c.kind() != ColumnKind::integer && c.kind() != ColumnKind::boolean)
      return {};
    numbers.push_back(c.numbers());
  }
  return Column::features(spec.name, Matrix::from_columns(std::move(numbers), table.num_rows()), spec.levels);
}

Matrix reordered(const Matrix& m, const std::vector<std::int64_t>& becomes, std::int64_t columns) {
  std::vector<std::int64_t> ends{0};
  std::vector<std::int32_t> indices;
  std::vector<double> values;
  std::vector<std::pair<std::int32_t, double>> row;
  const Tensor stored = m.values().to(DType::f64);
  for (std::int64_t r = 0; r < m.rows(); ++r) {
    row.clear();
    for (auto e = at(m.indptr()[at(r)]); e < at(m.indptr()[at(r + 1)]); ++e)
      if (const auto to = becomes[at(m.indices()[e])]; to >= 0)
        row.emplace_back(static_cast<std::int32_t>(to), stored.data<double>()[e]);
    std::ranges::sort(row, {}, &std::pair<std::int32_t, double>::first);
    for (const auto& [index, value] : row) {
      indices.push_back(index);
      values.push_back(value);
    }
    ends.push_back(std::ssize(indices));
  }
  return Matrix::from_csr(columns, Tensor::take(std::move(ends)), Tensor::take(std::move(indices)),
                          Tensor::take(std::move(values)));
}

}  // namespace

Table regrouped(const Table& table, const std::vector<ColumnSpec>& specs, std::vector<Warning>* warnings) {
  const auto is_tensor = [](const auto& c) { return c.kind() == ColumnKind::tensor; };
  const auto asks_tensor = [](const ColumnSpec& s) { return s.kind == ColumnKind::tensor; };
  const bool has = std::ranges::any_of(table.columns(), is_tensor);
  if (!has && std::ranges::none_of(specs, asks_tensor)) return table;
  const auto index = table.index();
  std::vector<Column> columns = table.columns();
  std::vector<std::string> absent;
  for (const ColumnSpec& spec : specs) {
    if (index.contains(spec.name)) continue;
    if (spec.kind == ColumnKind::number)
      absent.push_back(spec.name);
    else if (spec.kind == ColumnKind::tensor)
      if (Column c = gathered(table, spec); c.kind() == ColumnKind::tensor) columns.push_back(std::move(c));
  }
  if (has && !absent.empty()) spread_features(table, absent, columns, warnings);
  return Table(std::move(columns));
}

Column as_features(const Column& c, const ColumnSpec& spec, std::vector<Warning>* warnings) {
  if (c.kind() == ColumnKind::tensor && c.feature_names() == spec.levels) return c;
  if (c.kind() != ColumnKind::tensor || !c.matrix().is_sparse())
    throw DataError(
        fmt::format("column '{}'", c.name()),
        fmt::format("does not hold the {} features the model was trained on", spec.levels.size()));
  const Positions wanted = positions_of(spec.levels);
  std::vector<std::int64_t> becomes(c.feature_names().size(), -1);
  std::unordered_set<std::string_view> seen;
  std::size_t unseen = 0;
  std::string example;
  for (std::size_t i = 0; i < becomes.size(); ++i) {
    const std::string& name = c.feature_names()[i];
    if (const auto found = wanted.find(name); found != wanted.end()) {
      becomes[i] = static_cast<std::int64_t>(found->second);
      seen.insert(name);
    } else if (unseen++ == 0) {
      example = name;
    }
  }
  if (seen.empty() && !spec.levels.empty())
    throw DataError(fmt::format("column '{}'", c.name()),
                    fmt::format("holds none of the {} features the model was trained on (such as '{}')",
                                spec.levels.size(), spec.levels[0]));
  if (unseen > 0 && warnings)
    warnings->push_back(
        {"unseen_features", c.name(),
         fmt::format(
             "{} feature{} of the data (such as '{}') {} not among those of training and {} left out.",
             unseen, unseen == 1 ? "" : "s", example, unseen == 1 ? "was" : "were",
             unseen == 1 ? "is" : "are")});
  const auto absent = std::ranges::find_if(
      spec.levels, [&](const std::string& name) { return !seen.contains(std::string_view(name)); });
  warn_absent(spec.levels.size() - seen.size(), absent == spec.levels.end() ? "" : *absent, c.name(),
              warnings);
  return Column::features(c.name(), reordered(c.matrix(), becomes, std::ssize(spec.levels)), spec.levels);
}

}  // namespace cairn::schema_detail
