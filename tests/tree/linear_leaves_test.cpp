// Leaves that answer along lines: against least squares by another road, LightGBM's level, files, words, and
// what does not go with them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/builtin/registry.h"
#include "cairn/model/archive.h"
#include "cairn/model/evaluate.h"
#include "cairn/ops/linalg.h"
#include "cairn/tree/dropout_internal.h"
#include "cairn/tree/ensemble_write.h"
#include "cairn/tree/exchange/export.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;

namespace {

struct LineRows {
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  Dataset data() const { return regression_data(x, y); }
};

// scripts/golden/linear_leaves.py makes the same; a share of x0 goes missing afterwards.
LineRows line_rows(std::uint64_t seed, int n, double missing = 0) {
  MadeNumbers made(seed);
  LineRows rows;
  for (int i = 0; i < n; ++i) {
    std::vector<double> x;
    for (int f = 0; f < 4; ++f) x.push_back(4 * made.uniform() - 2);
    const double value =
        3 * std::abs(x[0]) + 2 * std::max(x[1] - 0.5, 0.0) - x[2] + (x[0] > 0 ? 2 * x[3] : 0.5 * x[3]);
    rows.y.push_back(value + 0.2 * made.normal());
    rows.x.push_back(std::move(x));
  }
  for (auto& x : rows.x)
    if (made.uniform() < missing) x[0] = std::nan("");
  return rows;
}

GradientBoostingParams with_lines(GradientBoostingParams p) {
  p.leaves = "linear";
  return by_hand(p);
}

std::unique_ptr<TreeModel> fit_lines(const GradientBoostingParams& params, const Dataset& data,
                                     const FitContext& context = {}) {
  return std::unique_ptr<TreeModel>(
      dynamic_cast<TreeModel*>(GradientBoosting(params).fit(data, context).release()));
}

double answer_of(const TreeModel& model, std::span<const double> row) {
  double raw = 0;
  model.trees().predict_raw_row(row, std::span(&raw, 1));
  return raw;
}

// The line of one leaf by Householder's QR of rows [z; sqrt(line_l2) I], where the leaf makes normal
// equations.
std::vector<double> slopes_by_qr(const std::vector<std::vector<double>>& x,
                                 const std::vector<double>& residual, double line_l2) {
  const std::size_t n = x.size(), p = x[0].size();
  std::vector<double> a((n + p) * p), b(n + p), mean(p), deviation(p);
  for (std::size_t j = 0; j < p; ++j) {
    for (const auto& row : x) mean[j] += row[j] / static_cast<double>(n);
    for (const auto& row : x)
      deviation[j] += (row[j] - mean[j]) * (row[j] - mean[j]) / static_cast<double>(n);
    deviation[j] = std::sqrt(deviation[j]);
    for (std::size_t r = 0; r < n; ++r) a[r * p + j] = (x[r][j] - mean[j]) / deviation[j];
    a[(n + j) * p + j] = std::sqrt(line_l2);
  }
  std::copy(residual.begin(), residual.end(), b.begin());
  auto slopes =
      linalg::least_squares_qr(a, static_cast<std::int64_t>(n + p), static_cast<std::int64_t>(p), b, 1, 1e-12)
          .solution;
  for (std::size_t j = 0; j < p; ++j) slopes[j] /= deviation[j];
  slopes.push_back(0);
  for (std::size_t j = 0; j < p; ++j) slopes.back() -= slopes[j] * mean[j];  // at zero, without the mean
  return slopes;
}

}  // namespace

