#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <fstream>

#include "cairn/base/random.h"
#include "cairn/readers/sqlite.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::TemporaryFolder;

namespace {

using Names = std::vector<std::string>;

// Written by scripts/golden/reader_tables.py; one table, houses.
const std::string kFile = std::string(CAIRN_SOURCE_DIR) + "/tests/readers/tables/table.db";

ReadResult query(const std::string& sql) {
  ReadOptions options;
  options.arguments = {{"query", sql}};
  return read_sqlite(kFile, options);
}
// The message without the file.
std::string refusal(const std::string& sql) {
  const std::string said = error_text([&] { query(sql); });
  return said.starts_with(kFile) ? said.substr(kFile.size()) : said;
}

}  // namespace

TEST_CASE("sqlite: queries") {
  CHECK(read_sqlite(kFile).guesses[0] == "query: select * from \"houses\"");
  const Table t =
      query("select rooms, avg(price) as mean, count(*) n from houses group by rooms order by rooms;").table;
  CHECK(t.names() == Names{"rooms", "mean", "n"});
  CHECK(t.column("mean").kind() == ColumnKind::number);
  CHECK(t.column("n").cell(0) == "6");
  const Table whole = query("select 2.0 as x, 9007199254740993 as y, '' as z, 0.1 as w, null as v").table;
  CHECK(whole.column("x").kind() == ColumnKind::number);  // 2.0 is no whole number in a text table either
  CHECK(whole.column("y").values().data<std::int64_t>()[0] == 9007199254740993);
  CHECK(whole.column("z").is_missing(0));
  CHECK(whole.column("w").number_at(0) == 0.1);
  CHECK(whole.column("v").is_missing(0));
}

TEST_CASE("sqlite: what cannot be asked is told with SQLite's words; nothing is written") {
  CHECK(refusal("select * from house") == ": SQLite refuses 'select * from house': no such table: house");
  CHECK(refusal("selct 1") == ": SQLite refuses 'selct 1': near \"selct\": syntax error");
  CHECK(refusal(" ") == ": the query is empty. Such as query=select * from houses.");
  CHECK(refusal("select 1; drop table houses")
            .starts_with(": the query goes on behind its end: ' drop table houses'"));
  CHECK(refusal("drop table houses") == ": 'drop table houses' gives no rows. One SELECT is read.");
  CHECK(refusal("attach '/etc/passwd' as x").find("One SELECT is read.") != std::string::npos);
  CHECK(refusal("select 1 as a, 2 as a") ==
        ": the query gives two columns of the name 'a'. Rename one: select a.id as a_id, ...");
  CHECK(refusal("select x'00ff' as b") ==
        ", row 1, column 'b': holds a blob; numbers and texts are read. Leave it out: query=select ...");
  CHECK(refusal("select 9e999 as b") ==
        ", row 1, column 'b': 'inf' is not a finite number. To take it for missing: --na 'inf'.");
  CHECK(refusal("select cast(x'ff' as text) as b").find("column 'b':1: byte 0xff is not UTF-8") !=
        std::string::npos);
  CHECK(refusal("select * from houses where id < 0").ends_with("gives no rows"));
  CHECK(refusal("select load_extension('x.so')").find("not authorized") != std::string::npos);
  ReadOptions options;
  options.arguments = {{"table", "house"}};
  CHECK(error_text([&] { read_sqlite(kFile, options); }) ==
        kFile + ": holds no table 'house'. Did you mean 'houses'?");
  options.arguments = {
      {"query", "select count(*) from houses a, houses b, houses c, houses d, houses e, houses f"}};
  StopSource stop;
  stop.request();
  options.stop = stop.token();
  CHECK_THROWS_AS(read_sqlite(kFile, options), Interrupted);
}

TEST_CASE("sqlite: long texts are held in blocks, and counted before they are") {
  const std::string texts =
      "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1200) "
      "select i, printf('%.*c', 70000, 'x') as t from n";
  const Table t = query(texts).table;  // 84 MB
  CHECK(t.num_rows() == 1200);
  CHECK(t.column("t").cell(1199).size() == 70000);
  ReadOptions options;
  options.arguments = {{"query", texts}};
  options.max_memory = 50'000'000;
  CHECK(error_text([&] { read_sqlite(kFile, options); }) ==
        kFile + ": the cells of 715 rows hold more than 50 MB. --max-memory sets how much may be read.");
  CHECK(refusal("select 1 as \"a\xff\"").find("byte 0xff is not UTF-8") != std::string::npos);
}

TEST_CASE("sqlite: another program that writes is told, with the way out") {
  const TemporaryFolder folder;
  std::ifstream from(kFile, std::ios::binary);
  folder.write("busy.db", std::string{std::istreambuf_iterator<char>(from), {}});
  const std::string path = folder.file("busy.db");
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t writer = ::fork();
  if (writer == 0) {
    // The bytes that a writing SQLite locks (sqlite.org/fileformat2.html, the lock-byte page).
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_start = 1 << 30;
    lock.l_len = 512;
    const int file = ::open(path.c_str(), O_RDWR);
    const char done = ::fcntl(file, F_SETLK, &lock) == 0 ? 'y' : 'n';
    if (::write(ready[1], &done, 1) == 1) ::sleep(30);
    ::_exit(0);
  }
  char done = 0;
  REQUIRE(::read(ready[0], &done, 1) == 1);
  REQUIRE(done == 'y');
  CHECK(error_text([&] { read_sqlite(path); }) ==
        path +
            ": another program is writing to it: database is locked. Wait until it is done, or read a copy: "
            "sqlite3 FILE '.backup COPY'.");
  CHECK_THROWS_AS(read_sqlite(path), FileError);
  ::kill(writer, SIGKILL);
  ::waitpid(writer, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("sqlite: damaged files are errors") {
  std::ifstream file(kFile, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  const TemporaryFolder folder;
  folder.write("none.db", "");
  CHECK(error_text([&] {
          read_sqlite(folder.file("none.db"));
        }).ends_with("is empty; a SQLite data base was expected"));
  folder.write("text.db", "hello");
  CHECK(error_text([&] { read_sqlite(folder.file("text.db")); }).ends_with("is no SQLite data base"));
  Random random(1, "sqlite");
  for (int i = 0; i < 300; ++i) {
    std::string broken = whole;
    for (int k = 0; k < 8; ++k)
      broken[20 + random.below(broken.size() - 20)] = static_cast<char>(random.below(256));
    folder.write("broken.db", broken);
    error_text([&] { read_sqlite(folder.file("broken.db")); });  // other exceptions fail the test
  }
}
