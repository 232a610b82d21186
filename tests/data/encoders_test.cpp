// What encoders, bins, filters and interactions do beyond agreeing with others' numbers and with the
// contract.
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/random.h"
#include "cairn/data/bins.h"
#include "cairn/data/column_filters.h"
#include "cairn/data/group_rare.h"
#include "cairn/data/hash_terms.h"
#include "cairn/data/interactions.h"
#include "cairn/data/ordinal.h"
#include "cairn/data/pca.h"
#include "cairn/data/power.h"
#include "cairn/data/target_encode.h"
#include "tests/data/every_kind.h"

using namespace cairn;
using namespace cairn::test;

namespace {

Column sparse_column(const std::string& name) {
  return Column::features(name,
                          Matrix::from_csr(3, Tensor::take(Integers{0, 1, 2, 4}),
                                           Tensor::take(std::vector<std::int32_t>{0, 0, 0, 2}),
                                           Tensor::take(Numbers{1, 1, 1, 5})),
                          {name + " a", name + " b", name + " c"});
}

}  // namespace

TEST_CASE("log and its kin name the first number that they cannot take, in training and later") {
  const Table zero({number("x", {1, 0})});
  CHECK_THROWS_WITH_AS(
      Log({}).fit(Dataset(zero, {}), {}),
      "column 'x', row 2: is 0; log takes numbers above 0. log1p takes zeros, yeo_johnson takes "
      "every number.",
      DataError);
  CHECK_THROWS_WITH_AS(Log1p({}).fit(Dataset(Table({number("x", {-1})}), {}), {}),
                       doctest::Contains("log1p takes numbers above -1"), DataError);
  const auto fitted = BoxCox({}).fit(Dataset(Table({number("x", {1, 2, 5})}), {}), {});
  CHECK_THROWS_AS(fitted->apply(zero), DataError);
  CHECK(Log1p({}).fit(Dataset(zero, {}), {})->apply(zero).column("x").number_at(1) == 0);
  const auto constant = YeoJohnson({}).fit(Dataset(Table({number("x", {4, 4})}), {}), {});
  CHECK(constant->describe() == "yeo_johnson of 1 column (x lambda 1)");
  CHECK_THROWS_WITH_AS(YeoJohnson({}).fit(Dataset(Table({number("x", {1, INFINITY})}), {}), {}),
                       doctest::Contains("takes finite numbers"), DataError);
}

TEST_CASE("yeo_johnson keeps the differences of large numbers") {
  Numbers large;
  for (int i = 1; i <= 50; ++i) large.push_back(1e6 + i * i);
  const Table table({number("x", large)});
  const auto fitted = YeoJohnson({}).fit(Dataset(table, {}), {});
  CHECK(fitted->invert(fitted->apply(table)).column("x").number_at(7) == doctest::Approx(large[7]));
}

TEST_CASE("ordinal: an order of one's own, and levels that it does not name") {
  const Table table({Column::category_of("size", Cells{"small", "large", "medium", std::nullopt})});
  const auto fitted = Ordinal({.order = {"small", "medium", "large"}}).fit(Dataset(table, {}), {});
  const Table made = fitted->apply(table);
  CHECK(made.column("size").number_at(1) == 2);
  CHECK(made.column("size").is_missing(3));
  CHECK(fitted->apply(Table({Column::category_of("size", Cells{"huge"})})).column("size").is_missing(0));
  CHECK_THROWS_WITH_AS(Ordinal({.order = {"small", "mediums", "large"}}).fit(Dataset(table, {}), {}),
                       doctest::Contains("Did you mean 'mediums'?"), UsageError);
  CHECK_THROWS_WITH_AS(Ordinal({.order = {"a", "a"}}).fit(Dataset(Table({number("x", {1})}), {}), {}),
                       doctest::Contains("names a level twice"), UsageError);
}

TEST_CASE("group_rare: levels of few rows become 'other', so do unseen ones where there is an 'other'") {
  const Table table({Column::category_of("c", Cells{"a", "a", "b", "c", std::nullopt})});
  const auto fitted = GroupRare({.min_count = 2}).fit(Dataset(table, {}), {});
  const Table made = fitted->apply(Table({Column::category_of("c", Cells{"a", "b", "zebra", std::nullopt})}));
  CHECK(made.column("c").levels() == Names{"a", "other"});
  CHECK(made.column("c").cell(0) == "a");
  CHECK(made.column("c").cell(1) == "other");
  CHECK(made.column("c").cell(2) == "other");
  CHECK(made.column("c").is_missing(3));
  const auto none = GroupRare({.min_count = 1}).fit(Dataset(table, {}), {});
  CHECK(none->apply(Table({Column::category_of("c", Cells{"zebra"})})).column("c").is_missing(0));
  CHECK(GroupRare({.min_count = 1, .min_share = 0.3}).fit(Dataset(table, {}), {})->describe() ==
        "group_rare in 1 column (c keeps 1, 2 as 'other')");
}

