// A table that need not fit in memory: read again and again in parts, each time the same rows in the same
// order.
//
//   auto clicks = csv_parts("clicks.csv", {}, std::size_t{8} << 20);
//   clicks->blocks([&](const Table& part, std::int64_t) { rows += part.num_rows(); return true; });
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "cairn/data/reader.h"

namespace cairn {

class TableParts {
 public:
  virtual ~TableParts() = default;
  // What a reader tells of the whole table, found in a pass over all of it: kinds that fit every cell, all
  // levels, guesses, warnings, the digest. Its `table` has the columns and no rows.
  virtual const ReadResult& about() const = 0;
  virtual std::int64_t num_rows() const = 0;
  // Calls `use` with every part in order and the number of its first row, until it returns false. All parts
  // have the columns, kinds and levels of about(). DataError when the file is no longer what it was.
  virtual void blocks(const std::function<bool(const Table& part, std::int64_t first_row)>& use) = 0;
  // All rows, with the columns, kinds and levels of about(), where they were few enough to be kept since the
  // pass that found those: they need not be read again. They are given away, so a second call has none.
  virtual std::optional<Table> take_whole() { return std::nullopt; }
  virtual void drop_whole() {}  // those kept leave memory
};

}  // namespace cairn
