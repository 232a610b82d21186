// Bins, powers, encodings by target and hash, and components against scikit-learn and SciPy
// (scripts/golden/transforms.py).
#include <doctest/doctest.h>

#include "cairn/data/bins.h"
#include "cairn/data/hash_terms.h"
#include "cairn/data/ordinal.h"
#include "cairn/data/pca.h"
#include "cairn/data/power.h"
#include "cairn/data/target_encode.h"
#include "tests/support/golden.h"
#include "tests/support/memory_visitor.h"

using namespace cairn;
using test::golden_numbers;
using test::largest_difference;
using Numbers = std::vector<double>;
using Names = std::vector<std::string>;
using Cells = std::vector<std::optional<std::string>>;

namespace {

const nlohmann::json& golden(const char* part) {
  static const nlohmann::json g = test::read_golden("transforms.json");
  return g[part];
}

Table numbers_as_table(const nlohmann::json& columns) {
  std::vector<Column> made;
  for (std::size_t c = 0; c < columns.size(); ++c)
    made.push_back(Column::number("x" + std::to_string(c), Tensor::take(golden_numbers(columns[c]))));
  return Table(std::move(made));
}

Numbers numbers_of(const Column& c) {
  const Tensor t = c.numbers();
  return {t.data<double>().begin(), t.data<double>().end()};
}

Numbers row_of(const Column& c, std::int64_t row) {
  Numbers values(static_cast<std::size_t>(c.matrix().columns()));
  c.matrix().tile(row, row + 1, values.data());
  return values;
}

// Lists of numbers that it keeps under a name, in their order.
std::vector<Numbers> kept_numbers(FittedTransform& fitted, const std::string& name) {
  test::MemoryVisitor v;
  fitted.visit(v);
  std::vector<Numbers> lists;
  for (const auto& [key, kept] : v.kept)
    if (key == name || key.ends_with("." + name)) lists.push_back(std::get<Numbers>(kept));
  return lists;
}

Column levels_column(const nlohmann::json& list) {
  Cells cells;
  for (const auto& v : list) cells.emplace_back(v.get<std::string>());
  return Column::category_of("c", cells);
}

}  // namespace

TEST_CASE("box_cox and yeo_johnson find the lambda of scikit-learn's PowerTransformer") {
  const auto& g = golden("power");
  const Table x = numbers_as_table(g["x"]);
  const auto check = [&](const Transform& transform, const Table& table, const nlohmann::json& expected) {
    const auto fitted = transform.fit(Dataset(table, {}), {});
    const Table made = fitted->apply(table), back = fitted->invert(made);
    CHECK(largest_difference(kept_numbers(*fitted, "lambdas").at(0), golden_numbers(expected["lambdas"])) <
          1e-5);
    for (std::size_t c = 0; c < expected["values"].size(); ++c) {
      CAPTURE(fitted->describe());
      CAPTURE(c);
      const auto i = static_cast<std::int64_t>(c);
      CHECK(largest_difference(numbers_of(made.column(i)), golden_numbers(expected["values"][c])) < 1e-5);
      CHECK(largest_difference(numbers_of(back.column(i)), numbers_of(table.column(i))) < 1e-9);
    }
  };
  check(BoxCox({}), x.only(Names{"x0", "x1"}), g["box_cox"]);
  check(YeoJohnson({}), x, g["yeo_johnson"]);
}

TEST_CASE("bins have the edges of scikit-learn's KBinsDiscretizer") {
  const auto& g = golden("bins");
  const Table x = numbers_as_table(g["x"]);
  const Numbers wild = golden_numbers(g["wild"]);
  std::vector<Column> extremes;
  for (std::size_t c = 0; c < wild.size(); ++c)
    extremes.push_back(Column::number("x" + std::to_string(c), Tensor::take(Numbers{wild[c]})));
  for (const char* strategy : {"width", "quantile"}) {
    CAPTURE(strategy);
    const auto fitted = Bins({.bins = 4, .strategy = strategy, .output = "number"}).fit(Dataset(x, {}), {});
    CAPTURE(fitted->describe());
    const Table made = fitted->apply(x), beyond = fitted->apply(Table(extremes));
    const std::vector<Numbers> edges = kept_numbers(*fitted, "at");
    REQUIRE(edges.size() == wild.size());
    for (std::size_t c = 0; c < wild.size(); ++c) {
      const auto i = static_cast<std::int64_t>(c);
      CHECK(largest_difference(edges[c], golden_numbers(g[strategy]["edges"][c])) < 1e-12);
      CHECK(numbers_of(made.column(i)) == golden_numbers(g[strategy]["values"][c]));
      CHECK(beyond.column(i).number_at(0) == g[strategy]["wild"][c].get<double>());
    }
  }
}

