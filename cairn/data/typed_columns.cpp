#include "cairn/data/typed_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "cairn/base/suggest.h"
#include "cairn/data/cells.h"
#include "cairn/data/infer.h"

namespace cairn {
namespace {

constexpr std::int64_t kBlockRows = 1 << 16;

std::optional<ColumnKind> stated_kind(const std::string& name, const ReadOptions& options) {
  if (const auto it = options.types.find(name); it != options.types.end()) return it->second;
  if (const ColumnSpec* spec = options.schema ? options.schema->find(name) : nullptr) return spec->kind;
  return std::nullopt;
}

bool is_number(ColumnKind kind) { return kind == ColumnKind::number || kind == ColumnKind::integer; }

// Texts that are no numbers, dates or spellings of a missing value, few enough to be categories.
bool stays_category(const Column& c, const ReadOptions& options) {
  const std::vector<std::string>& na = options.na.empty() ? default_na() : options.na;
  const CellRules rules{
      .decimal = options.decimal == 0 ? '.' : options.decimal, .thousands = options.thousands, .na = na};
  TextFacts facts{.rows = c.size() - c.num_missing(), .distinct = std::ssize(c.levels())};
  if (facts.distinct == 0) return false;
  CellTypes types = kAllCellTypes;
  for (const std::string& level : c.levels()) {
    if (rules.missing_spelling(level) >= 0) return false;
    types &= types_of(level, rules);
    facts.mean_length += static_cast<double>(level.size()) / static_cast<double>(facts.distinct);
    bool inside = false;
    for (const char letter : level) {
      const bool blank = letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
      if (!blank && !inside) facts.mean_words += 1.0 / static_cast<double>(facts.distinct);
      inside = !blank;
    }
  }
  return types == bit_of(CellType::string) && category_or_text(facts) == ColumnKind::category;
}

// Whether its cells are typed again, one by one.
bool by_cells(const Column& c, const ReadOptions& options, const std::vector<std::string>& texts) {
  if (c.kind() == ColumnKind::tensor || c.kind() == ColumnKind::image) return false;
  if (c.kind() == ColumnKind::text) return true;
  if (c.kind() == ColumnKind::category && std::ranges::find(texts, c.name()) != texts.end() &&
      !stays_category(c, options))
    return true;
  const auto stated = stated_kind(c.name(), options);
  if (!stated || *stated == c.kind()) return false;
  const bool asked = options.types.contains(c.name());
  // A model's schema makes numbers of whole numbers, and the other way round, by itself.
  return asked || !(is_number(*stated) && is_number(c.kind()));
}

std::string cell_text(const Column& c, std::int64_t row) {
  if (c.is_missing(row)) return {};
  if (c.kind() == ColumnKind::number) return decimal_text(c.number_at(row));
  return c.cell(row);
}

template <class T>
Column finite(const Column& c, const std::string& where, const ReadOptions& options) {
  const auto values = c.values().data<T>();
  const auto odd = std::ranges::find_if(values, [](T v) { return std::isinf(v); });
  if (odd == values.end()) return c;
  const auto spelled = [&](T v) {
    const char* const text = v > 0 ? "inf" : "-inf";
    return options.missing == "missing" || std::ranges::find(options.na, text) != options.na.end();
  };
  Tensor kept = c.values();  // copied when it is written to
  auto to = kept.mutable_data<T>();
  for (std::size_t r = 0; r < to.size(); ++r) {
    if (!std::isinf(to[r])) continue;
    if (!spelled(to[r]))
      throw DataError(fmt::format("{}, row {}, column '{}'", where, r + 1, printable(c.name())),
                      fmt::format("'{}' is not a finite number", to[r]),
                      fmt::format("To take it for missing: --na {}.", to[r]));
    to[r] = std::numeric_limits<T>::quiet_NaN();
  }
  return Column::number(c.name(), kept);
}

}  // namespace

ReadResult table_of_columns(std::vector<Column> columns, const std::string& where, const ReadOptions& options,
                            const std::vector<std::string>& texts) {
  if (columns.empty()) throw DataError(where, "has no columns");
  const std::int64_t rows = columns[0].size();
  if (rows == 0) throw DataError(where, "has no rows");
  std::vector<std::string> names;
  CellSource source{.where = where, .row_word = "row"};
  std::vector<const Column*> again;
  for (const Column& c : columns) {
    names.push_back(c.name());
    if (!by_cells(c, options, texts)) continue;
    source.names.push_back(c.name());
    again.push_back(&c);
  }
  for (const auto& [name, kind] : options.types)
    if (std::ranges::find(names, name) == names.end())
      throw UsageError("--types", fmt::format("{} has no column '{}'", where, name), suggestion(name, names));
  ReadResult result;
  if (!again.empty()) {
    std::vector<CellBlock> blocks;
    for (std::int64_t begin = 0; begin < rows; begin += kBlockRows) {
      CellBlock& block = blocks.emplace_back();
      for (const std::string& name : source.names) block.add_column(name);
      for (std::int64_t r = begin; r < std::min(begin + kBlockRows, rows); ++r) {
        for (std::size_t c = 0; c < again.size(); ++c)
          if (again[c]->kind() == ColumnKind::text)
            block.set(c, again[c]->is_missing(r) ? std::string_view{} : again[c]->text_at(r));
          else
            block.set(c, cell_text(*again[c], r));
        block.end_row(r + 1);
      }
    }
    ReadOptions of_texts = options;
    std::erase_if(of_texts.types, [&](const auto& stated) {
      return std::ranges::find(source.names, stated.first) == source.names.end();
    });
    result = table_of_cells(std::move(blocks), source, of_texts);
  }
  for (Column& c : columns) {
    if (const Column* typed = result.table.find(c.name()))
      c = *typed;
    else if (c.kind() == ColumnKind::number)
      c = c.values().dtype() == DType::f64 ? finite<double>(c, where, options)
                                           : finite<float>(c, where, options);
  }
  std::vector<ColumnSpec> told = std::move(result.schema.columns);
  result.table = Table(std::move(columns));
  result.schema = Schema::of(result.table);
  for (ColumnSpec& spec : result.schema.columns)
    spec.reason =
        reason_for(spec.kind, rows - spec.num_missing, std::ssize(spec.levels)) + ", as the file states";
  for (ColumnSpec& spec : told)
    *std::ranges::find(result.schema.columns, spec.name, &ColumnSpec::name) = std::move(spec);
  return result;
}

}  // namespace cairn
