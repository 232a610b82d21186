// Preparations written by hand: what is read, refused, fitted, stored and turned back.
#include "cairn/model/preparation.h"

#include <doctest/doctest.h>

#include <cmath>

#include "cairn/builtin/registry.h"
#include "cairn/model/archive.h"
#include "cairn/model/blend.h"
#include "cairn/model/contributions.h"
#include "cairn/model/evaluate.h"
#include "cairn/model/last_value.h"
#include "cairn/model/selection.h"

using namespace cairn;
using Names = std::vector<std::string>;
using Numbers = std::vector<double>;

namespace {

Preparation read(const std::string& text) { return read_preparation(text, "p.json", builtin_registry()); }

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}

// y grows by 3 % a step with a season of four.
Dataset growing(std::int64_t first, std::int64_t rows) {
  Numbers t, y;
  for (std::int64_t i = first; i < first + rows; ++i) {
    const auto x = static_cast<double>(i);
    t.push_back(x);
    y.push_back(100 * std::exp(0.03 * x) * (1 + 0.1 * static_cast<double>(i % 4)));
  }
  return Dataset(Table({Column::number("t", Tensor::take(std::move(t))),
                        Column::number("y", Tensor::take(std::move(y)))}),
                 {.roles = {.target = "y", .time = "t"}, .task = Task::regression});
}

std::unique_ptr<Pipeline> pipeline(const std::string& text, const Dataset& data,
                                   const char* learner = "linear_regression") {
  PipelineOptions options;
  options.by_hand = std::make_shared<const Preparation>(read(text));
  const LearnerEntry& entry = builtin_registry().learner(learner);
  return prepare(entry.make(), entry, data, builtin_registry(), options);
}

constexpr const char* kSeries =
    R"({"target": "log",
        "steps": [{"step": "lags", "lags": [1, 2, 3, 4]}, {"step": "log", "columns": "y lag *"}]})";

}  // namespace

TEST_CASE("preparation: every mistake is told with its place and what would be right") {
  CHECK(refusal("[{\"step\": \"log\",\n  \"columns\" [1]}]").find("p.json:2:13: is not JSON: ") == 0);
  CHECK(refusal("7") == "p.json: must be a list of steps or an object with \"steps\"");
  CHECK(refusal("{}") ==
        "p.json: has no list \"steps\". Such as \"steps\": [{\"step\": \"standard_scale\"}].");
  CHECK(refusal(R"({"stpes": []})") == "p.json: has the unknown entry 'stpes'. Did you mean 'steps'?");
  CHECK(refusal(R"({"steps": [], "steps": []})") == "p.json: 'steps' stands twice in one object");
  CHECK(refusal(R"([{"step": "lagz"}])") == "p.json, step 1: there is no step 'lagz'. Did you mean 'lags'?");
  CHECK(refusal(R"([{"step": "log"}, {"log": 1}])").find("p.json, step 2: is no object with a \"step\"") ==
        0);
  CHECK(refusal(R"([{"step": "pca", "componens": 3}])") ==
        "p.json, step 1: pca: there is no parameter 'componens'. Did you mean 'components' (how many are "
        "kept; 0: "
        "as `explained` says)?");
  CHECK(refusal(R"([{"step": "bins", "bins": 1}])")
            .find("p.json, step 1: bins.bins = 1 is outside [2, 1000]") == 0);
  CHECK(refusal(R"([{"step": "bins", "bins": "many"}])")
            .find("p.json, step 1: bins.bins = '\"many\"' is not a whole") == 0);
  CHECK(
      refusal(R"({"target": "pca", "steps": []})").find("\"target\" is 'pca', which cannot be turned back") !=
      std::string::npos);
  CHECK(refusal(R"({"rest": "all", "steps": []})") ==
        "p.json: \"rest\" is \"all\"; it is \"auto\" or \"none\"");
  std::string deep(5000, '[');
  CHECK(refusal(deep).find("is not JSON") != std::string::npos);
}

TEST_CASE("preparation: errors while fitting name the step") {
  const Dataset data = growing(0, 40);
  CHECK_THROWS_WITH_AS(
      pipeline(R"([{"step": "lags"}, {"step": "log", "columns": "y lag 2"}])", data),
      doctest::Contains("in step 2 (log): log.columns: there is no feature 'y lag 2'. Did you mean"),
      UsageError);
}