TEST_CASE("bins: labels, edges belong above, a constant column is one bin") {
  const Table table({number("x", {0, 1, 2, 3, kGap}), number("same", {1, 1, 1, 1, 1})});
  const auto fitted = Bins({.bins = 2, .strategy = "width"}).fit(Dataset(table, {}), {});
  const Table made = fitted->apply(table);
  CHECK(made.column("x").levels() == Names{"below 1.5", "1.5 and above"});
  CHECK(made.column("x").is_missing(4));
  CHECK(made.column("same").levels() == Names{"all"});
  CHECK(fitted->apply(table.with(number("x", {1.5, 0, 0, 0, 0}))).column("x").cell(0) == "1.5 and above");
  // Labels that six digits do not tell apart get all of theirs.
  const Table close({number("x", {1.0000001, 1.0000002, 1.0000003, 1.0000004})});
  CHECK(Bins({.bins = 4, .strategy = "width"})
            .fit(Dataset(close, {}), {})
            ->apply(close)
            .column("x")
            .levels()
            .size() == 4);
}

TEST_CASE("target_encode: a training row is never told its own target; later rows are told all") {
  Cells levels;
  Numbers y;
  for (int i = 0; i < 40; ++i) {
    levels.emplace_back(i % 4 == 0 ? "rare" + std::to_string(i / 8) : "common");
    y.push_back(i);
  }
  const auto rows_for = [&](const Numbers& target) {
    const Table table({Column::category_of("c", levels), number("y", target)});
    const Dataset data(table, {.roles = {.target = "y"}, .task = Task::regression});
    return TargetEncode({}).fit_rows(data, data.features(), {.seed = 3});
  };
  const FittedRows before = rows_for(y);
  for (const int row : {0, 1, 17, 39}) {
    Numbers other = y;
    other[static_cast<std::size_t>(row)] += 0.4;  // of the same rank: the parts stay as they are
    const FittedRows after = rows_for(other);
    CHECK(after.table.column("c").number_at(row) == before.table.column("c").number_at(row));
    CHECK(after.fitted->apply(Table({Column::category_of("c", levels)})).column("c").number_at(row) !=
          before.fitted->apply(Table({Column::category_of("c", levels)})).column("c").number_at(row));
  }
  CHECK(before.fitted->apply(Table({Column::category_of("c", Cells{"unseen"})})).column("c").number_at(0) ==
        doctest::Approx(19.5));
  const Table bare({Column::category_of("c", Cells{"a", "b"})});
  CHECK_THROWS_WITH_AS(TargetEncode({}).fit(Dataset(bare, {}), {}),
                       doctest::Contains("have no target to encode by"), UsageError);
  CHECK_THROWS_WITH_AS(fit(TargetEncode({.smoothing = "much"}), every_kind()),
                       doctest::Contains("'much' is neither auto nor a number of at least 0"), ParamError);
}

TEST_CASE("target_encode: whole groups and time decide what a row is encoded by") {
  Cells levels(30, "a");
  Numbers y, time, group;
  for (int i = 0; i < 30; ++i) {
    y.push_back(i);
    time.push_back(i);
    group.push_back(i / 10);
  }
  const Table table(
      {Column::category_of("c", levels), number("y", y), number("t", time), number("g", group)});
  const Dataset by_time(table,
                        {.roles = {.target = "y", .time = "t", .ignored = {"g"}}, .task = Task::regression});
  const FittedRows timed = TargetEncode({.smoothing = "0"}).fit_rows(by_time, by_time.features(), {});
  // The last of six stretches is told the mean of the 25 rows before it.
  CHECK(timed.table.column("c").number_at(29) == doctest::Approx(12));
  const Dataset by_group(
      table, {.roles = {.target = "y", .group = "g", .ignored = {"t"}}, .task = Task::regression});
  const FittedRows grouped = TargetEncode({.smoothing = "0"}).fit_rows(by_group, by_group.features(), {});
  CHECK(grouped.table.column("c").number_at(0) == doctest::Approx(19.5));  // the mean of rows 10 to 29
}

