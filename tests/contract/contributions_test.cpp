// What each column adds to a score, for every learner that says it can tell: the parts and the base are the
// model's own score.
#include "cairn/model/contributions.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <set>

#include "cairn/base/error.h"
#include "cairn/model/archive.h"
#include "cairn/model/selection.h"
#include "tests/contract/examples.h"

using namespace cairn;

namespace {

// Numbers with gaps, a category with gaps, a boolean, a date, a text.
Dataset every_kind(Task task) {
  std::string text = "n,m,level,flag,day,words,y\n";
  const char* words[] = {"the cat sat here", "a dog ran far away", "the dog sat", "nobody ran"};
  for (int i = 0; i < 240; ++i)
    text += fmt::format(
        "{},{},{},{},2024-0{}-1{},{},{}\n", i % 11 == 3 ? "" : fmt::format("{}", i % 17 * 0.5), i % 7,
        i % 13 == 5 ? "" : fmt::format("l{}", i % 3), i % 2 ? "true" : "false", 1 + i % 9, i % 8,
        words[i % 4],
        task == Task::regression ? fmt::format("{}", 0.1 + i % 17 * 0.3 + i % 3 + 0.01 * (i % 23))
                                 : fmt::format("c{}", (i % 17 + i % 5) % (task == Task::binary ? 2 : 3)));
  ReadOptions options;
  options.types = {{"words", ColumnKind::text}, {"day", ColumnKind::date}, {"m", ColumnKind::number}};
  return Dataset(read_csv_text(text, "kinds.csv", options).table, {.roles = {.target = "y"}, .task = task});
}

double log_odds(double p) { return std::log(p) - std::log1p(-p); }

// The score as the model's own prediction tells it.
double told(const Table& said, const Contributions& c, const PipelineModel& model,
            const std::string& positive, std::int64_t row, std::size_t output) {
  if (model.task() == Task::regression) return said.column("prediction").number_at(row);
  if (c.of_probabilities)
    return said.column("p_" + (model.task() == Task::binary ? positive : c.outputs[output])).number_at(row);
  if (model.task() == Task::binary) return log_odds(said.column("p_" + positive).number_at(row));
  double mean = 0;
  for (const std::string& name : c.outputs)
    mean += std::log(said.column("p_" + name).number_at(row)) / static_cast<double>(c.outputs.size());
  return std::log(said.column("p_" + c.outputs[output]).number_at(row)) - mean;
}

// One against the rest: each score is the log-odds of a yes, and the shares of the yeses are the
// probabilities.
double told_by_shares(const Contributions& c, std::int64_t row, std::size_t output) {
  double total = 0;
  for (std::size_t k = 0; k < c.outputs.size(); ++k) total += 1 / (1 + std::exp(-c.score(row, k)));
  return 1 / (1 + std::exp(-c.score(row, output))) / total;
}

std::unique_ptr<PipelineModel> fitted(const LearnerEntry& entry, const Dataset& data, int polynomial) {
  // Steps of the default length are too long for third powers of these columns.
  Settings settings;
  if (std::string(entry.name) == "sgd") settings = {{"alpha", "1"}};
  if (std::string(entry.name) == "gradient_descent") settings = {{"learning_rate", "0.001"}};
  if (std::string(entry.name) == "linear_svm")
    settings = {{"max_iter", "50"}};  // settled or not, sums are sums
  const auto pipeline = configured(entry, settings, data, builtin_registry(), {.polynomial = polynomial});
  auto model = pipeline->fit(data);
  return std::unique_ptr<PipelineModel>(dynamic_cast<PipelineModel*>(model.release()));
}

void check_sums(const PipelineModel& model, const Dataset& data) {
  const Table rows = data.features();
  const Table said = model.predict(rows);
  const Contributions c = contributions(model, rows);
  REQUIRE(c.columns == rows.names());
  REQUIRE(c.parts.size() == c.outputs.size() * c.columns.size() * static_cast<std::size_t>(rows.num_rows()));
  const std::string positive =
      data.task() == Task::binary ? data.classes()[static_cast<std::size_t>(data.positive())] : "";
  double worst = 0;
  for (std::int64_t r = 0; r < rows.num_rows(); ++r)
    for (std::size_t k = 0; k < c.outputs.size(); ++k) {
      if (data.task() == Task::multiclass && model.card().notes == "one against the rest") {
        worst = std::max(worst,
                         std::abs(told_by_shares(c, r, k) - said.column("p_" + c.outputs[k]).number_at(r)));
        continue;
      }
      const double score = told(said, c, model, positive, r, k);
      if (std::abs(score) < 15)  // beyond it, 1 - p has lost the digits
        worst = std::max(worst, std::abs(c.score(r, k) - score) / std::max(1.0, std::abs(score)));
    }
  CHECK(worst < 1e-9);
}

}  // namespace

