#include "cairn/data/csv.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"

using namespace cairn;

namespace {

ReadResult read(const std::string& text, const ReadOptions& options = {}) {
  return read_csv_text(text, "t.csv", options);
}

std::string cells(const Table& table) {
  std::string text;
  for (std::int64_t r = 0; r < table.num_rows(); ++r)
    for (std::int64_t c = 0; c < table.num_columns(); ++c)
      text += (table.column(c).is_missing(r) ? "NA" : table.column(c).cell(r)) +
              (c + 1 < table.num_columns() ? "|" : "\n");
  return text;
}

std::string kinds(const Table& table) {
  std::string text;
  for (const Column& c : table.columns())
    text += (text.empty() ? "" : " ") + c.name() + ":" + name_of(c.kind());
  return text;
}

bool has_warning(const ReadResult& result, const std::string& code) {
  for (const Warning& w : result.warnings)
    if (w.code == code) return true;
  return false;
}

}  // namespace

TEST_CASE("csv: what a table looks like once read") {
  struct Case {
    const char* what;
    std::string text;
    const char* kinds;
    const char* cells;
    ReadOptions options = {};
  };
  const Case cases[] = {
      {"plain", "a,b\n1,x\n2,y\n", "a:integer b:category", "1|x\n2|y\n"},
      {"no line end at the end", "a,b\n1,x\n2,y", "a:integer b:category", "1|x\n2|y\n"},
      {"carriage returns", "a,b\r\n1,x\r\n2,y\r\n", "a:integer b:category", "1|x\n2|y\n"},
      {"old Macintosh", "a,b\r1,x\r2,y\r", "a:integer b:category", "1|x\n2|y\n"},
      {"byte order mark",
       "\xef\xbb\xbf"
       "a,b\n1,2\n",
       "a:integer b:integer", "1|2\n"},
      {"blank lines", "\na,b\n\n1,2\n   \n3,4\n\n", "a:integer b:integer", "1|2\n3|4\n"},
      {"quotes", "a,b\n\"1\",\"x, y\"\n2,\"say \"\"hi\"\"\"\n", "a:integer b:category",
       "1|x, y\n2|say \"hi\"\n"},
      {"line end in quotes", "a,b\n1,\"x\ny\"\n2,z\n", "a:integer b:category", "1|x\ny\n2|z\n"},
      {"blanks around", "a, b\n 1, x \n2 ,y\t\n", "a:integer b:category", "1|x\n2|y\n"},
      {"blanks inside quotes stay", "a,b\n1,\" x \"\n2,y\n", "a:integer b:category", "1| x \n2|y\n"},
      {"blank before a quote", "a,b\n1, \"x,z\" \n2,y\n", "a:integer b:category", "1|x,z\n2|y\n"},
      {"a stray quote inside a bare cell", "a,b\n1,5\" pipe\n2,6\" pipe\n", "a:integer b:category",
       "1|5\" pipe\n2|6\" pipe\n"},
      {"tabs", "a\tb\n1\tx y\n2\t\n", "a:integer b:category", "1|x y\n2|NA\n"},
      {"semicolons", "a;b\n1;x\n2;y\n", "a:integer b:category", "1|x\n2|y\n"},
      {"bars", "a|b\n1|x\n2|y\n", "a:integer b:category", "1|x\n2|y\n"},
      {"runs of blanks", " a   b\n1  2.5 \n 3 \t4\n", "a:integer b:number", "1|2.5\n3|4\n"},
      {"missing", "a,b,c\n1,NA,x\n,2,?\nnan,null,z\n", "a:integer b:integer c:category",
       "1|NA|x\nNA|2|NA\nNA|NA|z\n"},
      {"stated missing", "a,b\n-1,x\n2,NA\n", "a:integer b:category", "NA|x\n2|NA\n", {.na = {"-1", "NA"}}},
      {"stated missing replaces the default",
       "a,b\n1,?\n2,none\n",
       "a:integer b:category",
       "1|?\n2|NA\n",
       {.na = {"none"}}},
      {"integers and numbers", "a,b\n1,1\n2,2.5\n3,3\n", "a:integer b:number", "1|1\n2|2.5\n3|3\n"},
      {"big integers", "a,b\n9223372036854775807,9223372036854775808\n", "a:integer b:number",
       "9223372036854775807|9.223372036854776e+18\n"},
      {"signs and exponents", "a\n+1.5\n-2e3\n.5\n5.\n", "a:number", "1.5\n-2000\n0.5\n5\n"},
      {"booleans", "a,b\ntrue,yes\nFALSE,no\n", "a:boolean b:category", "true|yes\nfalse|no\n"},
      {"dates", "d,e\n2024-02-29,2024-02-29T12:30:05Z\n1969-12-31,2024-03-01 00:00+02:00\n", "d:date e:date",
       "2024-02-29|2024-02-29T12:30:05\n1969-12-31|2024-02-29T22:00:00\n"},
      {"months", "d,n\n1949-01,1\n1949-12,2\n", "d:date n:integer", "1949-01-01|1\n1949-12-01|2\n"},
      {"day first", "d,n\n03/02/2024,1\n13/02/2024,2\n", "d:date n:integer", "2024-02-03|1\n2024-02-13|2\n"},
      {"month first", "d,n\n03/02/2024,1\n02/13/2024,2\n", "d:date n:integer",
       "2024-03-02|1\n2024-02-13|2\n"},
      {"no such day", "d,n\n2023-02-29,1\n2023-03-01,2\n", "d:category n:integer",
       "2023-02-29|1\n2023-03-01|2\n"},
      {"comments",
       "# made by hand\na,b\n1,2\n# \"middle\n3,4\n",
       "a:integer b:integer",
       "1|2\n3|4\n",
       {.comment = "#"}},
      {"skip", "150,4,x\na,b\n1,2\n", "a:integer b:integer", "1|2\n", {.skip = 1}},
      {"no header", "1,x\n2,y\n", "c0:integer c1:category", "1|x\n2|y\n"},
      {"stated no header", "a,b\n1,2\n", "c0:category c1:category", "a|b\n1|2\n", {.header = "no"}},
      {"stated header", "1,2\n3,4\n", "1:integer 2:integer", "3|4\n", {.header = "yes"}},
      {"stated separator",
       "a;b,c\n1;2,3\n",
       "a;b:category c:integer",
       "1;2|3\n",
       {.header = "yes", .separator = ","}},
      {"stated tab", "a\tb\n1\t2\n", "a:integer b:integer", "1|2\n", {.separator = "tab"}},
      {"no quotes",
       "a,b\n\"1,\"x\n\"2,y\n",
       "a:category b:category",
       "\"1|\"x\n\"2|y\n",
       {.header = "yes", .quote = "none"}},
      {"other quotes",
       "a,b\n1,'x,y'\n2,'it''s'\n",
       "a:integer b:category",
       "1|x,y\n2|it's\n",
       {.quote = "'"}},
      {"types",
       "a,b\n1,2\n3,4\n",
       "a:category b:number",
       "1|2\n3|4\n",
       {.types = {{"a", ColumnKind::category}, {"b", ColumnKind::number}}}},
      {"decimal comma, told by itself", "a;b\n1,5;x\n2,25;y\n", "a:number b:category", "1.5|x\n2.25|y\n"},
      {"decimal comma, no header", "1,5;2,5\n2,25;3,5\n", "c0:number c1:number", "1.5|2.5\n2.25|3.5\n"},
      {"decimal comma, stated",
       "a;b\n1,500;x\n2,250;y\n",
       "a:number b:category",
       "1.5|x\n2.25|y\n",
       {.decimal = ','}},
      {"grouped digits",
       "a;b\n1,234,567;x\n12;y\n",
       "a:integer b:category",
       "1234567|x\n12|y\n",
       {.thousands = ','}},
      {"unfit cells as missing",
       "a,b\n1,x\nabc,y\n1e999,z\n",
       "a:number b:category",
       "1|x\nNA|y\nNA|z\n",
       {.types = {{"a", ColumnKind::number}}, .missing = "missing"}},
      {"names of numbers",
       "year,2019,2020\nx,1,2\ny,3,4\n",
       "year:category 2019:integer 2020:integer",
       "x|1|2\ny|3|4\n",
       {.header = "yes"}},
      {"all missing", "a,b\n1,\n2,NA\n", "a:integer b:number", "1|NA\n2|NA\n"},
      {"one column", "a\n1\n2\n", "a:integer", "1\n2\n"},
      {"one column, quoted empty is a row", "a\n1\n\"\"\n2\n", "a:integer", "1\nNA\n2\n"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const ReadResult result = read(c.text, c.options);
    CHECK(kinds(result.table) == c.kinds);
    CHECK(cells(result.table) == c.cells);
  }
}

TEST_CASE("csv: bad input is refused with place, values and way out") {
  struct Case {
    std::string text;
    const char* message;
    ReadOptions options = {};
  };
  using namespace std::string_literals;
  const Case cases[] = {
      {"", "t.csv: is empty; a table has a header line and rows"},
      {"\xef\xbb\xbf", "t.csv: is empty; a table has a header line and rows"},
      {"\n \n\n", "t.csv: has no lines but blank ones and comments"},
      {"a,b\n", "t.csv: has a header line but no rows"},
      {"a,b\n1,2\n1,2,3\n4,5\n",
       "t.csv:3: the row has 3 cells, the header has 2. A cell that holds the separator must stand in "
       "quotes. --sep names the separator if the guess is wrong."},
      {"a,b\n1,2\n\n3\n4,5\n",
       "t.csv:4: the row has 1 cell, the header has 2. Complete the row or take it out. --sep names the "
       "separator if the guess is wrong."},
      {"\"an open quote\nis left out\na,b\n1,2\n3\n",
       "t.csv:5: the row has 1 cell, the header has 2. Complete the row or take it out.",
       {.skip = 2, .separator = ","}},  // found by the fuzzer: looking for the header never ended
      {"1,2\n3,4\n5\n",
       "t.csv:3: the row has 1 cell, line 1 has 2. Complete the row or take it out.",
       {.separator = ","}},
      {"150,4,x,y\n1,2\n3,4\n5,6\n",
       "t.csv:1: the line has 4 cells, the lines after it have 2. If line 1 is not part of the "
       "table, --skip 1 leaves it out."},
      {"a,b\n1,\"x\n2,y\n3,z\n",
       "t.csv:2: the quote that begins here is never closed. If quotes quote nothing in this file: "
       "--quote none.",
       {.quote = "\""}},
      {"a,b\n1,\"x, y\n2,y\n3,z\n",
       "t.csv:2: the quote that begins here is never closed. If quotes quote nothing in this file: "
       "--quote none."},
      {"a,b\n\"1\",\"x\"\n\"2\",\"y\n\"3\",\"z\"\n",
       "t.csv:3: a quoted cell is followed by more text; a separator or the end of the line was expected. A "
       "quote inside quotes is written twice. If quotes quote nothing in this file: --quote none."},
      {"a,b\n1,\"x\"\n2,y\n3,\"z\n4,u\n",
       "t.csv:4: the quote that begins here is never closed. If quotes quote nothing in this file: --quote "
       "none."},
      {"a\tb\n1\t\"hi\n2\tthere\n",
       "t.csv:2: the quote that begins here is never closed. If quotes quote nothing in this file: --quote "
       "none."},
      {"\"a,b\n1,2\n",  // found by the fuzzer: no first record, so no columns
       "t.csv:1: the quote that begins here is never closed. If quotes quote nothing in this file: --quote "
       "none."},
      {"\"a,b\n1,2\n",
       "t.csv:1: the quote that begins here is never closed. If quotes quote nothing in this file: --quote "
       "none.",
       {.quote = "\""}},
      {"a,b\n1,\"x\" y\n",
       "t.csv:2: a quoted cell is followed by more text; a separator or the end of the line was expected. A "
       "quote inside quotes is written twice. If quotes quote nothing in this file: --quote none.",
       {.quote = "\""}},
      {"a,b\n1,x\0y\n"s,
       "t.csv:2: a zero byte stands here; text was expected. Is this a table in text form?"},
      {"a,b\n1,x\n2,caf\xe9\n",
       "t.csv:3: byte 0xe9 is not UTF-8 here. If the text is Latin-1, convert it: iconv -f LATIN1 -t "
       "UTF-8 IN > OUT."},
      {"caf\xe9,b\n1,x\n",
       "t.csv:1: byte 0xe9 is not UTF-8 here. If the text is Latin-1, convert it: iconv -f LATIN1 -t UTF-8 "
       "IN "
       "> OUT."},
      {"\xff\xfe"
       "a\0,\0"s,
       "t.csv: is UTF-16 text; tables are read as UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 IN > OUT."},
      {"a\0,\0b\0\n\0"s
       "1\0,\0"
       "2\0\n\0"s,
       "t.csv: is UTF-16 text; tables are read as UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 IN > OUT."},
      {"a,b,a\n1,2,3\n",
       "t.csv:1: column name 'a' (columns 1 and 3) stands twice; names must differ. Rename one, or leave the "
       "line "
       "out and number the columns: --header no --skip 1."},
      {"a,b\n1,2\n1e999,3\n",
       "t.csv:3, column 'a': 1e999 is beyond the largest number, about 1.8e308. To take it for missing: "
       "--na '1e999'."},
      {"a,b\n1,2\n3,-inf\n",
       "t.csv:3, column 'b': '-inf' is not a finite number. To take it for missing: --na '-inf'."},
      {"a,b\n1,2\nabc,3\n",
       "t.csv:3, column 'a': 'abc' is not a number, which --types asks for. If it stands for a missing "
       "value: "
       "--na 'abc'.",
       {.types = {{"a", ColumnKind::number}}}},
      {"a,b\n1,2\n\"a \"\"b\"\"\",3\n",
       "t.csv:3, column 'a': 'a \"b\"' is not a whole number of at most 64 bits, which --types asks "
       "for. If it stands for a missing value: --na 'a \"b\"'.",
       {.types = {{"a", ColumnKind::integer}}}},
      {"a,b\n1,2\n",
       "--types: t.csv has no column 'aa'. Did you mean 'a'?",
       {.types = {{"aa", ColumnKind::number}}}},
      {"a,b\n1,2\n",
       "--sep: 'ab' cannot separate cells. Give one character, or tab, comma, semicolon, bar or blank.",
       {.separator = "ab"}},
      {"a,b\n1,2\n", "--quote: 'ab' cannot quote cells. Give one character, or none.", {.quote = "ab"}},
      {"a,b\n1,2\n", "--header: 'perhaps' is neither yes nor no", {.header = "perhaps"}},
      {"a,b\n1,2\n", "t.csv: has only 2 lines; --skip 5 leaves none", {.skip = 5}},
      {"a,b\n1,2\n",
       "t.csv: about 1 rows of 2 columns need 0 MB of memory; --max-memory allows 0 MB",
       {.max_memory = 10}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    std::string message = "nothing was thrown";
    try {
      read(c.text, c.options);
    } catch (const Error& e) {
      message = e.what();
    }
    CHECK(message == c.message);
  }
}

TEST_CASE("csv: what is doubtful is read and said") {
  struct Case {
    std::string text;
    const char* code;
  };
  const Case cases[] = {
      {"150,4,setosa\n5.1,3.5,0\n4.9,3,1\n4,3,2\n", "header"},
      {"Smith\nJones\n", "header"},
      {"a\tb\nx\t\"hi\" there\ny\tz\n", "doubtful_quotes"},
      {"a\tb\n1\t\"hi\n2\t5\" pipe\n3\t6\" pipe\n", "doubtful_quotes"},
      {"\"a,b\n1,x\"y\n2,5\" z\n", "doubtful_quotes"},  // no first record, so no columns
      {"a,b\n1,\"x\n2,y\n3,z\"\n4,u\n", "doubtful_quotes"},
      {"a,,b\n1,2,3\n", "empty_column_name"},
      {"d,n\n01/02/2024,1\n03/04/2024,2\n", "ambiguous_dates"},
      {"a;b\n1,234;x\n2,345;y\n", "grouped_digits"},
      {"a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11?\n", "almost_numbers"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(has_warning(read(c.text), c.code));
  }
  CHECK(read("a,b\n1,x\n2,y\n").warnings.empty());
}

TEST_CASE("csv: the kind fits every cell, wherever it stands, for any number of threads") {
  // A fraction, a text, a date of the other order and a missing value far behind what a sample would show.
  std::string text = "i,n,s,d,b\n";
  const int rows = 200'000;
  for (int r = 0; r < rows; ++r)
    text += fmt::format("{},{},{},{:02}/{:02}/2024,{}\n", r, r == 150'001 ? "0.5" : std::to_string(r),
                        r == 180'000 ? "\"odd, one\"" : std::to_string(r % 7), 1 + r % 12,
                        r == 170'000 ? 28 : 1 + r % 12, r == 199'999 ? "" : "true");
  std::string first;
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    const ReadResult result = read(text);
    CHECK(kinds(result.table) == "i:integer n:number s:category d:date b:boolean");
    CHECK(result.table.num_rows() == rows);
    CHECK(result.table.column("n").number_at(150'001) == 0.5);
    CHECK(result.table.column("n").number_at(199'999) == 199'999);
    CHECK(result.table.column("s").cell(180'000) == "odd, one");
    CHECK(result.table.column("s").levels().size() == 8);
    CHECK(result.table.column("d").cell(170'000) == fmt::format("2024-{:02}-28", 1 + 170'000 % 12));
    CHECK(result.table.column("b").num_missing() == 1);
    CHECK(has_warning(result, "almost_numbers"));
    const std::string hash = result.table.sha256();
    if (first.empty()) first = hash;
    CHECK(hash == first);
  }
  set_num_threads(2);
}

TEST_CASE("csv: a model's schema decides the kinds") {
  Schema schema;
  schema.columns = {{.name = "code", .kind = ColumnKind::category},
                    {.name = "age", .kind = ColumnKind::integer},
                    {.name = "note", .kind = ColumnKind::text}};
  const ReadResult result = read("note,age,code,extra\n5,1,7,x\n6,2.5,8,y\n", {.schema = &schema});
  CHECK(kinds(result.table) == "note:text age:number code:category extra:category");
  CHECK(result.schema.find("code")->reason == "the model's schema");
  CHECK_THROWS_WITH_AS(read("age\nold\n", {.header = "yes", .schema = &schema}),
                       "t.csv:2, column 'age': 'old' is not a whole number of at most 64 bits, which the "
                       "model's schema asks for. If "
                       "it stands for a missing value: --na 'old'.",
                       DataError);
}

TEST_CASE("csv: wide tables and long cells") {
  std::string header, row;
  for (int c = 0; c < 100'000; ++c) {
    header += fmt::format("{}x{}", c > 0 ? "," : "", c);
    row += fmt::format("{}{}", c > 0 ? "," : "", c % 10);
  }
  const ReadResult wide = read(header + "\n" + row + "\n" + row + "\n");
  CHECK(wide.table.num_columns() == 100'000);
  CHECK(wide.table.column(99'999).number_at(1) == 9);
  const std::string field(100'000'000, 'z');
  const ReadResult big =
      read("a,b\n1,\"" + field + "\"\n2,y\n", {.types = {{"b", ColumnKind::text}}, .sha256 = false});
  CHECK(big.table.column("b").text_at(0).size() == field.size());
}

TEST_CASE("The end of a long last row may lie alone behind the boundary of two regions") {
  // Regions are a mebibyte each: the last row begins in the first one and ends in the second.
  const std::size_t short_rows = (std::size_t{1} << 19) - 1;
  std::string text = "a\n";
  for (std::size_t r = 0; r < short_rows; ++r) text += "1\n";
  for (const char* end : {"12345678\n", "12345678"}) {
    const Table table = read(text + end).table;
    REQUIRE(table.num_rows() == static_cast<std::int64_t>(short_rows) + 1);
    CHECK(table.column("a").cell(table.num_rows() - 1) == "12345678");
  }
}
