// What every learner that is fitted in parts promises: the model of the same rows in memory, to rounding.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "cairn/model/parts.h"
#include "cairn/model/selection.h"
#include "tests/contract/examples.h"
#include "tests/support/error_text.h"
#include "tests/support/matrices.h"

using namespace cairn;
using namespace cairn::test;

namespace {

class SevenRows final : public DatasetParts {
 public:
  explicit SevenRows(Dataset all) : all_(std::move(all)) {}
  std::int64_t num_rows() const override { return all_.num_rows(); }
  const Dataset& sample() const override { return all_; }
  void each(const std::function<void(const Dataset&)>& use) override {
    for (std::int64_t begin = 0; begin < num_rows(); begin += 7) {
      std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min<std::int64_t>(7, num_rows() - begin)));
      std::iota(rows.begin(), rows.end(), begin);
      use(all_.select(rows));
    }
  }

 private:
  Dataset all_;
};

// In order of the target, so that most parts lack a class, and with weights.
Dataset sorted_and_weighted(const Dataset& data) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(data.num_rows()));
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](std::int64_t r) {
    const auto at = static_cast<std::size_t>(r);
    return data.task() == Task::regression ? data.target_values()[at] : data.class_codes()[at];
  };
  std::vector<double> keys;
  for (const std::int64_t r : order) keys.push_back(key(r));
  std::ranges::stable_sort(order, {}, [&](std::int64_t r) { return keys[static_cast<std::size_t>(r)]; });
  std::vector<double> weights;
  for (std::int64_t r = 0; r < data.num_rows(); ++r) weights.push_back(0.5 + static_cast<double>(r % 4));
  return data.select(order).with_weights(weights);
}

double difference(const Pipeline& pipeline, const Dataset& train, const Dataset& test) {
  SevenRows parts(train);
  const auto whole = pipeline.fit(train, {.seed = 1}), parted = pipeline.fit_parts(parts, {.seed = 1});
  return prediction_difference(whole->predict(test.features()), parted->predict(test.features()),
                               target_scale(train));
}

}  // namespace

TEST_CASE("learners in parts: the model of the whole, whatever a part lacks") {
  const std::vector<std::pair<const char*, std::vector<std::pair<const char*, const char*>>>> settings = {
      {"linear_regression", {{"solver", "qr"}}},
      {"ridge", {{"solver", "cholesky"}, {"intercept", "false"}}},
      {"lasso", {{"alpha", "0.01"}}},
      {"logistic_regression", {{"penalty", "l1"}}},
      {"logistic_regression", {{"solver", "lbfgs"}, {"penalty", "elastic_net"}}},
      {"logistic_regression", {{"class_weight", "balanced"}, {"solver", "newton"}}},
      {"constant", {{"strategy", "most_frequent"}}},
      {"gradient_boosting", {{"class_weight", "balanced"}, {"trees", "20"}}},
      {"sgd", {{"penalty", "l1"}}},
  };
  std::set<std::string> able;
  for (const Case& c : mixed_cases()) {
    CAPTURE(c.text());
    auto learner = c.entry->make();
    if (!why_not_in_parts(*learner).empty()) {
      CHECK_THROWS_AS(c.pipeline(c.train)->fit_parts(*std::make_unique<SevenRows>(c.train), {}),
                      ResourceError);
      continue;
    }
    able.insert(c.entry->name);
    const Dataset train = sorted_and_weighted(c.train);
    const auto differs = [&](const std::vector<std::pair<const char*, const char*>>& set) {
      const auto pipeline = c.pipeline(train);
      for (const Param& p : c.entry->params())  // so that where a search begins shows no more
        if (p.name == "tol") set_param(pipeline->params(), "tol", "1e-10");
      for (const auto& [name, value] : set) set_param(pipeline->params(), name, value);
      return difference(*pipeline, train, c.test);
    };
    CHECK(differs({}) < 1e-7);
    for (const auto& [name, set] : settings)
      if (name == std::string(c.entry->name) &&
          (c.task != Task::regression || name != std::string("constant"))) {
        CAPTURE(set[0].second);
        CHECK(differs(set) < 1e-7);
      }
  }
  CHECK(able == std::set<std::string>{"constant", "elastic_net", "gradient_boosting", "lasso",
                                      "linear_regression", "logistic_regression", "ridge", "sgd"});
}

