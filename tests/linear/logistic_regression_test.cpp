#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/linear/logistic_list.h"
#include "cairn/linear/logistic_objective_internal.h"
#include "cairn/model/archive.h"
#include "tests/linear/logistic_sample.h"

using namespace cairn;

namespace {

using Params = LogisticRegressionParams;

struct Rows {
  std::vector<std::vector<double>> x;
  std::vector<std::string> y;
};

// Rows of d normal numbers whose classes overlap: "a", "b", ... by the largest of noisy scores.
Rows overlapping(std::int64_t n, std::int64_t d, int classes, std::uint64_t seed = 1) {
  Random random(seed, "logistic test");
  Rows rows;
  for (std::int64_t r = 0; r < n; ++r) {
    std::vector<double> x;
    for (std::int64_t j = 0; j < d; ++j) x.push_back(random.normal());
    int best = 0;
    double top = -1e9;
    for (int k = 0; k < classes; ++k) {
      const double score = x[static_cast<std::size_t>(k) % x.size()] + 1.5 * random.normal();
      if (score > top) best = k, top = score;
    }
    rows.y.push_back(std::string(1, static_cast<char>('a' + best)));
    rows.x.push_back(std::move(x));
  }
  return rows;
}

std::vector<double> coefficients_of(const std::unique_ptr<Model>& model) {
  return numbers(logistic(model).weights());
}

void check_close(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(tolerance));
}

std::unique_ptr<Model> fit(const Rows& rows, const Params& params = {},
                           const std::vector<double>& weights = {}) {
  return LogisticRegression(params).fit(classified(rows.x, rows.y, false, false, weights));
}

}  // namespace

TEST_CASE("Perfect separation without a penalty names the feature that separates") {
  Rows rows{{{1, 5}, {2, 3}, {3, 9}, {4, 1}, {5, 7}, {6, 4}}, {"a", "a", "a", "b", "b", "b"}};
  const std::string one = error_of([&] { fit(rows, {.penalty = "none"}); });
  CHECK(one ==
        "logistic_regression: 'x0' alone separates 'a': its rows have at most 3, all others at least 4; "
        "without a penalty "
        "the coefficients grow without limit and no fit exists. penalty=l2 gives a finite fit; or leave the "
        "feature out if "
        "it gives the target away.");
  CHECK(error_of([&] { fit(rows, {.penalty = "none", .solver = "lbfgs"}); }) == one);

  // Only both columns together separate.
  const Rows both{{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {1, 0}, {2, 1}, {3, 2}, {4, 3}},
                  {"a", "a", "a", "a", "b", "b", "b", "b"}};
  CHECK(error_of([&] {
          fit(both, {.penalty = "none"});
        }).find("a combination of 'x0' and 'x1' separates the classes") != std::string::npos);

  // Quasi-complete: the rows without the mark overlap, those with it are all "b".
  Rows marked = overlapping(80, 1, 2);
  for (std::size_t r = 0; r < marked.x.size(); ++r)
    marked.x[r].push_back(r % 10 == 0 && marked.y[r] == "b" ? 1 : 0);
  CHECK(error_of([&] {
          fit(marked, {.penalty = "none"});
        }).find("every row with 'x1' above 0 is 'b'; without") != std::string::npos);

  rows.y = {"a", "a", "b", "b", "c", "c"};
  CHECK(error_of([&] { fit(rows, {.penalty = "none"}); }).find("'x0' alone separates 'a'") !=
        std::string::npos);
  CHECK_THROWS_AS(fit(rows, {.penalty = "none"}), FitError);
}

TEST_CASE("With a penalty separation is a note, and the fit is finite") {
  const Rows rows{{{1}, {2}, {3}, {4}, {5}, {6}}, {"a", "a", "a", "b", "b", "b"}};
  const auto model = fit(rows, {.C = 1e6});
  CHECK(all_notes(*model).find(
            "separable: every training row is on its right side ('x0' alone separates 'a'") !=
        std::string::npos);
  CHECK(std::isfinite(coefficients_of(model)[0]));
  CHECK(all_notes(*fit(overlapping(100, 2, 2))).find("separable") == std::string::npos);
}

