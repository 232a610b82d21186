// All that reading a table tells, as one text: two ways to read it are the same where the texts are.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "cairn/data/stack.h"
#include "cairn/data/table_parts.h"

namespace cairn::testing {

inline std::string told(const Table& table, const ReadResult& read) {
  std::string text;
  for (const ColumnSpec& s : read.schema.columns) {
    text += fmt::format("{} {} {} missing {} range {} {} levels", s.name, name_of(s.kind), s.reason,
                        s.num_missing, s.low, s.high);
    for (const std::string& level : s.levels) text += " " + level;
    text += "\n";
  }
  for (const std::string& guess : read.guesses) text += guess + "\n";
  for (const Warning& w : read.warnings) text += w.code + " " + w.column + " " + w.message + "\n";
  for (const Column& c : table.columns()) {
    text += c.name() + " " + name_of(c.kind());
    for (std::int64_t r = 0; r < c.size(); ++r) text += "|" + (c.is_missing(r) ? "NA" : c.cell(r));
    text += "\n";
  }
  return text + read.sha256;
}

// The parts, one below the other; checks that a second pass gives them again.
inline Table all_rows(TableParts& parts) {
  std::vector<Table> tables;
  std::int64_t rows = 0;
  for (int pass = 0; pass < 2; ++pass) {
    rows = 0;
    tables.clear();
    parts.blocks([&](const Table& part, std::int64_t first) {
      CHECK(first == rows);
      rows += part.num_rows();
      tables.push_back(part);
      return true;
    });
    CHECK(rows == parts.num_rows());
  }
  CHECK(tables.size() > 3);
  return stack_alike(std::move(tables));
}

}  // namespace cairn::testing
