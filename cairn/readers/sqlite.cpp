#include "cairn/readers/sqlite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <set>

#include "cairn/base/hash.h"
#include "cairn/base/suggest.h"
#include "cairn/data/cells.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/no_rows.h"
#include "cairn/readers/shared_library_internal.h"

namespace cairn {
namespace {

using readers_detail::SharedLibrary;

constexpr std::string_view kMagic("SQLite format 3\0", 16);

struct Sqlite {
  SharedLibrary library{"libsqlite3.so.0", "SQLite", "libsqlite3-0"};
// A name cannot stand in parentheses where it is declared.
// NOLINTNEXTLINE(bugprone-macro-parentheses)
#define CAIRN_SQLITE(name) decltype(&::name) name = library.function<decltype(&::name)>(#name)
  CAIRN_SQLITE(sqlite3_open_v2);
  CAIRN_SQLITE(sqlite3_close_v2);
  CAIRN_SQLITE(sqlite3_errmsg);
  CAIRN_SQLITE(sqlite3_busy_timeout);
  CAIRN_SQLITE(sqlite3_exec);
  CAIRN_SQLITE(sqlite3_limit);
  CAIRN_SQLITE(sqlite3_prepare_v2);
  CAIRN_SQLITE(sqlite3_finalize);
  CAIRN_SQLITE(sqlite3_step);
  CAIRN_SQLITE(sqlite3_stmt_readonly);
  CAIRN_SQLITE(sqlite3_progress_handler);
  CAIRN_SQLITE(sqlite3_column_count);
  CAIRN_SQLITE(sqlite3_column_name);
  CAIRN_SQLITE(sqlite3_column_type);
  CAIRN_SQLITE(sqlite3_column_int64);
  CAIRN_SQLITE(sqlite3_column_double);
  CAIRN_SQLITE(sqlite3_column_text);
  CAIRN_SQLITE(sqlite3_column_bytes);
#undef CAIRN_SQLITE
};

const Sqlite& sqlite() {
  static const Sqlite functions;
  return functions;
}

using Statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

// The header counts the pages; SQLite itself fills what a shorter file lacks with zeros.
void check_length(std::string_view bytes, const std::string& path) {
  if (bytes.size() < 100)
    throw DataError(path, "ends within its header; it was cut short", "Fetch the file again.");
  const auto number = [&](std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
  };
  const std::uint64_t page = number(16, 2) == 1 ? 65536 : number(16, 2), pages = number(28, 4);
  const bool counted = number(24, 4) == number(92, 4);  // by the program that wrote it last
  if (counted && page * pages > bytes.size())
    throw DataError(path,
                    fmt::format("its header claims {} pages of {} bytes, and the file has {} bytes", pages,
                                page, bytes.size()),
                    "Fetch the file again; it was cut short.");
}

class DataBase {
 public:
  DataBase(const std::string& path, const StopToken& stop)
      : path_(path), stop_(stop), db_(nullptr, sqlite().sqlite3_close_v2) {
    sqlite3* db = nullptr;
    const int status =
        sqlite().sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    db_.reset(db);
    if (status != SQLITE_OK) throw DataError(path, fmt::format("SQLite cannot open it: {}", said()));
    // Before the first statement, which may have to wait for a program that writes.
    sqlite().sqlite3_busy_timeout(db, 1000);
    // A file from anywhere: its views and triggers may call nothing that reaches outside, its pages are
    // checked.
    const int guarded = sqlite().sqlite3_exec(
        db, "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA query_only=ON", nullptr, nullptr,
        nullptr);
    if (guarded != SQLITE_OK) refuse(guarded, "SQLite cannot be told to check it");
    sqlite().sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite().sqlite3_progress_handler(
        db, 100'000, [](void* token) { return static_cast<const StopToken*>(token)->requested() ? 1 : 0; },
        const_cast<StopToken*>(&stop_));
  }

  std::string said() const { return printable(sqlite().sqlite3_errmsg(db_.get())); }

