// What each transform does beyond agreeing with others' numbers and with the contract.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/data/date_parts.h"
#include "cairn/data/impute.h"
#include "cairn/data/one_hot.h"
#include "cairn/data/pixels.h"
#include "cairn/data/polynomial.h"
#include "cairn/data/tf_idf.h"
#include "cairn/data/to_number.h"
#include "tests/data/every_kind.h"
#include "tests/support/memory_visitor.h"

using namespace cairn;
using namespace cairn::test;

TEST_CASE("impute: indicators where training had gaps, levels of their own, booleans") {
  const Table got = apply(Impute({}), every_kind());
  CHECK(got.column("age").number_at(1) == 30);  // the median of 22 30 30 41 50
  CHECK(got.column("rooms").kind() == ColumnKind::number);
  CHECK(got.column("rooms").number_at(0) == 3);
  CHECK(got.find("same is missing") == nullptr);
  const Column& flag = got.column("age is missing");
  CHECK(flag.kind() == ColumnKind::tensor);
  CHECK(flag.cell(1) == "[1]");
  CHECK(flag.cell(0) == "[0]");
  CHECK(got.column("city").cell(2) == "missing");
  CHECK(got.column("garden").kind() == ColumnKind::category);
  CHECK(got.column("garden").cell(0) == "missing");
  CHECK(got.column("garden").cell(1) == "true");
  const Table frequent = apply(Impute({.indicators = false, .categories = "most_frequent"}), every_kind());
  CHECK(frequent.column("city").cell(2) == "Bern");
  CHECK(frequent.column("garden").kind() == ColumnKind::boolean);
  CHECK(frequent.column("garden").cell(0) == "true");
  CHECK(frequent.find("age is missing") == nullptr);
  const auto fitted = fit(Impute({.numbers = "constant", .fill_value = -1}), every_kind());
  CHECK(fitted->apply(every_kind()).column("age").number_at(1) == -1);
  CHECK(fitted->describe().find("impute 2 columns with a constant (age -1, rooms -1)") == 0);
  // A gap where training had none gets the fill all the same.
  CHECK(fitted->apply(every_kind().with(number("same", Numbers(6, kGap)))).column("same").num_missing() == 0);
}

TEST_CASE("scales: a constant column keeps its unit, gaps stay, f32 stays f32, infinity is refused") {
  const Table table({number("same", {3, 3, kGap}),
                     Column::number("single", Tensor::take(std::vector<float>{1, 2, 3})),
                     number("huge", {1e308, 0, 5e307}), number("tiny", {5e-324, 0, 1e-323})});
  for (const char* name : {"standard_scale", "min_max_scale", "robust_scale"}) {
    for (const TransformEntry& entry : data_transforms()) {
      if (std::string_view(entry.name) != name) continue;
      CAPTURE(entry.name);
      const Table got = apply(*entry.make(), table);
      CHECK(got.column("same").number_at(0) == 0);
      CHECK(got.column("same").is_missing(2));
      CHECK(got.column("single").values().dtype() == DType::f32);
      for (const char* extreme : {"huge", "tiny"})
        for (std::int64_t r = 0; r < 3; ++r) CHECK(std::abs(got.column(extreme).number_at(r)) < 3);
      CHECK_THROWS_WITH(apply(*entry.make(), Table({number("x", {1, INFINITY})})),
                        doctest::Contains("row 2: is inf"));
      CHECK_THROWS_WITH(apply(*entry.make(), Table({number("x", {-1.7e308, 1.7e308})})),
                        doctest::Contains("reaches from"));
    }
  }
}

TEST_CASE("one_hot: missing, unseen and dropped levels are zeros everywhere; wide is sparse") {
  const auto fitted = fit(OneHot({}), every_kind());
  const Table got = fitted->apply(every_kind().with(
      Column::category_of("city", Cells{"Oslo", "Rome", std::nullopt, "Bern", "Rome", "Bern"})));
  const Column& city = got.column("city");
  CHECK(city.feature_names() == Names{"city=Bern", "city=Paris", "city=Rome"});
  CHECK(city.cell(0) == "[0 0 0]");
  CHECK(city.cell(1) == "[0 0 1]");
  CHECK(city.cell(2) == "[0 0 0]");
  CHECK(got.column("garden").feature_names() == Names{"garden=false", "garden=true"});
  CHECK(got.column("garden").cell(0) == "[0 0]");
  CHECK_FALSE(city.matrix().is_sparse());
  Cells many;
  for (int i = 0; i < 51; ++i) many.push_back(std::to_string(i));
  const Column wide = apply(OneHot({}), Table({Column::category_of("id", many)})).column("id");
  CHECK(wide.matrix().is_sparse());
  CHECK(wide.matrix().num_stored() == 51);
  CHECK_FALSE(apply(OneHot({.sparse = "no"}), Table({Column::category_of("id", many)}))
                  .column("id")
                  .matrix()
                  .is_sparse());
  // A level no training row has makes no feature.
  const Table part = every_kind().slice(0, 1);
  CHECK(apply(OneHot({}), part).column("city").feature_names() == Names{"city=Bern"});
}

