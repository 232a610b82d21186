// Coefficients equal to scikit-learn's: tests/golden/logistic.json, made by scripts/golden/logistic.py.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "tests/linear/logistic_sample.h"

using namespace cairn;

namespace {

const Json& golden() {
  static const Json json =
      Json::parse(read_file(std::string(CAIRN_SOURCE_DIR) + "/tests/golden/logistic.json"));
  return json;
}

Dataset dataset_of(const Json& c, bool narrow, bool block) {
  const Json& data = golden()["data"][c["data"].get<std::string>()];
  std::vector<std::string> y;
  for (const int label : data["y"]) y.push_back(std::to_string(label));
  const auto weights =
      c["weights"].is_null() ? std::vector<double>{} : c["weights"].get<std::vector<double>>();
  if (data.contains("x"))
    return classified(data["x"].get<std::vector<std::vector<double>>>(), y, narrow, block, weights);
  const Json& csr = data["csr"];
  const auto columns = csr["columns"].get<std::int64_t>();
  std::vector<std::string> names;
  for (std::int64_t j = 0; j < columns; ++j) names.push_back("word" + std::to_string(j));
  const Tensor values = Tensor::from(csr["values"].get<std::vector<double>>());
  const Matrix x = Matrix::from_csr(columns, Tensor::from(csr["indptr"].get<std::vector<std::int64_t>>()),
                                    Tensor::from(csr["indices"].get<std::vector<std::int32_t>>()),
                                    narrow ? values.to(DType::f32) : values);
  std::vector<std::optional<std::string>> labels(y.begin(), y.end());
  DatasetOptions options;
  options.roles.target = "y";
  return Dataset(Table({Column::features("text", x, names), Column::category_of("y", labels)}), options);
}

LogisticRegressionParams params_of(const Json& c, const std::string& solver) {
  LogisticRegressionParams params;
  params_from_json({"logistic_regression", &params, &LogisticRegressionParams::list()}, c["params"]);
  params.solver = solver;
  params.tol = 1e-9;
  params.max_iter = 20'000;
  return params;
}

void check_equal(const Json& c, const std::unique_ptr<Model>& model, double tolerance) {
  const LogisticModel& m = logistic(model);
  const std::vector<double> ours = numbers(m.weights()), intercepts = numbers(m.intercepts());
  std::vector<double> theirs;
  for (const auto& row : c["coefficients"].get<std::vector<std::vector<double>>>())
    theirs.insert(theirs.end(), row.begin(), row.end());
  REQUIRE(ours.size() == theirs.size());
  double largest = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) largest = std::max(largest, std::abs(ours[i] - theirs[i]));
  CHECK(largest < tolerance);
  const auto expected = c["intercepts"].get<std::vector<double>>();
  for (std::size_t k = 0; k < intercepts.size(); ++k)
    CHECK(std::abs(intercepts[k] - expected[k]) < 10 * tolerance);
}

}  // namespace

TEST_CASE("Coefficients are scikit-learn's, for every penalty, solver and layout") {
  for (const Json& c : golden()["cases"]) {
    const auto name = c["name"].get<std::string>();
    const auto penalty = c["params"].value("penalty", "l2");
    const bool has_l1 = penalty == "l1" || penalty == "elastic_net", sparse = name.starts_with("sparse");
    CAPTURE(name);
    for (const std::string solver : {"auto", "newton", "lbfgs", "coordinate_descent"}) {
      if (solver == "newton" && has_l1) continue;
      CAPTURE(solver);
      const auto model = LogisticRegression(params_of(c, solver)).fit(dataset_of(c, false, false));
      CAPTURE(all_notes(*model));
      // saga, the peer for L1, stops near 1e-7 itself.
      check_equal(c, model, solver == "lbfgs" ? 5e-6 : 1e-6);
      const Table predicted = model->predict(dataset_of(c, false, false).features());
      const auto expected = c["probabilities"].get<std::vector<std::vector<double>>>();
      for (std::size_t r = 0; r < expected.size(); ++r)
        for (std::size_t k = 0; k < expected[r].size(); ++k)
          CHECK(predicted.column("p_" + std::to_string(k)).number_at(static_cast<std::int64_t>(r)) ==
                doctest::Approx(expected[r][k]).epsilon(1e-5));
    }
    if (!sparse)
      check_equal(c, LogisticRegression(params_of(c, "auto")).fit(dataset_of(c, false, true)), 1e-6);
    // f32 columns round the data themselves to 7 digits.
    check_equal(c, LogisticRegression(params_of(c, "auto")).fit(dataset_of(c, true, false)), 2e-4);
  }
}

TEST_CASE("M1W3-L7: the course's six points") {
  const Json& c = golden()["cases"][0];
  const Dataset data = dataset_of(c, false, false);
  const auto model = LogisticRegression(LogisticRegressionParams{}).fit(data);
  const Table predicted = model->predict(data.features());
  const char* expected[] = {"0", "0", "0", "1", "1", "1"};  // [0 0 0 1 1 1], accuracy 1.0
  for (std::int64_t r = 0; r < 6; ++r) CHECK(predicted.column("prediction").cell(r) == expected[r]);
}