TEST_CASE("Collinear columns are named, and without a penalty their coefficient is 0") {
  Rows rows = overlapping(200, 2, 2);
  const auto alone = fit(rows, {.penalty = "none"});
  for (auto& row : rows.x) row.push_back(2 * row[0] - row[1] + 3);
  const auto model = fit(rows, {.penalty = "none"});
  CHECK(all_notes(*model).find("collinear: 'x2' = 2 'x0' - 'x1' + 3; without a penalty") !=
        std::string::npos);
  const std::vector<double> w = coefficients_of(model);
  CHECK(w[2] == 0);
  check_close({w[0], w[1]}, coefficients_of(alone), 1e-7);
  const auto shared = fit(rows);
  CHECK(all_notes(*shared).find("collinear: 'x2' = 2 'x0' - 'x1' + 3; the penalty decides") !=
        std::string::npos);
  CHECK(coefficients_of(shared)[2] != 0);
}

TEST_CASE("Classes without rows") {
  const Rows rows = overlapping(90, 2, 3);
  const Dataset all = classified(rows.x, rows.y);
  std::vector<std::int64_t> first, without_c;
  for (std::size_t r = 0; r < rows.y.size(); ++r) {
    if (rows.y[r] == "a") first.push_back(static_cast<std::int64_t>(r));
    if (rows.y[r] != "c") without_c.push_back(static_cast<std::int64_t>(r));
  }
  const LogisticRegression learner{Params{}};
  CHECK_THROWS_AS(learner.fit(all.select(first)), DataError);
  CHECK(error_of([&] { learner.fit(all.select(first)); }).find("every row that counts is 'a'") !=
        std::string::npos);
  CHECK_THROWS_AS(learner.fit(all.select({})), DataError);
  const auto model = learner.fit(all.select(without_c));
  CHECK(all_notes(*model).find("class 'c' has no training rows") != std::string::npos);
  const Table p = model->predict(all.features());
  for (std::int64_t r = 0; r < p.num_rows(); ++r) {
    CHECK(p.column("p_c").number_at(r) == 0);
    CHECK(p.column("p_a").number_at(r) + p.column("p_b").number_at(r) == doctest::Approx(1));
  }
}

TEST_CASE("Weights: 2 is a row twice, 0 is no row; balanced classes count the same") {
  Rows rows = overlapping(60, 3, 2);
  std::vector<double> weights(60, 1.0);
  weights[3] = 2;
  weights[10] = 0;
  const auto weighted = fit(rows, {}, weights);
  Rows twice = rows;
  twice.x.push_back(rows.x[3]);
  twice.y.push_back(rows.y[3]);
  twice.x.erase(twice.x.begin() + 10);
  twice.y.erase(twice.y.begin() + 10);
  check_close(coefficients_of(weighted), coefficients_of(fit(twice)), 1e-6);

  double b = 0;
  for (const std::string& y : rows.y) b += y == "b";
  std::vector<double> balance;
  for (const std::string& y : rows.y) balance.push_back(y == "b" ? 30 / b : 30 / (60 - b));
  check_close(coefficients_of(fit(rows, {.class_weight = "balanced"})),
              coefficients_of(fit(rows, {}, balance)), 1e-6);
  const std::vector<double> nothing(60, 0.0);
  CHECK_THROWS_AS(fit(rows, {}, nothing), DataError);
  const std::vector<double> tiny(60, 1e-290);
  CHECK_THROWS_AS(fit(rows, {}, tiny), DataError);
}

TEST_CASE("Extreme values: the fit does not depend on the unit of a column") {
  const Rows rows = overlapping(150, 3, 2);
  const auto plain = fit(rows, {.penalty = "none"});
  const std::vector<double> w = coefficients_of(plain);
  for (const double unit : {1e-250, 1e-40, 1e18, 1e120, 1e300}) {
    CAPTURE(unit);
    Rows scaled = rows;
    for (auto& row : scaled.x) row[1] *= unit;
    const auto model = fit(scaled, {.penalty = "none"});
    std::vector<double> v = coefficients_of(model);
    v[1] *= unit;
    check_close(v, w, 1e-6);
    for (const double c : coefficients_of(fit(scaled))) CHECK(std::isfinite(c));
    for (const char* penalty : {"l1", "elastic_net"})
      for (const double c : coefficients_of(fit(scaled, {.penalty = penalty}))) CHECK(std::isfinite(c));
  }
  Rows shifted = rows;
  for (auto& row : shifted.x) row[0] = row[0] * 1e-3 + 1e6;
  std::vector<double> v = coefficients_of(fit(shifted, {.penalty = "none"}));
  v[0] *= 1e-3;
  check_close(v, w, 1e-5);
  // Denormal spread cannot be scaled; it counts as constant. So do f32 values beyond the range of their
  // squares not.
  Rows odd = rows;
  for (auto& row : odd.x) row[2] *= 1e-310;
  CHECK(all_notes(*fit(odd)).find("constant: 'x2'; coefficient 0") != std::string::npos);
  for (auto& row : odd.x) row[2] *= 1e290;  // about 1e-20
  for (auto& row : odd.x) row[1] *= 1e30;
  std::vector<double> narrow =
      coefficients_of(LogisticRegression({.penalty = "none"}).fit(classified(odd.x, odd.y, true)));
  CHECK(narrow[1] * 1e30 == doctest::Approx(w[1]).epsilon(1e-4));
}

