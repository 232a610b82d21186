// Standard errors, tests and influence: equal to statsmodels' (tests/golden/linear_inference.json, made by
// scripts/golden/linear_inference.py), and left out where they would be wrong.
#include "cairn/linear/inference.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using Rows = std::vector<std::vector<double>>;

namespace {

const Json& golden() {
  static const Json json =
      Json::parse(read_file(std::string(CAIRN_SOURCE_DIR) + "/tests/golden/linear_inference.json"));
  return json;
}

std::optional<Inference> inferred(const std::string& learner, const Json& params, const Dataset& data,
                                  std::string* why = nullptr) {
  const auto made = builtin_registry().learner(learner).make();
  for (const auto& [name, value] : params.items())
    set_param(made->params(), name, value.is_string() ? value.get<std::string>() : value.dump());
  std::string reason;
  auto found = infer(learner, made->params(), *made->fit(data), data, why ? why : &reason);
  return found;
}

Dataset data_of(const Json& c) {
  const auto x = golden()["x"].get<Rows>();
  const auto y = c["y"].get<std::vector<double>>();
  if (c["learner"] == "logistic_regression") {
    std::vector<int> labels(y.begin(), y.end());
    return test::classification_data(x, labels);
  }
  const auto weights =
      c["weights"].is_null() ? std::vector<double>{} : c["weights"].get<std::vector<double>>();
  return test::regression_data(x, y, weights);
}

doctest::Approx near(const Json& value, double tolerance = 1e-6) {
  return doctest::Approx(value.get<double>()).epsilon(tolerance);
}

}  // namespace

TEST_CASE("coefficients, tests, criteria and influence are statsmodels'") {
  for (const Json& c : golden()["cases"]) {
    const auto name = c["name"].get<std::string>();
    CAPTURE(name);
    const auto found = inferred(c["learner"], c["params"], data_of(c));
    REQUIRE(found);
    CHECK(found->rows == 60);
    CHECK(found->df_residual == 56);
    REQUIRE(found->coefficients.size() == 4);
    for (std::size_t j = 0; j < 4; ++j) {
      const Inference::Row& row = found->coefficients[j];
      CAPTURE(row.feature);
      CHECK(row.estimate == near(c["estimate"][j]));
      CHECK(row.error == near(c["error"][j]));
      CHECK(row.statistic == near(c["statistic"][j]));
      CHECK(row.p == near(c["p"][j], 1e-5));
      CHECK(row.low == near(c["low"][j], 1e-5));
      CHECK(row.high == near(c["high"][j], 1e-5));
      if (c.contains("vif") && j > 0) CHECK(row.vif == near(c["vif"][j - 1]));
    }
    const Json told = to_json(*found);
    for (const auto& [figure, value] : c["fit"].items()) {
      CAPTURE(figure);
      REQUIRE(told["fit"].contains(figure));
      CHECK(told["fit"][figure].get<double>() == near(value));
    }
    for (const auto& [test, pair] : c["tests"].items()) {
      CAPTURE(test);
      const auto at = std::ranges::find(found->tests, test, &Inference::Test::name);
      REQUIRE(at != found->tests.end());
      CHECK(at->statistic == near(pair[0]));
      CHECK(at->p == near(pair[1], 1e-5));
    }
    if (!c.contains("influence")) continue;
    for (std::size_t i = 0; i < 20; ++i) {
      CAPTURE(i);
      CHECK(found->influence[i].row == c["influence"]["row"][i].get<std::int64_t>());
      CHECK(found->influence[i].leverage == near(c["influence"]["leverage"][i], 1e-5));
      CHECK(found->influence[i].residual == near(c["influence"]["residual"][i], 1e-5));
      CHECK(found->influence[i].cooks_distance == near(c["influence"]["cooks_distance"][i], 1e-5));
      if (c["influence"].contains("dffits"))
        CHECK(found->influence[i].dffits == near(c["influence"]["dffits"][i], 1e-5));
    }
  }
}

TEST_CASE("a column that others determine is aliased and the others are told as without it") {
  const Json& c = golden()["cases"][0];
  auto x = golden()["x"].get<Rows>();
  for (auto& row : x) row.push_back(2 * row[0] - row[2] + 1);
  const auto found = inferred("linear_regression", Json::object(),
                              test::regression_data(x, c["y"].get<std::vector<double>>()));
  REQUIRE(found);
  CHECK(found->aliased == std::vector<std::string>{"x3"});
  REQUIRE(found->coefficients.size() == 4);
  for (std::size_t j = 0; j < 4; ++j) {
    CHECK(found->coefficients[j].estimate == near(c["estimate"][j], 1e-5));
    CHECK(found->coefficients[j].error == near(c["error"][j], 1e-5));
  }
}

TEST_CASE("figures that would be wrong are not told, and the reason says which fit has them") {
  const Json& c = golden()["cases"][0];
  const Dataset data = data_of(c);
  std::string why;
  const auto refused = [&](const std::string& learner, const Json& params, const Dataset& d) {
    CHECK(!inferred(learner, params, d, &why));
    return why;
  };
  CHECK(refused("ridge", Json::object(), data).find("linear_regression has none") != std::string::npos);
  CHECK(refused("lasso", Json::object(), data).find("the penalty of lasso") != std::string::npos);
  CHECK(refused("logistic_regression", Json::object(), data_of(golden()["cases"][2])).find("penalty=none") !=
        std::string::npos);
  std::vector<double> positive(60, 1.0);
  positive[3] = 2;
  CHECK(refused("glm", {{"alpha", 0.1}}, test::regression_data(golden()["x"].get<Rows>(), positive))
            .find("alpha=0 has none") != std::string::npos);
  CHECK(refused("constant", Json::object(), data).empty());  // nobody asks it
  const Rows two{{1, 2}, {2, 1}, {3, 5}};
  CHECK(refused("linear_regression", Json::object(), test::regression_data(two, std::vector<double>{1, 2, 4}))
            .find("3 rows leave nothing over") != std::string::npos);
}

TEST_CASE("the interval of a slope covers the truth as often as it says") {
  int covered = 0;
  constexpr int kRuns = 400;
  for (int run = 0; run < kRuns; ++run) {
    Random random(17, "coverage", static_cast<std::uint64_t>(run));
    Rows x;
    std::vector<double> y;
    for (int i = 0; i < 20; ++i) {
      x.push_back({random.normal()});
      y.push_back(2 * x.back()[0] + random.normal());
    }
    const auto found = inferred("linear_regression", Json::object(), test::regression_data(x, y));
    covered += found->coefficients[1].low <= 2 && 2 <= found->coefficients[1].high ? 1 : 0;
  }
  CHECK(covered >= 365);  // 380 +- 4.4
  CHECK(covered <= 395);
}