TEST_CASE("filters: constant and repeated columns go; encoded columns stay sparse") {
  const Table table({number("same", {1, 1, 1}), number("x", {1, 2, kGap}),
                     Column::category_of("one", Cells{"a", "a", std::nullopt}),
                     Column::category_of("two", Cells{"a", "b", "a"}), sparse_column("s")});
  const auto fitted = VarianceFilter({}).fit(Dataset(table, {}), {});
  const Table made = fitted->apply(table);
  CHECK(made.names() == Names{"x", "two", "s"});
  CHECK(made.column("s").matrix().is_sparse());
  CHECK(made.column("s").feature_names() == Names{"s c"});  // a is 1 everywhere, b is never stored
  CHECK(made.column("s").matrix().num_stored() == 1);
  CHECK(fitted->describe() ==
        "variance_filter (variance at most 0) leaves out 2 of 5 columns (same, one) and 2 encoded features");
  const Table alike({number("a", {1, 2, 3, 4}), number("b", {-2, -4, -6, -8.1}), number("c", {1, 0, 5, 2})});
  const auto correlated = CorrelationFilter({}).fit(Dataset(alike, {}), {});
  CHECK(correlated->apply(alike).names() == Names{"a", "c"});
  CHECK(CorrelationFilter({.threshold = 1}).fit(Dataset(alike, {}), {})->apply(alike).num_columns() == 3);
}

TEST_CASE("pca: sparse columns are read as they are, gaps are refused") {
  const Table table({sparse_column("s"), number("x", {1, 2, 4})});
  const auto fitted = Pca({}).fit(Dataset(table, {}), {});
  const Table made = fitted->apply(table);
  CHECK(made.names() == Names{"pc 1", "pc 2"});
  CHECK_FALSE(fitted->inverts());
  double share = 0;
  for (const MadeColumn& c : fitted->made_columns())
    for (const Origin& o : c.from) share += o.share;
  CHECK(share == doctest::Approx(2));
  CHECK_THROWS_WITH_AS(
      Pca({}).fit(Dataset(Table({number("x", {1, kGap})}), {}), {}),
      "column 'x', row 2: is missing; pca takes no missing values. Put an impute step before it.", DataError);
  // Two of three components: what is turned back is the nearest point of their plane.
  const Table full({number("a", {1, 2, 3, 5}), number("b", {2, 1, 4, 3}), number("c", {0.1, 0, 0.1, 0.2})});
  const auto two = Pca({.components = 2}).fit(Dataset(full, {}), {});
  CHECK(two->invert(two->apply(full)).column("a").number_at(3) == doctest::Approx(5).epsilon(0.02));
}

TEST_CASE("interactions: finds the product that matters among noise, and none where there is none") {
  Random random(1, "interactions");
  std::vector<Numbers> x(6);
  Numbers product, noise;
  for (int r = 0; r < 400; ++r) {
    for (Numbers& c : x) c.push_back(random.normal() + 3);
    const auto i = static_cast<std::size_t>(r);
    product.push_back(x[0][i] - x[5][i] + 2 * x[1][i] * x[4][i] + random.normal());
    noise.push_back(x[0][i] - x[5][i] + random.normal());
  }
  std::vector<Column> columns;
  for (std::size_t c = 0; c < x.size(); ++c) columns.push_back(number("x" + std::to_string(c), x[c]));
  const auto made = [&](const Numbers& y, const InteractionsParams& params) {
    std::vector<Column> all = columns;
    all.push_back(number("y", y));
    const Dataset data(Table(all), {.roles = {.target = "y"}, .task = Task::regression});
    return Interactions(params).fit(data, {})->apply(data.features()).names();
  };
  CHECK(made(product, {}) == Names{"x0", "x1", "x2", "x3", "x4", "x5", "x1*x4"});
  CHECK(made(noise, {}) == Names{"x0", "x1", "x2", "x3", "x4", "x5"});
  // Of classes, and with the square.
  Cells classes;
  for (int r = 0; r < 400; ++r)
    classes.emplace_back(std::abs(x[2][static_cast<std::size_t>(r)] - 3) > 0.7 ? "far" : "near");
  std::vector<Column> all = columns;
  all.push_back(Column::category_of("y", classes));
  const Dataset data(Table(all), {.roles = {.target = "y"}});
  CHECK(Interactions({.squares = true}).fit(data, {})->apply(data.features()).find("x2^2") != nullptr);
  CHECK(Interactions({.most_columns = 2}).fit(data, {})->describe().find("of 1 products") !=
        std::string::npos);
}

