#include "cairn/data/stack.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

#include "cairn/data/cells.h"
#include "cairn/data/infer.h"
#include "cairn/ops/shape_ops.h"

namespace cairn {
namespace {

std::vector<std::string> missing_in(const Table& table, const std::vector<std::string>& names) {
  const auto index = table.index();
  std::vector<std::string> missing;
  for (const std::string& name : names)
    if (!index.contains(name)) missing.push_back(fmt::format("'{}'", printable(name)));
  if (missing.size() > 5) {
    missing.resize(5);
    missing.emplace_back("...");
  }
  return missing;
}

// The kind that all tables have the column in, or that of numbers for whole numbers beside them; nothing
// where cells must be typed again.
std::optional<ColumnKind> common_kind(const std::vector<NamedTable>& tables, const std::string& name) {
  std::optional<ColumnKind> kind;
  bool alike = true, only_numbers = true, any_number = false;
  for (const NamedTable& t : tables) {
    const Column& c = t.table.column(name);
    if (c.kind() == ColumnKind::tensor || c.kind() == ColumnKind::image)
      throw DataError(
          t.name,
          fmt::format("column '{}' holds {}s; folders of tables hold plain cells", name, name_of(c.kind())),
          "Name one file.");
    const bool guessed =
        c.kind() == ColumnKind::category && std::ranges::find(t.declared, name) == t.declared.end();
    if (c.kind() == ColumnKind::text || guessed) return std::nullopt;
    if (!kind) kind = c.kind();
    alike = alike && *kind == c.kind();
    only_numbers = only_numbers && (c.kind() == ColumnKind::number || c.kind() == ColumnKind::integer);
    any_number = any_number || (c.kind() == ColumnKind::number && c.num_missing() < c.size());
  }
  if (alike) return kind;
  // Spelled again they would have a decimal point, whatever the files have.
  return only_numbers && any_number ? std::optional(ColumnKind::number) : std::nullopt;
}

// Codes into the levels of all parts, in order.
Column joined_levels(const std::vector<NamedTable>& tables, const std::string& name) {
  std::map<std::string_view, std::int32_t> code;
  for (const NamedTable& t : tables)
    for (const std::string& level : t.table.column(name).levels()) code.emplace(level, 0);
  std::vector<std::string> levels;
  for (auto& [level, place] : code) {
    place = static_cast<std::int32_t>(levels.size());
    levels.emplace_back(level);
  }
  std::vector<std::int32_t> codes;
  for (const NamedTable& t : tables) {
    const Column& c = t.table.column(name);
    std::vector<std::int32_t> place;
    for (const std::string& level : c.levels()) place.push_back(code.at(level));
    for (const std::int32_t from : c.codes())
      codes.push_back(from < 0 ? -1 : place[static_cast<std::size_t>(from)]);
  }
  return Column::category(name, Tensor::take(std::move(codes)), std::move(levels));
}

Column joined(const std::vector<NamedTable>& tables, const std::string& name, ColumnKind kind) {
  if (kind == ColumnKind::category) return joined_levels(tables, name);
  std::vector<Tensor> parts;
  std::int64_t rows = 0;
  bool missing = false;
  for (const NamedTable& t : tables) {
    const Column& c = t.table.column(name);
    parts.push_back(kind == ColumnKind::number ? c.numbers(DType::f64) : c.values());
    rows += c.size();
    missing = missing || c.num_missing() > 0;
  }
  const Tensor values = concatenate(parts);
  if (kind == ColumnKind::number) return Column::number(name, values);
  Validity validity;
  if (missing) {
    validity = Tensor::full(Shape{(rows + 7) / 8}, 255, DType::u8);
    std::uint8_t* bits = validity.mutable_data<std::uint8_t>().data();
    std::int64_t row = 0;
    for (const NamedTable& t : tables) {
      const Column& c = t.table.column(name);
      for (std::int64_t r = 0; r < c.size(); ++r, ++row)
        if (c.is_missing(r)) bits[row >> 3] &= static_cast<std::uint8_t>(~(1U << (row & 7)));
    }
  }
  if (kind == ColumnKind::integer) return Column::integer(name, values, validity);
  if (kind == ColumnKind::boolean) return Column::boolean(name, values, validity);
  return Column::date(name, values, validity);
}

Column joined_text(const std::vector<NamedTable>& tables, const std::string& name) {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::uint8_t> bytes, bits;
  std::int64_t row = 0;
  bool missing = false;
  for (const NamedTable& t : tables) {
    const Column& c = t.table.column(name);
    missing = missing || c.num_missing() > 0;
    for (std::int64_t r = 0; r < c.size(); ++r, ++row) {
      const std::string_view text = c.text_at(r);
      bytes.insert(bytes.end(), text.begin(), text.end());
      offsets.push_back(std::ssize(bytes));
      if (row % 8 == 0) bits.push_back(0);
      if (!c.is_missing(r)) bits.back() |= static_cast<std::uint8_t>(1U << (row % 8));
    }
  }
  return Column::text(name, Tensor::take(std::move(offsets)), Tensor::take(std::move(bytes)),
                      missing ? Tensor::take(std::move(bits)) : Validity{});
}

}  // namespace

void require_same_columns(const NamedTable& first, const NamedTable& other) {
  const auto lacking = missing_in(other.table, first.table.names());
  const auto extra = missing_in(first.table, other.table.names());
  if (lacking.empty() && extra.empty()) return;
  std::string difference;
  if (!lacking.empty()) difference = fmt::format("it lacks {}", fmt::join(lacking, ", "));
  if (!extra.empty())
    difference += fmt::format("{}it has {} besides", difference.empty() ? "" : "; ", fmt::join(extra, ", "));
  throw DataError(other.name, fmt::format("its columns are not those of {}: {}", first.name, difference),
                  "The files of a folder are read as one table; texts, one a line, are lines:FOLDER.");
}

Table stack_alike(std::vector<Table> tables) {
  CAIRN_ASSERT(!tables.empty());
  std::vector<NamedTable> named;
  for (Table& t : tables) named.push_back({"", std::move(t)});
  std::vector<Column> columns;
  for (const Column& first : named[0].table.columns()) {
    const std::string& name = first.name();
    if (first.kind() == ColumnKind::text) {
      columns.push_back(joined_text(named, name));
    } else if (first.kind() == ColumnKind::category) {
      std::vector<Tensor> codes;
      for (const NamedTable& t : named) {
        CAIRN_ASSERT(t.table.column(name).levels() == first.levels());
        codes.push_back(t.table.column(name).values());
      }
      columns.push_back(Column::category(name, concatenate(codes), first.levels()));
    } else {
      columns.push_back(joined(named, name, first.kind()));
    }
  }
  return Table(std::move(columns));
}

void GrowingTable::add(Table rows) {
  if (rows.num_rows() == 0 && !pieces_.empty()) return;
  num_rows_ += rows.num_rows();
  pieces_.push_back(std::move(rows));
  constexpr std::size_t kMostPieces = 32;
  if (pieces_.size() >= kMostPieces) pieces_ = {stack_alike(std::move(pieces_))};
}

Table GrowingTable::take() && { return stack_alike(std::move(pieces_)); }

std::uint64_t bytes_of(const Table& table) {
  constexpr std::uint64_t kString = 32;  // of a level, beside its letters
  std::uint64_t bytes = 0;
  for (const Column& c : table.columns()) {
    const auto rows = static_cast<std::uint64_t>(c.size());
    if (c.kind() == ColumnKind::category) {
      bytes += rows * sizeof(std::int32_t);
      for (const std::string& level : c.levels()) bytes += kString + level.size();
    } else if (c.kind() == ColumnKind::text) {
      bytes += rows * sizeof(std::int64_t);
      for (std::int64_t r = 0; r < c.size(); ++r) bytes += c.text_at(r).size();
    } else {
      bytes += rows * static_cast<std::uint64_t>(size_of(c.values().dtype()));
    }
  }
  return bytes;
}

ReadResult stack_rows(std::vector<NamedTable> tables, const ReadOptions& options) {
  CAIRN_ASSERT(!tables.empty());
  for (const NamedTable& t : tables) require_same_columns(tables[0], t);
  const std::vector<std::string> names = tables[0].table.names();
  std::vector<std::optional<ColumnKind>> kinds;
  CellSource source{.where = tables[0].name, .row_word = "row"};
  for (const std::string& name : names) {
    kinds.push_back(common_kind(tables, name));
    if (!kinds.back()) source.names.push_back(name);
  }
  ReadResult result;
  if (!source.names.empty()) {
    CellBlocks blocks(source.names, source.where, options);
    for (const NamedTable& t : tables) {
      std::vector<const Column*> from;
      for (const std::string& name : source.names) from.push_back(&t.table.column(name));
      for (std::int64_t r = 0; r < t.table.num_rows(); ++r) {
        for (std::size_t c = 0; c < from.size(); ++c) blocks.set(c, cell_text(*from[c], r));
        blocks.end_row(r + 1);
      }
    }
    ReadOptions again = options;
    std::erase_if(again.types, [&](const auto& stated) {
      return std::ranges::find(source.names, stated.first) == source.names.end();
    });
    result = table_of_cells(blocks.take(), source, again);
    result.guesses.clear();  // each file has told its own
  }
  std::vector<Column> columns;
  for (std::size_t c = 0; c < names.size(); ++c)
    columns.push_back(kinds[c] ? joined(tables, names[c], *kinds[c]) : result.table.column(names[c]));
  result.table = Table(std::move(columns));
  std::vector<ColumnSpec> told = std::move(result.schema.columns);
  result.schema = Schema::of(result.table);
  for (ColumnSpec& spec : result.schema.columns) {
    const auto again = std::ranges::find(told, spec.name, &ColumnSpec::name);
    if (again != told.end())
      spec = std::move(*again);
    else
      spec.reason =
          reason_for(spec.kind, result.table.num_rows() - spec.num_missing, std::ssize(spec.levels));
  }
  return result;
}

}  // namespace cairn