TEST_CASE("learners in parts: sparse columns, a target that is transformed, and what cannot be") {
  const LearnerEntry& entry = builtin_registry().learner("logistic_regression");
  auto learner = entry.make();
  set_param(learner->params(), "tol", "1e-10");
  for (const int columns : {300, 40}) {  // worked on as they lie, and as copied tiles
    std::vector<std::vector<double>> rows;
    std::vector<std::string> names;
    std::vector<std::optional<std::string>> labels;
    for (int c = 0; c < columns; ++c) names.push_back("w" + std::to_string(c));
    Random random(5, "words");
    for (int r = 0; r < 60; ++r) {
      rows.emplace_back(columns, 0.0);
      for (int k = 0; k < 12; ++k)
        rows.back()[random.below(static_cast<std::uint64_t>(columns))] = 1 + static_cast<double>(k);
      rows.back()[r % 2 == 0 ? 3 : 4] = 2;
      labels.emplace_back(r % 2 == 0 ? "even" : r % 3 == 0 ? "odd" : "other");
    }
    const Dataset words(Table({Column::features("words", sparse_matrix(rows, columns), names),
                               Column::category_of("label", labels)}),
                        {.roles = {.target = "label"}});
    for (const char* strength : {"1", "0.01"}) {
      CAPTURE(columns);
      CAPTURE(strength);
      set_param(learner->params(), "C", strength);
      CHECK(difference(Pipeline({}, learner->clone()), words, words) < 1e-7);
    }
  }

  const Case& mass = *std::ranges::find_if(mixed_cases(), [](const Case& c) {
    return c.task == Task::regression && c.entry->name == std::string("ridge");
  });
  std::vector<std::unique_ptr<Transform>> steps;
  for (const char* name : {"impute", "one_hot"}) steps.push_back(builtin_registry().transform(name).make());
  const Pipeline logged(std::move(steps), builtin_registry().learner("ridge").make(), 0,
                        builtin_registry().transform("log").make());
  CHECK(difference(logged, mass.train, mass.test) < 1e-7);

  set_param(learner->params(), "penalty", "none");
  CHECK(why_not_in_parts(*learner).find("penalty=none") == 0);
  std::vector<std::unique_ptr<Transform>> encoding;
  encoding.push_back(builtin_registry().transform("target_encode").make());
  CHECK(why_not_in_parts(Pipeline(std::move(encoding), entry.make())).find("target_encode treats") == 0);
}

TEST_CASE("learners in parts: what auto sets for them are parameters, and what is set by hand stays") {
  int with_settings = 0;
  for (const LearnerEntry& entry : builtin_registry().learners) {
    CAPTURE(entry.name);
    const std::string text = entry.parts_settings;
    const std::string name = text.substr(0, text.find('='));
    const auto first = [&](const SelectionOptions& options) { return variants_of(entry, options)[0]; };
    CHECK(first({}).empty());
    CHECK(first({.learners = {entry.name}, .in_parts = true}).empty());
    if (text.empty()) {
      CHECK(first({.in_parts = true}).empty());
      continue;
    }
    ++with_settings;
    const auto variants = variants_of(entry, {.in_parts = true});
    CHECK(variants.size() == variants_of(entry, {}).size());
    for (const Settings& variant : variants) {
      auto learner = entry.make();
      for (const auto& [key, value] : variant) set_param(learner->params(), key, value);
      CHECK(to_text(get_param(learner->params(), name)) == text.substr(name.size() + 1));
      CHECK(why_not_in_parts(*learner).empty());
    }
    CHECK(first({.settings = {{name, "auto"}}, .in_parts = true}).empty());
    CHECK(first({.settings = {{std::string(entry.name) + "." + name, "auto"}}, .in_parts = true}).empty());
    CHECK(first({.settings = {{std::string(entry.name) + ".trees", "5"}}, .in_parts = true}).size() == 1);
  }
  CHECK(with_settings == 1);
}
