// CV+ intervals are MAPIE's (tests/golden/cv_plus.json, made by scripts/golden/cv_plus.py) and cover as
// asked.
#include "cairn/model/cv_plus.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/linear/linear_regression.h"
#include "cairn/model/archive.h"
#include "cairn/model/pipeline.h"
#include "tests/support/golden.h"
#include "tests/support/model_file.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using Rows = std::vector<std::vector<double>>;

namespace {

Pipeline least_squares() {
  return Pipeline({}, std::make_unique<LinearRegression>(LinearRegressionParams{}));
}

Table features(const Rows& x) {
  std::vector<double> rising(x.size());
  std::iota(rising.begin(), rising.end(), 0.0);
  return test::regression_data(x, rising).features();
}

// A pipeline that always says `value`.
std::unique_ptr<Model> always(double value) {
  auto model = least_squares().fit(test::regression_data({{1}, {1}}, std::vector{value - 1, value + 1}));
  dynamic_cast<PipelineModel&>(*model).set_fold();
  return model;
}

std::pair<double, double> bounds(const CvPlus& folds, double coverage, std::size_t row = 0) {
  const Table rows = features({{0}, {1}});
  const Table told = folds.with_interval(rows, Table::with_rows(2), coverage);
  return {told.column("low").numbers().data<double>()[row],
          told.column("high").numbers().data<double>()[row]};
}

CvPlus two_folds(std::vector<double> first, std::vector<double> second, std::vector<double> weights = {}) {
  std::vector<CvPlus::Fold> folds;
  folds.push_back({.model = always(0), .residuals = Tensor::from(first), .weights = {}});
  folds.push_back({.model = always(10), .residuals = Tensor::from(second), .weights = {}});
  if (!weights.empty()) folds[0].weights = Tensor::from(weights);
  return CvPlus(std::move(folds));
}

}  // namespace

TEST_CASE("CV+: intervals are MAPIE's") {
  const auto golden = test::read_golden("cv_plus.json");
  const Dataset plain =
      test::regression_data(golden["x"].get<Rows>(), golden["y"].get<std::vector<double>>());
  Roles roles = plain.roles();
  roles.group = "group";
  const Dataset data(
      plain.table().with(Column::number("group", Tensor::from(golden["group"].get<std::vector<double>>()))),
      {.roles = roles});
  const CvPlus folds = fit_cv_plus(least_squares(), data, 5, 0);
  CHECK(folds.num_folds() == 5);
  CHECK(folds.size() == 40);
  const Table rows = features(golden["new"].get<Rows>());
  for (const auto& [level, expected] : golden["intervals"].items()) {
    CAPTURE(level);
    const Table told = folds.with_interval(rows, Table::with_rows(6), std::stod(level));
    std::vector<double> low, high;
    for (const auto& pair : expected) low.push_back(pair[0]), high.push_back(pair[1]);
    CHECK(test::largest_difference(told.column("low").numbers().data<double>(), low) < 1e-9);
    CHECK(test::largest_difference(told.column("high").numbers().data<double>(), high) < 1e-9);
  }
}

TEST_CASE("CV+: few rows and many columns, where a model changes with every row, are covered as asked") {
  constexpr int kRows = 30, kColumns = 12, kNew = 20, kRepeats = 50;
  Random random(4, "cv plus");
  double inside = 0;
  const auto draw = [&](int n, Rows& x, std::vector<double>& y) {
    for (int i = 0; i < n; ++i) {
      std::vector<double> row;
      for (int j = 0; j < kColumns; ++j) row.push_back(random.normal());
      y.push_back(2 * row[0] + random.normal());
      x.push_back(std::move(row));
    }
  };
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    Rows x, fresh;
    std::vector<double> y, truth;
    draw(kRows, x, y);
    draw(kNew, fresh, truth);
    const CvPlus folds = fit_cv_plus(least_squares(), test::regression_data(x, y), 5, 1);
    const Table told = folds.with_interval(features(fresh), Table::with_rows(kNew), 0.8);
    const Tensor low = told.column("low").numbers(), high = told.column("high").numbers();
    for (std::size_t r = 0; r < truth.size(); ++r)
      inside += truth[r] >= low.data<double>()[r] && truth[r] <= high.data<double>()[r] ? 1 : 0;
  }
  const double share = inside / (kNew * kRepeats);
  CHECK(share > 0.78);
  CHECK(share < 0.92);
}

TEST_CASE("CV+: both sides by hand, a weight of 2 is a residual twice, a weight of 0 none") {
  // m - R: -1 -3, 8 6; m + R: 1 3, 12 14. Of four, 0.6 asks for the third from either side.
  CHECK(bounds(two_folds({1, 3}, {2, 4}), 0.6) == std::pair(-1.0, 12.0));
  CHECK(bounds(two_folds({1, 3}, {2, 4}), 0.8) == std::pair(-3.0, 14.0));
  CHECK(bounds(two_folds({1, 3}, {2, 4}), 0.6, 1) == std::pair(-1.0, 12.0));
  for (const double coverage : {0.3, 0.5, 0.65, 0.8})
    CHECK(bounds(two_folds({1, 3, 9}, {2, 4}, {2, 1, 0}), coverage) ==
          bounds(two_folds({1, 1, 3}, {2, 4}), coverage));
  CHECK_THROWS_WITH_AS(bounds(two_folds({1}, {2}), 0.9), doctest::Contains("residuals of weight 9 or more"),
                       NotSupported);
  CHECK_THROWS_AS(bounds(two_folds({1}, {2}), 1), UsageError);
}

TEST_CASE("CV+: stored with the model, refused where the file lies, absent where there is none") {
  const Rows x{{1}, {2}, {3}, {4}, {5}, {6}};
  const Dataset data = test::regression_data(x, std::vector<double>{1, 2, 4, 4, 5, 7});
  auto fitted = least_squares().fit(data);
  auto& model = dynamic_cast<PipelineModel&>(*fitted);
  CHECK(to_bytes(model).find("cv_plus") == std::string::npos);
  CHECK_THROWS_AS(model.with_coverage(features(x), model.predict(features(x)), 0.5), NotSupported);
  model.set_cv_plus(fit_cv_plus(least_squares(), data, 3, 0));
  const Table expected = model.with_coverage(features(x), model.predict(features(x)), 0.5);
  const std::string bytes = to_bytes(model);
  const auto load = [](const std::string& b) { return model_from_bytes(b, "m.cairn", builtin_registry()); };
  const auto back = load(bytes);
  const Table told =
      dynamic_cast<PipelineModel&>(*back).with_coverage(features(x), back->predict(features(x)), 0.5);
  for (const char* end : {"low", "high"})
    for (std::int64_t r = 0; r < told.num_rows(); ++r)
      CHECK(told.column(end).number_at(r) == expected.column(end).number_at(r));
  CHECK(to_bytes(*back) == bytes);

  const auto refused = [&](auto&& spoil) {
    test::ModelFile file(bytes);
    spoil(file);
    CHECK_THROWS_AS(load(file.bytes()), ModelFileError);
  };
  refused([](test::ModelFile& f) { f.own["values"]["cv_plus.folds"] = 1'000'000; });
  refused([](test::ModelFile& f) { f.own["values"]["cv_plus.folds"] = -1; });
  refused([](test::ModelFile& f) { f.own["values"]["cv_plus.folds"] = 4; });
  refused([](test::ModelFile& f) {
    for (auto& part : f.parts)
      if (part.name == "cv_plus.fold.0.residuals")
        part.bytes.back() = static_cast<char>(part.bytes.back() ^ 0x80);
  });
}
