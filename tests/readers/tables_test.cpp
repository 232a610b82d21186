// One table in every format: the same columns, kinds, values and missing cells as from CSV. The files were
// written by scripts/golden/reader_tables.py.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "cairn/data/compressed_input.h"
#include "cairn/data/csv.h"
#include "cairn/data/stack.h"
#include "cairn/readers/parquet.h"
#include "cairn/readers/reader_list.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::TemporaryFolder;

namespace {

const std::string kTables = std::string(CAIRN_SOURCE_DIR) + "/tests/readers/tables/";

// By the reader that knows the content, as the program chooses it.
ReadResult read_file(const std::string& path, const ReadOptions& options = {}) {
  const std::string head = first_bytes(path, 1 << 16);
  for (const Reader& r : file_readers())
    if (r.sniff && r.sniff(head)) return r.read(path, options);
  return kCsvReader.read(path, options);
}

void check_same(const Table& have, const Table& wanted) {
  CHECK(have.num_rows() == wanted.num_rows());
  REQUIRE(have.num_columns() == wanted.num_columns());
  for (const Column& w : wanted.columns()) {
    CAPTURE(w.name());
    const Column* h = have.find(w.name());
    REQUIRE(h != nullptr);
    CHECK(std::string(name_of(h->kind())) == name_of(w.kind()));
    CHECK(h->num_missing() == w.num_missing());
    if (w.kind() == ColumnKind::category) CHECK(h->levels() == w.levels());
    for (std::int64_t r = 0; r < w.size(); ++r) {
      CAPTURE(r);
      CHECK(h->cell(r) == w.cell(r));
      if (w.kind() == ColumnKind::number && !w.is_missing(r)) CHECK(h->number_at(r) == w.number_at(r));
    }
  }
}

bool needs_arrow(const std::string& name) {
  return name.ends_with(".parquet") || name.ends_with(".feather") || name.ends_with(".arrows");
}

bool is_skipped(const std::string& name) {
  const bool skipped = needs_arrow(name) && !can_read_parquet();
  if (skipped) MESSAGE(name << " is skipped: this build has no Arrow");
  return skipped;
}

}  // namespace

TEST_CASE("tables: every format gives the table that CSV gives") {
  const Table wanted = read_csv(kTables + "table.csv").table;
  CHECK(std::string(name_of(wanted.column("note").kind())) == "text");
  CHECK(std::string(name_of(wanted.column("day").kind())) == "date");
  int files = 0, skipped = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kTables)) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    if (needs_arrow(name) && !can_read_parquet()) {
      ++skipped;
      continue;
    }
    ++files;
    const ReadResult read = read_file(entry.path().string());
    check_same(read.table, wanted);
    CHECK(read.sha256.size() == 64);
    REQUIRE(read.schema.columns.size() == 7);
    for (const ColumnSpec& spec : read.schema.columns) CHECK(!spec.reason.empty());
  }
  CHECK(files + skipped == 14);
  if (skipped > 0) MESSAGE(skipped << " files of Parquet and Arrow were skipped: this build has no Arrow");
}

TEST_CASE("tables: --types and --na mean the same in every format") {
  ReadOptions options;
  options.types = {{"rooms", ColumnKind::category}, {"id", ColumnKind::number}};
  options.na = {"red"};
  const Table wanted = read_csv(kTables + "table.csv", options).table;
  CHECK(std::string(name_of(wanted.column("rooms").kind())) == "category");
  for (const char* name :
       {"objects.jsonl", "table.db", "records.npy", "records.h5", "table.parquet", "table.feather"}) {
    CAPTURE(name);
    if (is_skipped(name)) continue;
    check_same(read_file(kTables + name, options).table, wanted);
  }
  options.types = {{"room", ColumnKind::category}};
  for (const char* name : {"objects.jsonl", "table.db", "records.npy", "table.arff"})
    CHECK(error_text([&] {
            read_file(kTables + name, options);
          }).ends_with("has no column 'room'. Did you mean 'rooms'?"));
}

