#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "cairn/base/error.h"
#include "cairn/data/csv.h"
#include "cairn/data/times.h"
#include "tests/support/compressed.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/told.h"

using namespace cairn;
using cairn::testing::all_rows;
using cairn::testing::error_text;
using cairn::testing::gzip;
using cairn::testing::TemporaryFolder;
using cairn::testing::told;
using cairn::testing::zstd;

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
  folder.write("t.csv.gz", gzip(late_table()));
  folder.write("members.gz", gzip(late_table().substr(0, 7000)) + gzip(late_table().substr(7000)));
  folder.write("t.zst", zstd(late_table()));
  const std::pair<const char*, ReadOptions> cases[] = {
      {"t.csv", {}},    {"t.csv", stated},  {"stray.csv", {}}, {"broken.csv", {}},
      {"t.csv.gz", {}}, {"members.gz", {}}, {"t.zst", stated}};
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

TEST_CASE("rows that are few enough are kept: the whole table without another pass") {
  const TemporaryFolder folder;
  folder.write("t.csv", late_table());
  const ReadResult whole = read_csv(folder.file("t.csv"));
  const auto parts = csv_parts(folder.file("t.csv"), {}, kSmallParts, std::uint64_t{1} << 20);
  const std::optional<Table> kept = parts->take_whole();
  REQUIRE(kept);
  CHECK(told(*kept, parts->about()) == told(whole.table, whole));
  CHECK_FALSE(parts->take_whole());
  CHECK(told(all_rows(*parts), parts->about()) == told(whole.table, whole));

  CHECK_FALSE(csv_parts(folder.file("t.csv"), {}, kSmallParts, 10'000)->take_whole());
  const auto dropped = csv_parts(folder.file("t.csv"), {}, kSmallParts, std::uint64_t{1} << 20);
  dropped->drop_whole();
  CHECK_FALSE(dropped->take_whole());
}

TEST_CASE("compressed files in parts: damage and bombs are told, and nothing is left on the disk") {
  const TemporaryFolder folder, unpacked;
  ::setenv("TMPDIR", unpacked.path().c_str(), 1);
  const std::string packed = gzip(late_table());
  folder.write("cut.gz", std::string_view(packed).substr(0, packed.size() / 2));
  folder.write("more.gz", packed + "tail");
  folder.write("bomb.zst", zstd(std::string(std::size_t{100} << 20, '0')));
  folder.write("empty.gz", gzip(""));
  const auto message = [&](const char* name) {
    return error_text([&] { csv_parts(folder.file(name), {}, kSmallParts); });
  };
  CHECK(message("cut.gz").find("cut.gz: the gzip data end too early, after") != std::string::npos);
  CHECK(message("more.gz").find("stand bytes that are not gzip") != std::string::npos);
  CHECK(message("bomb.zst").find("this looks like a decompression bomb") != std::string::npos);
  CHECK(message("empty.gz").find("is empty; a table has a header line and rows") != std::string::npos);
  std::string ragged = "a,b\n";
  for (int i = 0; i < 300; ++i) ragged += i == 280 ? "1\n" : "1,2\n";
  folder.write("ragged.gz", gzip(ragged));
  CHECK(message("ragged.gz").find("ragged.gz:282: the row has 1 cell") != std::string::npos);
  // More than is unpacked in memory.
  std::string large = "a,b\n";
  for (int i = 0; large.size() < (std::size_t{9} << 20); ++i)
    large += fmt::format("{},{}\n", i, i * 7 % 1009);
  folder.write("large.gz", gzip(large));
  const auto parts = csv_parts(folder.file("large.gz"), {}, std::size_t{1} << 20);
  CHECK(std::filesystem::is_empty(unpacked.path()));
  CHECK(all_rows(*parts).sha256() == read_csv(folder.file("large.gz")).table.sha256());
  ::unsetenv("TMPDIR");
}

TEST_CASE("text times in parts are of one form in all of them, and the row is told of the table") {
  TimesOfParts form;
  const std::string first[] = {"1-01", "1-02"}, second[] = {"2-01"}, third[] = {"2-02", "week 3"};
  CHECK(form.of(Column::text("when", first), 0).number_at(1) == 1002);
  CHECK(form.of(Column::text("when", second), 2).number_at(0) == 2001);
  CHECK(error_text([&] { form.of(Column::text("when", third), 3); }) ==
        "--time when, row 5: is text, 'week 3', not of the form of '1-01' before it. Name a column of dates "
        "(2024-01-31, 2024-01) or numbers; one that counts the rows will do.");
}

TEST_CASE("parts end early, name the right line, and are only of files") {
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
  CHECK(csv_parts(folder.path(), {}, 64) == nullptr);
}

TEST_CASE("a boolean whose first value stands far down is one") {
  std::string text = "a,b\n";
  for (int i = 0; i < 200; ++i) text += i < 150 ? "1,\n" : "1,true\n";
  const ReadResult read = read_csv_text(text, "t.csv");
  CHECK(read.table.column("b").kind() == ColumnKind::boolean);
  CHECK(read.table.column("b").num_missing() == 150);
  CHECK(read.table.column("b").cell(199) == "true");
}
