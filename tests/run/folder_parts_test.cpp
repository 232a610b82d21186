#include <doctest/doctest.h>
#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/builtin/registry.h"
#include "cairn/run/read.h"
#include "tests/support/compressed.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/told.h"

using namespace cairn;
using cairn::testing::all_rows;
using cairn::testing::error_text;
using cairn::testing::TemporaryFolder;
using cairn::testing::told;

namespace {

constexpr PartSizes kSmall{.least_bytes = 0, .part_bytes = 300, .kept_bytes = 0};

std::shared_ptr<TableParts> in_parts(const std::string& data, const PartSizes& sizes = kSmall,
                                     const ReadFlags& flags = {}) {
  return read_in_parts(data, flags, builtin_registry(), sizes);
}

// Columns that are numbers, dates or nothing in one file and something else in another, in another order.
void write_files(const TemporaryFolder& folder) {
  std::string a = "id,mixed,widened,gap,day,city,note,flag\n",
              b = "note,city,day,gap,widened,mixed,id,flag\n", c = a;
  for (int i = 0; i < 80; ++i) {
    a += fmt::format("{},{}.0,{},,2021-03-{:02},{},first {},\n", i, i % 9, i % 5, 1 + i % 28,
                     i % 2 ? "Bern" : "Chur", i);
    b += fmt::format("a much longer note of several words {},{},2022-0{}-11T08:30:00,{},{}.5,{},{},true\n", i,
                     i % 3 ? "Bern" : "Zug", 1 + i % 9, i % 4 ? "" : "7", i, i == 70 ? "n/k" : "3", 80 + i);
    c += fmt::format("{},,{},{},2020-01-01,\"Basel\nCity\",third {},{}\n", 160 + i, i, i, i % 7,
                     i % 2 ? "false" : "NA");
  }
  folder.write("parts/a.csv", a);
  folder.write("parts/b.csv.gz", cairn::testing::gzip(b));
  folder.write("parts/c.csv", c);
  folder.write("parts/d.csv", "id,mixed,widened,gap,day,city,note,flag\n");
  folder.write("parts/_done", "");
}

}  // namespace

TEST_CASE("a folder in parts is the table of the folder: order, kinds, levels, cells, guesses and warnings") {
  const TemporaryFolder folder;
  write_files(folder);
  const std::string data = folder.file("parts");
  ReadFlags stated;
  stated.types = {"city=text,mixed=category", "id=number"};
  for (const ReadFlags& flags : {ReadFlags{}, stated}) {
    const ReadResult whole = read_data(data, flags, builtin_registry());
    CHECK(whole.table.num_rows() == 240);
    const auto parts = in_parts(data, kSmall, flags);
    REQUIRE(parts);
    CHECK(told(all_rows(*parts), parts->about()) == told(whole.table, whole));
    CHECK_FALSE(parts->take_whole());
    const auto kept = in_parts("csv:" + data, {.part_bytes = 300, .kept_bytes = 1 << 20}, flags);
    const std::optional<Table> table = kept->take_whole();
    REQUIRE(table);
    CHECK(told(*table, kept->about()) == told(whole.table, whole));
  }
  const ReadResult whole = read_data(data, {}, builtin_registry());
  CHECK(whole.table.column("widened").kind() == ColumnKind::number);
  CHECK(whole.table.column("gap").kind() == ColumnKind::integer);
  CHECK(whole.table.column("day").kind() == ColumnKind::date);
  CHECK(whole.table.column("mixed").kind() == ColumnKind::category);
  CHECK(whole.table.column("flag").kind() == ColumnKind::boolean);
  int met = 0;
  in_parts(data)->blocks([&](const Table&, std::int64_t) { return ++met < 2; });
  CHECK(met == 2);
}

TEST_CASE("numbers with a decimal comma stay numbers beside whole numbers of another file") {
  const TemporaryFolder folder;
  folder.write("parts/a.csv", "x;y\n1;2\n3;4\n");
  folder.write("parts/b.csv", "x;y\n1,5;2\n3,25;4\n");
  ReadFlags flags;
  flags.decimal = ",";
  const ReadResult whole = read_data(folder.file("parts"), flags, builtin_registry());
  REQUIRE(whole.table.column("x").kind() == ColumnKind::number);
  CHECK(whole.table.column("x").number_at(3) == 3.25);
  CHECK(in_parts(folder.file("parts"), kSmall, flags)->about().schema.find("x")->kind == ColumnKind::number);
}

TEST_CASE("folders in parts: errors name the file and the line, and other folders are read as a whole") {
  const TemporaryFolder folder;
  write_files(folder);
  folder.write("ragged/a.csv", "x,y\n1,2\n");
  folder.write("ragged/b.csv", "x,y\n1,2\n3\n");
  folder.write("other/a.csv", "x,y\n1,2\n");
  folder.write("other/b.csv", "x,z\n1,2\n");
  folder.write("mixed/a.csv", "x,y\n1,2\n");
  folder.write("mixed/b.jsonl", "{\"x\": 1, \"y\": 2}\n");
  folder.write("empty/a.csv", "x,y\n");
  for (const char* name : {"ragged", "other", "empty"}) {
    CAPTURE(name);
    const std::string data = folder.file(name);
    const std::string whole = error_text([&] { read_data(data, {}, builtin_registry()); });
    CHECK(whole.find("/") != std::string::npos);
    CHECK(error_text([&] { in_parts(data); }) == whole);
  }
  CHECK(error_text([&] { in_parts(folder.file("ragged")); }).find("b.csv:3: the row has 1 cell") !=
        std::string::npos);
  CHECK(in_parts(folder.file("mixed")) == nullptr);
  CHECK(in_parts(folder.file("parts"), {.least_bytes = 100'000'000, .part_bytes = 300}) == nullptr);
}