  Statement prepare(const std::string& sql, const char* hint) const {
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    const int status =
        sqlite().sqlite3_prepare_v2(db_.get(), sql.c_str(), static_cast<int>(sql.size()), &statement, &rest);
    Statement owner(statement, sqlite().sqlite3_finalize);
    if (status == SQLITE_NOTADB || status == SQLITE_CORRUPT)
      throw DataError(path_, fmt::format("the SQLite data are damaged: {}", said()), "Fetch the file again.");
    if (is_busy(status)) refuse(status, "SQLite cannot read it");
    if (status != SQLITE_OK)
      throw UsageError(path_, fmt::format("SQLite refuses '{}': {}", printable(sql), said()), hint);
    if (!statement) throw UsageError(path_, "the query is empty", "Such as query=select * from houses.");
    if (std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos)
      throw UsageError(path_, fmt::format("the query goes on behind its end: '{}'", printable(rest)),
                       "One SELECT is read.");
    if (!sqlite().sqlite3_stmt_readonly(statement) || sqlite().sqlite3_column_count(statement) == 0)
      throw UsageError(path_, fmt::format("'{}' gives no rows", printable(sql)), "One SELECT is read.");
    return owner;
  }

  // True while there is a row.
  bool step(sqlite3_stmt* statement) const {
    const int status = sqlite().sqlite3_step(statement);
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) return false;
    stop_.throw_if_requested("reading");
    if (status == SQLITE_NOMEM) throw ResourceError(path_, "memory for a row cannot be had");
    refuse(status, "SQLite stops while it reads");
  }

  // Tables and views in order of their names.
  std::vector<std::string> tables() const {
    const Statement list = prepare(
        "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite\\_%' "
        "escape '\\' "
        "order by name",
        "");
    std::vector<std::string> names;
    while (step(list.get())) names.push_back(text(list.get(), 0));
    return names;
  }

  static std::string text(sqlite3_stmt* statement, int column) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite().sqlite3_column_text(statement, column));
    return bytes ? std::string(bytes,
                               static_cast<std::size_t>(sqlite().sqlite3_column_bytes(statement, column)))
                 : std::string();
  }

 private:
  static bool is_busy(int status) {
    const int kind = status & 0xff;  // an extended code has its kind in the last byte
    return kind == SQLITE_BUSY || kind == SQLITE_LOCKED;
  }
  [[noreturn]] void refuse(int status, const char* what) const {
    if (is_busy(status))
      throw FileError(path_, fmt::format("another program is writing to it: {}", said()),
                      "Wait until it is done, or read a copy: sqlite3 FILE '.backup COPY'.");
    throw DataError(path_, fmt::format("{}: {}", what, said()),
                    status == SQLITE_CORRUPT || status == SQLITE_NOTADB ? "Fetch the file again." : "");
  }

  std::string path_;
  StopToken stop_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_;
};

