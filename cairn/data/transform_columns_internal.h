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
#include <utility>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/data/summary.h"
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

// A number column about its mean, in units of its standard deviation; what is missing, and all of a constant
// column, becomes 0.
std::vector<double> standardised(const Column& c, const std::vector<double>& weights);

// DataError names the first infinite value, or a range that is wider than a number can hold.
void check_range(const Column& c, const Moments& m, std::string_view transform);

template <class T, class F>
Tensor map_values(const Tensor& values, F&& f) {
  constexpr std::int64_t kRows = 1 << 13;
  Tensor result = Tensor::empty(values.shape(), values.dtype());
  const auto from = values.data<T>();
  const auto to = result.mutable_data<T>();
  parallel_for(values.size(), kRows, [&](std::int64_t b, std::int64_t e) {
    for (auto r = static_cast<std::size_t>(b); r < static_cast<std::size_t>(e); ++r)
      to[r] = static_cast<T>(f(static_cast<double>(from[r])));
  });
  return result;
}

// The named number and integer columns with g(x) for every number x; map(i, column) gives the i-th one's g.
// f32 stays f32.
template <class Map>
Table map_numbers(const Table& table, std::span<const std::string> names, std::string_view transform,
                  Map&& map) {
  const auto at = find_all(table, names, {ColumnKind::number, ColumnKind::integer}, transform);
  std::vector<std::vector<Column>> columns(at.size());
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Column& c = table.columns()[at[i]];
    const auto g = map(i, c);
    const Tensor values = c.kind() == ColumnKind::number ? c.values() : c.numbers();
    columns[i] = {Column::number(names[i], values.dtype() == DType::f32 ? map_values<float>(values, g)
                                                                        : map_values<double>(values, g))};
  }
  return replace(table, at, std::move(columns), {}, transform);
}

// "3 columns", "1 column".
std::string columns_in_words(std::size_t count);
// "a 1, b 2, ..., and 3 more": at most eight pieces of a list for describe().
std::string shortened(std::size_t count, const std::function<std::string(std::size_t)>& piece);

}  // namespace cairn::transform_detail
