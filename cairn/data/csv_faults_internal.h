// What is said about a text table that cannot be read as asked: where, what, what was expected, the way out.
#pragma once

#include <string>
#include <string_view>

#include "cairn/data/csv_columns_internal.h"
#include "cairn/data/csv_regions_internal.h"

namespace cairn {

struct FaultContext {
  std::string_view text;
  const std::string& name;
  const CsvLayout* layout;
  bool quote_guessed;
};

[[noreturn]] void throw_fault(const FaultContext& context, const Fault& fault);
// The place (file and line) and the printable text of the cell that begins at `position`.
std::string place_of(const FaultContext& context, std::size_t position);
std::string cell_at(const FaultContext& context, std::size_t position);
[[noreturn]] void throw_unfit_cell(const std::string& place, const std::string& cell, const ColumnPlan& plan);
[[noreturn]] void throw_not_finite(const std::string& place, const std::string& cell, const ColumnPlan& plan);
[[noreturn]] void throw_mixed_dates(const std::string& name, const std::string& column);
// Whether the rest of the file uses quotes by the rules, so that the fault is a mistake in the file and not a
// sign that quotes quote nothing.
bool quotes_are_meant(const CsvLayout& layout, std::string_view text);
Warning doubtful_quotes(const CsvLayout& layout, std::string_view text, const std::string& name,
                        const Fault& fault);

}  // namespace cairn
