#include "cairn/linear/least_squares.h"

#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/linear/elastic_net.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/linear_regression.h"
#include "cairn/linear/regression_list.h"
#include "tests/support/golden.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using Layout = Matrix::Layout;

namespace {

std::unique_ptr<Learner> learner_named(const std::string& name, const nlohmann::json& settings) {
  for (const LearnerEntry& e : linear_regressions())
    if (name == e.name) {
      auto learner = e.make();
      for (const auto& [key, value] : settings.items()) set_param(learner->params(), key, value.dump());
      return learner;
    }
  FAIL("no learner " << name);
  return nullptr;
}

const LinearModel& linear(const std::unique_ptr<Model>& model) {
  return dynamic_cast<const LinearModel&>(*model);
}

bool any_note(const Model& model, std::string_view part) {
  for (const std::string& note : model.notes())
    if (note.find(part) != std::string::npos) return true;
  return false;
}

std::string all_notes(const Model& model) {
  std::string text;
  for (const std::string& note : model.notes()) text += note + "\n";
  return text;
}

}  // namespace

TEST_CASE("scikit-learn's weights, in every layout") {
  const auto file = test::read_golden("linear_regression.json");
  for (const auto& c : file["cases"]) {
    const auto x = c["x"].get<std::vector<std::vector<double>>>();
    const auto y = c["y"].get<std::vector<double>>(), weights = c["weights"].get<std::vector<double>>();
    for (const auto& fit : c["fits"]) {
      CAPTURE(c["kind"].get<std::string>());
      CAPTURE(fit["learner"].get<std::string>());
      CAPTURE(fit["settings"].dump());
      CAPTURE(fit["weighted"].get<bool>());
      const auto expected = fit["weights"].get<std::vector<double>>();
      const auto learner = learner_named(fit["learner"], fit["settings"]);
      for (const Layout layout : {Layout::columns, Layout::rows, Layout::csr}) {
        const bool weighted = fit["weighted"];
        const auto model =
            learner->fit(test::regression_data(x, y, weighted ? weights : std::vector<double>{}, layout));
        double largest = 0;
        for (const double w : expected) largest = std::max(largest, std::abs(w));
        for (std::size_t i = 0; i < expected.size(); ++i)
          CHECK(std::abs(linear(model).weights()[i] - expected[i]) <= 1e-7 * std::max(largest, 1e-6));
        CHECK(linear(model).intercepts()[0] == doctest::Approx(fit["intercept"].get<double>()).epsilon(1e-7));
      }
    }
  }
}

TEST_CASE("every solver finds the same weights and says why it was taken") {
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  Random random(1, "design");
  for (int i = 0; i < 200; ++i) {
    x.push_back({random.normal(), 100 + random.normal(), 1e-3 * random.normal()});
    y.push_back(3 * x.back()[0] - x.back()[1] + 50 * x.back()[2] + 0.1 * random.normal());
  }
  const Dataset data = test::regression_data(x, y);
  for (const double alpha : {0.0, 0.7}) {
    const auto reference = Ridge({.alpha = alpha}).fit(data);
    CHECK(any_note(*reference,
                   "solver: cholesky, the cheapest, since the columns are well conditioned (condition 1."));
    for (const char* solver : {"cholesky", "qr", "svd"}) {
      const auto model = Ridge({.alpha = alpha, .solver = solver}).fit(data);
      CHECK(any_note(*model, std::string("solver: ") + solver + ", as asked"));
      for (std::size_t i = 0; i < 3; ++i)
        CHECK(linear(model).weights()[i] == doctest::Approx(linear(reference).weights()[i]).epsilon(1e-11));
    }
  }
}

