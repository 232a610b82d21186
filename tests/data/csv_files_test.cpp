#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/csv.h"
#include "cairn/data/csv_writer.h"
#include "tests/support/compressed.h"

using namespace cairn;
using cairn::testing::gzip;
using cairn::testing::zstd;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "cairn_csv.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const std::string& name, std::string_view contents) const {
    write_file((path_ / name).string(), contents);
    return (path_ / name).string();
  }
  std::string path(const std::string& name = "") const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

std::string message_of(const std::string& path, const ReadOptions& options = {}) {
  try {
    read_csv(path, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

// The catalogue's files lie outside the repository.
std::string data_folder() {
  if (const char* folder = std::getenv("CAIRN_DATA")) return folder;
  return std::string(CAIRN_SOURCE_DIR) + "/../shared/data";
}

}  // namespace

TEST_CASE("csv: compressed files open as they are, told by their content") {
  const Folder folder;
  const std::string text = "a,b\n1,x\n2,y\n";
  const std::string half = "a,b\n1,x\n", rest = "2,y\n";
  for (const auto& [name, bytes] :
       std::vector<std::pair<std::string, std::string>>{{"t.csv", text},
                                                        {"t.gz", gzip(text)},
                                                        {"noname", gzip(half) + gzip(rest)},
                                                        {"t.zst", zstd(text)},
                                                        {"two.txt", zstd(half) + zstd(rest)},
                                                        {"padded.gz", gzip(text) + std::string(512, '\0')}}) {
    CAPTURE(name);
    const ReadResult result = read_csv(folder.file(name, bytes));
    CHECK(csv_text(result.table) == text);
    CHECK(result.sha256 == read_csv_text(text, "t").sha256);
  }
}

TEST_CASE("csv: files that cannot be read") {
  const Folder folder;
  std::string text = "a,b\n";
  for (int i = 0; i < 20'000; ++i) text += fmt::format("{},{}\n", i, i * 7919 % 104'729);
  const std::string packed = gzip(text), small = zstd(text);
  std::string lying = packed;
  lying[lying.size() - 1] ^= 1;  // the stated size
  std::string damaged = packed;
  damaged[packed.size() / 2] ^= 64;
  struct Case {
    std::string name, bytes, message;
  };
  const Case cases[] = {
      {"cut.gz", packed.substr(0, packed.size() / 2), "the gzip data end too early"},
      {"header.gz", packed.substr(0, 5), "the gzip data end too early, after 0 bytes of content"},
      {"lying.gz", lying, "the gzip data are damaged near byte"},
      {"damaged.gz", damaged, "the gzip data are damaged near byte"},
      {"more.gz", packed + "tail", "stand bytes that are not gzip"},
      {"cut.zst", small.substr(0, small.size() / 2), "the zstd data end too early"},
      {"empty.csv", "", "is empty; a table has a header line and rows"},
      {"empty.gz", gzip(""), "is empty; a table has a header line and rows"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::string path = folder.file(c.name, c.bytes);
    const std::string message = message_of(path);
    CHECK(message.find(path) == 0);
    CHECK_MESSAGE(message.find(c.message) != message.npos, message);
  }
  CHECK(message_of(folder.path("none.csv")) ==
        folder.path("none.csv") + ": cannot be opened: No such file or directory");
  CHECK(message_of(folder.path()) == folder.path() + ": is a folder, not a file with a table");
}

TEST_CASE("csv: decompression bombs are stopped while they grow") {
  const Folder folder;
  const std::string zeros(std::size_t{100} << 20, '0');
  for (const std::string& packed : {gzip(zeros), zstd(zeros)}) {
    const std::string path = folder.file("bomb", packed);
    CHECK(message_of(path).find("this looks like a decompression bomb") != std::string::npos);
    CHECK(message_of(path, {.max_memory = 1'000'000}).find("holds more than 1000 KB. --max-memory") !=
          std::string::npos);
    try {
      read_csv(path);
      FAIL("a bomb was read");
    } catch (const ResourceError& e) {
      CHECK(e.exit_code() == 5);
    }
  }
}

TEST_CASE("csv: what is written reads back as the same cells") {
  const std::vector<std::string> texts = {"plain", "with, comma", "with \"quotes\"", "two\nlines", " blanks ",
                                          "",      "caf\xc3\xa9"};
  std::vector<double> numbers = {0.1, -0.0, 1e300, 5e-324, 1.0 / 3.0, 123456789.0, std::nan("")};
  std::vector<std::int64_t> whole = {0, -1, 9223372036854775807, 4, 5, 6, 7};
  std::vector<std::optional<std::string>> levels = {"a", "b", std::nullopt, "a", "b,c", "a", "b"};
  const Table table({Column::text("t", texts), Column::number("x", Tensor::from(numbers)),
                     Column::integer("n, really", Tensor::from(whole)), Column::category_of("c", levels)});
  const Folder folder;
  write_csv(table, folder.path("out.csv"));
  const ReadResult back =
      read_csv(folder.path("out.csv"), {.header = "yes", .types = {{"t", ColumnKind::text}}});
  REQUIRE(back.table.names() == table.names());
  for (std::int64_t c = 0; c < table.num_columns(); ++c)
    for (std::int64_t r = 0; r < table.num_rows(); ++r) {
      CAPTURE(c);
      CAPTURE(r);
      CHECK(back.table.column(c).cell(r) == table.column(c).cell(r));
    }
  CHECK(csv_text(Table({Column::number("x", Tensor::from(std::vector<double>{1, std::nan(""), 2.5}))})) ==
        "x\n1\n\"\"\n2.5\n");
  CHECK_THROWS_AS(write_csv(table, folder.path("no/such/folder/out.csv")), FileError);
}

TEST_CASE("csv: real files read whole, without a flag") {
  const std::string folder = data_folder();
  if (!fs::exists(folder)) {
    MESSAGE("skipped: no data at " << folder << " (set CAIRN_DATA)");
    return;
  }
  struct Case {
    const char* path;
    std::int64_t rows, columns, missing;
    const char* warning;
  };
  const Case cases[] = {
      {"small_tabular/penguins.csv", 344, 7, 19, ""},
      {"titanic/train.csv", 891, 12, 866, ""},
      {"titanic/test.csv", 418, 11, 414, ""},
      {"adult/adult-train.csv.gz", 32561, 15, 4262, ""},
      {"adult/adult-test.csv.gz", 16281, 15, 2203, ""},
      {"sms_spam/sms.tsv", 5574, 2, 0, "doubtful_quotes"},
      {"california_housing/housing.csv", 20640, 10, 207, ""},
      {"diamonds/diamonds.csv.gz", 53940, 10, 0, ""},
      {"small_tabular/horse-colic.csv", 300, 28, 1605, ""},
      {"small_tabular/german.csv", 1000, 21, 0, ""},
      {"wine_quality/winequality-red.csv", 1599, 12, 0, ""},
      {"kddcup99/kddcup.data_10_percent.gz", 494021, 42, 0, ""},
      {"movielens_100k/u.data", 100000, 4, 0, ""},
      {"sklearn_toy/iris.csv", 150, 5, 0, "header"},
      {"sklearn_toy/diabetes_data_raw.csv.gz", 442, 10, 0, ""},
      {"timeseries/beijing_pm25.csv.gz", 43824, 13, 2067, ""},
      {"course_ml/houses.txt", 100, 5, 0, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.path);
    if (!fs::exists(folder + "/" + c.path)) {
      MESSAGE("skipped: " << c.path << " is not there");
      continue;
    }
    const ReadResult result = read_csv(folder + "/" + c.path);
    CHECK(result.table.num_rows() == c.rows);
    CHECK(result.table.num_columns() == c.columns);
    std::int64_t missing = 0;
    for (const Column& column : result.table.columns()) missing += column.num_missing();
    CHECK(missing == c.missing);
    CHECK((result.warnings.empty() ? "" : result.warnings[0].code) == c.warning);
  }
  const std::string cancer = folder + "/sklearn_toy/breast_cancer.csv";
  if (fs::exists(cancer))
    CHECK(message_of(cancer) ==
          cancer +
              ":1: the line has 4 cells, the lines after it have 31. If line 1 is not part of the "
              "table, --skip 1 leaves it out.");
}
