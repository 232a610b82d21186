#include "cairn/data/split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <ranges>
#include <set>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"

using namespace cairn;
using Rows = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

namespace {

Column numbers(std::string name, std::vector<double> v) {
  return Column::number(std::move(name), Tensor::take(std::move(v)));
}

Column words(std::string name, const Names& cells) {
  return Column::category_of(std::move(name),
                             std::vector<std::optional<std::string>>(cells.begin(), cells.end()));
}

std::vector<double> noise(std::int64_t n, const char* stream = "noise") {
  Random random(1, stream);
  std::vector<double> v;
  for (std::int64_t i = 0; i < n; ++i) v.push_back(random.uniform());
  return v;
}

// n rows with distinct x; class i has the given share.
Dataset classes(std::int64_t n, const std::vector<std::pair<std::string, std::int64_t>>& counts) {
  Names labels;
  for (const auto& [name, count] : counts) labels.insert(labels.end(), static_cast<std::size_t>(count), name);
  Random(3, "labels").shuffle(std::span(labels));
  return Dataset(Table({numbers("x", noise(n)), words("y", labels)}), {.roles = {.target = "y"}});
}

// Every row once, in one of the parts, ascending.
void check_partition(const Split& s, std::int64_t n) {
  Rows all = s.train;
  all.insert(all.end(), s.test.begin(), s.test.end());
  CHECK(std::ranges::is_sorted(s.train));
  CHECK(std::ranges::is_sorted(s.test));
  std::ranges::sort(all);
  Rows expected(static_cast<std::size_t>(n));
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(all == expected);
}

std::map<std::string, std::int64_t> count(const Dataset& data, const Rows& rows) {
  std::map<std::string, std::int64_t> counts;
  for (const std::int64_t r : rows) ++counts[data.target().cell(r)];
  return counts;
}

bool shares_rows(const Dataset& data, const Split& s) {
  return count_shared_rows(data.select(s.train), data.select(s.test)) > 0;
}

}  // namespace

TEST_CASE("split: the same share of every class, the same rows for the same seed") {
  const Dataset data = classes(1000, {{"a", 700}, {"b", 250}, {"c", 50}});
  const Split s = split(data, {.test = 0.2, .seed = 4});
  check_partition(s, 1000);
  CHECK(s.how == "stratified by y");
  CHECK(count(data, s.test) == std::map<std::string, std::int64_t>{{"a", 140}, {"b", 50}, {"c", 10}});
  CHECK(split(data, {.test = 0.2, .seed = 4}).test == s.test);
  CHECK(split(data, {.test = 0.2, .seed = 5}).test != s.test);
  const Split plain = split(data, {.test = 0.2, .stratify = false});
  CHECK(plain.how == "random");
  CHECK(plain.test.size() == 200);
  const int before = num_threads();
  for (const int threads : {1, 7}) {
    set_num_threads(threads);
    CHECK(split(data, {.test = 0.2, .seed = 4}).test == s.test);
  }
  set_num_threads(before);
}

TEST_CASE(
    "split: many small classes still give a test of the right size, and a single row stays for training") {
  std::vector<std::pair<std::string, std::int64_t>> counts{{"alone", 1}};
  for (int c = 0; c < 60; ++c) counts.emplace_back("class" + std::to_string(c), 2);
  const Dataset data = classes(121, counts);
  const Split s = split(data, {.test = 0.25});
  CHECK(std::abs(static_cast<double>(s.test.size()) - 30) <= 1);
  CHECK_FALSE(count(data, s.test).contains("alone"));
  for (const auto& [name, rows] : count(data, s.test)) CHECK(rows == 1);
}

TEST_CASE("split: a regression has the same spread in both parts") {
  std::vector<double> y = noise(1000, "y");
  for (double& v : y) v = std::exp(6 * v);  // skewed: a plain split would differ by chance
  const Dataset data(Table({numbers("x", noise(1000)), numbers("y", y)}), {.roles = {.target = "y"}});
  const Split s = split(data, {.test = 0.2});
  check_partition(s, 1000);
  CHECK(s.test.size() == 200);
  std::vector<double> sorted = y;
  std::ranges::sort(sorted);
  for (int bin = 0; bin < 10; ++bin) {
    const double low = sorted[static_cast<std::size_t>(bin) * 100],
                 high = bin == 9 ? INFINITY : sorted[static_cast<std::size_t>(bin + 1) * 100];
    CHECK(std::ranges::count_if(s.test, [&](std::int64_t r) {
            return y[static_cast<std::size_t>(r)] >= low && y[static_cast<std::size_t>(r)] < high;
          }) == 20);
  }
  const Dataset ten(data.table().slice(0, 10), {.roles = {.target = "y"}});
  CHECK(split(ten, {.test = 0.2}).test.size() == 2);
}

