#include "cairn/data/describe.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cairn/base/parallel.h"
#include "tests/support/golden.h"

using namespace cairn;
using test::golden_numbers;
using test::largest_difference;

namespace {

Column letters_column(const nlohmann::json& list) {
  std::vector<std::optional<std::string>> cells;
  for (const auto& cell : list) cells.push_back(cell.get<std::string>());
  return Column::category_of("letter", cells);
}

Json column_of(const Json& described, const std::string& name) {
  for (const Json& column : described["columns"])
    if (column["name"] == name) return column;
  return {};
}

}  // namespace

TEST_CASE("describe: range, moments, quantiles and histogram agree with NumPy") {
  const auto golden = test::read_golden("transforms.json");
  const auto& expected = golden["describe"];
  const Json a =
      column_of(describe(Table({Column::number("a", Tensor::take(golden_numbers(golden["x"][0])))})), "a");
  CHECK(a["kind"] == "number");
  CHECK(a["missing"] == 2);
  CHECK(a["distinct"] == 21);
  CHECK(a["examples"].size() == 3);
  for (const char* field : {"mean", "deviation", "low", "high"})
    CHECK(a[field].get<double>() == doctest::Approx(expected[field].get<double>()).epsilon(1e-13));
  std::vector<double> quantiles;
  for (const auto& [p, v] : a["quantiles"].items()) quantiles.push_back(v.get<double>());
  CHECK(largest_difference(quantiles, golden_numbers(expected["quantiles"])) < 1e-14);
  CHECK(a["histogram"]["counts"].get<std::vector<int>>() == expected["histogram"].get<std::vector<int>>());
}

TEST_CASE("describe: the target over levels, its share of variance as computed by NumPy") {
  const auto golden = test::read_golden("transforms.json");
  const auto& expected = golden["describe"];
  const Table table({letters_column(expected["letters"]),
                     Column::number("d", Tensor::take(golden_numbers(expected["d"])))});
  const Json number = describe(Dataset(table, {.roles = {.target = "d"}, .task = Task::regression}));
  CHECK(column_of(number, "d")["role"] == "target");
  CHECK_FALSE(column_of(number, "d").contains("target"));
  const Json by_letter = column_of(number, "letter")["target"];
  CHECK(by_letter["strength"].get<double>() ==
        doctest::Approx(expected["eta_squared"].get<double>()).epsilon(1e-13));
  for (const Json& group : by_letter["groups"])
    CHECK(group["mean"].get<double>() ==
          doctest::Approx(expected["means"][group["level"].get<std::string>()].get<double>()));
  std::vector<std::optional<std::string>> classes;
  for (const auto& c : expected["classes"]) classes.push_back(c.get<std::string>());
  const Json by_class =
      describe(Dataset(table.with(Column::category_of("d", classes)), {.roles = {.target = "d"}}));
  CHECK(by_class["classes"] == Json({"high", "low"}));
  const Json shares = column_of(by_class, "letter")["target"];
  CHECK(shares["strength"].get<double>() == doctest::Approx(expected["tau"].get<double>()).epsilon(1e-13));
  for (const Json& group : shares["groups"])
    CHECK(largest_difference(group["shares"].get<std::vector<double>>(),
                             golden_numbers(expected["shares"][group["level"].get<std::string>()])) < 1e-15);
}

TEST_CASE("describe: an ordered feature is cut into ten parts that hold every row once") {
  std::vector<double> x, y;
  for (int i = 0; i < 1000; ++i) {
    x.push_back(i % 100 < 50 ? 0 : i * 7 % 1000);
    y.push_back(2 * x.back() + 1e9);
  }
  const Table table(
      {Column::number("x", Tensor::take(std::move(x))), Column::number("y", Tensor::take(std::move(y)))});
  const Json target = column_of(
      describe(Dataset(table, {.roles = {.target = "y"}, .task = Task::regression})), "x")["target"];
  std::int64_t rows = 0;
  for (const Json& group : target["groups"]) {
    rows += group["rows"].get<std::int64_t>();
    const double mean = group["mean"].get<double>() - 1e9;
    CHECK(mean >= 2 * group["low"].get<double>());
    CHECK(mean <= 2 * group["high"].get<double>());
  }
  CHECK(rows == 1000);
  CHECK(target["groups"].size() <= 10);
  CHECK(target["strength"].get<double>() > 0.9);
}

TEST_CASE("describe: text, booleans, integers of few values, dates, reasons, and nothing at all") {
  using Names = std::vector<std::string>;
  Table table({Column::text("note", Names{"caf\xc3\xa9", "tea", "tea", std::string(300, 'x')}),
               Column::boolean("hot", Tensor::take(std::vector<std::uint8_t>{1, 1, 0, 1})),
               Column::integer("rooms", Tensor::take(std::vector<std::int64_t>{3, 2, 3, 3})),
               Column::date("day", Tensor::take(std::vector<std::int64_t>{0, 86400, 86400, 172800})),
               Column::number("gap", Tensor::full(Shape{4}, std::nan(""), DType::f64))});
  Schema schema = Schema::of(table);
  schema.columns[0].reason = "3 of 4 values are different";
  const Json d = describe(table, {.schema = &schema});
  const Json note = column_of(d, "note");
  CHECK(note["reason"] == "3 of 4 values are different");
  CHECK(note["levels"][0] == Json({{"level", "tea"}, {"count", 2}}));
  CHECK(note["characters"]["low"] == 3);
  CHECK(note["examples"][2].get<std::string>().size() == 203);
  CHECK(column_of(d, "hot")["levels"][0] == Json({{"level", "true"}, {"count", 3}}));
  CHECK(column_of(d, "rooms")["levels"] ==
        Json::parse(R"([{"level":"3","count":3},{"level":"2","count":1}])"));
  CHECK(column_of(d, "day")["low"] == "1970-01-01");
  CHECK(column_of(d, "day")["quantiles"]["0.5"] == "1970-01-02");
  CHECK(column_of(d, "gap")["distinct"] == 0);
  CHECK_FALSE(column_of(d, "gap").contains("mean"));
  CHECK(describe(table.slice(0, 0))["rows"] == 0);
  const int before = num_threads();
  set_num_threads(7);
  CHECK(describe(table, {.schema = &schema}).dump() == d.dump());
  set_num_threads(before);
}
