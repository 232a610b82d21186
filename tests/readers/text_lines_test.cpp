#include <doctest/doctest.h>

#include <filesystem>

#include "cairn/readers/text_lines.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::shared_data;
using cairn::testing::TemporaryFolder;

using Names = std::vector<std::string>;

TEST_CASE("lines: the class is what tells the files' names apart") {
  CHECK(distinct_parts({"rt-polarity.pos", "rt-polarity.neg"}) == Names{"pos", "neg"});
  CHECK(distinct_parts({"pos.txt", "neg.txt"}) == Names{"pos", "neg"});
  CHECK(distinct_parts({"Arabic.txt", "Armenian.txt"}) == Names{"Arabic", "Armenian"});
  CHECK(distinct_parts({"train_pos.txt.gz", "train_neg.txt.gz"}) == Names{"pos", "neg"});
  CHECK(distinct_parts({"a", "a.txt"}) == Names{"a", "a.txt"});
  CHECK(distinct_parts({"x.a", "x.a"}) == Names{"x.a", "x.a"});
}

TEST_CASE("lines: files, a folder, folders of classes, parts") {
  const TemporaryFolder folder;
  folder.write("a.pos", "good film\r\n\n  fine, \"really\"  \n");
  folder.write("a.neg",
               "\xef\xbb\xbf"
               "bad film");
  const ReadResult two = read_text_lines(folder.file("a.pos") + "," + folder.file("a.neg"));
  CHECK(two.table.names() == Names{"text", "label"});
  CHECK(two.target == "label");
  CHECK(two.table.num_rows() == 3);
  CHECK(two.table.column("text").text_at(1) == "  fine, \"really\"  ");
  CHECK(two.table.column("text").text_at(2) == "bad film");
  CHECK(two.table.column("label").levels() == Names{"neg", "pos"});
  CHECK(two.table.column("label").cell(0) == "pos");
  CHECK(two.guesses == Names{"classes, from the names of the files: neg, pos"});
  CHECK(read_text_lines(folder.file("a.pos")).table.names() == Names{"text"});
  CHECK(read_text_lines(folder.path()).table.num_rows() == 3);
  const TemporaryFolder parts;
  for (const char* name : {"train/yes", "train/no", "test/yes", "test/no"})
    std::filesystem::create_directories(parts.file(name));
  for (const char* name : {"train/yes/1", "train/yes/2", "train/no/1", "test/yes/1", "test/no/9"})
    parts.write(name, std::string("a text of ") + name + "\n");
  const ReadResult both = read_text_lines(parts.path());
  CHECK(both.table.num_rows() == 3);
  REQUIRE(both.test.has_value());
  CHECK(both.test->column("label").levels() == Names{"no", "yes"});
}

TEST_CASE("lines: what cannot be read") {
  const TemporaryFolder folder;
  folder.write("blank.txt", "\n \n");
  folder.write("latin.txt", "fine\ncaf\xe9\n");
  folder.write("zero.txt", std::string("a\0b\n", 4));
  const auto said = [&](const char* name) {
    const std::string text = error_text([&] { read_text_lines(folder.file(name)); });
    return text.substr(folder.path().size() + 1);
  };
  CHECK(said("blank.txt") == "blank.txt: holds no text; one a line was expected");
  CHECK(said("latin.txt") ==
        "latin.txt:2: byte 0xe9 is not UTF-8 here. If the text is Latin-1, convert it: iconv -f LATIN1 -t "
        "UTF-8 IN > "
        "OUT.");
  CHECK(said("zero.txt") ==
        "zero.txt:1: a zero byte stands here; text was expected. Is this a table in text form?");
  const TemporaryFolder empty;
  CHECK(error_text([&] { read_text_lines(empty.path()); }) ==
        empty.path() + ": is an empty folder; files of texts were expected");
  std::filesystem::create_directories(folder.file("sub"));
  CHECK(error_text([&] { read_text_lines(folder.path()); }).find("the classes are one or the other") !=
        std::string::npos);
  ReadOptions little;
  little.max_memory = 2;
  folder.write("more.txt", "some text\n");
  CHECK(error_text([&] { read_text_lines(folder.file("more.txt"), little); }).find("--max-memory") !=
        std::string::npos);
}

TEST_CASE("lines: the sentences of rt_polarity") {
  const auto pos = shared_data("rt_polarity/rt-polarity.pos"),
             neg = shared_data("rt_polarity/rt-polarity.neg");
  if (!pos || !neg) return;
  const ReadResult read = read_text_lines(*pos + "," + *neg);
  CHECK(read.table.num_rows() == 10662);
  CHECK(read.table.column("label").levels() == Names{"neg", "pos"});
}