TEST_CASE(
    "pca: a gap in an encoded column is refused, in training and later; one feature wide is not turned "
    "back") {
  const auto encoded = [](const Numbers& values) {
    return Table({Column::features(
        "s",
        Matrix::from_csr(2, Tensor::take(Integers{0, 1, 2, 3}),
                         Tensor::take(std::vector<std::int32_t>{0, 1, 0}), Tensor::take(Numbers(values))),
        {"s a", "s b"})});
  };
  const char* told =
      "column 's b', row 2: is missing; pca takes no missing values. Put an impute step before it.";
  CHECK_THROWS_WITH_AS(Pca({}).fit(Dataset(encoded({1, kGap, 3}), {}), {}), told, DataError);
  const auto fitted = Pca({}).fit(Dataset(encoded({1, 2, 3}), {}), {});
  CHECK_THROWS_WITH_AS(fitted->apply(encoded({1, kGap, 3})), told, DataError);
  const Table narrow({Column::features(
      "s",
      Matrix::from_csr(1, Tensor::take(Integers{0, 1, 2, 2}), Tensor::take(std::vector<std::int32_t>{0, 0}),
                       Tensor::take(Numbers{1, 4})),
      {"s a"})});
  CHECK_FALSE(Pca({}).fit(Dataset(narrow, {}), {})->inverts());
}

TEST_CASE("pca: more components than memory is meant for are refused before they are made") {
  constexpr std::int64_t kRows = 100, kFeatures = 2'800'000;
  Integers starts{0};
  std::vector<std::int32_t> where;
  for (std::int32_t r = 0; r < kRows; ++r) {
    where.push_back(r);
    starts.push_back(r + 1);
  }
  const Table table(
      {Column::features("s",
                        Matrix::from_csr(kFeatures, Tensor::take(std::move(starts)),
                                         Tensor::take(std::move(where)), Tensor::take(Numbers(kRows, 1))),
                        Names(kFeatures, "f"))});
  CHECK_THROWS_WITH_AS(
      Pca({.components = kRows}).fit(Dataset(table, {}), {}),
      "pca: 99 components of 2800000 features are 2.77e+08 numbers; at most 2.68e+08 are kept. "
      "Ask for fewer components, or hash or filter the features first.",
      ResourceError);
}

TEST_CASE("interactions: few groups or few times are few folds") {
  Random random(4, "few");
  Numbers a, b, y, time, group;
  for (int r = 0; r < 90; ++r) {
    a.push_back(random.normal());
    b.push_back(random.normal());
    y.push_back(3 * a.back() * b.back() + 0.1 * random.normal());
    time.push_back(std::floor(r / 30.0));
    group.push_back(r % 3);
  }
  const Table table({number("a", a), number("b", b), number("y", y), number("t", time), number("g", group)});
  for (const bool by_group : {true, false}) {
    CAPTURE(by_group);
    const Roles roles = by_group ? Roles{.target = "y", .group = "g", .ignored = {"t"}}
                                 : Roles{.target = "y", .time = "t", .ignored = {"g"}};
    const Dataset data(table, {.roles = roles, .task = Task::regression});
    CHECK(Interactions({}).fit(data, {})->apply(data.features()).names() == Names{"a", "b", "a*b"});
  }
}

TEST_CASE("bins: a column of small unit is cut, an infinite number is refused") {
  const Table small({number("x", {1e-9, 2e-9, 3e-9, 4e-9, 5e-9, 6e-9, 7e-9, 8e-9})});
  CHECK(Bins({.bins = 4}).fit(Dataset(small, {}), {})->apply(small).column("x").levels().size() == 4);
  const Dataset endless(Table({number("x", {1, INFINITY, 3})}), {});
  CHECK_THROWS_WITH_AS(Bins({}).fit(endless, {}),
                       "column 'x', row 2: is inf; bins takes finite numbers. Correct or drop the row.",
                       DataError);
  CHECK_THROWS_WITH_AS(
      YeoJohnson({}).fit(endless, {}),
      "column 'x', row 2: is inf; yeo_johnson takes finite numbers. Correct or drop the row.", DataError);
}

TEST_CASE("variance_filter: encoded features far from zero vary, and a gap is no reason to drop one") {
  const auto kept = [](const Numbers& values) {  // of three rows of one feature, beside one that varies
    Numbers all;
    for (std::size_t r = 0; r < 3; ++r) {
      all.push_back(values[r]);
      all.push_back(static_cast<double>(r));
    }
    const Table table(
        {Column::features("s",
                          Matrix::from_csr(2, Tensor::take(Integers{0, 2, 4, 6}),
                                           Tensor::take(std::vector<std::int32_t>{0, 1, 0, 1, 0, 1}),
                                           Tensor::take(std::move(all))),
                          {"s a", "s b"})});
    return VarianceFilter({}).fit(Dataset(table, {}), {})->apply(table).column("s").feature_names();
  };
  CHECK(kept({1.6e9 - 10, 1.6e9, 1.6e9 + 10}) == Names{"s a", "s b"});
  CHECK(kept({0.1, 0.1, 0.1}) == Names{"s b"});
  CHECK(kept({1, kGap, 2}) == Names{"s a", "s b"});
  CHECK(kept({3, kGap, 3}) == Names{"s b"});
}
