#include "cairn/data/typed_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "cairn/base/suggest.h"
#include "cairn/data/cells.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/infer.h"
#include "cairn/data/no_rows.h"

namespace cairn {
namespace {

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

std::string_view level_at(const Column& c, std::int64_t row) {
  return c.levels()[static_cast<std::size_t>(c.codes()[static_cast<std::size_t>(row)])];
}

// A dictionary's text of 1 MB may stand in a million rows, and takes that place when it is spelled out.
void require_room(const std::vector<const Column*>& columns, const std::string& where,
                  const ReadOptions& options) {
  const std::uint64_t most = options.max_memory > 0 ? options.max_memory : InputLimits{}.max_bytes;
  std::uint64_t bytes = 0;  // of texts that lie in memory: no sum of them comes near 2^64
  for (const Column* c : columns) {
    if (c->kind() != ColumnKind::category) continue;
    for (const std::int32_t code : c->codes())
      if (code >= 0) bytes += c->levels()[static_cast<std::size_t>(code)].size();
  }
  if (bytes > most)
    throw ResourceError(
        where,
        fmt::format("its texts, which are stored once each, hold {} MB in its rows; at most {} MB may "
                    "be taken",
                    bytes / 1'000'000, most / 1'000'000),
        "--max-memory sets how much may be read.");
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
  std::vector<std::string> names;
  for (const Column& c : columns) {
    require_text(c.name(), fmt::format("{}, the name of column {}", where, names.size() + 1));
    names.push_back(c.name());
  }
  if (rows == 0) throw NoRows(where, "has no rows", names);
  CellSource source{.where = where, .row_word = "row"};
  std::vector<const Column*> again;
  for (const Column& c : columns) {
    if (!by_cells(c, options, texts)) continue;
    source.names.push_back(c.name());
    again.push_back(&c);
  }
  for (const auto& [name, kind] : options.types)
    if (std::ranges::find(names, name) == names.end())
      throw UsageError("--types", fmt::format("{} has no column '{}'", where, name), suggestion(name, names));
  ReadResult result;
  if (!again.empty()) {
    require_room(again, where, options);
    CellBlocks blocks(source.names, where, options);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < again.size(); ++c)
        if (again[c]->kind() == ColumnKind::text)
          blocks.set(c, again[c]->is_missing(r) ? std::string_view{} : again[c]->text_at(r));
        else if (again[c]->kind() == ColumnKind::category)  // by its level, which is not copied
          blocks.set(c, again[c]->is_missing(r) ? std::string_view{} : level_at(*again[c], r));
        else
          blocks.set(c, cell_text(*again[c], r));
      blocks.end_row(r + 1);
    }
    ReadOptions of_texts = options;
    std::erase_if(of_texts.types, [&](const auto& stated) {
      return std::ranges::find(source.names, stated.first) == source.names.end();
    });
    result = table_of_cells(blocks.take(), source, of_texts);
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
  for (ColumnSpec& spec : result.schema.columns) {
    spec.reason = reason_for(spec.kind, rows - spec.num_missing, std::ssize(spec.levels));
    if (std::ranges::find(texts, spec.name) == texts.end()) spec.reason += kStated;
  }
  for (ColumnSpec& spec : told)
    *std::ranges::find(result.schema.columns, spec.name, &ColumnSpec::name) = std::move(spec);
  return result;
}

}  // namespace cairn
