// Lags and rolling means: the past only, across the end of training, each series for itself, gaps told.
#include "cairn/data/lags.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/data/every_kind.h"

using namespace cairn;
using namespace cairn::test;

namespace {

// Rows of one series: t and y, not in the order of time.
Table series() { return Table({number("t", {3, 1, 2, 5, 4, 6}), number("y", {30, 10, 20, 50, 40, 60})}); }

Dataset along(const Table& table, const std::string& group = "") {
  return Dataset(table, {.roles = {.target = "y", .group = group, .time = "t"}, .task = Task::regression});
}

Numbers cells_of(const Table& table, const std::string& name) {
  Numbers cells;
  for (std::int64_t r = 0; r < table.num_rows(); ++r) cells.push_back(table.column(name).number_at(r));
  return cells;
}

bool same(const Numbers& a, const Numbers& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))) return false;
  return true;
}

}  // namespace

TEST_CASE("lags: earlier values and means in the order of time, whatever the order of rows") {
  const auto fitted = Lags({.lags = "1,3", .means = "2"}).fit(along(series()), {});
  const Table made = fitted->apply(series());
  CHECK(made.names() == Names{"y lag 1", "y lag 3", "y mean 2"});
  CHECK(same(cells_of(made, "y lag 1"), {20, kGap, 10, 40, 30, 50}));
  CHECK(same(cells_of(made, "y lag 3"), {kGap, kGap, kGap, 20, 10, 30}));
  CHECK(same(cells_of(made, "y mean 2"), {15, kGap, kGap, 35, 25, 45}));
  CHECK(fitted->describe() == "lags along t: lags 1,3, means of the last 2 of 1 column (y)");
}

TEST_CASE("lags: rows after training see its end and one another; the target of the last may be unknown") {
  const auto fitted = Lags({.lags = "1-3"}).fit(along(series()), {});
  const Table later({number("t", {8, 7}), number("y", {kGap, 70})});
  const Table made = fitted->apply(later);
  CHECK(same(cells_of(made, "y lag 1"), {70, 60}));
  CHECK(same(cells_of(made, "y lag 2"), {60, 50}));
  CHECK(same(cells_of(made, "y lag 3"), {50, 40}));
  CHECK(fitted->remarks(later).empty());
}

TEST_CASE("lags: what lies beyond a gap is not known, and remarks() says so") {
  const auto fitted = Lags({.lags = "1-2"}).fit(along(series()), {});
  const Table later({number("t", {20, 21}), number("y", {1, 2})});
  const Table made = fitted->apply(later);
  CHECK(same(cells_of(made, "y lag 1"), {kGap, 1}));
  CHECK(same(cells_of(made, "y lag 2"), {kGap, kGap}));
  REQUIRE(fitted->remarks(later).size() == 1);
  CHECK(
      fitted->remarks(later)[0].message ==
      "Of 2 of 2 rows a part of the past is not known, first of row 1: 'y' of 2 rows before it. Earlier rows "
      "are taken from the same file or from the end of the training rows; give those between.");
}

TEST_CASE("lags: training rows without a whole past are not learned from, unless they are kept") {
  const Table table = series();
  const FittedRows fitted = Lags({.lags = "2"}).fit_rows(along(table), table, {});
  REQUIRE(fitted.kept.has_value());
  CHECK(*fitted.kept == Integers{0, 3, 4, 5});
  CHECK(same(cells_of(fitted.table, "y lag 2"), {10, 30, 20, 40}));
  CHECK_FALSE(
      Lags({.lags = "2", .keep_incomplete = true}).fit_rows(along(table), table, {}).kept.has_value());
  CHECK_THROWS_WITH_AS(Lags({.lags = "6"}).fit_rows(along(table), table, {}),
                       doctest::Contains("none of 6 training rows has 6 rows before it"), DataError);
}

TEST_CASE("lags: groups are series of their own, and a column may be told that is a feature too") {
  const Table table({number("t", {1, 1, 2, 2, 3}),
                     Column::category_of("shop", Cells{"a", "b", "a", "b", "b"}),
                     number("x", {1, 100, 2, 200, 300}), number("y", {1, 2, 3, 4, 5})});
  const Dataset data = along(table);
  CHECK_THROWS_WITH_AS(Lags({.columns = {"x"}}).fit(data, {}),
                       doctest::Contains("rows 1 and 2 have the same t '1'"), DataError);
  const auto fitted = Lags({.group = "shop", .columns = {"x"}}).fit(data, {});
  const Table made = fitted->apply(table);
  CHECK(same(cells_of(made, "x lag 1"), {kGap, kGap, 1, 100, 200}));
  CHECK(made.find("x") != nullptr);  // a feature stays one
  CHECK(made.find("shop") != nullptr);
  CHECK(made.find("t") == nullptr);  // the time is none
  const Table later({number("t", {4, 4, 4}), Column::category_of("shop", Cells{"b", "a", "new"}),
                     number("x", {1, 1, 1}), number("y", {kGap, kGap, kGap})});
  CHECK(same(cells_of(fitted->apply(later), "x lag 1"), {300, kGap, kGap}));
}

TEST_CASE("lags: a row's own value and what comes after it change nothing before") {
  const auto fitted = Lags({.lags = "1-2", .means = "3"}).fit(along(series()), {});
  const Table before = fitted->apply(series());
  Numbers y{30, 10, 20, 50, 40, 60};
  y[4] = -1e6;  // of t = 4
  const Table after = fitted->apply(series().with(number("y", y)));
  for (const char* name : {"y lag 1", "y lag 2", "y mean 3"})
    for (const std::int64_t r : {0, 1, 2, 4}) {  // t <= 4
      const double a = before.column(name).number_at(r), b = after.column(name).number_at(r);
      CHECK((a == b || (std::isnan(a) && std::isnan(b))));
    }
  CHECK(after.column("y lag 1").number_at(3) == -1e6);
}

TEST_CASE("lags: bad input is told with what to do") {
  const Table table = series();
  CHECK_THROWS_WITH_AS(
      Lags({}).fit(Dataset(table, {.roles = {.target = "y"}, .task = Task::regression}), {}),
      "lags: nothing says in which order the rows follow one another. Name the column of time: --time COL.",
      UsageError);
  for (const char* bad : {"0", "1-", "5-2", "a", "1,,2", "-3", "1 2", "200000"}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH_AS(Lags({.lags = bad}).fit(along(table), {}),
                         doctest::Contains("is no list of whole numbers from 1 to 100000. Such as 1-12"),
                         ParamError);
  }
  CHECK_THROWS_WITH_AS(Lags({.lags = ""}).fit(along(table), {}), doctest::Contains("neither lags nor means"),
                       ParamError);
  CHECK_THROWS_WITH_AS(Lags({.group = "stop"}).fit(along(table), {}),
                       doctest::Contains("lags.group: there is no column 'stop'"), UsageError);
  const auto fitted = Lags({}).fit(along(table), {});
  CHECK_THROWS_WITH_AS(fitted->apply(Table({number("t", {kGap}), number("y", {1})})),
                       doctest::Contains("row 1: has no time"), DataError);
  const Dataset classes(Table({number("t", {1, 2}), Column::category_of("y", Cells{"a", "b"})}),
                        {.roles = {.target = "y", .time = "t"}});
  CHECK_THROWS_WITH_AS(Lags({}).fit(classes, {}), doctest::Contains("there is no number to look back on"),
                       UsageError);
}
