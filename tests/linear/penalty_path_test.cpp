// Strengths chosen along a path of penalties, and the losses they are chosen by, are scikit-learn's:
// tests/golden/penalty_paths.json, made by scripts/golden/penalty_paths.py.
#include "cairn/linear/penalty_path.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>

#include "cairn/base/index.h"
#include "cairn/builtin/registry.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/linear_regression.h"
#include "cairn/linear/logistic_regression.h"
#include "cairn/linear/logistic_regression_cv.h"
#include "cairn/linear/path_search_internal.h"
#include "cairn/linear/ridge_cv.h"
#include "cairn/model/archive.h"
#include "tests/support/error_text.h"
#include "tests/support/golden.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using testing::error_text;

namespace {

struct Fitted {
  std::unique_ptr<Model> model;
  const PenaltyPath& path() const {
    if (const auto* linear = dynamic_cast<const LinearModel*>(model.get())) return linear->path();
    return dynamic_cast<const LogisticModel&>(*model).path();
  }
  std::vector<double> coefficients() const {
    std::vector<double> all;
    for (const Coefficient& c : model->coefficients()) all.push_back(c.value);
    return all;
  }
};

Fitted fit(const std::string& learner, const nlohmann::json& params, const Dataset& data) {
  const auto made = builtin_registry().learner(learner).make();
  params_from_json(made->params(), params);
  return {made->fit(data)};
}

// The golden data of that name; its groups are the folds where there are folds.
Dataset golden_data(const nlohmann::json& golden, const nlohmann::json& c) {
  const nlohmann::json& data = golden["data"][c["data"].get<std::string>()];
  const auto x = data["x"].get<std::vector<std::vector<double>>>();
  const bool classes = c["learner"] == "logistic_regression_cv";
  const auto weights =
      c["weights"].is_null() ? std::vector<double>{} : c["weights"].get<std::vector<double>>();
  Dataset plain = classes ? test::classification_data(x, data["y"].get<std::vector<int>>())
                          : test::regression_data(x, data["y"].get<std::vector<double>>(), weights);
  if (!classes && !c["params"].contains("folds") && c["learner"] == "ridge_cv") return plain;
  Roles roles = plain.roles();
  roles.group = "group";
  Table table =
      plain.table().with(Column::number("group", Tensor::from(data["group"].get<std::vector<double>>())));
  return Dataset(std::move(table), {.roles = roles, .task = plain.task(), .classes = plain.classes()});
}

// One class or number leans on x0 alone; x1 is noise of another size.
std::vector<std::vector<double>> two_columns(int n) {
  std::vector<std::vector<double>> rows;
  for (int i = 0; i < n; ++i) rows.push_back({std::sin(1.7 * i), 20 * std::cos(2.9 * i)});
  return rows;
}

}  // namespace

TEST_CASE("strengths, losses with their errors, and weights are scikit-learn's") {
  const auto golden = test::read_golden("penalty_paths.json");
  for (const auto& c : golden["cases"]) {
    const std::string learner = c["learner"];
    CAPTURE(learner);
    CAPTURE(c["params"].dump());
    CAPTURE(c["data"].get<std::string>());
    nlohmann::json params = c["params"];
    const char* written = learner == "logistic_regression_cv" ? "Cs" : "alphas";
    for (const double v : c["values"].get<std::vector<double>>())
      params[written].push_back(fmt::format("{}", v));
    const Fitted f = fit(learner, params, golden_data(golden, c));
    const PenaltyPath& path = f.path();
    CHECK(path.values == c["values"].get<std::vector<double>>());
    CHECK(path.values[at(path.chosen)] == c["chosen"].get<double>());
    // The peer's own solvers stop near 1e-7.
    CHECK(test::largest_difference(path.mean, test::golden_numbers(c["mean"])) < 1e-6);
    if (!c["error"].is_null())
      CHECK(test::largest_difference(path.error, test::golden_numbers(c["error"])) < 1e-6);
    std::vector<double> expected;
    for (const auto& row : c["coefficients"])
      for (const double w : row) expected.push_back(w);
    CHECK(test::largest_difference(f.coefficients(), expected) < 2e-6);
  }
}