TEST_CASE("contributions: with the base they are the model's score, for every learner that tells them" *
          doctest::test_suite("long")) {
  int told_models = 0;
  for (const LearnerEntry& entry : builtin_registry().learners)
    for (const Task task : {Task::regression, Task::binary, Task::multiclass}) {
      if (!entry.serves(task) || !entry.accepts.tables) continue;
      CAPTURE(entry.name);
      CAPTURE(name_of(task));
      const Dataset data = every_kind(task);
      for (const int polynomial : {1, 3}) {
        const auto model = fitted(entry, data, polynomial);
        if (!model->explains()) {
          CHECK_THROWS_WITH_AS(
              contributions(*model, data.features()),
              doctest::Contains("linear and logistic models and trees with constant leaves have them"),
              NotSupported);
          continue;
        }
        ++told_models;
        if (std::string(entry.name) == "sgd" || std::string(entry.name) == "linear_svm")
          model->set_card({.notes = "one against the rest"});
        check_sums(*model, data);  // counted from the intercept, or for trees from the mean
        model->set_mean_contributions(mean_contributions(*model, data));
        check_sums(*model, data);  // counted from the mean row
      }
    }
  CHECK(told_models >= 36);
}

TEST_CASE("contributions: counted from the mean they are zero in the mean, and travel with the model") {
  const Dataset data = every_kind(Task::regression);
  const auto model = fitted(builtin_registry().learner("ridge"), data, 1);
  model->set_mean_contributions(mean_contributions(*model, data));
  const Contributions c = contributions(*model, data.features());
  for (std::size_t j = 0; j < c.columns.size(); ++j) {
    double mean = 0;
    for (std::int64_t r = 0; r < data.num_rows(); ++r)
      mean += c.parts[static_cast<std::size_t>(r) * c.columns.size() + j];
    CHECK(std::abs(mean) < 1e-9);
  }
  const auto again = model_from_bytes(to_bytes(*model), "m.cairn", builtin_registry());
  const auto* loaded = dynamic_cast<const PipelineModel*>(again.get());
  REQUIRE(loaded);
  CHECK(contributions(*loaded, data.features()).parts == c.parts);
}

TEST_CASE("contributions: a product of two columns belongs to both alike") {
  // y = a * b exactly: the linear terms get nothing.
  std::string text = "a,b,y\n";
  for (int i = 0; i < 60; ++i) {
    const double a = i % 7 - 3, b = i % 5 - 2;
    text += fmt::format("{},{},{}\n", a, b, a * b + 0.5);
  }
  const Dataset data(read_csv_text(text, "t.csv", {}).table,
                     {.roles = {.target = "y"}, .task = Task::regression});
  const auto model = fitted(builtin_registry().learner("linear_regression"), data, 2);
  const Contributions c = contributions(*model, data.features());
  const Table rows = data.features();
  for (std::int64_t r = 0; r < rows.num_rows(); ++r) {
    const double half = rows.column("a").number_at(r) * rows.column("b").number_at(r) / 2;
    CHECK(c.parts[static_cast<std::size_t>(r) * 2] == doctest::Approx(half).epsilon(1e-9));
    CHECK(c.parts[static_cast<std::size_t>(r) * 2 + 1] == doctest::Approx(half).epsilon(1e-9));
  }
}