TEST_CASE("preparation: lags of a logarithm and a logarithm learned, one step ahead and stored") {
  const Dataset train = growing(0, 60), later = growing(60, 20);
  const auto made = pipeline(kSeries, train);
  Names steps;
  for (const auto& t : made->transforms()) steps.emplace_back(t->name());
  CHECK(steps == Names{"lags", "log", "impute"});
  const auto fitted = made->fit(train);
  const auto& model = dynamic_cast<const PipelineModel&>(*fitted);
  CHECK(model.looks_back_on() == Names{"t", "y"});
  CHECK(evaluate(*fitted, later).value("rmse") < 1e-6);  // log y is a line in its last four values
  const auto loaded = model_from_bytes(to_bytes(*fitted), "memory", builtin_registry());
  CHECK(to_bytes(*loaded) == to_bytes(*fitted));
  CHECK(judge(*loaded, later).predicted == judge(*fitted, later).predicted);
  // The first row to come needs nothing but its time; later ones say what is not known.
  const Table next({Column::number("t", Tensor::take(Numbers{60}))});
  CHECK(fitted->predict(next).column("prediction").number_at(0) ==
        doctest::Approx(later.target_values()[0]).epsilon(1e-9));
  CHECK(fitted->remarks(next).empty());
  const Table two({Column::number("t", Tensor::take(Numbers{60, 61}))});
  REQUIRE(fitted->remarks(two).size() == 1);
  CHECK(fitted->remarks(two)[0].message.find("first of row 2: 'y' of 1 row before it") != std::string::npos);
  CHECK_THROWS_WITH_AS(fitted->predict(Table({Column::number("y", Tensor::take(Numbers{1}))})),
                       doctest::Contains("'t'"), DataError);
}

TEST_CASE("preparation: a row that is judged among others is judged with their past") {
  const Dataset train = growing(0, 60);
  const auto fitted = pipeline(kSeries, train)->fit(train);
  const auto& model = dynamic_cast<const PipelineModel&>(*fitted);
  const Contributions all = contributions(model, model.inputs(train));
  CHECK(all.columns == Names{"t", "y"});
  // Contributions speak of the logarithm.
  const double predicted = fitted->predict(model.inputs(train)).column("prediction").number_at(50);
  CHECK(all.score(50, 0) == doctest::Approx(std::log(predicted)));
}

TEST_CASE("preparation: the trivial forecast is the last value, which selection compares with") {
  const Dataset train = growing(0, 60), later = growing(60, 20);
  const auto trivial = last_value_pipeline(read(kSeries), train, builtin_registry());
  REQUIRE(trivial != nullptr);
  const Judged judged = judge(*trivial->fit(train), later);
  CHECK(judged.predicted[0] == train.target_values()[59]);
  CHECK(judged.predicted[1] == later.target_values()[0]);
  CHECK(last_value_pipeline(read(R"([{"step": "standard_scale"}])"), train, builtin_registry()) == nullptr);
}

TEST_CASE("preparation: the target of a learner that predicts no value stays as it is") {
  const Dataset data = growing(0, 40);
  PipelineOptions options;
  options.by_hand = std::make_shared<const Preparation>(read(kSeries));
  const LearnerEntry& entry = builtin_registry().learner("quantile_regression");
  auto learner = entry.make();
  set_param(learner->params(), "quantiles", "0.1,0.9");
  const auto made = prepare(std::move(learner), entry, data, builtin_registry(), options);
  CHECK_THROWS_WITH_AS(made->fit(data), doctest::Contains("target: log transforms a number"), UsageError);
}