TEST_CASE("a badly conditioned design goes to qr and keeps its digits") {
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int i = 0; i < 100; ++i) {
    const double t = i / 99.0 * 2 - 1;
    x.push_back({t, t + 1e-7 * (i % 3), 1.0 * (i % 2)});
    y.push_back(x.back()[0] + x.back()[1] + 2);
  }
  const auto model = LinearRegression({}).fit(test::regression_data(x, y));
  CAPTURE(all_notes(*model));
  CHECK(any_note(*model, "solver: qr, since the columns are badly conditioned"));
  CHECK(any_note(*model, "nearly collinear: 'x"));
  CHECK(linear(model).weights()[0] == doctest::Approx(1).epsilon(1e-6));
  CHECK(linear(model).weights()[1] == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("collinear columns are named with their relation") {
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  Random random(2, "design");
  for (int i = 0; i < 50; ++i) {
    const double a = random.normal(), b = random.normal();
    x.push_back({a, b, 2 * a - b + 3, 7, a * b});
    y.push_back(a + b + random.normal());
  }
  const auto model = LinearRegression({}).fit(test::regression_data(x, y));
  CAPTURE(all_notes(*model));
  CHECK(any_note(*model, "'x3': constant in the training rows"));
  CHECK(any_note(*model, "solver: svd, since the columns are collinear: 3 of 4 directions"));
  const bool named = any_note(*model, "collinear: 'x2' = 2 x0 - x1 + 3;") ||
                     any_note(*model, "collinear: 'x1' = 2 x0 - x2 + 3;") ||
                     any_note(*model, "collinear: 'x0' = 0.5 x2 + 0.5 x1 - 1.5;") ||
                     any_note(*model, "collinear: 'x0' = 0.5 x1 + 0.5 x2 - 1.5;");
  CHECK(named);
  CHECK(linear(model).weights()[3] == 0);
}

TEST_CASE("more columns than rows: a perfect fit of least norm, ridge by the rows") {
  const int n = 20, d = 600;
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  Random random(3, "design");
  for (int i = 0; i < n; ++i) {
    std::vector<double> row;
    for (int c = 0; c < d; ++c) row.push_back(random.uniform() < 0.3 ? random.normal() : 0);
    x.push_back(row);
    y.push_back(random.normal());
  }
  for (const Layout layout : {Layout::rows, Layout::csr}) {
    const Dataset data = test::regression_data(x, y, {}, layout);
    const auto model = LinearRegression({}).fit(data);
    CHECK(any_note(*model, "more columns (600) than rows (20)"));
    const Table predicted = model->predict(data.features());
    for (int i = 0; i < n; ++i)
      CHECK(predicted.column("prediction").number_at(i) ==
            doctest::Approx(y[static_cast<std::size_t>(i)]).epsilon(1e-9));
    // Of least norm: the weights lie in the span of the centred rows, so a tiny ridge finds nearly the same.
    const auto near = Ridge({.alpha = 1e-7}).fit(data);
    for (std::size_t c = 0; c < 600; c += 37)
      CHECK(linear(near).weights()[c] == doctest::Approx(linear(model).weights()[c]).epsilon(1e-6));
  }
}

TEST_CASE("huge, tiny and constant values give right weights or a clear error") {
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  Random random(4, "design");
  for (int i = 0; i < 30; ++i) {
    const double a = random.normal(), b = random.normal();
    x.push_back({1e300 * a, 1e-200 * b, 5});
    y.push_back(2 * a - b + 1);
  }
  const auto model = LinearRegression({}).fit(test::regression_data(x, y));
  CHECK(linear(model).weights()[0] * 1e300 == doctest::Approx(2));
  CHECK(linear(model).weights()[1] * 1e-200 == doctest::Approx(-1));
  CHECK(linear(model).weights()[2] == 0);
  CHECK(linear(model).intercepts()[0] == doctest::Approx(1));
  const auto penalised = Ridge({.alpha = 1}).fit(test::regression_data(x, y));
  std::vector<std::vector<double>> first;  // beside the penalty, the tiny column is as good as absent
  for (const auto& row : x) first.push_back({row[0]});
  const auto alone = LinearRegression({}).fit(test::regression_data(first, y));
  CHECK(linear(penalised).weights()[0] == doctest::Approx(linear(alone).weights()[0]));
  CHECK(std::abs(linear(penalised).weights()[1] * 1e-200) < 1e-6);

  for (auto& row : x) row[1] = row[1] * 1e-120;  // denormal: 1e-320
  try {
    const auto m = LinearRegression({}).fit(test::regression_data(x, y));
    CHECK(std::isfinite(linear(m).weights()[1]));
  } catch (const FitError& e) {
    CHECK(std::string(e.what()).find("'x1' is beyond the range of numbers") != std::string::npos);
  }
  // A target of 1e300.
  for (auto& row : x) row[1] = 0;
  std::vector<double> huge;
  for (const double v : y) huge.push_back(1e300 * v);
  const auto scaled = LinearRegression({}).fit(test::regression_data(x, huge));
  CHECK(linear(scaled).weights()[0] == doctest::Approx(linear(alone).weights()[0] * 1e300));
}

TEST_CASE("one row, no column, weights of zero") {
  const auto one = LinearRegression({}).fit(test::regression_data({{1, 2}}, std::vector<double>{3}));
  CHECK(linear(one).weights()[0] == 0);
  CHECK(linear(one).intercepts()[0] == 3);
  const auto none = Ridge({}).fit(test::regression_data({{}, {}}, std::vector<double>{3, 5}));
  CHECK(linear(none).intercepts()[0] == 4);
  // Rows of weight 0 might as well not be there.
  const auto kept = LinearRegression({}).fit(test::regression_data(
      {{0}, {1}, {2}, {5}}, std::vector<double>{1, 3, 5, -100}, std::vector<double>{1, 2, 1, 0}));
  CHECK(linear(kept).weights()[0] == doctest::Approx(2).epsilon(1e-14));
  CHECK(linear(kept).intercepts()[0] == doctest::Approx(1).epsilon(1e-14));
}

TEST_CASE("the same weights to the last bit for any number of threads") {
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  Random random(5, "design");
  for (int i = 0; i < 20000; ++i) {
    x.push_back({random.normal(), random.normal(), random.normal()});
    y.push_back(x.back()[0] + random.normal());
  }
  const Dataset data = test::regression_data(x, y);
  for (const char* solver : {"cholesky", "qr", "svd"}) {
    const auto weights = [&](int threads) {
      set_num_threads(threads);
      const auto model = LinearRegression({.solver = solver}).fit(data);
      return std::vector<double>(linear(model).weights().begin(), linear(model).weights().end());
    };
    const auto one = weights(1);
    CHECK(one == weights(2));
    CHECK(one == weights(7));
    set_num_threads(2);
  }
}

TEST_CASE("lasso by products and by residuals agree, and few columns keep a weight") {
  // 60 rows of 5000 columns go by residuals; the 40 columns that matter, alone, by products.
  const std::size_t n = 60, d = 5000, kept = 40;
  std::vector<std::vector<double>> wide, narrow;
  std::vector<double> y;
  Random random(6, "design");
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> row(d);
    for (std::size_t c = 0; c < kept; ++c) row[c] = random.uniform() < 0.5 ? random.normal() : 0;
    wide.push_back(row);
    narrow.emplace_back(row.begin(), row.begin() + kept);
    y.push_back(2 * row[0] - row[1] + 0.1 * random.normal() + 3);
  }
  const auto reference = Lasso({.alpha = 0.1, .tol = 1e-12}).fit(test::regression_data(narrow, y));
  CHECK(any_note(*reference, "on the products of the columns"));
  for (const Layout layout : {Layout::rows, Layout::csr}) {
    const auto model = Lasso({.alpha = 0.1, .tol = 1e-12}).fit(test::regression_data(wide, y, {}, layout));
    CHECK(any_note(*model, "on the residuals"));
    for (std::size_t c = 0; c < d; ++c)
      CHECK(std::abs(linear(model).weights()[c] - (c < kept ? linear(reference).weights()[c] : 0)) < 1e-6);
    CHECK(linear(model).intercepts()[0] == doctest::Approx(linear(reference).intercepts()[0]).epsilon(1e-6));
  }
  const auto strong = Lasso({.alpha = 100}).fit(test::regression_data(narrow, y));
  CHECK(any_note(*strong, "0 of 40 columns have a weight"));
  const auto hurried = Lasso({.alpha = 1e-4, .tol = 0, .max_iter = 1}).fit(test::regression_data(narrow, y));
  CHECK(any_note(*hurried, "raise max_iter"));
}