TEST_CASE("split and k_fold: identical rows never straddle") {
  Rows rows;
  for (std::int64_t r = 0; r < 300; ++r)
    for (std::int64_t copy = 0; copy <= (r % 3 == 0 ? r % 5 : 0); ++copy) rows.push_back(r);
  Random(2, "mix").shuffle(std::span(rows));
  const Dataset data = classes(300, {{"no", 200}, {"yes", 100}}).select(rows);
  const auto n = static_cast<double>(rows.size());
  const Split s = split(data, {.test = 0.2});
  check_partition(s, data.num_rows());
  CHECK_FALSE(shares_rows(data, s));
  CHECK(std::abs(static_cast<double>(s.test.size()) - 0.2 * n) < 4);
  CHECK(s.how == "stratified by y, identical rows kept together (80 groups of 280 rows)");
  for (const Split& fold : k_fold(data, 5, 0)) {
    check_partition(fold, data.num_rows());
    CHECK_FALSE(shares_rows(data, fold));
    CHECK(std::abs(static_cast<double>(fold.test.size()) - n / 5) < 4);
  }
}

TEST_CASE("split: repeated observations of a few cases are no copies") {
  Names city, label;
  for (int i = 0; i < 400; ++i) {
    city.push_back(i % 2 ? "Bern" : "Rome");
    label.push_back(i % 3 ? "yes" : "no");
  }
  const Dataset data(Table({words("city", city), words("y", label)}), {.roles = {.target = "y"}});
  const Split s = split(data, {.test = 0.2});
  CHECK(s.test.size() == 80);
  CHECK(s.how.find("the same case with different labels") != std::string::npos);
}

TEST_CASE("split: whole groups, with their classes about equal") {
  Names groups;
  for (int i = 0; i < 600; ++i) groups.push_back("g" + std::to_string(i * i % 57));
  const Dataset plain = classes(600, {{"a", 400}, {"b", 200}});
  const Dataset data(plain.table().with(words("who", groups)), {.roles = {.target = "y", .group = "who"}});
  const auto group = data.groups();
  const auto check = [&](const Split& s, double share) {
    check_partition(s, 600);
    std::set<std::int64_t> train, test;
    for (const std::int64_t r : s.train) train.insert(group[static_cast<std::size_t>(r)]);
    for (const std::int64_t r : s.test) test.insert(group[static_cast<std::size_t>(r)]);
    for (const std::int64_t g : test) CHECK_FALSE(train.contains(g));
    CHECK(std::abs(static_cast<double>(s.test.size()) / 600 - share) < 0.06);
    auto counts = count(data, s.test);
    CHECK(std::abs(static_cast<double>(counts["a"]) / 400 - share) < 0.09);
  };
  check(split(data, {.test = 0.3}), 0.3);
  for (const Split& fold : k_fold(data, 4, 0)) check(fold, 0.25);
  const Dataset two(plain.table().with(words("who", Names(600, "same"))),
                    {.roles = {.target = "y", .group = "who"}});
  CHECK_THROWS_WITH_AS(split(two, {}), doctest::Contains("would be empty"), DataError);
  CHECK_THROWS_WITH_AS(
      k_fold(two, 5, 0),
      doctest::Contains("1 group cannot be dealt into 5 folds. The groups of 'who' stay whole"), DataError);
}

