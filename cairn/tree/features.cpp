#include "cairn/tree/features.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <unordered_map>

#include "cairn/base/error.h"
#include "cairn/model/numeric.h"

namespace cairn {
namespace {

// Codes as f32 while those are exact.
constexpr std::size_t kMostF32Codes = 1 << 24;

template <class T>
Tensor codes_as_numbers(std::span<const std::int32_t> codes, const std::vector<std::int32_t>& becomes) {
  std::vector<T> numbers(codes.size());
  for (std::size_t r = 0; r < codes.size(); ++r) {
    const std::int32_t code = codes[r] < 0 ? -1 : becomes[static_cast<std::size_t>(codes[r])];
    numbers[r] = code < 0 ? static_cast<T>(NAN) : static_cast<T>(code);
  }
  return Tensor::take(std::move(numbers));
}

// A category column by the codes of `levels`; levels that are not among them become missing.
Column as_codes(const Column& column, const std::vector<std::string>& levels) {
  std::vector<std::int32_t> becomes(column.levels().size(), -1);
  if (column.levels() == levels) {
    for (std::size_t i = 0; i < becomes.size(); ++i) becomes[i] = static_cast<std::int32_t>(i);
  } else {
    std::unordered_map<std::string_view, std::int32_t> code_of;
    for (std::size_t i = 0; i < levels.size(); ++i) code_of.emplace(levels[i], static_cast<std::int32_t>(i));
    for (std::size_t i = 0; i < becomes.size(); ++i)
      if (const auto it = code_of.find(column.levels()[i]); it != code_of.end()) becomes[i] = it->second;
  }
  return Column::number(column.name(), levels.size() <= kMostF32Codes
                                           ? codes_as_numbers<float>(column.codes(), becomes)
                                           : codes_as_numbers<double>(column.codes(), becomes));
}

[[noreturn]] void refuse_kind(const Column& column, std::string_view learner) {
  throw DataError(fmt::format("column '{}'", column.name()),
                  fmt::format("is {}; {} takes numbers and categories", name_of(column.kind()), learner),
                  "prepare(learner) adds the encoding it needs; --ignore leaves the column out.");
}

bool is_plain_number(ColumnKind kind) { return kind == ColumnKind::integer || kind == ColumnKind::boolean; }

}  // namespace

void TreeFeature::visit(Visitor& v) {
  v.value("name", name);
  v.value("category", category);
  v.value("levels", levels);
}

TreeFeatures::TreeFeatures(const Table& table, std::string_view learner) {
  for (const Column& c : table.columns()) {
    if (c.kind() == ColumnKind::category)
      features_.push_back({c.name(), true, c.levels()});
    else if (c.kind() == ColumnKind::tensor)
      for (const std::string& name : c.feature_names()) features_.push_back({name, false, {}});
    else if (c.kind() == ColumnKind::number || is_plain_number(c.kind()))
      features_.push_back({c.name(), false, {}});
    else
      refuse_kind(c, learner);
  }
}

Matrix TreeFeatures::matrix(const Table& table) const {
  std::unordered_map<std::string_view, const TreeFeature*> known;
  for (const TreeFeature& f : features_) known.emplace(f.name, &f);
  std::vector<Column> columns;
  for (const Column& c : table.columns()) {
    const auto it = known.find(c.name());
    const bool asked = it != known.end() || c.kind() == ColumnKind::tensor;
    if (!asked) continue;
    if (it != known.end() && (c.kind() == ColumnKind::category) != it->second->category)
      throw DataError(fmt::format("column '{}'", c.name()),
                      fmt::format("is {}; the model was trained with {}", name_of(c.kind()),
                                  it->second->category ? "categories" : "numbers"));
    if (c.kind() == ColumnKind::category)
      columns.push_back(as_codes(c, it->second->levels));
    else if (is_plain_number(c.kind()))
      columns.push_back(Column::number(c.name(), c.numbers()));
    else if (c.kind() == ColumnKind::number || c.kind() == ColumnKind::tensor)
      columns.push_back(c);
    else
      refuse_kind(c, "the model");
  }
  std::vector<std::string> wanted;
  for (const TreeFeature& f : features_) wanted.push_back(f.name);
  if (columns.empty() && wanted.empty()) return Matrix::from_columns({}, table.num_rows());
  return matching_features(columns.empty() ? Table::with_rows(table.num_rows()) : Table(std::move(columns)),
                           wanted);
}

TreeNames TreeFeatures::names(std::vector<std::string> outputs) const {
  TreeNames names;
  for (const TreeFeature& f : features_) {
    names.features.push_back(f.name);
    names.levels.push_back(f.levels);
  }
  names.outputs = std::move(outputs);
  return names;
}

}  // namespace cairn
