#include "cairn/run/explain.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/model/selection.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;

namespace {

struct Fitted {
  Dataset data;
  std::unique_ptr<PipelineModel> model;
};

// x0 tells the target, x1 with many values and x2 with few do not.
Fitted fitted(const std::string& learner) {
  Random random(1, "rows");
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int i = 0; i < 240; ++i) {
    x.push_back({random.normal(), random.normal(), static_cast<double>(random.below(2))});
    y.push_back(x.back()[0] + random.normal());
  }
  Dataset data = test::regression_data(x, y);
  const auto pipeline = configured(builtin_registry().learner(learner), {{"random_forest.trees", "20"}}, data,
                                   builtin_registry(), {});
  auto model = pipeline->fit(data);
  std::unique_ptr<PipelineModel> own(dynamic_cast<PipelineModel*>(model.release()));
  ModelCard card;
  card.task = "regression";
  card.target = "y";
  card.learner = learner;
  card.params_json = params_to_json(pipeline->params()).dump();
  own->set_card(card);
  return {std::move(data), std::move(own)};
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
