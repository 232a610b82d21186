// Named columns of equal length. Immutable; copies and selections of columns share memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cairn/data/column.h"

namespace cairn {

class Table {
 public:
  Table() = default;
  // DataError: columns of different length, a name that stands twice.
  explicit Table(std::vector<Column> columns);
  static Table with_rows(std::int64_t rows);  // no columns yet

  std::int64_t num_rows() const { return rows_; }
  std::int64_t num_columns() const { return static_cast<std::int64_t>(columns_.size()); }
  const std::vector<Column>& columns() const& { return columns_; }
  std::vector<Column> columns() && { return std::move(columns_); }  // `for (... : f().columns())` stays alive
  const Column* find(std::string_view name) const;                  // null when there is none
  const Column& column(std::string_view name) const;                // DataError with the nearest name
  const Column& column(std::int64_t index) const { return columns_[static_cast<std::size_t>(index)]; }
  std::vector<std::string> names() const;
  // Where each column stands, by name, for whoever looks up many. Lives as long as the table.
  std::unordered_map<std::string_view, std::size_t> index() const;

  // Added at the end, or in place of the one of its name. Every call copies the list of columns: for a few
  // columns; many make a Table at once.
  Table with(Column column) const;
  Table without(std::span<const std::string> names) const;
  Table only(std::span<const std::string> names) const;  // in the given order
  Table select(std::span<const std::int64_t> rows) const;
  // Both selections, column by column, letting each column go as soon as its parts are there: never two whole
  // copies.
  std::pair<Table, Table> divide(std::span<const std::int64_t> first,
                                 std::span<const std::int64_t> second) &&;
  Table slice(std::int64_t begin, std::int64_t end) const;

  // Reads the table piece by piece; in memory it is one piece cut into blocks of at most `rows` rows.
  void blocks(std::int64_t rows, const std::function<void(const Table& block)>& use) const;

  // A 64-bit fingerprint of the row's cells, columns in order: rows that are the same have the same one.
  std::vector<std::uint64_t> row_hashes() const;
  // SHA-256 over names, kinds and cells: names the data in a result.
  std::string sha256() const;

 private:
  std::vector<Column> columns_;
  std::int64_t rows_ = 0;
};

// All number and tensor columns side by side, with a name a feature. DataError names the first column of
// another kind and the way out (prepare).
struct FeatureMatrix {
  Matrix x;
  std::vector<std::string> names;
};
FeatureMatrix feature_matrix(const Table& table);

}  // namespace cairn
