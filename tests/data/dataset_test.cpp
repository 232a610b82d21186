#include "cairn/data/dataset.h"

#include <doctest/doctest.h>

#include <cmath>

#include "cairn/data/schema.h"
#include "cairn/data/split.h"

using namespace cairn;

namespace {
using Cells = std::vector<std::optional<std::string>>;
Column numbers(std::string name, std::vector<double> v) {
  return Column::number(std::move(name), Tensor::take(std::move(v)));
}
Table people() {
  return Table({numbers("age", {30, 40, std::nan(""), 50}),
                Column::category_of("city", Cells{"Bern", "Paris", std::nullopt, "Bern"}),
                Column::category_of("churn", Cells{"no", "yes", "yes", "no"})});
}
}  // namespace

TEST_CASE("roles are checked against the columns, with the nearest name") {
  CHECK_THROWS_WITH(Dataset(people(), {.roles = {.target = "chrun"}}),
                    doctest::Contains("Did you mean 'churn'?"));
  CHECK_THROWS_WITH(Dataset(people(), {.roles = {.target = "churn", .weight = "agee"}}),
                    doctest::Contains("Did you mean 'age'?"));
}

TEST_CASE("task, classes and positive are told from the target") {
  const Dataset d(people(), {.roles = {.target = "churn"}});
  CHECK(d.task() == Task::binary);
  CHECK(d.classes() == std::vector<std::string>{"no", "yes"});
  CHECK(d.classes()[static_cast<std::size_t>(d.positive())] == "yes");
  CHECK(d.features().names() == std::vector<std::string>{"age", "city"});
  const Dataset flipped(people(), {.roles = {.target = "churn"}, .positive = "no"});
  CHECK(flipped.positive() == 0);
  CHECK_THROWS_WITH(Dataset(people(), {.roles = {.target = "churn"}, .positive = "maybe"}),
                    doctest::Contains("'maybe' is no class"));
  CHECK(infer_task(numbers("y", {1.5, 2, 3})) == Task::regression);
  CHECK(infer_task(numbers("y", {1, 2, 3})) == Task::multiclass);
}

TEST_CASE("targets that cannot be learned are refused with the reason") {
  CHECK_THROWS_WITH(Dataset(Table({numbers("x", {1, 2}), numbers("y", {3, 3})}),
                            {.roles = {.target = "y"}, .task = Task::regression}),
                    doctest::Contains("every row holds 3"));
  CHECK_THROWS_WITH(Dataset(Table({Column::category_of("y", Cells{"a", "a"})}), {.roles = {.target = "y"}}),
                    doctest::Contains("every row is 'a'"));
  CHECK_THROWS_WITH(Dataset(people(), {.roles = {.target = "churn"}, .task = Task::regression}),
                    doctest::Contains("a regression needs numbers"));
  CHECK_THROWS_WITH(Dataset(Table({numbers("y", {std::nan(""), std::nan("")})}), {.roles = {.target = "y"}}),
                    doctest::Contains("all 2 rows are missing"));
}

TEST_CASE("rows without a target are left out and counted") {
  const Dataset d(Table({numbers("x", {1, 2, 3}), numbers("y", {0.5, std::nan(""), 2})}),
                  {.roles = {.target = "y"}});
  CHECK(d.num_rows() == 2);
  REQUIRE(d.warnings().size() == 1);
  CHECK(d.warnings()[0].code == "missing_target");
}

TEST_CASE("labels of a test file match but for blanks and a trailing point") {
  const Dataset train(people(), {.roles = {.target = "churn"}});
  const Table test = people().with(Column::category_of("churn", Cells{"no.", " yes", "yes.", "no"}));
  const Dataset d = train.with_table(test);
  CHECK(d.class_codes() == std::vector<std::int32_t>{0, 1, 1, 0});
  REQUIRE(d.warnings().size() == 1);
  CHECK(d.warnings()[0].message.find("3 labels") != std::string::npos);
  CHECK_THROWS_WITH(
      train.with_table(people().with(Column::category_of("churn", Cells{"no", "yse", "no", "no"}))),
      doctest::Contains("Did you mean 'yes'?"));
}

