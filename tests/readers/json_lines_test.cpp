#include <doctest/doctest.h>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/readers/json_lines.h"
#include "tests/support/error_text.h"

using namespace cairn;
using cairn::testing::error_text;

namespace {

using Names = std::vector<std::string>;

std::string refusal(std::string_view text) {
  return error_text([&] { read_json_text(text, "a.jsonl"); });
}

}  // namespace

TEST_CASE("json: nested values, missing keys, types") {
  const ReadResult read = read_json_text(
      "\xef\xbb\xbf{\"a\": 1, \"b\": {\"x\": 2.5, \"y\": [true, \"u\"]}, \"s\": \"h\\u00e9 "
      "\\ud83d\\ude00\"}\r\n"
      "\n"
      "  {\"s\": null, \"b\": {\"y\": [false], \"x\": -1e3}, \"a\": \"7\"}\n"
      "{\"late\": \"2024-05-31\", \"e\": {}, \"f\": []}",
      "a.jsonl");
  CHECK(read.table.names() == Names{"a", "b.x", "b.y.0", "b.y.1", "s", "late"});
  CHECK(read.table.num_rows() == 3);
  CHECK(read.table.column("a").kind() == ColumnKind::integer);  // in quotes or not, as in a text table
  CHECK(read.table.column("a").number_at(1) == 7);
  CHECK(read.table.column("a").is_missing(2));
  CHECK(read.table.column("b.x").number_at(1) == -1000);
  CHECK(read.table.column("b.y.0").kind() == ColumnKind::boolean);
  CHECK(read.table.column("s").cell(0) == "h\xc3\xa9 \xf0\x9f\x98\x80");
  CHECK(read.table.column("late").kind() == ColumnKind::date);
}

TEST_CASE("json: rows that are arrays, with and without a header") {
  const ReadResult named = read_json_text("[\"x\", \"name\"]\n[1, \"u\"]\n[2, null]\n", "a.jsonl");
  CHECK(named.table.names() == Names{"x", "name"});
  CHECK(named.table.num_rows() == 2);
  CHECK(named.guesses[0] == "header: yes (line 1 holds only texts)");
  const ReadResult plain = read_json_text("[\"x\", \"name\"]\n[\"y\", \"u\"]\n", "a.jsonl");
  CHECK(plain.table.names() == Names{"c0", "c1"});
  CHECK(plain.table.num_rows() == 2);
  ReadOptions options;
  options.header = "yes";
  CHECK(read_json_text("[\"x\", \"name\"]\n[\"y\", \"u\"]\n", "a.jsonl", options).table.names() ==
        Names{"x", "name"});
  const ReadResult one = read_json_text("[\n  {\"a\": 1},\n  {\"a\": 2.5}\n]", "a.json");
  CHECK(one.table.column("a").number_at(1) == 2.5);
  CHECK(read_json_text("[[1, 2], [3, 4]]", "a.json").table.names() == Names{"c0", "c1"});
}