TEST_CASE("lasso at huge and tiny values") {
  std::vector<std::vector<double>> x, plain;
  std::vector<double> y;
  Random random(8, "design");
  for (int i = 0; i < 40; ++i) {
    const double a = random.normal(), b = random.normal();
    plain.push_back({a, b});
    x.push_back({1e300 * a, 1e-300 * b});
    y.push_back(2 * a + 0.01 * random.normal());
  }
  const auto model = Lasso({.alpha = 0.01}).fit(test::regression_data(x, y));
  CHECK(linear(model).weights()[0] * 1e300 == doctest::Approx(2).epsilon(0.01));
  CHECK(linear(model).weights()[1] == 0);
}

TEST_CASE("a missing or infinite cell is named, found in the sums") {
  for (const Layout layout : {Layout::columns, Layout::rows}) {
    const auto message = [&](double bad) {
      std::vector<std::vector<double>> x{{1, 2}, {2, 1}, {3, bad}, {4, 4}};
      try {
        Ridge({}).fit(test::regression_data(x, std::vector<double>{1, 2, 3, 4}, {}, layout));
      } catch (const DataError& e) {
        return std::string(e.what());
      }
      return std::string("(no error)");
    };
    CHECK(message(std::nan("")).starts_with("column 'x1', row 3: is missing; ridge takes no missing values"));
    CHECK(message(INFINITY).starts_with("column 'x1', row 3: is inf; ridge takes finite numbers"));
  }
}
