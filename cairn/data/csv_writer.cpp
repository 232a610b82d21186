#include "cairn/data/csv_writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"

namespace cairn {
namespace {

constexpr std::int64_t kBlockRows = 4096;

void append_text(std::string& out, std::string_view text, char separator) {
  const auto special = [&](char c) { return c == separator || c == '"' || c == '\n' || c == '\r'; };
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool quote = text.empty() || blank(text.front()) || blank(text.back()) ||
                     std::any_of(text.begin(), text.end(), special);
  if (!quote) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    out += c;
    if (c == '"') out += c;
  }
  out += '"';
}

void append_cell(std::string& out, const Column& column, std::int64_t row, char separator) {
  if (column.is_missing(row)) return;
  switch (column.kind()) {
    case ColumnKind::number:
      if (column.values().dtype() == DType::f32)
        fmt::format_to(std::back_inserter(out), "{}", static_cast<float>(column.number_at(row)));
      else
        fmt::format_to(std::back_inserter(out), "{}", column.number_at(row));
      return;
    case ColumnKind::text:
      return append_text(out, column.text_at(row), separator);
    case ColumnKind::category:
      return append_text(
          out, column.levels()[static_cast<std::size_t>(column.codes()[static_cast<std::size_t>(row)])],
          separator);
    default:
      return append_text(out, column.cell(row), separator);
  }
}

void append_rows(std::string& out, const Table& table, std::int64_t begin, std::int64_t end, char separator) {
  for (std::int64_t r = begin; r < end; ++r) {
    for (std::int64_t c = 0; c < table.num_columns(); ++c) {
      if (c > 0) out += separator;
      append_cell(out, table.column(c), r, separator);
    }
    // A blank line would be no row at all.
    if (table.num_columns() == 1 && table.column(0).is_missing(r)) out += "\"\"";
    out += '\n';
  }
}

template <class Write>
void write_all(const Table& table, const WriteOptions& options, Write&& write) {
  if (options.separator == '"' || options.separator == '\n' || options.separator == '\r')
    throw UsageError("write_csv", fmt::format("'{}' cannot separate cells", options.separator));
  std::string block;
  if (options.header) {
    for (std::int64_t c = 0; c < table.num_columns(); ++c) {
      if (c > 0) block += options.separator;
      append_text(block, table.column(c).name(), options.separator);
    }
    block += '\n';
  }
  for (std::int64_t begin = 0; begin < table.num_rows(); begin += kBlockRows) {
    append_rows(block, table, begin, std::min(table.num_rows(), begin + kBlockRows), options.separator);
    write(block);
    block.clear();
  }
  if (!block.empty()) write(block);
}

void write_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse_to_write("standard output", "written", errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

std::string csv_text(const Table& table, const WriteOptions& options) {
  std::string text;
  write_all(table, options, [&](const std::string& block) { text += block; });
  return text;
}

void write_csv(const Table& table, const std::string& path, const WriteOptions& options) {
  if (path == "-") return write_all(table, options, &write_out);
  AtomicFile file(path);
  write_all(table, options, [&](const std::string& block) { file.write(block); });
  file.commit();
}

}  // namespace cairn
