#include "cairn/data/describe_parts.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cairn/base/error.h"
#include "cairn/data/csv.h"
#include "cairn/data/distinct.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::TemporaryFolder;

namespace {

constexpr int kRows = 6000;

// Every kind; some rows lack the target, among them the one with the largest value of x.
std::string table_text() {
  std::string text = "x,huge,whole,few,day,flag,city,note,nothing,y\n";
  for (int i = 0; i < kRows; ++i)
    text += fmt::format("{},{}e300,{},{},20{:02}-0{}-11,{},{},note {} of many words,,{}\n",
                        i == 4000 ? 1e6 : std::sin(i) * 100 + 5000, 1 + i % 3, i,
                        i % 12 == 0 ? "" : std::to_string(i % 6), i % 20, 1 + i % 9, i % 3 ? "true" : "false",
                        i % 7 ? "Bern" : "Zug", i % 4000,
                        i % 50 == 0 ? ""
                        : i % 5     ? "yes"
                                    : "no");
  return text;
}

const Json& column_of(const Json& description, std::string_view name) {
  for (const Json& column : description["columns"])
    if (column["name"] == name) return column;
  FAIL("no column " << name);
  return description;
}

// A description in parts without what only it says, means and deviations told apart.
std::string comparable(Json description, std::map<std::string, double>& means) {
  description.erase("sample");
  for (Json& column : description["columns"]) {
    column.erase("estimated");
    for (const char* name : {"mean", "deviation"}) {
      if (!column.contains(name) || !column[name].is_number()) continue;
      means[column["name"].get<std::string>() + name] = column[name].get<double>();
      column.erase(name);
    }
  }
  return description.dump(1);
}

}  // namespace

TEST_CASE("a table described in parts is described as in memory, where all rows are in the sample") {
  const TemporaryFolder folder;
  folder.write("t.csv", table_text());
  const ReadResult whole = read_csv(folder.file("t.csv"));
  for (const char* target : {"", "y"}) {
    CAPTURE(target);
    const auto parts = csv_parts(folder.file("t.csv"), {}, 5000);
    const Roles roles{.target = target};
    std::optional<Dataset> sample;
    const Json description = describe_parts(*parts, {.columns = {}, .roles = roles, .stop = {}}, sample);
    const Json expected = *target
                              ? describe(Dataset(whole.table, {.roles = roles}), {.schema = &whole.schema})
                              : describe(whole.table, {.schema = &whole.schema});
    CHECK(sample->num_rows() == (*target ? kRows - kRows / 50 : kRows));
    std::map<std::string, double> means, expected_means;
    CHECK(comparable(description, means) == comparable(expected, expected_means));
    REQUIRE(means.size() == expected_means.size());
    CHECK(means.size() == 9);
    for (const auto& [name, mean] : means) {
      CAPTURE(name);
      CHECK(mean == doctest::Approx(expected_means[name]).epsilon(1e-12));
    }
    for (const Json& column : description["columns"]) CHECK(column["estimated"].empty());
  }
}

TEST_CASE("what a sample tells is named, close to the whole, and the rest is of all rows") {
  const TemporaryFolder folder;
  folder.write("t.csv", table_text());
  const ReadResult whole = read_csv(folder.file("t.csv"));
  const Json expected = describe(whole.table, {.schema = &whole.schema});
  std::optional<Dataset> sample;
  const auto describe_by = [&](std::size_t part_bytes) {
    const auto parts = csv_parts(folder.file("t.csv"), {}, part_bytes);
    return describe_parts(
        *parts, {.columns = {}, .roles = {}, .sampled = 1500, .most_distinct = 512, .stop = {}}, sample);
  };
  const Json description = describe_by(5000);
  CHECK(std::abs(static_cast<double>(sample->num_rows()) - 1500) < 150);
  CHECK(description["rows"] == kRows);
  for (const Json& column : description["columns"]) {
    const Json& of_all = column_of(expected, column["name"].get<std::string>());
    CAPTURE(column["name"].get<std::string>());
    for (const char* field :
         {"missing", "examples", "low", "high", "histogram", "characters", "kind", "reason"})
      CHECK(column.contains(field) == of_all.contains(field));
    for (const char* field : {"missing", "examples", "low", "high", "histogram", "characters"})
      if (of_all.contains(field)) CHECK(column[field] == of_all[field]);
  }
  CHECK(column_of(description, "city")["levels"] == column_of(expected, "city")["levels"]);
  CHECK(column_of(description, "few")["levels"] == column_of(expected, "few")["levels"]);
  CHECK(column_of(description, "few")["estimated"] == Json::array({"quantiles"}));
  CHECK(column_of(description, "city")["estimated"].empty());
  CHECK(column_of(description, "note")["estimated"] == Json::array({"distinct", "levels", "other"}));
  const Json& whole_numbers = column_of(description, "whole");
  CHECK(whole_numbers["estimated"] == Json::array({"distinct", "quantiles"}));
  CHECK_FALSE(whole_numbers.contains("levels"));
  CHECK(std::abs(whole_numbers["distinct"].get<double>() / kRows - 1) < 4 / std::sqrt(512));
  CHECK(std::abs(column_of(description, "note")["distinct"].get<double>() / 4000 - 1) < 4 / std::sqrt(512));
  // Four standard errors of a sample's median place: 4 * sqrt(1500 / 4) of 1500 rows.
  CHECK(std::abs(whole_numbers["quantiles"]["0.5"].get<double>() / kRows - 0.5) < 2 / std::sqrt(1500));
  // Parts may end anywhere.
  std::map<std::string, double> means, others;
  CHECK(comparable(description, means) == comparable(describe_by(1700), others));
}

TEST_CASE("describing in parts: a target that is not there, and one without a value") {
  const TemporaryFolder folder;
  folder.write("t.csv", table_text());
  const auto parts = csv_parts(folder.file("t.csv"), {}, 5000);
  const auto message = [&](const char* target) {
    return error_text([&] {
      std::optional<Dataset> sample;
      describe_parts(*parts, {.columns = {}, .roles = {.target = target}, .stop = {}}, sample);
    });
  };
  CHECK(message("cities").find("city") != std::string::npos);
  CHECK(message("nothing") == "target 'nothing': all 6000 rows are missing");
}

TEST_CASE("distinct values: exact up to a bound, then within four standard errors, in any order") {
  for (const std::int64_t values : {0, 1, 700, 1000}) {
    DistinctCount count(1000);
    for (std::int64_t i = 0; i < 3 * values; ++i) count.add(static_cast<std::uint64_t>(i % values));
    CHECK(count.is_exact());
    CHECK(count.count() == values);
  }
  DistinctCount up(1000), down(1000);
  constexpr std::int64_t kValues = 200'000;
  for (std::int64_t i = 0; i < kValues; ++i) {
    up.add(static_cast<std::uint64_t>(i));
    down.add(static_cast<std::uint64_t>(kValues - 1 - i));
    down.add(static_cast<std::uint64_t>(i % 17));
  }
  CHECK_FALSE(up.is_exact());
  CHECK(up.count() == down.count());
  CHECK(std::abs(static_cast<double>(up.count()) / kValues - 1) < 4 / std::sqrt(1000));
  DistinctCount one_more(1000);
  for (std::uint64_t i = 0; i < 1001; ++i) one_more.add(i);
  CHECK_FALSE(one_more.is_exact());
}
