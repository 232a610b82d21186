// Transforms against scikit-learn, NumPy and Python (scripts/golden/transforms.py).
#include <doctest/doctest.h>

#include "cairn/data/date_parts.h"
#include "cairn/data/impute.h"
#include "cairn/data/one_hot.h"
#include "cairn/data/polynomial.h"
#include "cairn/data/scale.h"
#include "cairn/data/summary.h"
#include "cairn/data/tf_idf.h"
#include "cairn/data/to_number.h"
#include "tests/support/golden.h"

using namespace cairn;
using test::golden_numbers;
using test::largest_difference;
using Numbers = std::vector<double>;
using Names = std::vector<std::string>;

namespace {

const nlohmann::json& golden() {
  static const nlohmann::json g = test::read_golden("transforms.json");
  return g;
}

Table number_table(const nlohmann::json& columns, const Names& names) {
  std::vector<Column> made;
  for (std::size_t c = 0; c < names.size(); ++c)
    made.push_back(Column::number(names[c], Tensor::take(golden_numbers(columns[c]))));
  return Table(std::move(made));
}

Table transformed(const Transform& transform, const Table& table, const Numbers& weights = {}) {
  Dataset data(table, {});
  if (!weights.empty()) data = data.with_weights(weights);
  return transform.fit(data, {})->apply(table);
}

Numbers numbers_of(const Column& c) {
  const Tensor t = c.numbers();
  return {t.data<double>().begin(), t.data<double>().end()};
}

Numbers feature_of(const Column& c, std::int64_t feature) {
  const Tensor dense = c.matrix().to_rows().dense();
  Numbers values;
  for (std::int64_t r = 0; r < c.size(); ++r) values.push_back(dense.item({r, feature}));
  return values;
}

Names strings(const nlohmann::json& list) { return list.get<Names>(); }

void check_columns(const Table& got, const nlohmann::json& expected, double tolerance) {
  REQUIRE(got.num_columns() == static_cast<std::int64_t>(expected.size()));
  for (std::size_t c = 0; c < expected.size(); ++c) {
    CAPTURE(got.columns()[c].name());
    CHECK(largest_difference(numbers_of(got.columns()[c]), golden_numbers(expected[c])) < tolerance);
  }
}

const Names kFive{"a", "b", "c", "d", "e"};

}  // namespace

TEST_CASE("impute fills with the statistics of scikit-learn's SimpleImputer") {
  const Table table = number_table(golden()["x"], kFive);
  for (const std::string how : {"mean", "median", "most_frequent"}) {
    CAPTURE(how);
    const Table got = transformed(Impute({.numbers = how, .indicators = false}), table);
    const Numbers fills = golden_numbers(golden()["impute"][how]);
    for (const std::size_t c : {0U, 3U}) {
      Numbers expected = golden_numbers(golden()["x"][c]);
      for (double& v : expected) v = std::isnan(v) ? fills[c] : v;
      CHECK(largest_difference(numbers_of(got.columns()[c]), expected) < 1e-15);
    }
  }
}

TEST_CASE("scales agree with scikit-learn's StandardScaler, MinMaxScaler and RobustScaler") {
  const Table table = number_table(golden()["x"], kFive);
  const auto& expected = golden()["scale"];
  check_columns(transformed(StandardScale({}), table), expected["standard"], 1e-13);
  check_columns(transformed(MinMaxScale({}), table), expected["min_max"], 1e-13);
  check_columns(transformed(RobustScale({}), table), expected["robust"], 1e-13);
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 6; r < 20; ++r) rows.push_back(r);
  const Numbers all = golden_numbers(golden()["weights"]);
  const Table part = table.only(Names{"a", "b", "c"}).select(rows);
  check_columns(transformed(StandardScale({}), part, Numbers(all.begin() + 6, all.begin() + 20)),
                expected["standard_weighted"], 1e-13);
}