TEST_CASE("json: what is wrong is told with its line") {
  CHECK(refusal("") == "a.jsonl: is empty; an object or an array a line was expected");
  CHECK(refusal(" \n\n") == "a.jsonl: is empty; an object or an array a line was expected");
  CHECK(refusal("{}\n{}\n") == "a.jsonl: has no columns");
  CHECK(refusal("{\"a\": 1}\n\n{\"a\": 1,}\n").starts_with("a.jsonl:3: is no JSON at character 9: "));
  CHECK(refusal("{\"a\": 1}\n{\"a\": ").starts_with("a.jsonl:2: is no JSON at character"));
  CHECK(refusal("{\"a\": NaN}\n")
            .ends_with("JSON knows no NaN and no infinity; null stands for what is missing."));
  CHECK(refusal("{\"a\": 1}\n7\n") ==
        "a.jsonl:2: '7' is neither an object nor an array; a row was expected. A row is {\"name\": value, "
        "...} or "
        "[value, ...].");
  CHECK(refusal("{\"a\": 1, \"a\": 2}\n") == "a.jsonl:1: 'a' stands twice in it");
  CHECK(refusal("{\"a\": 1}\n[1]\n") ==
        "a.jsonl:2: some rows are objects and some are arrays. Write all rows in one way.");
  CHECK(refusal("[1, 2]\n[1]\n") ==
        "a.jsonl:2: the row has 1 cells, the rows before it have 2. null is a missing cell.");
  CHECK(refusal("{\"a\": \"x\\u0000y\"}\n") == "a.jsonl:1: a text holds a zero byte (\\u0000)");
  CHECK(refusal("{\"a\": \"\xff\"}\n").starts_with("a.jsonl:1: is no JSON at character"));
  CHECK(refusal("{\"a\": 1e999}\n").find("a.jsonl:1") == 0);
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "{\"a\":";
  CHECK(refusal(std::string(100'000, '[')).ends_with("values stand more than 64 levels deep in each other"));
  CHECK(refusal(deep + "\n") == "a.jsonl:1: values stand more than 64 levels deep in each other");
  std::string many;  // a row's key is its own
  for (int i = 0; i < 20'000; ++i) many += "{\"k" + std::to_string(i) + "\": 1}\n";
  CHECK(refusal(many).find("hardly any two rows have one in common. Is this a table?") != std::string::npos);
  std::string long_file;  // the faulty line stands in a later piece
  for (int i = 0; i < 200'000; ++i) long_file += "{\"a\": 1}\n";
  CHECK(refusal(long_file + "{\"a\" 1}\n").starts_with("a.jsonl:200001: is no JSON"));
  ReadOptions options;
  options.types = {{"a", ColumnKind::number}};
  CHECK(error_text([&] { read_json_text("{\"a\": 1}\n\n{\"a\": \"x\"}\n", "a.jsonl", options); }) ==
        "a.jsonl:3, column 'a': 'x' is not a number, which --types asks for. If it stands for a missing "
        "value: --na "
        "'x'.");
}

TEST_CASE("json: whole numbers beyond 64 bits change neither the order of keys nor what is wrong") {
  const Table t =
      read_json_text("{\"z\": 1, \"b\": {\"y\": 98765432109876543210, \"a\": 2}}\n{\"z\": 2}\n", "a.jsonl")
          .table;
  CHECK(t.names() == Names{"z", "b.y", "b.a"});
  CHECK(t.column("b.y").number_at(0) == 98765432109876543210.0);
  CHECK(read_json_text("{\"n\": 98765432109876543210}\n{\"n\": \"x y\"}\n", "a.jsonl")
            .table.column("n")
            .cell(0) == "98765432109876543210");
  CHECK(refusal("{\"b\": {\"y\": 98765432109876543210, \"y\": 2}}\n") ==
        "a.jsonl:1: 'b.y' stands twice in it");
}

TEST_CASE("json: the same table for any number of threads") {
  std::string text;
  Random random(3, "json");
  for (int i = 0; i < 60'000; ++i)
    text += "{\"a\": " + std::to_string(random.below(1000)) + ", \"b\": \"t" +
            std::to_string(random.below(30)) + "\"" + (i % 7 == 0 ? ", \"rare\": 1.5}" : "}") + "\n";
  const int threads = num_threads();
  set_num_threads(1);
  const std::string one = read_json_text(text, "a").table.sha256();
  set_num_threads(7);
  CHECK(read_json_text(text, "a").table.sha256() == one);
  set_num_threads(threads);
}

TEST_CASE("json: told by its content") {
  CHECK(kJsonReader.sniff("{\"a\": 1}\n{\"a\": 2}\n"));
  CHECK(kJsonReader.sniff("[1, 2]\n"));
  CHECK(kJsonReader.sniff("[\n {\"a\""));
  CHECK(kJsonReader.sniff("{\"a\": \"" + std::string(1 << 16, 'x')));  // a long row, cut off
  for (const char* other :
       {"", "a,b\n1,2\n", "{\n  \"a\": 1\n}\n", "{x}\n", "[a]\n1\n", "{\"a\": 1} {\"b\": 2}\n"}) {
    CAPTURE(other);
    CHECK(!kJsonReader.sniff(other));
  }
}
