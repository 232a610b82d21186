#include "cairn/model/partial_dependence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "cairn/base/error.h"

namespace cairn {
namespace {

constexpr std::size_t kRug = 40;
constexpr double kOuter = 0.01;  // beyond these quantiles a few rows would stretch the axis

bool is_number_kind(ColumnKind kind) { return kind == ColumnKind::number || kind == ColumnKind::integer; }
bool is_level_kind(ColumnKind kind) { return kind == ColumnKind::category || kind == ColumnKind::boolean; }

// Rows that stand for the values asked about: each has one of them.
std::vector<std::int64_t> rows_of_numbers(const Column& column, std::int64_t most, PartialDependence& told) {
  std::vector<std::int64_t> order;
  for (std::int64_t r = 0; r < column.size(); ++r)
    if (!column.is_missing(r)) order.push_back(r);
  std::ranges::stable_sort(order, {}, [&](std::int64_t r) { return column.number_at(r); });
  if (order.empty()) return order;
  const auto last = static_cast<double>(order.size() - 1);
  const auto at = [&](double quantile) {
    return order[static_cast<std::size_t>(std::lround(quantile * last))];
  };
  for (std::size_t i = 0; i < kRug; ++i)
    told.rug.push_back(column.number_at(at(kOuter + (1 - 2 * kOuter) * static_cast<double>(i) / (kRug - 1))));
  std::vector<std::int64_t> distinct;
  const auto take = [&](std::int64_t row) {
    if (distinct.empty() || column.number_at(row) != column.number_at(distinct.back()))
      distinct.push_back(row);
  };
  for (const std::int64_t r : order) {
    take(r);
    if (std::ssize(distinct) > most) break;
  }
  if (std::ssize(distinct) > most) {
    distinct.clear();
    for (std::int64_t i = 0; i < most; ++i)
      take(at(kOuter + (1 - 2 * kOuter) * static_cast<double>(i) / static_cast<double>(most - 1)));
  }
  for (const std::int64_t r : distinct) told.numbers.push_back(column.number_at(r));
  return distinct;
}

std::vector<std::int64_t> rows_of_levels(const Column& column, std::int64_t most, PartialDependence& told) {
  struct Level {
    std::int64_t row, count;
  };
  std::map<std::string, Level> seen;
  std::int64_t known = 0;
  for (std::int64_t r = 0; r < column.size(); ++r) {
    if (column.is_missing(r)) continue;
    ++known;
    ++seen.try_emplace(column.cell(r), Level{r, 0}).first->second.count;
  }
  std::vector<std::pair<std::string, Level>> levels(seen.begin(), seen.end());
  std::ranges::stable_sort(levels, std::greater{}, [](const auto& l) { return l.second.count; });
  if (std::ssize(levels) > most) levels.resize(static_cast<std::size_t>(most));
  std::vector<std::int64_t> rows;
  for (const auto& [name, level] : levels) {
    told.levels.push_back(name);
    told.share.push_back(static_cast<double>(level.count) / static_cast<double>(known));
    rows.push_back(level.row);
  }
  return rows;
}

double quantile_of(std::vector<double>& values, double share) {
  const auto nth = values.begin() + std::lround(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, nth);
  return *nth;
}

void summarise(const Column& said, std::size_t n, std::size_t values, PartialDependence& told) {
  const Tensor numbers = said.numbers();
  const auto all = numbers.data<double>();  // [values, n]
  const auto mean_of = [](std::span<const double> v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
  };
  std::vector<double> own(n), row(n);  // a row's mean over the values
  for (std::size_t v = 0; v < values; ++v)
    for (std::size_t i = 0; i < n; ++i) own[i] += all[v * n + i] / static_cast<double>(values);
  const double centre = mean_of(own);
  for (std::size_t v = 0; v < values; ++v) {
    told.mean.push_back(mean_of(all.subspan(v * n, n)));
    for (std::size_t i = 0; i < n; ++i) row[i] = all[v * n + i] - own[i] + centre;
    told.low.push_back(quantile_of(row, 0.1));
    told.high.push_back(quantile_of(row, 0.9));
  }
}

// The numbers of tables with the same columns, one below the other.
Table stacked(const std::vector<Table>& tables) {
  std::vector<Column> columns;
  for (const Column& c : tables.front().columns()) {
    if (c.kind() != ColumnKind::number) continue;
    std::vector<double> values;
    for (const Table& t : tables) {
      const Tensor part = t.column(c.name()).numbers();
      values.insert(values.end(), part.data<double>().begin(), part.data<double>().end());
    }
    columns.push_back(Column::number(c.name(), Tensor::take(std::move(values))));
  }
  return Table(std::move(columns));
}

// What the model says when the column has each of the values: [values, n].
Table answers(const Model& model, const Table& rows, const Column& asked,
              const std::vector<std::int64_t>& values, std::int64_t n) {
  std::vector<std::int64_t> sample, repeated, given;
  for (std::int64_t i = 0; i < n; ++i) sample.push_back(i * rows.num_rows() / n);
  if (model.looks_back_on().empty()) {
    for (const std::int64_t value : values) {
      repeated.insert(repeated.end(), sample.begin(), sample.end());
      given.insert(given.end(), sample.size(), value);
    }
    return model.predict(rows.select(repeated).with(asked.select(given)));
  }
  // Rows that are each other's past cannot stand twice in one table.
  std::vector<Table> said;
  for (const std::int64_t value : values) {
    const std::vector<std::int64_t> everywhere(static_cast<std::size_t>(rows.num_rows()), value);
    said.push_back(model.predict(rows.with(asked.select(everywhere))).select(sample));
  }
  return stacked(said);
}

}  // namespace

bool has_partial_dependence(const Column& column) {
  if (!is_number_kind(column.kind()) && !is_level_kind(column.kind())) return false;
  std::int64_t first = 0;
  while (first < column.size() && column.is_missing(first)) ++first;
  for (std::int64_t r = first + 1; r < column.size(); ++r)
    if (!column.is_missing(r) && column.cell(r) != column.cell(first)) return true;
  return false;
}

PartialDependence partial_dependence(const Model& model, const Table& rows, const std::string& column,
                                     const std::vector<std::string>& outputs,
                                     const PartialDependenceOptions& options) {
  const Column& asked = rows.column(column);
  PartialDependence told{.column = column, .is_number = is_number_kind(asked.kind())};
  if (!told.is_number && !is_level_kind(asked.kind()))
    throw DataError(
        fmt::format("column '{}'", column),
        fmt::format("is {}; partial dependence is told of numbers and categories", name_of(asked.kind())));
  const auto values = told.is_number ? rows_of_numbers(asked, options.most_values, told)
                                     : rows_of_levels(asked, options.most_values, told);
  if (values.empty())
    throw DataError(fmt::format("column '{}'", column), "has no value in any row",
                    "Partial dependence needs rows that have one.");
  const std::int64_t n = std::min(rows.num_rows(), options.most_rows);
  told.rows = n;
  const Table said = answers(model, rows, asked, values, n);
  if (!is_classification(model.task())) {
    told.outputs = {""};
    summarise(said.column("prediction"), static_cast<std::size_t>(n), values.size(), told);
    return told;
  }
  told.outputs = outputs.empty() ? model.classes() : outputs;
  for (const std::string& name : told.outputs)
    summarise(said.column("p_" + name), static_cast<std::size_t>(n), values.size(), told);
  return told;
}

}  // namespace cairn