TEST_CASE("split and k_fold by time: the past trains, the future judges, one moment is never cut") {
  std::vector<double> day;
  for (int i = 0; i < 100; ++i) day.push_back(std::floor(static_cast<double>(i * 37 % 100) / 3));
  const Dataset data(Table({numbers("x", noise(100)), numbers("day", day), numbers("y", noise(100, "y"))}),
                     {.roles = {.target = "y", .time = "day"}});
  const auto at = [&](std::int64_t r) { return day[static_cast<std::size_t>(r)]; };
  const auto check = [&](const Split& s) {
    CHECK(std::ranges::max(s.train | std::views::transform(at)) <
          std::ranges::min(s.test | std::views::transform(at)));
  };
  const Split s = split(data, {.test = 0.2});
  check_partition(s, 100);
  check(s);
  CHECK(std::abs(static_cast<double>(s.test.size()) - 20) <= 2);
  CHECK(s.how == "by time, test from day = 27 on");
  const auto folds = k_fold(data, 4, 0);
  REQUIRE(folds.size() == 4);
  std::size_t before = 0;
  for (const Split& fold : folds) {
    check(fold);
    CHECK(fold.train.size() > before);
    before = fold.train.size();
    CHECK(std::abs(static_cast<double>(fold.test.size()) - 20) <= 3);
  }
  const Table still = data.table().with(numbers("day", std::vector<double>(100, 1)));
  CHECK_THROWS_WITH_AS(split(Dataset(still, {.roles = data.roles()}), {}), doctest::Contains("the same time"),
                       DataError);
  const Table gap = data.table().with(numbers("day", std::vector<double>(100, std::nan(""))));
  CHECK_THROWS_WITH_AS(split(Dataset(gap, {.roles = data.roles()}), {}),
                       doctest::Contains("row 1 has no time"), DataError);
  // Few times, most rows at the last: every fold still has a part of its own.
  std::vector<double> late(100, 9);
  for (std::size_t i = 0; i < 4; ++i) late[i] = static_cast<double>(i);
  const auto uneven = k_fold(Dataset(data.table().with(numbers("day", late)), {.roles = data.roles()}), 4, 0);
  for (const Split& fold : uneven) CHECK((!fold.test.empty() && !fold.train.empty()));
  CHECK_THROWS_WITH_AS(
      k_fold(Dataset(data.table().with(numbers("day", late)), {.roles = data.roles()}), 5, 0),
      doctest::Contains("has 5 different times; 5 folds need 6"), DataError);
}

TEST_CASE("k_fold: every row judged once, equal parts and classes, another shuffling for another repeat") {
  const Dataset data = classes(503, {{"a", 400}, {"b", 100}, {"rare", 3}});
  const auto folds = k_fold(data, 5, 0);
  std::set<std::int64_t> judged;
  for (const Split& fold : folds) {
    check_partition(fold, 503);
    judged.insert(fold.test.begin(), fold.test.end());
    auto counts = count(data, fold.test);
    CHECK(counts["a"] == 80);
    CHECK(counts["b"] == 20);
    CHECK(counts["rare"] <= 1);
    CHECK(count(data, fold.train).contains("rare"));
    CHECK(fold.how.find("class 'rare' has 3 rows: not every test part has one") != std::string::npos);
  }
  CHECK(judged.size() == 503);
  CHECK(k_fold(data, 5, 0)[0].test == folds[0].test);
  CHECK(k_fold(data, 5, 0, 1)[0].test != folds[0].test);
  CHECK(k_fold(data, 5, 1)[0].test != folds[0].test);
}

TEST_CASE("split and k_fold refuse what cannot be") {
  const Dataset data = classes(4, {{"a", 2}, {"b", 2}});
  CHECK_THROWS_AS(split(data, {.test = 1}), UsageError);
  CHECK_THROWS_AS(split(data, {.test = std::nan("")}), UsageError);
  CHECK_THROWS_AS(k_fold(data, 1, 0), UsageError);
  CHECK_THROWS_WITH_AS(k_fold(data, 5, 0), doctest::Contains("4 rows cannot be dealt into 5 folds"),
                       DataError);
  CHECK_THROWS_AS(split(data.select(Rows{0}), {}), DataError);
  CHECK_THROWS_AS(split(data.select(Rows{}), {}), DataError);
  CHECK(k_fold(data, 4, 0).size() == 4);
}

TEST_CASE("count_shared_rows counts by features and target, whatever the order of columns") {
  const Dataset data = classes(50, {{"a", 30}, {"b", 20}});
  const Dataset train = data.select(Rows{0, 1, 2, 3});
  const Table test = data.table().select(Rows{2, 3, 4, 3}).only(Names{"y", "x"});
  CHECK(count_shared_rows(train, data.with_table(test)) == 3);
  CHECK(count_shared_rows(train, data.select(Rows{7, 8})) == 0);
}
