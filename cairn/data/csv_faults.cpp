#include "cairn/data/csv_faults_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cairn/base/error.h"

namespace cairn {
namespace {

constexpr std::size_t kRowsToCompare = 100;

std::string cells(std::size_t n) { return fmt::format("{} cell{}", n, n == 1 ? "" : "s"); }

// How many cells most of the first rows have.
std::size_t usual_cells(const FaultContext& context) {
  RecordReader reader(context.text, context.layout->dialect);
  std::map<std::size_t, std::size_t> counts;
  std::vector<RawCell> row;
  std::size_t at = context.layout->body, most = 0, usual = 0;
  for (std::size_t n = 0; n < kRowsToCompare && at < context.text.size();) {
    const RecordStatus status = reader.read(at, row);
    if (status == RecordStatus::unterminated_quote || status == RecordStatus::text_after_quote) break;
    if (status != RecordStatus::row) continue;
    ++n;
    if (++counts[row.size()] > most) most = counts[row.size()], usual = row.size();
  }
  return usual;
}

[[noreturn]] void throw_ragged(const FaultContext& context, const Fault& fault) {
  const CsvLayout& layout = *context.layout;
  const std::size_t expected = layout.names.size();
  const std::size_t usual = usual_cells(context);
  // The header, or without one the first row, says how many cells a row has.
  const std::int64_t first_number = line_of(context.text, layout.first, layout.dialect.newline);
  if (usual == fault.cells && usual != expected)
    throw DataError(fmt::format("{}:{}", context.name, first_number),
                    fmt::format("the line has {}, the lines after it have {}", cells(expected), usual),
                    fmt::format("If line {} is not part of the table, --skip {} leaves it out.", first_number,
                                first_number));
  const char* separator_hint =
      layout.separator_guessed ? " --sep names the separator if the guess is wrong." : "";
  throw DataError(
      place_of(context, fault.position),
      fmt::format("the row has {}, {} has {}", cells(fault.cells),
                  layout.has_header ? "the header" : fmt::format("line {}", first_number), expected),
      fault.cells > expected
          ? fmt::format("A cell that holds the separator must stand in quotes.{}", separator_hint)
          : fmt::format("Complete the row or take it out.{}", separator_hint));
}

const char* noun(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::number:
      return "a number";
    case ColumnKind::integer:
      return "a whole number of at most 64 bits";
    case ColumnKind::boolean:
      return "true or false";
    case ColumnKind::date:
      return "a date";
    default:
      return name_of(kind);
  }
}

}  // namespace

std::string place_of(const FaultContext& context, std::size_t position) {
  return fmt::format("{}:{}", context.name, line_of(context.text, position, context.layout->dialect.newline));
}

std::string cell_at(const FaultContext& context, std::size_t position) {
  const CsvDialect& dialect = context.layout->dialect;
  const bool quoted = dialect.quote != 0 && position > 0 && context.text[position - 1] == dialect.quote;
  const std::size_t begin = quoted ? position - 1 : position;
  RecordReader reader(context.text.substr(begin), dialect);
  std::vector<RawCell> row;
  std::size_t at = 0;
  std::string scratch;
  if (reader.read(at, row) != RecordStatus::row || row.empty()) return {};
  return printable(row[0].value(dialect.quote, scratch));
}

void throw_fault(const FaultContext& context, const Fault& fault) {
  const std::string where = place_of(context, fault.position);
  switch (fault.kind) {
    case FaultKind::ragged:
      throw_ragged(context, fault);
    case FaultKind::unterminated_quote:
      throw DataError(where, "the quote that begins here is never closed",
                      "If quotes quote nothing in this file: --quote none.");
    case FaultKind::text_after_quote:
      throw DataError(
          where, "a quoted cell is followed by more text; a separator or the end of the line was expected",
          "A quote inside quotes is written twice. If quotes quote nothing in this file: --quote none.");
    case FaultKind::zero_byte:
      throw DataError(where, "a zero byte stands here; text was expected", "Is this a table in text form?");
    case FaultKind::bad_utf8:
      throw DataError(where,
                      fmt::format("byte 0x{:02x} is not UTF-8 here",
                                  static_cast<unsigned char>(context.text[fault.position])),
                      "If the text is Latin-1, convert it: iconv -f LATIN1 -t UTF-8 IN > OUT.");
    default:
      break;
  }
  throw InternalError(where, "a region of the file could not be read");
}

void throw_unfit_cell(const std::string& place, const std::string& cell, const ColumnPlan& plan) {
  throw DataError(fmt::format("{}, column '{}'", place, plan.name),
                  fmt::format("'{}' is not {}, which {} asks for", cell, noun(*plan.stated), plan.stated_by),
                  fmt::format("If it stands for a missing value: --na '{}'.", cell));
}

void throw_not_finite(const std::string& place, const std::string& cell, const ColumnPlan& plan) {
  const bool digits = cell.find_first_of("0123456789") != cell.npos;
  throw DataError(fmt::format("{}, column '{}'", place, plan.name),
                  digits ? fmt::format("{} is beyond the largest number, about 1.8e308", cell)
                         : fmt::format("'{}' is not a finite number", cell),
                  fmt::format("To take it for missing: --na '{}'.", cell));
}

void throw_mixed_dates(const std::string& name, const std::string& column) {
  throw DataError(fmt::format("{}, column '{}'", name, column),
                  "day and month of its dates cannot be told apart", "Write them as 2024-05-31.");
}

// Each line by itself: cells that begin and end with a quote speak for quoting, quotes inside bare cells and
// text behind a closing quote against it. A cell that runs over lines opens on one and closes, like a quote
// inside a bare cell, on another: the two balance. As long as nothing speaks against it, a quote is one.
bool quotes_are_meant(const CsvLayout& layout, std::string_view text) {
  std::int64_t meant = 0, opened = 0, inside = 0, behind = 0;
  std::vector<RawCell> row;
  for (std::size_t begin = layout.body; begin < text.size();) {
    const std::size_t end = std::min(text.find(layout.dialect.newline, begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.find(layout.dialect.quote) == line.npos) continue;
    RecordReader reader(line, layout.dialect);
    std::size_t at = 0;
    const RecordStatus status = reader.read(at, row);
    opened += status == RecordStatus::unterminated_quote;
    behind += status == RecordStatus::text_after_quote;
    if (status != RecordStatus::row) continue;
    inside += reader.saw_stray_quote();
    meant += !reader.saw_stray_quote();
  }
  const std::int64_t against = std::max<std::int64_t>(0, inside - opened) + behind;
  return against == 0 || meant > against;
}

Warning doubtful_quotes(const CsvLayout& layout, std::string_view text, const std::string& name,
                        const Fault& fault) {
  const std::int64_t line = line_of(text, fault.position, layout.dialect.newline);
  return {"doubtful_quotes", "",
          fmt::format("{}:{}: {}, so quotes were read as plain characters (--quote none says so). --quote "
                      "'{}' insists on "
                      "quoting.",
                      name, line,
                      fault.kind == FaultKind::unterminated_quote ? "a quote is never closed"
                                                                  : "a quoted cell is followed by more text",
                      layout.dialect.quote)};
}

}  // namespace cairn