TEST_CASE("weights are finite and not negative") {
  CHECK_THROWS_AS(Dataset(Table({numbers("w", {1, -1}), numbers("y", {0.5, 2})}),
                          {.roles = {.target = "y", .weight = "w"}}),
                  DataError);
  CHECK_THROWS_AS(Dataset(Table({numbers("w", {0, 0}), numbers("y", {0.5, 2})}),
                          {.roles = {.target = "y", .weight = "w"}}),
                  DataError);
}

TEST_CASE("a schema holds later tables to what training saw") {
  const Table features = people().without(std::vector<std::string>{"churn"});
  const Schema schema = Schema::of(features);
  std::vector<Warning> warnings;
  const Table later({Column::category_of("city", Cells{"Paris", "Rome"}), numbers("extra", {1, 2}),
                     Column::category_of("age", Cells{"31", "32.5"})});
  const Table fitted = schema.conform(later, &warnings);
  CHECK(fitted.names() == std::vector<std::string>{"age", "city"});
  CHECK(fitted.column("age").number_at(1) == 32.5);
  CHECK(fitted.column("city").cell(0) == "Paris");
  CHECK(fitted.column("city").is_missing(1));
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].message.find("'Rome'") != std::string::npos);
  CHECK_THROWS_WITH(schema.conform(Table({numbers("aged", {1})})),
                    doctest::Contains("age, city are missing"));
  CHECK_THROWS_WITH(schema.conform(Table({Column::category_of("age", Cells{"old"}),
                                          Column::category_of("city", Cells{"Bern"})})),
                    doctest::Contains("column 'age', row 1: 'old' is not a number"));
}

TEST_CASE("rows that are the same have the same fingerprint, whatever the order of levels") {
  const Table a({Column::category_of("c", Cells{"x", "y"}), numbers("n", {0.0, 1})});
  const Table b({Column::category("c", Tensor::from(std::vector<std::int32_t>{1, 0}), {"y", "x"}),
                 numbers("n", {-0.0, 1})});
  CHECK(a.row_hashes() == b.row_hashes());
  CHECK(a.row_hashes()[0] != a.row_hashes()[1]);
  CHECK(a.sha256().size() == 64);
}

TEST_CASE("columns are looked up by name in any order, and copies of a column share it") {
  const Table table = people();
  CHECK(table.index().at("city") == 1);
  CHECK_FALSE(table.index().contains("town"));
  const Schema schema = Schema::of(table);
  CHECK(schema.index().at("churn")->kind == ColumnKind::category);
  const std::vector<std::string> turned{"churn", "age", "city"};
  CHECK(schema.conform(table.only(turned)).names() == table.names());
  CHECK_THROWS_WITH(schema.conform(table.without(std::vector<std::string>{"age", "city"})),
                    doctest::Contains("age, city are missing"));
  const Column copy = table.column("age"), renamed = copy.renamed("years");
  CHECK(copy.values().raw() == table.column("age").values().raw());
  CHECK(renamed.name() == "years");
  CHECK(copy.name() == "age");
  CHECK_THROWS_WITH(Table({copy, renamed, copy}), doctest::Contains("column 'age' stands twice"));
}

TEST_CASE("a column of time that is text is put in order by its numbers, or refused") {
  const auto dated = [](const Cells& cells) {
    std::vector<double> y(cells.size());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<double>(i);
    return Dataset(Table({Column::category_of("month", cells), numbers("y", y)}),
                   {.roles = {.target = "y", .time = "month"}, .task = Task::regression});
  };
  const Dataset data = dated({"2-01", "1-12", "10-01", "1-02", "2-11"});
  REQUIRE(data.warnings().size() == 1);
  CHECK(data.warnings()[0].message.find("('1-02' is the first, '10-01' the last)") != std::string::npos);
  CHECK(split(data, {.test = 0.4, .seed = 1}).test == std::vector<std::int64_t>{2, 4});
  CHECK_THROWS_WITH(dated({"May", "June"}),
                    doctest::Contains("row 1: is text, 'May', which no numbers put in order"));
  CHECK_THROWS_WITH(dated({"2019-Q1", "2019-Q2", "Q3 2019"}),
                    doctest::Contains("'Q3 2019', not of the form of '2019-Q1'"));
  CHECK_THROWS_WITH(dated({"1-1", "1-99999999999999999999"}), doctest::Contains("row 2"));
}