TEST_CASE("tables: a model's schema says how columns are read") {
  ReadOptions options;
  options.types = {{"rooms", ColumnKind::category}};
  const Schema schema = read_csv(kTables + "table.csv", options).schema;
  ReadOptions with_schema;
  with_schema.schema = &schema;
  for (const char* name : {"objects.jsonl", "table.db", "records.npy", "columns.h5"}) {
    CAPTURE(name);
    const Table table = schema.conform(read_file(kTables + name, with_schema).table);
    CHECK(table.column("rooms").levels() == std::vector<std::string>{"1", "2", "3", "4", "5"});
  }
}

TEST_CASE("tables: files cut short are errors, at every length") {
  const TemporaryFolder folder;
  for (const auto& entry : std::filesystem::directory_iterator(kTables)) {
    const std::string name = entry.path().filename().string();
    if (is_skipped(name)) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const bool text = name.ends_with("csv") || name.ends_with("jsonl") || name.ends_with("arff");
    const std::int64_t whole = read_file(entry.path().string()).table.num_rows();
    for (std::size_t share = 1; share < 8; ++share) {
      CAPTURE(name);
      CAPTURE(share);
      folder.write(name, bytes.substr(0, bytes.size() * share / 8));
      std::int64_t rows = 0;
      const std::string said = error_text([&] { rows = read_file(folder.file(name)).table.num_rows(); });
      if (!text && !name.ends_with(".arrows"))
        CHECK(!said.empty());
      else  // a shorter text, or stream, may be whole: then it has fewer rows
        CHECK((said.empty() ? rows > 0 && rows <= whole : said.find(name) != std::string::npos));
    }
  }
}

TEST_CASE("stack: parts of a table are typed as one") {
  const auto part = [](const char* text) { return read_csv_text(text, "part").table; };
  const ReadResult read = stack_rows({{"a.csv", part("n,w,c,d\n1,2,x,2024-01-01\n2,3,y,\n")},
                                      {"b.csv", part("c,n,w,d\nz,1.5,,2024-01-02\nx,2.5,,2024-01-03\n")},
                                      {"c.csv", part("n,w,c,d\n,5,,2024-01-04\n")}},
                                     {});
  CHECK(read.table.names() == std::vector<std::string>{"n", "w", "c", "d"});
  CHECK(read.table.num_rows() == 5);
  CHECK(std::string(name_of(read.table.column("n").kind())) == "number");
  CHECK(read.table.column("n").number_at(2) == 1.5);
  CHECK(read.table.column("n").is_missing(4));
  CHECK(std::string(name_of(read.table.column("w").kind())) == "integer");
  CHECK(read.table.column("w").num_missing() == 2);
  CHECK(read.table.column("c").levels() == std::vector<std::string>{"x", "y", "z"});
  CHECK(read.table.column("d").cell(4) == "2024-01-04");
  // Categories that a file declares are no numbers, whatever their levels look like.
  const auto level = [](const char* name, std::vector<std::string> levels) {
    return Table(std::vector<Column>{
        Column::category(name, Tensor::take(std::vector<std::int32_t>{0, 1, -1}), std::move(levels))});
  };
  const Column declared =
      stack_rows({{"a", level("k", {"1", "3"}), {"k"}}, {"b", level("k", {"1", "2"}), {"k"}}}, {})
          .table.column("k");
  CHECK(declared.kind() == ColumnKind::category);
  CHECK(declared.levels() == std::vector<std::string>{"1", "2", "3"});
  CHECK(declared.cell(1) == "3");
  CHECK(declared.cell(4) == "2");
  CHECK(declared.num_missing() == 2);
  CHECK(stack_rows({{"a", level("k", {"1", "3"}), {"k"}}, {"b", level("k", {"1", "2"})}}, {})
            .table.column("k")
            .kind() == ColumnKind::integer);
  CHECK(error_text([&] { stack_rows({{"a.csv", part("a,b\n1,2\n")}, {"b.csv", part("a,c\n1,2\n")}}, {}); }) ==
        "b.csv: its columns are not those of a.csv: it lacks 'b'; it has 'c' besides. The files of a folder "
        "are read "
        "as one table; texts, one a line, are lines:FOLDER.");
}