TEST_CASE(
    "linear leaves: each is the penalised least squares of its rows; a missing number gets the constant") {
  const LineRows rows = line_rows(3, 300, 0.1);
  const GradientBoostingParams p =
      with_lines({.trees = 1, .learning_rate = 0.5, .max_depth = 3, .l2 = 3, .linear_l2 = 5});
  const auto model = fit_lines(p, rows.data());
  const TreeEnsemble& trees = model->trees();
  const double base = trees.options().base[0];
  std::map<std::int64_t, std::vector<std::size_t>> of_leaf;
  for (std::size_t r = 0; r < rows.x.size(); ++r) of_leaf[trees.leaf_of(0, rows.x[r])].push_back(r);
  int linear = 0, missing = 0;
  for (const auto& [leaf, members] : of_leaf) {
    const std::int64_t place = trees.left()[static_cast<std::size_t>(leaf)];
    REQUIRE(trees.lines().has(place));
    const auto along = trees.lines().features(place);
    std::vector<std::vector<double>> x;
    std::vector<double> residual;
    double sum = 0;
    for (const std::size_t r : members) {
      std::vector<double> numbers;
      for (const std::int32_t f : along) numbers.push_back(rows.x[r][static_cast<std::size_t>(f)]);
      if (std::ranges::any_of(numbers, [](double v) { return std::isnan(v); })) {
        ++missing;
        CHECK(answer_of(*model, rows.x[r]) == base + trees.leaf_values(leaf)[0]);
        continue;
      }
      x.push_back(numbers);
      residual.push_back(rows.y[r] - base);
      sum += residual.back();
    }
    const std::vector<double> expected = slopes_by_qr(x, residual, 5);
    for (std::size_t j = 0; j < along.size(); ++j)
      CHECK(trees.lines().slopes(place)[j] == doctest::Approx(0.5 * expected[j]).epsilon(1e-9));
    CHECK(trees.lines().intercept(place) ==
          doctest::Approx(0.5 * (expected.back() + sum / (static_cast<double>(x.size()) + 3))).epsilon(1e-9));
    ++linear;
  }
  CHECK(linear > 2);
  CHECK(missing > 3);
}

TEST_CASE("linear leaves: LightGBM's level on lines that bend, and far below that of constants") {
  std::ifstream file(CAIRN_SOURCE_DIR "/tests/golden/linear_leaves.json");
  const Json recorded = Json::parse(file);
  const LineRows rows = line_rows(1, 2000), held_out = line_rows(2, 2000);
  REQUIRE(rows.x[0][0] == recorded["first"][0].get<double>());
  REQUIRE(rows.y[0] == doctest::Approx(recorded["first"][4].get<double>()).epsilon(1e-12));
  const auto reached = [&](const GradientBoostingParams& p) {
    return evaluate(*fit_lines(p, rows.data()), held_out.data()).value("rmse");
  };
  const GradientBoostingParams p{
      .trees = recorded["rounds"].get<int>(), .learning_rate = 0.1, .max_depth = 4, .min_child_weight = 20};
  const double linear = reached(with_lines(p)), constant = reached(by_hand(p));
  const double peer = recorded["rmse"]["linear"].get<double>();
  MESSAGE("rmse: linear ", linear, ", lightgbm ", peer, "; constant ", constant, ", lightgbm ",
          recorded["rmse"]["constant"].get<double>());
  CHECK(linear < 1.03 * peer);
  CHECK(linear < 0.8 * constant);
}

TEST_CASE("linear leaves: what rounds report is what the model predicts, of every way to train") {
  const LineRows rows = line_rows(4, 300, 0.1);
  std::vector<int> labels;
  for (const double y : rows.y) labels.push_back(y < -1 ? 0 : y < 1 ? 1 : 2);
  for (const GradientBoostingParams& p :
       {with_lines({.trees = 8}), with_lines({.trees = 8, .row_share = 0.5, .dropout = 0.3}),
        with_lines({.trees = 8, .growth = "leaf_wise", .max_leaves = 5})}) {
    const auto model = fit_lines(p, rows.data());
    const double rmse = evaluate(*model, rows.data()).value("rmse");
    CHECK(model->loss_history().back() == doctest::Approx(rmse * rmse / 2).epsilon(1e-9));
  }
  const Dataset classes = classification_data(rows.x, labels);
  const auto model = fit_lines(GradientBoostingParams{.trees = 8, .leaves = "linear"}, classes);
  CHECK(model->trees().num_trees() == 24);
  CHECK(model->loss_history().back() ==
        doctest::Approx(evaluate(*model, classes).value("log_loss")).epsilon(1e-9));
  const auto stopped =
      fit_lines(with_lines({.trees = 500, .learning_rate = 0.5, .patience = 5}), rows.data(), {.seed = 1});
  CHECK(stopped->trees().num_trees() < 400);
  CHECK(stopped->kept_step() == stopped->trees().num_trees());
}

TEST_CASE("linear leaves: one row and many, file and memory, any number of threads: the same bytes") {
  const LineRows rows = line_rows(5, 600, 0.1);
  const Dataset data = rows.data();
  std::string bytes;
  const int before = num_threads();
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    const std::string now = to_bytes(*fit_lines({.trees = 10, .leaves = "linear"}, data, {.seed = 2}));
    if (bytes.empty()) bytes = now;
    CHECK(now == bytes);
  }
  set_num_threads(before);
  const auto read = model_from_bytes(bytes, "model.cairn", builtin_registry());
  CHECK(to_bytes(*read) == bytes);
  const auto& model = dynamic_cast<const TreeModel&>(*read);
  std::vector<double> raw(rows.x.size());
  model.trees().predict_raw(model.features().matrix(data.features()), raw);
  for (std::size_t r = 0; r < raw.size(); ++r) CHECK(raw[r] == answer_of(model, rows.x[r]));
}

