#include <doctest/doctest.h>

#include "cairn/readers/arff.h"
#include "tests/support/error_text.h"

using namespace cairn;
using cairn::testing::error_text;

namespace {

using Names = std::vector<std::string>;

const std::string kHeader =
    "% a remark\n"
    "@RELATION 'two words'\n"
    "@attribute 'a b' numeric\n"
    "@ATTRIBUTE class {yes, no, 'not sure'}   % the target\n"
    "@attribute note string\n"
    "@attribute day date \"dd/MM/yyyy HH:mm\"\n"
    "@data\n";

std::string refusal(const std::string& text) {
  return error_text([&] { read_arff_text(text, "a.arff"); });
}
std::string row_refusal(const std::string& row) { return refusal(kHeader + row + "\n"); }

}  // namespace

TEST_CASE("arff: types, quotes, remarks, missing values") {
  const ReadResult read = read_arff_text(kHeader +
                                             "1, yes, 'it\\'s, so', '31/12/2024 10:30'\r\n"
                                             "% between rows\n"
                                             "\n"
                                             "?, 'not sure', \"x \\\"y\\\"\", ?   % behind one\n"
                                             "3,\tno,\tz,\t'01/02/2023 00:00'\n",
                                         "a.arff");
  CHECK(read.table.names() == Names{"a b", "class", "note", "day"});
  CHECK(read.table.column("a b").kind() == ColumnKind::integer);
  CHECK(read.table.column("a b").is_missing(1));
  CHECK(read.table.column("class").levels() == Names{"no", "not sure", "yes"});
  CHECK(read.table.column("note").cell(0) == "it's, so");
  CHECK(read.table.column("note").cell(1) == "x \"y\"");
  CHECK(read.table.column("day").cell(0) == "2024-12-31T10:30:00");
  CHECK(read.table.column("day").cell(2).starts_with("2023-02-01"));
  CHECK(read.schema.columns[1].reason == "the ARFF header");
  CHECK(kArffReader.sniff("% x\n\n@Relation y\n"));
  CHECK(!kArffReader.sniff("a,b\n1,2\n"));
}

TEST_CASE("arff: sparse rows") {
  const std::string header =
      "@relation r\n@attribute x0 numeric\n@attribute x1 numeric\n@attribute x2 numeric\n"
      "@attribute c {first, second}\n@data\n";
  const ReadResult sparse = read_arff_text(header + "{0 1.5}\n{3 second}\n{}\n{1 2, 3 'second'}\n", "a.arff");
  CHECK(sparse.table.names() == Names{"c", "features"});
  CHECK(sparse.table.column("features").matrix().is_sparse());
  CHECK(sparse.table.column("features").cell(0) == "[1.5 0 0]");
  CHECK(sparse.table.column("features").cell(3) == "[0 2 0]");
  CHECK(sparse.table.column("features").feature_names() == Names{"x0", "x1", "x2"});
  CHECK(sparse.table.column("c").cell(0) == "first");
  CHECK(sparse.table.column("c").cell(1) == "second");
  ReadOptions options;
  options.arguments = {{"layout", "columns"}};
  const Table columns = read_arff_text(header + "{0 1.5}\n{0 ?, 1 2}\n", "a.arff", options).table;
  CHECK(columns.names() == Names{"c", "x0", "x1", "x2"});
  CHECK(columns.column("x0").is_missing(1));
  CHECK(columns.column("x1").kind() == ColumnKind::integer);
  CHECK(refusal(header + "{0 1}\n1,2,3,first\n") ==
        "a.arff:8: some rows are sparse, in braces, and some are not. Write all rows in one way.");
  CHECK(refusal(header + "{4 1}\n").starts_with("a.arff:7: '4' is no number of an attribute, 0 to 3."));
  CHECK(refusal(header + "{1 1, 0 1}\n").starts_with("a.arff:7: attribute 0 stands after attribute 1."));
  CHECK(refusal(header + "{1 1}, {5}\n") ==
        "a.arff:7: the row ends in a weight in braces, which is not read. Make it an attribute.");
  CHECK(refusal(header + "{1 1} more\n") ==
        "a.arff:7: 'more' follows the row's closing brace. A row ends its line.");
  CHECK(refusal(header + "{3 'second' 1 2}\n").starts_with("a.arff:7: '"));
  CHECK(read_arff_text("\xef\xbb\xbf" + header + "{0 1} % said\n", "a.arff").table.num_rows() == 1);
  CHECK(refusal(header + "{1 1\n") == "a.arff:7: the sparse row is never closed with }");
  CHECK(refusal(header + "{1 x}\n") ==
        "a.arff:7: 'x' is not a finite number, which 'x1' is declared to hold");
}

