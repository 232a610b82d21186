// A small table with every kind of column, and how the tests of transforms fit on it.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/data/transforms.h"

namespace cairn::test {

using Cells = std::vector<std::optional<std::string>>;
using Numbers = std::vector<double>;
using Names = std::vector<std::string>;
using Integers = std::vector<std::int64_t>;

inline const double kGap = std::nan("");

inline Column number(std::string name, Numbers v) {
  return Column::number(std::move(name), Tensor::take(std::move(v)));
}

inline Validity all_but_first(std::int64_t n) {
  Tensor bits = Tensor::full(Shape{(n + 7) / 8}, 255, DType::u8);
  bits.mutable_data<std::uint8_t>()[0] = 254;
  return bits;
}

// Every kind of column, each with a gap, constant, complete and correlated ones, a target and a time.
inline Table every_kind() {
  constexpr std::int64_t n = 6;
  return Table(
      {number("y", {3, 1, 4, 1, 5, 9}), number("when", {0, 1, 2, 3, 4, 5}),
       number("age", {30, kGap, 50, 41, 30, 22}), number("same", {2, 2, 2, 2, 2, 2}),
       number("steps", {1, 5, 2, 8, 3, 7}), number("twice", {2, 10, 4, 16, 6, 14.5}),
       Column::integer("rooms", Tensor::take(Integers{0, 3, 4, 2, 3, 9}), all_but_first(n)),
       Column::boolean("garden", Tensor::take(std::vector<std::uint8_t>{0, 1, 1, 0, 1, 1}), all_but_first(n)),
       Column::category_of("city", Cells{"Bern", "Paris", std::nullopt, "Bern", "Rome", "Bern"}),
       Column::text("note",
                    Names{"quiet and sunny", "sunny, near the lake", "", "near the lake", "a b", "sunny"}),
       Column::date("built", Tensor::take(Integers{0, 86400 * 400, 3600, -5, 7, 1000000000}),
                    all_but_first(n)),
       Column::image("face", Tensor::from(std::vector<std::uint8_t>{0, 9, 255, 3, 7, 7, 1, 2, 90, 80, 5, 6})
                                 .reshape({n, 1, 2, 1}))});
}

// The table with another column of time, one number a row.
inline Table renumbered(const Table& table) {
  Numbers when;
  for (std::int64_t r = 0; r < table.num_rows(); ++r) when.push_back(static_cast<double>(r));
  return table.with(number("when", when));
}

inline Table with_roles(const Table& table) {
  Table whole = table.find("when") ? table : renumbered(table);
  if (whole.find("y")) return whole;
  Numbers y;
  for (std::int64_t r = 0; r < table.num_rows(); ++r) y.push_back(static_cast<double>(r % 3));
  return whole.with(number("y", y));
}

// 'y' is the target and 'when' the time; without rows there is no target.
inline Dataset data_of(const Table& table, const Numbers& weights = {}) {
  Roles roles{.target = "y", .time = "when"};
  if (table.num_rows() == 0) roles = {.time = "when", .ignored = {"y"}};
  const Dataset data(with_roles(table), {.roles = roles, .task = Task::regression});
  return weights.empty() ? data : data.with_weights(weights);
}

inline std::unique_ptr<FittedTransform> fit(const Transform& transform, const Table& table,
                                            const Numbers& weights = {}) {
  return transform.fit(data_of(table, weights), {});
}

// The columns that were added as roles are taken out again.
inline Table apply(const Transform& transform, const Table& table) {
  Table made = fit(transform, table)->apply(with_roles(table));
  Names added;
  for (const char* name : {"y", "when"})
    if (!table.find(name)) added.emplace_back(name);
  return made.without(added);
}

// With parameters that let it act on every_kind() where the defaults do not.
inline std::unique_ptr<Transform> example(const TransformEntry& entry) {
  auto transform = entry.make();
  if (std::string_view(entry.name) == "pca")  // takes no gaps
    for (const char* complete : {"same", "steps", "twice"})
      set_param(transform->params(), "columns", complete);
  return transform;
}

inline bool is_one_of(const TransformEntry& entry, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, entry.name) != names.end();
}

inline std::string all_cells(const Table& table) {
  std::string text;
  for (const Column& c : table.columns()) {
    text += c.name() + ' ' + name_of(c.kind()) + ':';
    for (std::int64_t r = 0; r < c.size(); ++r) text += c.cell(r) + (c.is_missing(r) ? "<missing>|" : "|");
    if (c.kind() == ColumnKind::tensor)
      for (const std::string& f : c.feature_names()) text += f + ',';
    text += '\n';
  }
  return text;
}

}  // namespace cairn::test