TEST_CASE("target_encode has the means of scikit-learn's TargetEncoder") {
  const auto& g = golden("target_encode");
  const Column levels = levels_column(g["levels"]);
  const Table regression({levels, Column::number("y", Tensor::take(golden_numbers(g["y"])))});
  Cells classes, two;
  for (const auto& v : g["classes"]) {
    classes.emplace_back(v.get<std::string>());
    two.emplace_back(v == "z" ? "yes" : "no");
  }
  const Table binary({levels, Column::category_of("y", two)});
  const Table multiclass({levels, Column::category_of("y", classes)});
  for (const char* smoothing : {"auto", "10"}) {
    CAPTURE(smoothing);
    const TargetEncode encode({.smoothing = smoothing});
    const auto made = [&](const Table& table, Task task) {
      const Dataset data(table, {.roles = {.target = "y"}, .task = task});
      return encode.fit(data, {})->apply(data.features()).column("c");
    };
    CHECK(largest_difference(numbers_of(made(regression, Task::regression)),
                             golden_numbers(g[smoothing]["regression"])) < 1e-12);
    CHECK(largest_difference(numbers_of(made(binary, Task::binary)), golden_numbers(g[smoothing]["binary"])) <
          1e-12);
    const Column several = made(multiclass, Task::multiclass);
    CHECK(several.feature_names() == Names{"c: c", "c: m", "c: z"});
    for (std::int64_t r = 0; r < several.size(); ++r) {
      Numbers expected;
      for (const auto& column : g[smoothing]["multiclass"])
        expected.push_back(column[static_cast<std::size_t>(r)].get<double>());
      CHECK(largest_difference(row_of(several, r), expected) < 1e-12);
    }
  }
  CHECK(numbers_of(Ordinal({}).fit(Dataset(Table({levels}), {}), {})->apply(Table({levels})).column("c")) ==
        golden_numbers(g["ordinal"]));
}

TEST_CASE("hash puts terms where scikit-learn's HashingVectorizer and FeatureHasher do") {
  const auto& g = golden("hashing");
  const Table texts({Column::text("t", g["texts"].get<Names>())});
  const auto check = [&](const char* name, const HashTermsParams& params) {
    CAPTURE(name);
    const Column made = HashTerms(params).fit(Dataset(texts, {}), {})->apply(texts).column("t");
    CHECK(made.matrix().is_sparse());
    CHECK(made.feature_names()[31] == "t #31");
    for (std::int64_t r = 0; r < made.size(); ++r)
      CHECK(largest_difference(row_of(made, r),
                               golden_numbers(g["words"][name][static_cast<std::size_t>(r)])) < 1e-12);
  };
  check("1-1 signed", {.features = 32});
  check("1-2 signed", {.features = 32, .ngram_max = 2});
  check("2-2 plain", {.features = 32, .ngram_min = 2, .ngram_max = 2, .alternate_sign = false});
  Cells cities;
  for (const auto& v : g["cities"]) cities.emplace_back(v.get<std::string>());
  const Table table({Column::category_of("city", cities)});
  const Column made = HashTerms({.features = 16}).fit(Dataset(table, {}), {})->apply(table).column("city");
  for (std::int64_t r = 0; r < made.size(); ++r)
    CHECK(row_of(made, r) == golden_numbers(g["hashed"][static_cast<std::size_t>(r)]));
}

TEST_CASE("pca has the components of scikit-learn's PCA, but for their sign") {
  const auto& g = golden("pca");
  const auto check = [&](const char* name, const Table& x, const PcaParams& params) {
    CAPTURE(name);
    const auto fitted = Pca(params).fit(Dataset(x, {}), {});
    const Table made = fitted->apply(x);
    const auto& expected = g[name];
    CHECK(largest_difference(kept_numbers(*fitted, "shares").at(0), golden_numbers(expected["shares"])) <
          1e-9);
    REQUIRE(made.num_columns() == static_cast<std::int64_t>(expected["scores"].size()));
    for (std::size_t c = 0; c < expected["scores"].size(); ++c) {
      const Numbers vector = golden_numbers(expected["vectors"][c]);
      Numbers scores = golden_numbers(expected["scores"][c]);
      // Here the entry of largest size is positive.
      if (*std::ranges::max_element(vector, {}, [](double v) { return std::abs(v); }) < 0)
        for (double& s : scores) s = -s;
      CHECK(made.column(static_cast<std::int64_t>(c)).name() == "pc " + std::to_string(c + 1));
      CHECK(largest_difference(numbers_of(made.column(static_cast<std::int64_t>(c))), scores) < 1e-7);
    }
  };
  const Table x = numbers_as_table(g["x"]), wide = numbers_as_table(g["wide"]);
  check("all", x, {});
  check("two_whitened", x, {.components = 2, .whiten = true});
  check("most", x, {.explained = 0.9});
  check("wide_four", wide, {.components = 4});
}
