// Tables of SQLite data bases, through SQLite's own library, which is loaded at the first file. Read only.
//
//   read_sqlite("shop.db")                                        // the one table it holds
//   options.arguments = {{"query", "select price, rooms from houses where price > 0"}};
#pragma once

#include "cairn/data/reader.h"

namespace cairn {

// Arguments: `query`, one SELECT, or `table`. Cells are typed like those of a text table, NULL is missing.
// DataError for a damaged file, blobs, a row that cannot be read; UsageError for SQL that SQLite refuses,
// with what it says.
ReadResult read_sqlite(const std::string& path, const ReadOptions& options = {});

extern const Reader kSqliteReader;

}  // namespace cairn