TEST_CASE("More columns than rows, and constant columns") {
  Rows wide = overlapping(12, 40, 2);
  for (auto& row : wide.x) row[7] = 5;
  const auto newton = fit(wide, {.solver = "newton", .tol = 1e-9});
  check_close(coefficients_of(newton), coefficients_of(fit(wide, {.solver = "lbfgs", .tol = 1e-10})), 1e-5);
  CHECK(coefficients_of(newton)[7] == 0);
  CHECK(all_notes(*newton).find("constant: 'x7'; coefficient 0") != std::string::npos);
  const Rows constant{{{1}, {1}, {1}}, {"a", "b", "b"}};
  const auto model = fit(constant);
  CHECK(model->predict(classified(constant.x, constant.y).features()).column("p_b").number_at(0) ==
        doctest::Approx(2.0 / 3));
}

TEST_CASE("What cannot be asked") {
  const Rows rows = overlapping(30, 2, 2);
  CHECK(error_of([&] { fit(rows, {.penalty = "l1", .solver = "newton"}); }).find("kink") !=
        std::string::npos);
  CHECK_THROWS_AS(fit(rows, {.C = 0}), ParamError);
  CHECK_THROWS_AS(fit(rows, {.tol = -1}), ParamError);
  CHECK(all_notes(*fit(rows, {.solver = "lbfgs", .max_iter = 1}))
            .find("not converged: max_iter = 1 is reached") != std::string::npos);
  Dataset quantity(Table({Column::number("x", Tensor::from(std::vector<double>{1, 2, 3})),
                          Column::number("y", Tensor::from(std::vector<double>{1.5, 2.5, 4}))}),
                   {.roles = {.target = "y"}});
  CHECK_THROWS_AS(LogisticRegression(Params{}).fit(quantity), UsageError);
  StopSource source;
  source.request();
  FitContext context;
  context.stop = source.token();
  CHECK_THROWS_AS(LogisticRegression(Params{}).fit(classified(rows.x, rows.y), context), Interrupted);
}

TEST_CASE("The solver is chosen by shape and says why") {
  CHECK(all_notes(*fit(overlapping(50, 3, 2)))
            .find("solver: newton, because 4 parameters make a small Hessian; converged") !=
        std::string::npos);
  CHECK(all_notes(*fit(overlapping(50, 120, 4))).find("solver: lbfgs, because 484 parameters") !=
        std::string::npos);
  const auto l1 = fit(overlapping(50, 30, 2), {.C = 0.1, .penalty = "l1"});
  CHECK(all_notes(*l1).find("solver: coordinate_descent, because an L1 penalty") != std::string::npos);
  CHECK(all_notes(*l1).find("of 30 coefficients are not 0") != std::string::npos);
  const auto history = fit(overlapping(50, 3, 2))->loss_history();
  CHECK(history.front() == doctest::Approx(std::log(2.0)));
  CHECK(history.back() < history.front());
}

