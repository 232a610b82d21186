// Weighted means of models: the weights against calculus and a grid, the choice, the model and its file.
#include "cairn/model/blend.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/model/archive.h"
#include "cairn/model/contributions.h"
#include "cairn/model/selection.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;

namespace {

using Said = std::vector<std::vector<double>>;

// A slope that lines see and steps that trees see: neither sees both.
Dataset slope_and_steps(int n, bool classes) {
  Random random(1, "rows");
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  std::vector<int> labels;
  for (int i = 0; i < n; ++i) {
    x.push_back({random.normal(), random.normal(), random.normal(), random.normal()});
    const auto& r = x.back();
    const double slope = 1.5 * (r[0] + r[1]), score = slope + 3 * (std::abs(r[2]) > 0.7) - 1.5;
    y.push_back(slope + 2 * (r[2] > 0.3) * (r[3] > -0.2) + 0.5 * random.normal());
    labels.push_back(random.uniform() < 1 / (1 + std::exp(-3 * score)));
  }
  return classes ? test::classification_data(x, labels) : test::regression_data(x, y);
}

Selection chosen(const Dataset& data, bool blend = true) {
  // Few learners, so that the test is quick.
  Registry few = builtin_registry();
  std::erase_if(few.learners, [&](const LearnerEntry& e) {
    const std::string name = e.name;
    return name != "ridge" && name != "logistic_regression" && name != "constant" &&
           name != (data.task() == Task::regression ? "extra_trees" : "decision_tree");
  });
  return select_learner(data, few, {.metric = &default_metric(data.task()), .folds = 4, .blend = blend});
}

std::unique_ptr<PipelineModel> fitted(const Selection& s, const Dataset& data) {
  auto model = s.candidates[0].pipeline->fit(data);
  return std::unique_ptr<PipelineModel>(dynamic_cast<PipelineModel*>(model.release()));
}

}  // namespace

TEST_CASE("blend: weights of least squares, by hand") {
  // Errors that do not go together, of variances 1 and 4: weights go as 4 to 1.
  const std::vector<double> truth{0, 0, 0, 0};
  auto w = blend_weights(Said{{1, -1, 1, -1}, {2, 2, -2, -2}}, truth, {});
  CHECK(w[0] == doctest::Approx(0.8).epsilon(1e-4));
  CHECK(w[1] == doctest::Approx(0.2).epsilon(1e-4));
  // The second is the first and more: no weight may be negative.
  w = blend_weights(Said{{1, 1, 1, 1}, {2, 2, 2, 2}}, truth, {});
  CHECK(w == std::vector<double>{1, 0});
  // Two that are alike share; rows of weight 0 do not count.
  w = blend_weights(Said{{1, 9, -1, 9}, {-1, 0, 1, 0}}, truth, std::vector<double>{1, 0, 1, 0});
  CHECK(w[0] == doctest::Approx(0.5).epsilon(1e-4));
}

TEST_CASE("blend: weights of the likelihood, against a grid") {
  Random random(2, "rows");
  Said said(2);
  for (int i = 0; i < 400; ++i) {
    said[0].push_back(random.uniform());
    said[1].push_back(0.3 + 0.4 * random.uniform());
  }
  const auto loss = [&](double w) {
    double sum = 0;
    for (std::size_t i = 0; i < 400; ++i) sum -= std::log(w * said[0][i] + (1 - w) * said[1][i]);
    return sum;
  };
  const auto w = blend_weights(said, {}, {});
  CHECK(w[0] + w[1] == doctest::Approx(1));
  for (int i = 0; i <= 100; ++i) CHECK(loss(w[0]) <= loss(i / 100.0) + 1e-6);
}

TEST_CASE("blend: what two kinds of learners see in part is shipped together, and is the mean of them" *
          doctest::test_suite("long")) {
  for (const bool classes : {false, true}) {
    CAPTURE(classes);
    const Dataset data = slope_and_steps(1500, classes), unseen = slope_and_steps(2400, classes);
    const Selection s = chosen(data);
    REQUIRE(s.blend.tried);
    CHECK(s.blend.shipped);
    CHECK(s.blend.gain.low > 0);
    CHECK(s.blend.single - s.blend.blended == doctest::Approx(s.blend.gain.value));
    CHECK(s.candidates[0].learner == "blend");
    CHECK(s.single().learner == s.candidates[1].learner);
    CHECK(s.candidates[0].cross_validation.folds.size() == 4);
    double sum = 0;
    for (const auto& m : s.blend.members) sum += m.weight;
    CHECK(sum == doctest::Approx(1));
    const auto model = fitted(s, data);
    const auto& blend = dynamic_cast<const BlendModel&>(model->model());
    CHECK(blend.num_members() == std::ssize(s.blend.members));
    const Table rows = unseen.features(), said = model->predict(rows);
    const std::string column = classes ? "p_1" : "prediction";
    for (std::int64_t r = 0; r < 50; ++r) {
      double mixed = 0;
      for (std::int64_t m = 0; m < blend.num_members(); ++m)
        mixed += blend.weights()[static_cast<std::size_t>(m)] *
                 blend.member(m).predict(rows.slice(r, r + 1)).column(column).number_at(0);
      CHECK(said.column(column).number_at(r) == doctest::Approx(mixed).epsilon(1e-12));
    }
    // Honest: rows that nobody saw say what the folds said, and the blend is better there too.
    const Metric& metric = default_metric(data.task());
    const auto single = s.single().pipeline->fit(data);
    const double blended = as_error(metric, *metric.compute(judge(*model, unseen).view())),
                 alone = as_error(metric, *metric.compute(judge(*single, unseen).view()));
    CHECK(blended < alone);
    // The file, and any number of threads, give the same bytes.
    const std::string bytes = to_bytes(*model);
    const auto back = model_from_bytes(bytes, "blend.cairn", builtin_registry());
    CHECK(to_bytes(*back) == bytes);
    CHECK(back->predict(rows).column(column).number_at(7) == said.column(column).number_at(7));
    const int before = num_threads();
    set_num_threads(3);
    CHECK(to_bytes(*fitted(chosen(data), data)) == bytes);
    set_num_threads(before);
  }
}

