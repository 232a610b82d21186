#include "cairn/run/explain.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/model/selection.h"
#include "cairn/run/explain_internal.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;

namespace {

struct Fitted {
  Dataset data;
  std::unique_ptr<PipelineModel> model;
};

Fitted fitted(const std::string& learner, const Settings& settings, Dataset data) {
  const auto pipeline =
      configured(builtin_registry().learner(learner), settings, data, builtin_registry(), {});
  auto model = pipeline->fit(data);
  std::unique_ptr<PipelineModel> own(dynamic_cast<PipelineModel*>(model.release()));
  ModelCard card;
  card.task = name_of(data.task());
  card.target = "y";
  card.learner = learner;
  card.params_json = params_to_json(pipeline->params()).dump();
  own->set_card(card);
  return {std::move(data), std::move(own)};
}

// x0 tells the target, x1 with many values and x2 with few do not.
Fitted fitted(const std::string& learner) {
  Random random(1, "rows");
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int i = 0; i < 240; ++i) {
    x.push_back({random.normal(), random.normal(), static_cast<double>(random.below(2))});
    y.push_back(x.back()[0] + random.normal());
  }
  return fitted(learner, {{"random_forest.trees", "20"}}, test::regression_data(x, y));
}

}  // namespace

TEST_CASE("null importance: what tells the target is never matched by chance, what does not often is") {
  const Fitted f = fitted("random_forest");
  const Metric& metric = default_metric(Task::regression);
  const Json p = null_importance(*f.model, f.data, metric, 19, 0, builtin_registry(), {});
  CHECK(p["x0"] == 0.05);  // 1 / 20, the least there is
  CHECK(p["x1"].get<double>() > 0.1);
  CHECK(p["x2"].get<double>() > 0.1);
  CHECK(p == null_importance(*f.model, f.data, metric, 19, 0, builtin_registry(), {}));
}

TEST_CASE("null importance: a model that cannot be fitted again says so") {
  Fitted f = fitted("ridge");
  const auto with = [&](const char* learner) {
    ModelCard card = f.model->card();
    card.learner = learner;
    f.model->set_card(card);
    return null_importance(*f.model, f.data, default_metric(Task::regression), 5, 0, builtin_registry(), {});
  };
  CHECK_THROWS_WITH_AS(
      with("blend"),
      "--null: 'blend' cannot be fitted again from its file. cairn train --no-blend ships one learner.",
      UsageError);
  CHECK_THROWS_WITH_AS(with("other"), "--null: 'other' cannot be fitted again from its file", UsageError);
}

TEST_CASE("null importance: a rare class stays among the rows that learn and among those that judge") {
  Random random(2, "rows");
  std::vector<std::vector<double>> x;
  std::vector<int> labels;
  for (int i = 0; i < 120; ++i) {
    x.push_back({random.normal(), random.normal()});
    labels.push_back(i % 40 == 0);
  }
  const Fitted f = fitted("logistic_regression", {}, test::classification_data(x, labels));
  const Json p = null_importance(*f.model, f.data, metric("roc_auc"), 60, 0, builtin_registry(), {});
  CHECK(p.contains("x0"));
  CHECK(p.contains("x1"));
}

TEST_CASE("null importance: whether a time was lived to see is permuted with the time") {
  // Only x0 tells of which rows the end was seen, so a permuted time alone would leave it as important.
  Random random(3, "rows");
  std::vector<double> x0, x1, time, event;
  for (int i = 0; i < 200; ++i) {
    x0.push_back(random.normal());
    x1.push_back(random.normal());
    time.push_back(1 + random.uniform());
    event.push_back(x0.back() > 0 ? 1 : 0);
  }
  const Dataset data(
      Table({Column::number("x0", Tensor::from(x0)), Column::number("x1", Tensor::from(x1)),
             Column::number("y", Tensor::from(time)), Column::number("event", Tensor::from(event))}),
      {.roles = {.target = "y", .event = "event"}, .task = Task::regression});
  const Fitted f = fitted("gradient_boosting", {{"objective", "cox"}, {"trees", "10"}}, data);
  const Json p = null_importance(*f.model, f.data, metric("concordance"), 19, 0, builtin_registry(), {});
  CHECK(p["x0"] == 0.05);
}

TEST_CASE("importance by seed: fits that find all columns alike are left out of what orders agree to") {
  const std::vector<double> up{1, 2, 3}, down{3, 2, 1}, alike{2, 2, 2};
  const RankAgreement some = rank_agreement({up, alike, up, down});
  CHECK(some.pairs == 3);
  CHECK(some.mean == doctest::Approx(-1.0 / 3));  // 1, -1 and -1
  CHECK(rank_agreement({up, up}).mean == doctest::Approx(1));
  const RankAgreement none = rank_agreement({alike, up, alike});
  CHECK(none.pairs == 0);
  CHECK(std::isnan(none.mean));
}

TEST_CASE("interactions: a model of no trees tells of none, one whose features nobody makes is refused") {
  const Fitted f = fitted("ridge");
  const auto told = [&](std::vector<TreeFeature> features) {
    TreeModelParts parts;
    parts.trees = TreeEnsemble({.num_features = std::ssize(features)}, std::span<const Tree>());
    parts.features = TreeFeatures(std::move(features));
    const PipelineModel model(f.model->schema(), {}, std::make_unique<TreeModel>(std::move(parts)));
    return interactions_to_json(model, f.data.features(), 9, 0, {});
  };
  const Json none = told({{"x0", false, {}}, {"x1", false, {}}});
  CHECK(none["rows"] == 240);
  CHECK(none["pairs"].empty());
  CHECK_THROWS_WITH_AS(told({{"x0", false, {}}, {"lost", false, {}}, {"gone", false, {}}}),
                       "model: its trees ask about 'lost', 'gone', which its transforms do not make",
                       ModelFileError);
}

TEST_CASE("interactions: columns that no feature is made of take no place") {
  Random random(4, "rows");
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int i = 0; i < 200; ++i) {
    x.push_back({random.normal(), 7, random.normal(), random.normal()});
    y.push_back(x.back()[0] * x.back()[3] + 0.1 * random.normal());
  }
  const Fitted f = fitted("random_forest", {{"random_forest.trees", "20"}}, test::regression_data(x, y));
  const Json told = interactions_to_json(*f.model, f.data.features(), 9, 0, {});
  CHECK(told["pairs"][0]["columns"] == Json({"x0", "x3"}));
}
