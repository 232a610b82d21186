#include <doctest/doctest.h>
#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/data/csv.h"
#include "cairn/data/stack.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::TemporaryFolder;

namespace {

// Some 40 parts of this file; lines are some 40 bytes.
constexpr std::size_t kSmallParts = 400;

// Columns whose kind or levels only the last rows settle. Quoted cells hold line ends.
std::string late_table() {
  std::string text = "whole,late_number,late_text,flag,day,city,note,gaps,code\n";
  for (int i = 0; i < 400; ++i) {
    const bool last = i > 390;
    text += fmt::format("{},{},{},{},{}/{}/2021,{},\"line {}\nand more\",{},{}\n", i,
                        last ? "2.5" : std::to_string(i % 7), last ? "n/k" : std::to_string(i),
                        i < 300 ? ""
                        : i % 2 ? "true"
                                : "false",
                        1 + i % (last ? 28 : 12), 1 + i % 12,
                        last    ? "Zug"
                        : i % 3 ? "Basel"
                                : "Bern",
                        i, i % 5 ? "NA" : "-3", i % 2 ? "x" : "y");
  }
  return text;
}

std::string told(const Table& table, const ReadResult& read) {
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
Table all_rows(TableParts& parts) {
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

}  // namespace

TEST_CASE("a text table in parts is the table of the whole: kinds, levels, cells, guesses and warnings") {
  const TemporaryFolder folder;
  folder.write("t.csv", late_table());
  // Quotes that quote nothing, so that regions are found again, and quotes that break the rules.
  std::string stray = "a,b\n", broken = "a,b\n";
  for (int i = 0; i < 200; ++i) {
    stray += fmt::format("{},{}\n", i, i == 150 ? "5\" pipe" : "pipe");
    broken += fmt::format("{},{}\n", i, i % 3 == 0 ? "\"big\" pipe" : "pipe");
  }
  folder.write("stray.csv", stray);
  folder.write("broken.csv", broken);
  ReadOptions stated;
  stated.types = {{"city", ColumnKind::text}, {"code", ColumnKind::category}, {"whole", ColumnKind::number}};
  const std::pair<const char*, ReadOptions> cases[] = {
      {"t.csv", {}}, {"t.csv", stated}, {"stray.csv", {}}, {"broken.csv", {}}};
  for (const auto& [name, options] : cases) {
    CAPTURE(name);
    const ReadResult whole = read_csv(folder.file(name), options);
    const auto parts = csv_parts(folder.file(name), options, kSmallParts);
    REQUIRE(parts);
    CHECK(parts->about().table.num_rows() == 0);
    CHECK(parts->about().table.names() == whole.table.names());
    CHECK(told(all_rows(*parts), parts->about()) == told(whole.table, whole));
  }
}

TEST_CASE("parts end early, name the right line, and are only of plain files") {
  const TemporaryFolder folder;
  folder.write("t.csv", late_table());
  const auto parts = csv_parts(folder.file("t.csv"), {}, kSmallParts);
  int met = 0;
  parts->blocks([&](const Table&, std::int64_t) { return ++met < 2; });
  CHECK(met == 2);

  std::string ragged = "a,b\n", not_finite = "a,b\n";
  for (int i = 0; i < 300; ++i) {
    ragged += i == 280 ? "1\n" : "1,2\n";
    not_finite += i == 280 ? "1,1e999\n" : "1,2.5\n";
  }
  folder.write("ragged.csv", ragged);
  folder.write("far.csv", not_finite);
  CHECK(error_text([&] {
          csv_parts(folder.file("ragged.csv"), {}, 64);
        }).find("ragged.csv:282: the row has 1 cell") != std::string::npos);
  CHECK(error_text([&] { csv_parts(folder.file("far.csv"), {}, 64); }).find("far.csv:282, column 'b'") !=
        std::string::npos);
  folder.write("empty.csv", "a,b\n");
  CHECK(error_text([&] { csv_parts(folder.file("empty.csv"), {}, 64); }) ==
        folder.file("empty.csv") + ": has a header line but no rows");
  CHECK(csv_parts("-", {}, 64) == nullptr);
  folder.write("t.csv.gz", "\x1f\x8b");
  CHECK(csv_parts(folder.file("t.csv.gz"), {}, 64) == nullptr);
}

TEST_CASE("a boolean whose first value stands far down is one") {
  std::string text = "a,b\n";
  for (int i = 0; i < 200; ++i) text += i < 150 ? "1,\n" : "1,true\n";
  const ReadResult read = read_csv_text(text, "t.csv");
  CHECK(read.table.column("b").kind() == ColumnKind::boolean);
  CHECK(read.table.column("b").num_missing() == 150);
  CHECK(read.table.column("b").cell(199) == "true");
}
