#include "cairn/data/times.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cairn/base/error.h"

namespace cairn {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Stamp {
  std::string words;  // the cell with every number left out
  double time = 0;
};

// Numbers after the first are below a thousand (months, days, hours, minutes), so that one number holds all
// of them in their order; nothing where they are not, or where there is none.
std::optional<Stamp> stamp_of(std::string_view cell) {
  constexpr double kBelow = 1000, kMost = 9'007'199'254'740'992;  // 2^53: every whole number is held apart
  Stamp s;
  int numbers = 0;
  for (std::size_t i = 0; i < cell.size();) {
    if (!is_digit(cell[i])) {
      s.words += cell[i++];
      continue;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(cell.data() + i, cell.data() + cell.size(), value);
    if (error != std::errc() || (numbers > 0 && value >= static_cast<std::uint64_t>(kBelow)))
      return std::nullopt;
    s.time = numbers == 0 ? static_cast<double>(value) : s.time * kBelow + static_cast<double>(value);
    if (s.time >= kMost) return std::nullopt;
    ++numbers;
    s.words += '\n';  // where the number stood
    i = static_cast<std::size_t>(end - cell.data());
  }
  if (numbers == 0) return std::nullopt;
  return s;
}

[[noreturn]] void refuse(const Column& c, std::int64_t row, std::int64_t first_row,
                         const std::string& first) {
  const std::string cell = c.cell(row);
  throw DataError(
      fmt::format("--time {}, row {}", c.name(), first_row + row + 1),
      first.empty() ? fmt::format("is text, '{}', which no numbers put in order", cell)
                    : fmt::format("is text, '{}', not of the form of '{}' before it", cell, first),
      "Name a column of dates (2024-01-31, 2024-01) or numbers; one that counts the rows will do.");
}

}  // namespace

Column times_of(const Column& column) { return TimesOfParts().of(column, 0); }

Column TimesOfParts::of(const Column& column, std::int64_t first_row) {
  const ColumnKind kind = column.kind();
  if (kind == ColumnKind::number || kind == ColumnKind::integer || kind == ColumnKind::date ||
      kind == ColumnKind::boolean)
    return column;
  if (kind != ColumnKind::text && kind != ColumnKind::category)
    throw DataError(fmt::format("--time {}", column.name()),
                    fmt::format("is {}, which has no order in time", name_of(column.kind())),
                    "Name a column of dates or numbers.");
  std::vector<double> times(static_cast<std::size_t>(column.size()),
                            std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t r = 0; r < column.size(); ++r) {
    if (column.is_missing(r)) continue;
    const std::optional<Stamp> s = stamp_of(column.cell(r));
    if (!s || (words_ && s->words != *words_)) refuse(column, r, first_row, first_);
    if (!words_) words_ = s->words, first_ = column.cell(r);
    times[static_cast<std::size_t>(r)] = s->time;
  }
  return Column::number(column.name(), Tensor::take(std::move(times)));
}

}  // namespace cairn