TEST_CASE("polynomial refuses absurd widths before it takes memory") {
  std::vector<Column> many;
  for (int c = 0; c < 200; ++c) many.push_back(number("c" + std::to_string(c), {1, 2}));
  CHECK_THROWS_WITH_AS(apply(Polynomial({.degree = 3}), Table(many)),
                       doctest::Contains("more than 10000 new columns"), ResourceError);
  CHECK(apply(Polynomial({.degree = 2, .interactions_only = true}), Table({many[0], many[1], many[2]}))
            .names() == Names{"c0", "c1", "c2", "c0*c1", "c0*c2", "c1*c2"});
  CHECK_THROWS_WITH_AS(apply(Polynomial({}), Table({number("x", {1}), number("x^2", {1})})),
                       doctest::Contains("makes a column 'x^2', which stands in the table already"),
                       DataError);
}

TEST_CASE("tf_idf: no term left makes no feature; bytes that are not UTF-8 separate words") {
  CHECK(apply(TfIdf({}), Table({Column::text("t", Names{"red", "green"})})).num_columns() == 0);
  const Table broken({Column::text("t", Names{"good\xffword \xc3", "word"})});
  CHECK(apply(TfIdf({.min_df = 1}), broken).column("t").feature_names() ==
        Names{"t: good", "t: good word", "t: word"});
}

TEST_CASE(
    "date_parts: an hour only where training had a time of day; elapsed days count from the first training "
    "date") {
  const Table days({Column::date("day", Tensor::take(std::vector<std::int64_t>{86400 * 3, 86400}))});
  const auto fitted = fit(DateParts({}), days);
  CHECK(fitted->apply(days).find("day hour") == nullptr);
  const Table later({Column::date("day", Tensor::take(std::vector<std::int64_t>{86400 * 2 + 43200}))});
  CHECK(fitted->apply(later).column("day elapsed days").number_at(0) == 1.5);
  CHECK(apply(DateParts({}), every_kind()).find("built hour") != nullptr);
  const Table absurd({Column::date("day", Tensor::take(std::vector<std::int64_t>{INT64_MIN}))});
  CHECK_THROWS_AS(apply(DateParts({}), absurd), DataError);
}

TEST_CASE("to_number: integers and booleans, gaps kept") {
  const Table got = apply(ToNumber({}), every_kind());
  CHECK(got.column("rooms").kind() == ColumnKind::number);
  CHECK(got.column("rooms").is_missing(0));
  CHECK(got.column("garden").number_at(1) == 1);
  CHECK(got.column("city").kind() == ColumnKind::category);
}

TEST_CASE("pixels: numbers from 0 to 1 with the place and colour in their names") {
  const Tensor colours = Tensor::from(std::vector<std::uint8_t>{0, 51, 255, 102, 0, 0}).reshape({1, 1, 2, 3});
  const Column got = apply(Pixels({}), Table({Column::image("face", colours)})).column("face");
  CHECK(got.feature_names() == Names{"face[0,0,red]", "face[0,0,green]", "face[0,0,blue]", "face[0,1,red]",
                                     "face[0,1,green]", "face[0,1,blue]"});
  std::vector<double> row(6);
  got.matrix().tile(0, 1, row.data());
  const Numbers expected{0, 0.2, 1, 0.4, 0, 0};
  for (std::size_t i = 0; i < 6; ++i) CHECK(row[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  CHECK(apply(Pixels({}), every_kind()).column("face").feature_names() == Names{"face[0,0]", "face[0,1]"});
  // Each channel less its own mean.
  const Column scaled =
      apply(Pixels({.centre = true}), Table({Column::image("face", colours)})).column("face");
  scaled.matrix().tile(0, 1, row.data());
  const Numbers centred{-0.2, 0.1, 0.5, 0.2, -0.1, -0.5};
  for (std::size_t i = 0; i < 6; ++i) CHECK(row[i] == doctest::Approx(centred[i]).epsilon(1e-5));
  // A damaged file has too many means, too few, or some that are no numbers.
  const auto original = fit(Pixels({.centre = true}), Table({Column::image("face", colours)}));
  for (const Numbers& means : {Numbers{0.2, 0.1}, Numbers{0.2, 0.1, 0.3, 0.4}, Numbers{0.2, NAN, 0.1}}) {
    test::MemoryVisitor v;
    original->visit(v);
    v.kept["means"] = means;
    v.is_loading = true;
    CHECK_THROWS_WITH_AS(pixels_entry().blank()->visit(v), doctest::Contains("pixels: 1 columns have"),
                         ModelFileError);
  }
}
