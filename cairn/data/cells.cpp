#include "cairn/data/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "cairn/base/parallel.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/csv_cells_internal.h"
#include "cairn/data/csv_faults_internal.h"
#include "cairn/data/csv_regions_internal.h"
#include "cairn/data/no_rows.h"

namespace cairn {
namespace {

constexpr std::int64_t kSampleRows = 64;

std::vector<std::string> names_of(const std::vector<CellBlock>& blocks) {
  std::vector<std::string> names;
  std::unordered_map<std::string, std::size_t> known;
  for (const CellBlock& block : blocks)
    for (std::size_t c = 0; c < block.num_columns(); ++c)
      if (known.emplace(block.name(c), names.size()).second) names.push_back(block.name(c));
  return names;
}

constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

// Where each of the names stands in a block.
std::vector<std::size_t> places_of(const CellBlock& block,
                                   const std::unordered_map<std::string_view, std::size_t>& index) {
  std::vector<std::size_t> places(index.size(), kAbsent);
  for (std::size_t c = 0; c < block.num_columns(); ++c)
    if (const auto it = index.find(block.name(c)); it != index.end()) places[it->second] = c;
  return places;
}

void state_declared(ColumnTyping& typing, const std::vector<DeclaredColumn>& declared) {
  std::unordered_map<std::string_view, const DeclaredColumn*> by_name;
  for (const DeclaredColumn& d : declared) by_name.emplace(d.name, &d);
  for (ColumnPlan& plan : typing.plans())
    if (const auto it = by_name.find(plan.name); it != by_name.end() && !plan.stated) {
      plan.stated = it->second->kind;
      plan.stated_by = it->second->by;
      plan.types = types_of(it->second->kind);
      if (plan.stated == ColumnKind::number) plan.types |= bit_of(CellType::integer);
    }
}

}  // namespace

std::size_t CellBlock::add_column(std::string name, std::string absent) {
  columns_.emplace_back();
  columns_.back().name = std::move(name);
  columns_.back().absent = std::move(absent);
  return columns_.size() - 1;
}

bool CellBlock::set(std::size_t column, std::string_view text) {
  Cells& cells = columns_[column];
  if (std::ssize(cells.ends) > rows_) return false;
  if (cells.text.size() + text.size() > std::numeric_limits<std::uint32_t>::max())
    throw ResourceError(cells.name, "holds more than 4 GB of text in a few rows");
  if (text.empty() && !cells.absent.empty()) cells.emptied.push_back(rows_);
  cells.ends.resize(static_cast<std::size_t>(rows_), static_cast<std::uint32_t>(cells.text.size()));
  cells.text.append(text);
  cells.ends.push_back(static_cast<std::uint32_t>(cells.text.size()));
  return true;
}

void CellBlock::end_row(std::int64_t line) {
  ++rows_;
  lines_.push_back(line);
}

std::string_view CellBlock::cell(std::size_t column, std::int64_t row) const {
  const Cells& cells = columns_[column];
  const auto r = static_cast<std::size_t>(row);
  if (r >= cells.ends.size()) return cells.absent;
  const std::size_t begin = r == 0 ? 0 : cells.ends[r - 1], size = cells.ends[r] - begin;
  if (size == 0 && !cells.absent.empty() && !std::ranges::binary_search(cells.emptied, row))
    return cells.absent;
  return std::string_view(cells.text).substr(begin, size);
}

void CellBlock::move_lines(std::int64_t by) {
  for (std::int64_t& line : lines_) line += by;
}

std::uint64_t CellBlock::bytes() const {
  std::uint64_t bytes = lines_.size() * sizeof(std::int64_t);
  for (const Cells& cells : columns_)
    bytes += cells.text.size() + cells.ends.size() * sizeof(std::uint32_t) +
             cells.emptied.size() * sizeof(std::int64_t);
  return bytes;
}

CellBlocks::CellBlocks(std::vector<std::string> names, std::string where, const ReadOptions& options)
    : names_(std::move(names)),
      where_(std::move(where)),
      most_(options.max_memory > 0 ? options.max_memory : InputLimits{}.max_bytes) {}

void CellBlocks::begin_block() {
  CellBlock& block = blocks_.emplace_back();
  for (const std::string& name : names_) block.add_column(name);
  open_ = 0;
}

void CellBlocks::set(std::size_t column, std::string_view text) {
  if (blocks_.empty()) begin_block();
  const std::uint64_t bytes = text.size() + sizeof(std::uint32_t);
  if (bytes > most_ - held_)
    throw ResourceError(
        where_, fmt::format("the cells of {} rows hold more than {} MB", rows_ + 1, most_ / 1'000'000),
        "--max-memory sets how much may be read.");
  held_ += bytes;
  open_ += bytes;
  blocks_.back().set(column, text);
}

void CellBlocks::end_row(std::int64_t line) {
  constexpr std::int64_t kMostRows = 1 << 16;
  constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 20;
  if (blocks_.empty()) begin_block();
  blocks_.back().end_row(line);
  ++rows_;
  if (blocks_.back().num_rows() == kMostRows || open_ > kMostBytes) begin_block();
}

ReadResult table_of_cells(std::vector<CellBlock> blocks, const CellSource& source,
                          const ReadOptions& options) {
  if (options.missing != "error" && options.missing != "missing")
    throw UsageError("--missing", fmt::format("'{}' is neither error nor missing", options.missing));
  std::erase_if(blocks, [](const CellBlock& b) { return b.num_rows() == 0; });
  if (blocks.empty()) throw NoRows(source.where, "has no rows", source.names);
  const std::vector<std::string> names = source.names.empty() ? names_of(blocks) : source.names;
  if (names.empty()) throw DataError(source.where, "has no columns");
  ColumnTyping typing(names,
                      {.decimal = options.decimal == 0 ? '.' : options.decimal,
                       .thousands = options.thousands,
                       .na = options.na.empty() ? default_na() : options.na},
                      options, source.where);
  state_declared(typing, source.declared);
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t c = 0; c < names.size(); ++c) index.emplace(names[c], c);
  std::vector<std::vector<std::size_t>> places;
  std::vector<std::int64_t> slots;
  std::vector<CellResult> found(blocks.size());
  std::vector<CellResult*> results;
  std::int64_t rows = 0;
  std::uint64_t held = 0;
  double stated = 0;  // as if every column of a block had a cell in each of its rows
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    places.push_back(places_of(blocks[b], index));
    slots.push_back(rows);
    rows += blocks[b].num_rows();
    held += blocks[b].bytes();
    stated += static_cast<double>(blocks[b].bytes()) + sizeof(std::uint32_t) *
                                                           static_cast<double>(blocks[b].num_rows()) *
                                                           static_cast<double>(blocks[b].num_columns());
    results.push_back(&found[b]);
  }
  // A hostile file states a few bytes a row, each row in a column of its own.
  constexpr double kMostPerByte = 64, kSmall = 1 << 28;
  const double grid = 8.0 * static_cast<double>(rows) * static_cast<double>(names.size());
  if (grid > kSmall && grid > kMostPerByte * stated)
    throw ResourceError(
        source.where,
        fmt::format("{} rows of {} columns need {:.0f} MB, and hardly any cell of them has a value", rows,
                    names.size(), grid / 1e6),
        "Is this a table? Rows should have their columns in common.");
  const auto cell_of = [&](std::size_t block, std::size_t column, std::int64_t row) -> std::string_view {
    const std::size_t place = places[block][column];
    return place == kAbsent ? std::string_view{} : blocks[block].cell(place, row);
  };
  const std::size_t step = std::max<std::size_t>(1, blocks.size() / 16);
  for (std::size_t b = 0; b < blocks.size(); b += step)
    for (std::int64_t r = 0; r < std::min(kSampleRows, blocks[b].num_rows()); ++r)
      for (std::size_t c = 0; c < names.size(); ++c) typing.look_at(c, cell_of(b, c, r));
  typing.start(rows, held, results);
  typing.run([&](const CellPass& pass) {
    parallel_for(
        std::ssize(blocks), 1,
        [&](std::int64_t i, std::int64_t) {
          const auto b = static_cast<std::size_t>(i);
          const std::int64_t n = blocks[b].num_rows();
          found[b].rows = n;
          CellConverter converter(pass, slots[b], n, found[b]);
          for (std::size_t c = 0; c < names.size(); ++c) {
            if (!(*pass.active)[c]) continue;
            // The position of a cell: its row in the file and its column, in one number.
            for (std::int64_t r = 0; r < n; ++r)
              converter.convert(c, r, cell_of(b, c, r),
                                static_cast<std::size_t>(slots[b] + r) * names.size() + c);
          }
        },
        options.stop);
    return true;
  });
  const auto block_at = [&](std::int64_t row) {
    return static_cast<std::size_t>(std::ranges::upper_bound(slots, row) - slots.begin() - 1);
  };
  typing.check(
      [&](std::size_t position) {
        const auto row = static_cast<std::int64_t>(position / names.size());
        const std::size_t b = block_at(row);
        const std::int64_t line = blocks[b].line(row - slots[b]);
        return source.row_word.empty() ? fmt::format("{}:{}", source.where, line)
                                       : fmt::format("{}, {} {}", source.where, source.row_word, line);
      },
      [&](std::size_t position) {
        const auto row = static_cast<std::int64_t>(position / names.size());
        const std::size_t b = block_at(row);
        return printable(cell_of(b, position % names.size(), row - slots[b]));
      });
  blocks.clear();
  ReadResult result;
  typing.finish(slots, result);
  typing.report(result);
  return result;
}

void require_text(std::string_view text, const std::string& where) {
  refuse_other_encodings(text, where);
  const Fault fault = check_text(text, 0, text.size());
  if (fault.kind == FaultKind::none) return;
  CsvLayout layout;
  throw_fault({text, where, &layout, false}, fault);
}

std::string decimal_text(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == text.npos) text += ".0";
  return text;
}

std::string cell_text(const Column& column, std::int64_t row) {
  if (column.is_missing(row)) return {};
  if (column.kind() == ColumnKind::number) return decimal_text(column.number_at(row));
  return column.cell(row);
}

}  // namespace cairn
