// What every transform does with columns: choose those it acts on, find them again later, put new ones in
// their places.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cairn/data/table.h"

namespace cairn::transform_detail {

// Looks up columns one after the other. Asked for in their order, as they mostly are, it needs no index.
class ColumnFinder {
 public:
  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);
  explicit ColumnFinder(const Table& table) : table_(table) {}
  std::size_t find(std::string_view name);

 private:
  const Table& table_;
  std::size_t next_ = 0;
  std::unordered_map<std::string_view, std::size_t> index_;
};

// Names of the columns of one of these kinds; when `wanted` is not empty, those it names: a name with *
// stands for every column of these kinds that it fits, unless a column is called so. UsageError: a name that
// is no column or a column of another kind.
std::vector<std::string> choose(const Table& features, const std::vector<std::string>& wanted,
                                std::initializer_list<ColumnKind> kinds, std::string_view transform);

// Where the named columns stand. DataError lists all that are absent, or are none of `kinds`.
std::vector<std::size_t> find_all(const Table& features, std::span<const std::string> names,
                                  std::initializer_list<ColumnKind> kinds, std::string_view transform);

// The table with column at[i] replaced by in_place[i] (none, one or more) and at_end added. DataError: a new
// column has the name of another.
Table replace(const Table& features, std::span<const std::size_t> at,
              std::vector<std::vector<Column>> in_place, std::vector<Column> at_end,
              std::string_view transform);

// f32 when there are number columns and all of them are, else f64: new features do not change what the matrix
// is made of.
DType feature_dtype(const Table& features);

// The levels of a category column; of a boolean one false and true.
std::vector<std::string> level_names(const Column& c);
// Where each row's cell stands in level_names(), -1 where it is missing.
std::vector<std::int32_t> level_codes(const Column& c);

// "3 columns", "1 column".
std::string columns_in_words(std::size_t count);
// "a 1, b 2, ..., and 3 more": at most eight pieces of a list for describe().
std::string shortened(std::size_t count, const std::function<std::string(std::size_t)>& piece);

}  // namespace cairn::transform_detail