TEST_CASE("linear leaves: in words, JSON and drawn; trees whose lines cannot be are refused") {
  Tree t;
  t.nodes.resize(1);
  t.nodes[0].feature = 0;
  t.nodes[0].threshold = 1;
  t.split(0);
  t.nodes[1].value = {3};
  t.nodes[1].intercept = 1.5;
  t.nodes[1].slope_features = {0, 1};
  t.nodes[1].slopes = {0.25, -2};
  t.nodes[2].value = {4};
  const TreeEnsemble trees({.num_features = 2}, std::span(&t, 1));
  const TreeNames names{{"age", "pay"}, {{}, {}}, {}};
  CHECK(tree_text(trees, 0, names).find("-> 1.5 + 0.25 age - 2 pay (3 if one is missing)") !=
        std::string::npos);
  const Json leaf = trees_json(trees, names)["trees"][0]["nodes"][1];
  CHECK(leaf["intercept"] == 1.5);
  CHECK(leaf["slopes"] == Json{{"age", 0.25}, {"pay", -2.0}});
  CHECK(leaf["value"] == 3.0);
  const TreeModel model({.features = TreeFeatures({{"age", false, {}}, {"pay", false, {}}}), .trees = trees});
  CHECK(model.drawn_trees()["nodes"][1]["line"] == "1.5 + 0.25 age - 2 pay (3 if one is missing)");
  CHECK(!model.drawn_trees()["nodes"][2].contains("line"));
  double raw = 0;
  trees.predict_raw_row(std::vector<double>{1, 2}, std::span(&raw, 1));
  CHECK(raw == 1.5 + 0.25 - 4);
  trees.predict_raw_row(std::vector<double>{1, INFINITY}, std::span(&raw, 1));
  CHECK(raw == 3);
  Tree half = t;  // what DART makes of a round that was left out
  tree::multiply_leaves(half, 0.5);
  TreeEnsemble({.num_features = 2}, std::span(&half, 1))
      .predict_raw_row(std::vector<double>{1, 2}, std::span(&raw, 1));
  CHECK(raw == (1.5 + 0.25 - 4) / 2);
  const auto refused = [&](auto&& spoil, TreeEnsembleOptions options = {.num_features = 2}) {
    Tree bad = t;
    spoil(bad.nodes[1]);
    CHECK_THROWS_AS(TreeEnsemble(options, std::span(&bad, 1)), ModelFileError);
  };
  refused([](TreeNode& n) { n.slope_features = {0, 2}; });
  refused([](TreeNode& n) { n.slope_features = {1, 1}; });
  refused([](TreeNode& n) { n.slopes[0] = INFINITY; });
  refused([](TreeNode& n) { n.intercept = std::nan(""); });
  refused([](TreeNode& n) { n.value = {1, 2}; },
          {.num_features = 2, .num_outputs = 2, .vector_leaves = true});
}

TEST_CASE("linear leaves: what does not go with them is refused in words") {
  const LineRows rows = line_rows(6, 80);
  const Dataset data = rows.data();
  const auto error_of = [&](GradientBoostingParams p, const Dataset& on) -> std::string {
    p.trees = 1;
    p.leaves = "linear";
    try {
      fit_lines(p, on);
    } catch (const UsageError& e) {
      return e.what();
    }
    return "was fitted";
  };
  const auto holds = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(holds(error_of({.objective = "absolute"}, data), "does not go with this objective"));
  CHECK(holds(error_of({.monotone = {"x0+"}}, data), "does not go with monotone"));
  CHECK(holds(error_of({.l1 = 1}, data), "does not go with l1"));
  CHECK(holds(error_of({}, regression_data(rows.x, rows.y, {}, Matrix::Layout::csr)), "needs dense columns"));
  const auto model = fit_lines({.trees = 2, .leaves = "linear"}, data);
  CHECK(!model->explains());
  CHECK_THROWS_WITH_AS(model->contributions(data.features(), {}), doctest::Contains("along lines"),
                       NotSupported);
  CHECK_THROWS_WITH_AS(lightgbm_text(*model), doctest::Contains("Train it with --set leaves=constant."),
                       NotSupported);
  CHECK_THROWS_AS(cpp_header(*model, "m"), NotSupported);
}