TEST_CASE("Same bytes for any number of threads; the same model after save and load") {
  Registry registry;
  for (const LearnerEntry& e : logistic_regressions()) registry.learners.push_back(e);
  const Rows small = overlapping(3000, 6, 3), large = overlapping(70'000, 5, 2);
  for (const Rows* rows : {&small, &large})
    for (const bool narrow : {false, true})
      for (const char* penalty : {"l2", "elastic_net"}) {
        const Dataset data = classified(rows->x, rows->y, narrow);
        std::vector<std::string> bytes;
        for (const int threads : {1, 2, 7}) {
          set_num_threads(threads);
          bytes.push_back(to_bytes(*LogisticRegression({.penalty = penalty}).fit(data)));
        }
        set_num_threads(2);
        CHECK(bytes[0] == bytes[1]);
        CHECK(bytes[0] == bytes[2]);
        const auto loaded = model_from_bytes(bytes[0], "model.cairn", registry);
        CHECK(to_bytes(*loaded) == bytes[0]);
        const Table a = LogisticRegression({.penalty = penalty}).fit(data)->predict(data.features());
        CHECK(a.sha256() == loaded->predict(data.features()).sha256());
      }
}

TEST_CASE("The gradient at zero from the pass that measures the columns") {
  Rows rows = overlapping(5003, 3, 2, 4);
  for (auto& x : rows.x) x[1] = 1e4 + 3 * x[1];
  std::vector<double> weights(rows.y.size());
  for (std::size_t r = 0; r < weights.size(); ++r) weights[r] = static_cast<double>(r % 4);
  for (const bool narrow : {false, true}) {
    const NumericData data = numeric_data(classified(rows.x, rows.y, narrow, false, weights), "test");
    const LogisticTruth truth{.truth = data.labels, .weights = data.weights};
    LogisticDesign design(
        data.x, false, [&](std::int64_t begin, std::span<double> to) { truth.residuals_at_zero(begin, to); });
    REQUIRE(design.along().size() == 3);
    LogisticObjective objective(std::move(design), truth, {.l2 = 1}, {});
    std::vector<double> cheap(4), swept(4);
    CHECK(objective.evaluate_at_zero(cheap) == doctest::Approx(std::log(2.0)).epsilon(1e-15));
    CHECK(objective.evaluate(std::vector<double>(4, 0.0), swept) ==
          doctest::Approx(std::log(2.0)).epsilon(1e-12));
    for (std::size_t j = 0; j < 4; ++j) CHECK(std::abs(cheap[j] - swept[j]) < 1e-10);
  }
}

TEST_CASE("A sampled first guess does not change the answer") {
  const Rows rows = overlapping(70'000, 4, 2, 9);
  check_close(coefficients_of(fit(rows, {.tol = 1e-10})),
              coefficients_of(fit(rows, {.solver = "lbfgs", .tol = 1e-10})), 1e-6);
  Rows sorted = rows;  // every sampled tile of one class
  std::vector<std::size_t> order(rows.y.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return rows.y[a] < rows.y[b]; });
  for (std::size_t i = 0; i < order.size(); ++i)
    sorted.x[i] = rows.x[order[i]], sorted.y[i] = rows.y[order[i]];
  check_close(coefficients_of(fit(sorted, {.tol = 1e-10})), coefficients_of(fit(rows, {.tol = 1e-10})), 1e-6);
}

namespace {

// A model of `m` logits on one feature, to see its link alone.
LogisticModel link_of(const std::vector<double>& weights, const std::vector<double>& intercepts) {
  NumericData data;
  data.feature_names = {"z"};
  const auto m = static_cast<std::int64_t>(intercepts.size());
  data.task = m == 1 ? Task::binary : Task::multiclass;
  std::vector<std::int64_t> present;
  for (std::int64_t k = 0; k < std::max<std::int64_t>(m, 2); ++k) {
    data.classes.push_back(std::to_string(k));
    present.push_back(k);
  }
  return {data, Tensor::from(weights).reshape(Shape{m, 1}), Tensor::from(intercepts), present, {}, {}};
}

}  // namespace

TEST_CASE("M1W3-L2: the sigmoid") {
  const LogisticModel model = link_of({1}, {0});
  const double z[] = {-10, -5, -1, 0, 1, 5, 10, 3, -800, 800};
  const double expected[] = {4.540e-05,  6.693e-03, 0.26894142,         0.5, 0.73105858,
                             0.99330715, 0.9999546, 0.9525741268224334, 0,   1};
  std::vector<double> p(20);
  model.compute(Matrix::from_rows(Tensor::from(std::vector<double>(z, z + 10)).reshape(Shape{10, 1})), p);
  for (std::size_t i = 0; i < 10; ++i) CHECK(p[2 * i + 1] == doctest::Approx(expected[i]).epsilon(1e-4));
  CHECK(p[15] == doctest::Approx(0.9525741268224334).epsilon(1e-15));
}

TEST_CASE("M2W2-A1: the softmax") {
  const Matrix one = Matrix::from_rows(Tensor::from(std::vector<double>{0}).reshape(Shape{1, 1}));
  std::vector<double> p(4);
  link_of({0, 0, 0, 0}, {1, 2, 3, 4}).compute(one, p);
  const double expected[] = {0.0320586033, 0.0871443187, 0.2368828181, 0.6439142599};
  for (std::size_t k = 0; k < 4; ++k) CHECK(std::abs(p[k] - expected[k]) < 1e-10);
  p.resize(10);
  link_of(std::vector<double>(10, 0.0), std::vector<double>(10, std::log(0.1))).compute(one, p);
  for (const double v : p) CHECK(v == doctest::Approx(0.1).epsilon(1e-12));
}