std::string query_of(const DataBase& db, const std::string& path, const ReadOptions& options) {
  const auto argument = [&](const char* name) {
    const auto it = options.arguments.find(name);
    return it == options.arguments.end() ? std::string() : it->second;
  };
  if (const std::string query = argument("query"); !query.empty()) return query;
  const std::vector<std::string> tables = db.tables();
  std::string table = argument("table");
  if (table.empty() && tables.size() == 1) table = tables[0];
  if (table.empty() && tables.empty()) throw DataError(path, "holds no table");
  if (table.empty()) {
    const std::vector<std::string> shown(tables.begin(),
                                         tables.begin() + std::min<std::ptrdiff_t>(12, std::ssize(tables)));
    throw UsageError(path,
                     fmt::format("holds {} tables: {}{}", tables.size(), fmt::join(shown, ", "),
                                 tables.size() > shown.size() ? ", ..." : ""),
                     "Name one: 'sqlite:FILE?table=NAME', or ask: 'sqlite:FILE?query=select ...'.");
  }
  if (std::ranges::find(tables, table) == tables.end())
    throw UsageError(path, fmt::format("holds no table '{}'", table), suggestion(table, tables));
  std::string quoted = "select * from \"";
  for (const char c : table) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

// Result columns may share a name, such as id in a join.
std::vector<std::string> names_of(sqlite3_stmt* statement, const std::string& path) {
  std::vector<std::string> names;
  std::set<std::string> known;
  for (int c = 0; c < sqlite().sqlite3_column_count(statement); ++c) {
    const char* name = sqlite().sqlite3_column_name(statement, c);
    names.emplace_back(name ? name : "");
    require_text(names.back(), fmt::format("{}, the name of column {}", path, c + 1));
    if (!known.insert(names.back()).second)
      throw UsageError(path, fmt::format("the query gives two columns of the name '{}'", names.back()),
                       "Rename one: select a.id as a_id, ...");
  }
  return names;
}

std::vector<CellBlock> rows_of(const DataBase& db, sqlite3_stmt* statement,
                               const std::vector<std::string>& names, const std::string& path,
                               const ReadOptions& options) {
  CellBlocks blocks(names, path, options);  // a view may give rows without end
  std::int64_t row = 0;
  std::array<char, 24> digits{};
  const auto& s = sqlite();
  while (db.step(statement)) {
    ++row;
    for (int c = 0; c < static_cast<int>(names.size()); ++c) {
      const auto column = static_cast<std::size_t>(c);
      switch (s.sqlite3_column_type(statement, c)) {
        case SQLITE_NULL:
          break;
        case SQLITE_INTEGER: {
          const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                         s.sqlite3_column_int64(statement, c))
                               .ptr;
          blocks.set(column, {digits.data(), static_cast<std::size_t>(end - digits.data())});
          break;
        }
        case SQLITE_FLOAT:
          blocks.set(column, decimal_text(s.sqlite3_column_double(statement, c)));
          break;
        case SQLITE_TEXT: {
          const auto* text = reinterpret_cast<const char*>(s.sqlite3_column_text(statement, c));
          const std::string_view cell(text, static_cast<std::size_t>(s.sqlite3_column_bytes(statement, c)));
          require_text(cell, fmt::format("{}, row {}, column '{}'", path, row, names[column]));
          blocks.set(column, cell);
          break;
        }
        default:
          throw DataError(fmt::format("{}, row {}, column '{}'", path, row, names[column]),
                          "holds a blob; numbers and texts are read", "Leave it out: query=select ...");
      }
    }
    blocks.end_row(row);
  }
  return blocks.take();
}

}  // namespace

ReadResult read_sqlite(const std::string& path, const ReadOptions& options) {
  if (path == "-") throw UsageError("sqlite", "needs a file; standard input cannot be read at any place");
  std::string sha256;
  {
    const InputBytes input = open_input(path, {}, options.stop);
    if (input.encoding() != "plain")
      throw DataError(path, fmt::format("is packed as {}; SQLite reads plain files", input.encoding()),
                      "Unpack it first.");
    if (input.bytes().empty()) throw DataError(path, "is empty; a SQLite data base was expected");
    if (!input.bytes().starts_with(kMagic)) throw DataError(path, "is no SQLite data base");
    check_length(input.bytes(), path);
    if (options.sha256) sha256 = sha256_hex(input.bytes());
  }
  const DataBase db(path, options.stop);
  const std::string query = query_of(db, path, options);
  const Statement statement = db.prepare(query, "");
  CellSource source{.where = path, .row_word = "row", .names = names_of(statement.get(), path)};
  std::vector<CellBlock> blocks = rows_of(db, statement.get(), source.names, path, options);
  if (blocks.empty()) throw NoRows(path, fmt::format("'{}' gives no rows", printable(query)), source.names);
  ReadResult result = table_of_cells(std::move(blocks), source, options);
  if (options.arguments.empty()) result.guesses.insert(result.guesses.begin(), "query: " + query);
  result.sha256 = sha256;
  return result;
}

const Reader kSqliteReader = {
    .name = "sqlite",
    .doc = "A SQLite data base: its one table, sqlite:FILE?table=NAME, or 'sqlite:FILE?query=select ...'.",
    .sniff = [](std::string_view bytes) { return bytes.starts_with(kMagic); },
    .read = &read_sqlite,
    .arguments = {"query", "table"},
    .whole_argument = "query",
};

}  // namespace cairn