TEST_CASE("the model is the plain learner's at the chosen strength, and the path runs from nothing to it") {
  const auto x = two_columns(40);
  std::vector<double> y;
  std::vector<int> label;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.push_back(3 * x[i][0] + std::sin(11.0 * static_cast<double>(i)));
    label.push_back(x[i][0] + 0.6 * std::sin(11.0 * static_cast<double>(i)) > 0 ? 1 : 0);
  }
  const Dataset number = test::regression_data(x, y), classes = test::classification_data(x, label);
  const Fitted ridge{RidgeCv({}).fit(number)};
  const double alpha = ridge.path().values[at(ridge.path().chosen)];
  CHECK(ridge.coefficients() == Fitted{Ridge({.alpha = alpha}).fit(number)}.coefficients());
  for (const char* penalty : {"l2", "l1"}) {
    CAPTURE(penalty);
    const Fitted f{LogisticRegressionCv({.penalty = penalty}).fit(classes)};
    const PenaltyPath& path = f.path();
    const double C = path.values[at(path.chosen)];
    CHECK(f.coefficients() ==
          Fitted{LogisticRegression({.C = C, .penalty = penalty}).fit(classes)}.coefficients());
    const auto line = path.weights.data<double>();
    CHECK(path.features[0] == "x0");
    CHECK(std::abs(line[0]) < 0.1);
    if (std::string(penalty) == "l1") {
      CHECK(std::abs(line[0]) < 1e-9);  // the strongest sets every weight to 0, the next does not
      CHECK(std::abs(line[1]) + std::abs(line[path.values.size() + 1]) > 1e-9);
    }
    // Warm starts do not change where the walk arrives.
    CHECK(line[at(path.chosen)] == doctest::Approx(f.coefficients()[0]).epsilon(1e-4));
    CHECK(path.least > 0);
    CHECK(std::cmp_less(path.least, path.values.size() - 1));
  }
}

TEST_CASE("one standard error: the strongest penalty whose loss cannot be told from the least") {
  PenaltyPath path{
      .parameter = "alpha", .loss = "loss", .rule = "one_standard_error", .values = {8, 4, 2, 1}};
  path.mean = {5.0, 3.4, 3.0, 3.2};
  path.error = {0.1, 0.1, 0.5, 0.9};
  path_search::choose("ridge_cv", path);
  CHECK(path.least == 2);
  CHECK(path.chosen == 1);
  path.rule = "minimum";
  path_search::choose("ridge_cv", path);
  CHECK(path.chosen == 2);
  path.mean = {NAN, INFINITY, NAN, NAN};
  CHECK_THROWS_WITH_AS(path_search::choose("ridge_cv", path), doctest::Contains("Rescale"), FitError);
}

TEST_CASE("in an order of time a fold learns from the past alone, and ridge leaves no single row out") {
  const auto x = two_columns(24);
  std::vector<double> y, time;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.push_back(x[i][0] + 0.1 * x[i][1]);
    time.push_back(static_cast<double>((i * 7) % 24));
  }
  const Dataset plain = test::regression_data(x, y);
  Roles roles = plain.roles();
  roles.time = "time";
  const Dataset data(plain.table().with(Column::number("time", Tensor::from(time))), {.roles = roles});
  const path_search::Folds folds = path_search::deal(data, 3, 0, "ridge_cv");
  REQUIRE(folds.folds.size() == 3);
  CHECK(folds.num_rows() == 24);
  for (const auto& fold : folds.folds)
    for (const std::int64_t learned : folds.rows_to_learn(fold))
      for (const std::int64_t judged : folds.parts[fold.judges]) CHECK(time[at(learned)] < time[at(judged)]);
  CHECK(Fitted{RidgeCv({}).fit(data)}.path().judged_by == "5 folds");
}

TEST_CASE("a path is stored with its model, and an older model has none") {
  const auto x = two_columns(12);
  std::vector<double> y;
  for (const auto& row : x) y.push_back(row[0] + 0.1 * row[1]);
  const Dataset data = test::regression_data(x, y);
  const Fitted f{RidgeCv({.num_alphas = 5}).fit(data)};
  const Fitted back{model_from_bytes(to_bytes(*f.model), "path.cairn", builtin_registry())};
  REQUIRE(!f.model->penalty_path().is_null());
  CHECK(back.model->penalty_path() == f.model->penalty_path());
  CHECK(Ridge({}).fit(data)->penalty_path().is_null());
  CHECK(to_bytes(*Ridge({}).fit(data)).find("penalty_path") == std::string::npos);
}

TEST_CASE("what cannot be searched is told") {
  const Dataset data = test::regression_data({{1}, {2}, {3}}, std::vector<double>{1, 2, 4});
  const auto refused = [&](RidgeCvParams params) { return error_text([&] { RidgeCv(params).fit(data); }); };
  CHECK(refused({.alphas = {"1,none"}}) ==
        "ridge_cv.alphas: 'none' is no number above 0. Such as --set alphas=0.1,1,10.");
  CHECK(refused({.alphas = {"0"}}).find("'0' is no number above 0") != std::string::npos);
  CHECK(refused({.folds = 1}).find("leaves no rows to learn from") != std::string::npos);
  CHECK(refused({.folds = 5}).find("3 rows are too few for 5 folds") != std::string::npos);
  CHECK(error_text([] {
          LogisticRegressionCv({.folds = 2})
              .fit(test::classification_data({{1}, {2}, {3}, {4}, {5}}, std::vector{0, 0, 0, 0, 1}));
        }).find("class '1' has no rows in what fold") != std::string::npos);
}