TEST_CASE("arff: sparse rows cost what they state") {
  std::string header = "@relation r\n";
  for (int i = 0; i < 5000; ++i) header += "@attribute x" + std::to_string(i) + " numeric\n";
  for (int i = 0; i < 3; ++i) header += "@attribute c" + std::to_string(i) + " {one, two}\n";
  std::string rows;
  for (int i = 0; i < 20'000; ++i) rows += i % 2 == 0 ? "{5001 two}\n" : "{7 1, 5000 ?}\n";
  ReadOptions options;
  options.max_memory = 100'000'000;  // a cell of each attribute would take 800 MB
  const Table t = read_arff_text(header + "@data\n" + rows, "a.arff", options).table;
  CHECK(t.num_rows() == 20'000);
  CHECK(t.column("c0").cell(0) == "one");
  CHECK(t.column("c0").is_missing(1));
  CHECK(t.column("c1").cell(19'998) == "two");
  CHECK(t.column("c1").cell(19'999) == "one");
  CHECK(t.column("c2").levels() == Names{"one"});
  options.max_memory = 400'000;
  CHECK(error_text([&] { read_arff_text(header + "@data\n" + rows, "a.arff", options); }) ==
        "a.arff: 20000 rows of 3 columns need 0 MB. --max-memory sets how much may be read; nominal "
        "attributes take "
        "a cell a row.");
}

TEST_CASE("arff: --types of sparse rows") {
  const std::string text =
      "@relation r\n@attribute x numeric\n@attribute y numeric\n@attribute z numeric\n@data\n{0 1}\n{1 "
      "2}\n{}\n";
  ReadOptions options;
  options.types = {{"x", ColumnKind::category}};
  CHECK(error_text([&] { read_arff_text(text, "a.arff", options); }) ==
        "--types: 'x' of a.arff is one of the numbers that sparse rows keep together, and cannot be read as "
        "category. Give each a column of its own: 'arff:FILE?layout=columns'.");
  options.arguments = {{"layout", "columns"}};
  const Table t = read_arff_text(text, "a.arff", options).table;
  CHECK(t.column("x").levels() == Names{"0", "1"});
  CHECK(t.column("y").kind() == ColumnKind::integer);
  options.types = {{"xx", ColumnKind::category}};
  CHECK(error_text([&] { read_arff_text(text, "a.arff", options); }) ==
        "--types: a.arff has no column 'xx'. Did you mean 'x'?");
}

TEST_CASE("arff: what is wrong is told with its line") {
  CHECK(refusal("@relation r\n@attribute d date 'dd-MM-yy'\n@data\n05-01-24\n") ==
        "a.arff:2: the dates of 'd' have the form dd-MM-yy, whose short year (yy) does not say its century. "
        "Write "
        "years of four digits, yyyy.");
  CHECK(refusal("") == "a.arff: is empty; @relation, @attribute and @data were expected");
  CHECK(refusal("@relation r\n@attribute a numeric\n") == "a.arff:2: the header ends without @data");
  CHECK(refusal("@relation r\n@data\n1\n") == "a.arff:2: @data comes before any @attribute");
  CHECK(refusal("@relation r\n@attribute a nmeric\n") ==
        "a.arff:2: 'nmeric' is no type of an attribute. There are numeric, real, integer, string, date and "
        "{value, "
        "value}.");
  CHECK(refusal("@relation r\n@attribute a numeric\n@attribute a numeric\n@data\n") ==
        "a.arff:3: attribute 'a' is declared twice; names must differ");
  CHECK(refusal("@relation r\n@attribute a {x, y\n@data\n") ==
        "a.arff:2: the values of 'a' are never closed with }");
  CHECK(refusal("@relation r\n@attribute a {x, x}\n@data\n") == "a.arff:2: 'a' holds the value 'x' twice");
  CHECK(refusal(kHeader) == "a.arff: has no rows behind @data");
  CHECK(row_refusal("1, yes, a") ==
        "a.arff:8: the row has 3 cells, the header has 4 attributes. A cell that holds a comma must stand in "
        "quotes.");
  CHECK(row_refusal("1, yess, a, ?") ==
        "a.arff:8: 'yess' is none of the 3 values that the header gives 'class'. Did you mean 'yes'?");
  CHECK(row_refusal("1, yes, 'a, ?").starts_with("a.arff:8: the quote that begins here is never closed."));
  CHECK(row_refusal("1, yes, a, 2024-01-01") ==
        "a.arff:8: '2024-01-01' is no date of 'day' in the form dd/MM/yyyy HH:mm");
  CHECK(row_refusal("1, yes, a, '31/02/2024 10:30'").find("a.arff:8, column 'day'") == 0);
  CHECK(row_refusal("x, yes, a, ?") ==
        "a.arff:8, column 'a b': 'x' is not a number, which the ARFF header asks for. If it stands for a "
        "missing "
        "value: --na 'x'.");
  CHECK(row_refusal("1, yes, a, ?, {5}") ==
        "a.arff:8: the row ends in a weight in braces, which is not read. Make it an attribute.");
  CHECK(row_refusal("1, yes, \xff, ?").starts_with("a.arff:8: byte 0xff is not UTF-8 here."));
}
