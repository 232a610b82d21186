// Generalised linear models, Huber and quantile regression and support vector machines: equal to
// scikit-learn's (tests/golden/linear_families.json, made by scripts/golden/linear_families.py), and what
// they say about targets and settings they cannot use.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/linear/glm.h"
#include "cairn/linear/glm_family_internal.h"
#include "cairn/linear/huber_regression.h"
#include "cairn/linear/kernel_svm.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/linear_svm.h"
#include "cairn/linear/margin_calibration_internal.h"
#include "cairn/linear/quantile_regression.h"
#include "tests/support/error_text.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using cairn::testing::error_text;
using Rows = std::vector<std::vector<double>>;

namespace {

const Json& golden() {
  static const Json json =
      Json::parse(read_file(std::string(CAIRN_SOURCE_DIR) + "/tests/golden/linear_families.json"));
  return json;
}

Rows columns_of(const std::string& name) { return golden()["columns"][name].get<Rows>(); }

std::unique_ptr<Model> fit(const std::string& learner, const Json& params, const Dataset& data) {
  const auto made = builtin_registry().learner(learner).make();
  for (const auto& [name, value] : params.items())
    set_param(made->params(), name, value.is_string() ? value.get<std::string>() : value.dump());
  return made->fit(data);
}

const LinearModel& linear(const std::unique_ptr<Model>& model) {
  return dynamic_cast<const LinearModel&>(*model);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("weights of glm, huber and quantile regression are scikit-learn's, in every layout") {
  for (const Json& c : golden()["linear"]) {
    const auto name = c["name"].get<std::string>(), learner = c["learner"].get<std::string>();
    CAPTURE(name);
    const auto y = c["y"].get<std::vector<double>>();
    const auto weights =
        c["weights"].is_null() ? std::vector<double>{} : c["weights"].get<std::vector<double>>();
    // scikit-learn's huber stops at a gradient of 1e-10 of a sum; its quantiles are corners of a polyhedron.
    const double tolerance = learner == "huber_regression" ? 1e-5 : 1e-6;
    for (const Matrix::Layout layout : {Matrix::Layout::columns, Matrix::Layout::csr}) {
      const auto model =
          fit(learner, c["params"],
              test::regression_data(columns_of(c["columns"].get<std::string>()), y, weights, layout));
      const auto expected = c["coefficients"].get<std::vector<double>>();
      for (std::size_t j = 0; j < expected.size(); ++j) {
        CAPTURE(j);
        CHECK(std::abs(linear(model).weights()[j] - expected[j]) <
              tolerance * std::max(1.0, std::abs(expected[j])));
      }
      const auto intercept = c["intercept"].get<double>();
      CHECK(std::abs(linear(model).intercepts()[0] - intercept) <
            10 * tolerance * std::max(1.0, std::abs(intercept)));
    }
  }
}

TEST_CASE("slopes and curvatures of the log link are those of its losses") {
  for (const double power : {1.0, 1.3, 1.7, 2.0})
    for (const double eta : {-2.0, 0.1, 1.5})
      for (const double y : {0.5, 4.0}) {
        constexpr double kStep = 1e-5;
        const auto at = [&](double e) { return glm::log_link_term(power, y, e); };
        CHECK(at(eta).slope ==
              doctest::Approx((at(eta + kStep).value - at(eta - kStep).value) / (2 * kStep)).epsilon(1e-7));
        CHECK(at(eta).curvature ==
              doctest::Approx((at(eta + kStep).slope - at(eta - kStep).slope) / (2 * kStep)).epsilon(1e-7));
        // Half the deviance but for terms of y alone.
        const double difference = glm::unit_deviance(power, y, std::exp(eta)) / 2 - at(eta).value;
        CHECK(difference == doctest::Approx(glm::unit_deviance(power, y, 1) / 2 - at(0).value).epsilon(1e-9));
        CHECK(glm::unit_deviance(power, y, y) == doctest::Approx(0).scale(1));
      }
}

TEST_CASE("a target outside the family's range names its row and a way out") {
  const Rows x{{1}, {2}, {3}};
  const auto said = [&](const GeneralizedLinearParams& p, const std::vector<double>& y) {
    return error_text([&] { GeneralizedLinear(p).fit(test::regression_data(x, y)); });
  };
  CHECK(has(said({}, {1, -2, 3}), "row 2: the target is -2; family poisson takes numbers of at least 0"));
  CHECK(has(said({.family = "gamma"}, {1, 2, 0}),
            "row 3: the target is 0; family gamma takes numbers above 0"));
  CHECK(has(said({.family = "gamma"}, {1, 2, 0}), "family=tweedie allows 0"));
  // What a Dataset would not let through as constant comes from rows that do not count.
  const std::vector<double> weights{1, 1, 0};
  CHECK(has(error_text([&] {
              GeneralizedLinear({}).fit(test::regression_data(x, std::vector<double>{0, 0, 3}, weights));
            }),
            "every target is 0"));
}

TEST_CASE(
    "quantiles: a share of the rows lies below each level, several levels never cross, median is middle") {
  Random random(5, "quantiles");
  Rows x;
  std::vector<double> y;
  for (int i = 0; i < 400; ++i) {
    x.push_back({random.uniform() * 4});
    y.push_back(1 + x.back()[0] + (0.2 + x.back()[0]) * random.normal());
  }
  const Dataset data = test::regression_data(x, y);
  const auto model = QuantileRegression({.quantiles = {"0.1,0.5", "0.9"}}).fit(data);
  const Table said = model->predict(data.features());
  CHECK(model->predicts() == Predicts::quantiles);
  for (const double level : {0.1, 0.5, 0.9}) {
    const Column& q = said.column(level == 0.1 ? "q_0.1" : level == 0.5 ? "q_0.5" : "q_0.9");
    int below = 0;
    for (std::int64_t r = 0; r < 400; ++r) below += y[static_cast<std::size_t>(r)] < q.number_at(r) ? 1 : 0;
    CHECK(std::abs(below - 400 * level) <= 3);  // of a line through two rows
  }
  for (std::int64_t r = 0; r < 400; ++r) {
    CHECK(said.column("q_0.1").number_at(r) <= said.column("q_0.5").number_at(r));
    CHECK(said.column("q_0.5").number_at(r) <= said.column("q_0.9").number_at(r));
    CHECK(said.column("prediction").number_at(r) == said.column("q_0.5").number_at(r));
  }
  CHECK(has(error_text([&] { QuantileRegression({.quantiles = {"0.5,1.5"}}).fit(data); }),
            "quantile_regression.quantiles: '1.5' is no level between 0 and 1"));
}

TEST_CASE("huber: wild targets pull the line less than least squares") {
  Rows x;
  std::vector<double> y;
  for (int i = 0; i < 60; ++i) {
    x.push_back({i / 10.0});
    y.push_back(2 * x.back()[0] + (i % 2 ? 0.1 : -0.1) + (i % 10 == 9 ? 100 : 0));
  }
  const auto model = HuberRegression({}).fit(test::regression_data(x, y));
  CHECK(linear(model).weights()[0] == doctest::Approx(2).epsilon(0.05));
  CHECK(has(model->notes().back(), "6 of 60 rows"));
}

TEST_CASE("margins of linear machines are scikit-learn's") {
  const Rows x = columns_of("scaled");
  for (const Json& c : golden()["linear_svm"]) {
    CAPTURE(c["name"].get<std::string>());
    const auto y = c["y"].get<std::vector<int>>();
    for (const Matrix::Layout layout : {Matrix::Layout::columns, Matrix::Layout::csr}) {
      Json params = c["params"];
      params["max_iter"] = 100000;
      const auto model = fit("linear_svm", params, test::classification_data(x, y, layout));
      const LinearModel& m = linear(model);
      const bool many = c["decisions"][0].is_array();
      for (std::size_t r = 0; r < x.size(); ++r)
        for (std::size_t k = 0; k < m.intercepts().size(); ++k) {
          double sum = m.intercepts()[k];
          for (std::size_t j = 0; j < x[r].size(); ++j) sum += m.weights()[k * x[r].size() + j] * x[r][j];
          const double theirs = many ? c["decisions"][r][k].get<double>() : c["decisions"][r].get<double>();
          CHECK(sum == doctest::Approx(theirs).epsilon(2e-5).scale(1));
        }
    }
  }
  CHECK(has(error_text([&] {
              LinearSvm({.loss = "hinge", .penalty = "l1"})
                  .fit(test::classification_data({{0}, {1}}, std::vector<int>{0, 1}));
            }),
            "Use loss=squared_hinge, or penalty=l2"));
}

TEST_CASE("margins of kernel machines are scikit-learn's, with a cache of two rows as well") {
  const Rows x = columns_of("scaled");
  for (const Json& c : golden()["kernel_svm"]) {
    CAPTURE(c["name"].get<std::string>());
    const Dataset data = test::classification_data(x, c["y"].get<std::vector<int>>());
    const auto model = fit("kernel_svm", c["params"], data);
    const auto& m = dynamic_cast<const KernelSvmModel&>(*model);
    const auto margins = m.margins(feature_matrix(data.features()).x);
    const auto theirs = c["decisions"].get<std::vector<double>>();
    for (std::size_t r = 0; r < x.size(); ++r)
      CHECK(margins[r] == doctest::Approx(theirs[r]).epsilon(1e-5).scale(1));
    CHECK(m.num_support() < 80);
  }
}

TEST_CASE("probabilities of a machine come from rows that it has not seen") {
  // Sides drawn at random: a machine that fits them all has learned nothing, and must say so.
  Random random(3, "noise");
  Rows x;
  std::vector<int> y;
  for (int i = 0; i < 120; ++i) {
    x.push_back({random.normal(), random.normal()});
    y.push_back(random.uniform() < 0.5 ? 0 : 1);
  }
  const Dataset data = test::classification_data(x, y);
  const Table p = KernelSvm({.C = 1000, .gamma = 30}).fit(data)->predict(data.features());
  for (std::int64_t r = 0; r < 120; ++r) {
    CHECK(p.column("p_1").number_at(r) > 0.15);
    CHECK(p.column("p_1").number_at(r) < 0.85);
  }
}