TEST_CASE("preparation: what a step by hand has done is not done again") {
  const Table table({Column::number("x", Tensor::take(Numbers{1, 2, std::nan(""), 4})),
                     Column::category_of("c", std::vector<std::optional<std::string>>{"a", "b", "a", "b"}),
                     Column::number("y", Tensor::take(Numbers{1, 2, 3, 4.5}))});
  const Dataset data(table, {.roles = {.target = "y"}, .task = Task::regression});
  const auto steps = [&](const std::string& text, const char* learner) {
    Names names;
    const auto made = pipeline(text, data, learner);
    for (const auto& t : made->transforms()) names.emplace_back(t->name());
    return names;
  };
  CHECK(steps(R"([{"step": "bins", "columns": "x"}])", "ridge") == Names{"bins", "impute", "one_hot"});
  CHECK(steps(R"([{"step": "impute"}, {"step": "robust_scale"}])", "ridge") ==
        Names{"impute", "robust_scale", "one_hot"});
  CHECK(steps(R"({"steps": [{"step": "ordinal"}], "rest": "none"})", "ridge") == Names{"ordinal"});
  CHECK(steps(R"([{"step": "target_encode"}])", "gradient_boosting") == Names{"target_encode"});
}

TEST_CASE("preparation: what a later step undoes is done once more") {
  Numbers t, x, y;
  for (int i = 0; i < 60; ++i) {
    t.push_back(i);
    x.push_back(i % 7 == 3 ? std::nan("") : 1000 + 50 * std::sin(i));
    y.push_back(3 + std::cos(i));
  }
  const Dataset data(
      Table({Column::number("t", Tensor::take(std::move(t))), Column::number("x", Tensor::take(std::move(x))),
             Column::number("y", Tensor::take(std::move(y)))}),
      {.roles = {.target = "y", .time = "t"}, .task = Task::regression});
  const auto steps = [&](const std::string& text) {
    Names names;
    const auto made = pipeline(text, data, "ridge");
    static_cast<void>(made->fit(data));  // ridge takes no gaps
    for (const auto& step : made->transforms()) names.emplace_back(step->name());
    return names;
  };
  CHECK(
      steps(
          R"([{"step": "impute"}, {"step": "lags", "columns": "x", "lags": "1-3"}, {"step": "standard_scale"}])") ==
      Names{"impute", "lags", "standard_scale", "impute"});
  CHECK(steps(R"([{"step": "impute"}, {"step": "robust_scale"}, {"step": "polynomial"}])") ==
        Names{"impute", "robust_scale", "polynomial", "robust_scale"});
  CHECK(steps(R"([{"step": "impute"}, {"step": "pca"}, {"step": "min_max_scale"}])") ==
        Names{"impute", "pca", "min_max_scale"});
}

TEST_CASE("preparation: the trivial forecast knows no later value than the steps do") {
  const Dataset train = growing(0, 60), later = growing(60, 20);
  const auto first = [&](const std::string& text) {
    const auto trivial = last_value_pipeline(read(text), train, builtin_registry());
    REQUIRE(trivial != nullptr);
    return judge(*trivial->fit(train), later).predicted[0];
  };
  CHECK(first(R"([{"step": "lags", "lags": "7-14"}])") == train.target_values()[53]);
  CHECK(first(R"([{"step": "lags", "lags": "7-14", "means": "3"}])") == train.target_values()[59]);
}

TEST_CASE("preparation: rows whose past is looked at by a blend may lack the target") {
  const Dataset train = growing(0, 60), later = growing(60, 20);
  std::vector<std::unique_ptr<PipelineModel>> members;
  for (int i = 0; i < 2; ++i) {
    auto fitted = pipeline(kSeries, train)->fit(train);
    members.emplace_back(dynamic_cast<PipelineModel*>(fitted.release()));
    members.back()->set_mean_contributions(mean_contributions(*members.back(), train));
  }
  const Table next({Column::number("t", Tensor::take(Numbers{60}))});
  const Table raw = train.features().with(train.table().column("t")).with(train.table().column("y"));
  PipelineModel blend(Schema::of(raw), {},
                      std::make_unique<BlendModel>(std::move(members), Numbers{0.5, 0.5}, Names{"a", "b"}));
  blend.set_looks_back_on({"t", "y"});
  CHECK(blend.predict(next).column("prediction").number_at(0) ==
        doctest::Approx(later.target_values()[0]).epsilon(1e-6));
  CHECK(blend.looks_at_past_of("y"));
  CHECK_FALSE(blend.looks_at_past_of("t"));
}