TEST_CASE("blend: contributions of a quantity add up; a mean of probabilities has none") {
  const Dataset data = slope_and_steps(1500, false);
  const auto model = fitted(chosen(data), data);
  REQUIRE(model->explains_from() == ExplainsFrom::mean);
  const Table rows = data.features().slice(0, 20);
  const Contributions c = contributions(*model, rows);
  const Table said = model->predict(rows);
  CHECK(c.columns.size() == 4);
  for (std::int64_t r = 0; r < 20; ++r)
    CHECK(c.score(r, 0) == doctest::Approx(said.column("prediction").number_at(r)).epsilon(1e-9));
  const Dataset classes = slope_and_steps(1500, true);
  CHECK_THROWS_WITH_AS(contributions(*fitted(chosen(classes), classes), rows),
                       doctest::Contains("blend has no exact contributions"), NotSupported);
}

TEST_CASE("blend: one learner is shipped where no blend is better, and where none is wanted" *
          doctest::test_suite("long")) {
  Random random(3, "rows");
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int i = 0; i < 300; ++i) {
    x.push_back({random.normal(), random.normal()});
    y.push_back(x.back()[0] - 2 * x.back()[1] + 0.1 * random.normal());  // a line and nothing else
  }
  const Selection line = chosen(test::regression_data(x, y));
  CHECK(line.candidates[0].learner == "ridge");
  CHECK_FALSE(line.blend.shipped);
  CHECK(line.blend.tried);
  CHECK_FALSE(line.blend.why.empty());
  CHECK_FALSE(chosen(slope_and_steps(1500, false), false).blend.tried);
  x.resize(60);
  y.resize(60);
  CHECK(chosen(test::regression_data(x, y)).blend.why == "60 rows are too few to fit weights on");
}

TEST_CASE("blend: files that are none") {
  const Dataset data = slope_and_steps(1500, false);
  const auto model = fitted(chosen(data), data);
  const std::string bytes = to_bytes(*model);
  std::vector<std::unique_ptr<PipelineModel>> none;
  CHECK_THROWS_WITH_AS(BlendModel(std::move(none), {}, {}),
                       "model: blends 0 models with 0 weights and 0 names", ModelFileError);
  const auto one = [&] {
    std::vector<std::unique_ptr<PipelineModel>> list;
    auto loaded = model_from_bytes(bytes, "blend.cairn", builtin_registry());
    list.emplace_back(dynamic_cast<PipelineModel*>(loaded.release()));
    return list;
  };
  CHECK_THROWS_WITH_AS(BlendModel(one(), {0.5}, {"a"}), "model: has a blend whose weights sum to 0.5",
                       ModelFileError);
  CHECK_THROWS_WITH_AS(BlendModel(one(), {-1}, {"a"}), "model: has a weight of -1 in its blend",
                       ModelFileError);
  const std::string nested = to_bytes(BlendModel(one(), {1.0}, {"a"}));  // a blend in a blend
  CHECK_THROWS_WITH_AS(model_from_bytes(nested, "nested.cairn", builtin_registry()),
                       doctest::Contains("holds a blend in a blend"), ModelFileError);
}

TEST_CASE("blend: what predicts no values is no member") {
  Registry few = builtin_registry();
  std::erase_if(few.learners, [&](const LearnerEntry& e) {
    const std::string name = e.name;
    return name != "ridge" && name != "gradient_boosting" && name != "constant";
  });
  const Dataset data = slope_and_steps(800, false);
  const Selection s =
      select_learner(data, few,
                     {.metric = &default_metric(data.task()),
                      .folds = 3,
                      .settings = {{"objective", "quantile"}, {"quantile", "0.4"}, {"trees", "20"}}});
  CHECK(
      std::ranges::any_of(s.candidates, [](const Candidate& c) { return c.learner == "gradient_boosting"; }));
  CHECK(std::ranges::none_of(s.blend.members,
                             [](const auto& member) { return member.learner == "gradient_boosting"; }));
}

TEST_CASE("blend: contributions against other rows are the weighted sum of its members'") {
  const Dataset data = slope_and_steps(1500, false);
  const auto model = fitted(chosen(data), data);
  const auto& blend = dynamic_cast<const BlendModel&>(model->model());
  const Table rows = data.features().slice(0, 10), background = data.features().slice(100, 140);
  const Contributions c = contributions_against(*model, rows, background);
  std::vector<double> parts(c.parts.size());
  for (std::int64_t m = 0; m < blend.num_members(); ++m) {
    const Contributions one = contributions_against(blend.member(m), rows, background);
    REQUIRE(one.parts.size() == parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i)
      parts[i] += blend.weights()[static_cast<std::size_t>(m)] * one.parts[i];
  }
  for (std::size_t i = 0; i < parts.size(); ++i) CHECK(c.parts[i] == doctest::Approx(parts[i]).epsilon(1e-9));
}