TEST_CASE("quantiles agree with NumPy's, and weights with repeated rows") {
  const auto& expected = golden()["quantiles"];
  const Numbers p = golden_numbers(expected["probabilities"]), x = golden_numbers(golden()["x"][0]);
  const Numbers w = golden_numbers(golden()["weights"]);
  CHECK(largest_difference(quantiles(x, p), golden_numbers(expected["plain"])) < 1e-15);
  const auto part = std::span(x).subspan(6, 14);
  CHECK(largest_difference(quantiles(part, p, std::span(w).subspan(6, 14)),
                           golden_numbers(expected["weighted"])) < 1e-15);
}

TEST_CASE("one_hot agrees with scikit-learn's OneHotEncoder, rare levels together included") {
  const auto& expected = golden()["one_hot"];
  std::vector<std::optional<std::string>> cells;
  for (const auto& cell : expected["cells"]) cells.push_back(cell.get<std::string>());
  const Table table({Column::category_of("letter", cells)});
  const auto check = [&](const char* name, const OneHotParams& params) {
    CAPTURE(name);
    const Column c = transformed(OneHot(params), table).column("letter");
    REQUIRE(c.feature_names() == strings(expected[std::string(name) + "_names"]));
    for (std::size_t f = 0; f < expected[name].size(); ++f)
      CHECK(feature_of(c, static_cast<std::int64_t>(f)) == golden_numbers(expected[name][f]));
  };
  check("plain", {});
  check("drop_first", {.drop_first = true});
  check("min_frequency", {.min_frequency = 2});
  check("max_levels", {.max_levels = 3});
  check("plain", {.sparse = "yes"});
}

TEST_CASE("polynomial has the order and the values of scikit-learn's PolynomialFeatures") {
  const auto& expected = golden()["polynomial"];
  const Table six = transformed(Polynomial({.degree = 6}), number_table(expected["x"], {"x1", "x2"}));
  CHECK(six.names() == strings(expected["degree_6_names"]));
  CHECK(six.num_columns() == 27);
  check_columns(six, expected["degree_6"], 1e-15);
  const Table products = transformed(Polynomial({.degree = 3, .interactions_only = true}),
                                     number_table(expected["x4"], {"a", "b", "c", "d"}));
  CHECK(products.names() == strings(expected["products_names"]));
  check_columns(products, expected["products"], 1e-15);
}

TEST_CASE("tf_idf agrees with scikit-learn's TfidfVectorizer in terms, order and values") {
  const auto& expected = golden()["tf_idf"];
  const Table table({Column::text("sms", strings(expected["texts"]))});
  const auto check = [&](const char* name, const TfIdfParams& params) {
    CAPTURE(name);
    const Column c = transformed(TfIdf(params), table).column("sms");
    Names terms = strings(expected[name]["terms"]);
    for (std::string& term : terms) term = "sms: " + term;
    REQUIRE(c.feature_names() == terms);
    const Matrix& m = c.matrix();
    REQUIRE(m.is_sparse());
    CHECK(std::vector<std::int64_t>(m.indptr().begin(), m.indptr().end()) ==
          expected[name]["indptr"].get<std::vector<std::int64_t>>());
    CHECK(std::vector<std::int32_t>(m.indices().begin(), m.indices().end()) ==
          expected[name]["indices"].get<std::vector<std::int32_t>>());
    CHECK(largest_difference(m.values().data<double>(), golden_numbers(expected[name]["values"])) < 1e-15);
  };
  check("default", {});
  check("words", {.ngram_max = 1, .min_df = 1, .sublinear = false});
  check("cased", {.ngram_min = 2, .ngram_max = 3, .min_df = 1, .lowercase = false});
  check("three", {.ngram_max = 1, .max_features = 1});
}

TEST_CASE("date_parts agrees with Python's datetime") {
  const auto& expected = golden()["dates"];
  const Table table(
      {Column::date("when", Tensor::take(expected["seconds"].get<std::vector<std::int64_t>>()))});
  const Table got = transformed(DateParts({}), table);
  CHECK(got.num_columns() == static_cast<std::int64_t>(expected["parts"].size()));
  for (const auto& [part, values] : expected["parts"].items()) {
    CAPTURE(part);
    CHECK(largest_difference(numbers_of(got.column("when " + part)), golden_numbers(values)) < 1e-14);
  }
}
