// Boosting from a model that is there: as many rounds at once give the same bits, leaves are learned anew,
// and what cannot be a start is refused.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/model/pipeline.h"
#include "cairn/tree/ensemble_write.h"
#include "cairn/tree/exchange/imported_model.h"
#include "cairn/tree/forest.h"
#include "tests/support/numeric_dataset.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;

namespace {

struct StartRows {
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  std::vector<int> labels;  // of three classes
};

StartRows start_rows(std::uint64_t seed, int n) {
  MadeNumbers made(seed);
  StartRows rows;
  for (int i = 0; i < n; ++i) {
    const double a = made.normal(), b = made.normal(),
                 c = made.uniform() < 0.1 ? std::nan("") : made.normal();
    rows.x.push_back({a, b, c});
    rows.y.push_back(a * b + (std::isnan(c) ? 1 : c) + 0.2 * made.normal());
    rows.labels.push_back(rows.y.back() < -0.5 ? 0 : rows.y.back() < 0.5 ? 1 : 2);
  }
  return rows;
}

std::unique_ptr<TreeModel> fit_start(const GradientBoostingParams& params, const Dataset& data,
                                     const FitContext& context = {}) {
  return std::unique_ptr<TreeModel>(
      dynamic_cast<TreeModel*>(GradientBoosting(params).fit(data, context).release()));
}

Dataset values_data(const std::vector<std::vector<double>>& x, const std::vector<double>& y) {
  return regression_data(x, y);
}

std::string trees_text_of(const TreeModel& model) { return trees_json(model.trees(), model.names()).dump(); }

double raw_of_row(const TreeModel& model, std::vector<double> row) {
  double raw = 0;
  model.trees().predict_raw_row(row, std::span(&raw, 1));
  return raw;
}

}  // namespace

TEST_CASE("continued: the same bits as as many rounds at once") {
  const StartRows rows = start_rows(1, 400);
  const Dataset values = regression_data(rows.x, rows.y), classes = classification_data(rows.x, rows.labels);
  struct Case {
    const Dataset& data;
    GradientBoostingParams params;
  };
  for (const Case& c :
       {Case{values, {}}, Case{values, {.sampling = "goss", .row_share = 0.5}},
        Case{values, {.objective = "quantile", .quantiles = {"0.1", "0.9"}}},
        Case{values, {.objective = "huber", .column_share = 0.7}}, Case{values, {.leaves = "linear"}},
        Case{classes, {}}, Case{classes, {.outputs = "a_tree_each"}}}) {
    GradientBoostingParams half = c.params, whole = c.params;
    half.trees = 5;
    whole.trees = 10;
    const auto first = fit_start(half, c.data, {.seed = 3});
    const auto then = fit_start(half, c.data, {.seed = 3, .start_model = first.get()});
    const auto once = fit_start(whole, c.data, {.seed = 3});
    CHECK(trees_text_of(*then) == trees_text_of(*once));
    CHECK(then->loss_history() == once->loss_history());
    CHECK(then->rounds() == 10);
    CHECK(trees_text_of(*fit_start(half, c.data, {.seed = 4, .start_model = first.get()})) !=
          trees_text_of(*once));
  }
}

TEST_CASE("continued: levels that the start does not know are missing") {
  const auto data_of = [](const std::vector<std::optional<std::string>>& town, const std::vector<double>& y) {
    return Dataset(Table({Column::category_of("town", town), Column::number("y", Tensor::from(y))}),
                   {.roles = {.target = "y"}, .task = Task::regression});
  };
  GradientBoostingParams p{.trees = 5, .learning_rate = 0.5, .min_child_weight = 0, .l2 = 0, .row_share = 1};
  const auto start = fit_start(p, data_of({"a", "a", "b", "b", std::nullopt}, {1, 1, 2, 2, 5}));
  const Dataset more = data_of({"c", "c", "b", "b", "b"}, {9, 9, 2, 2, 2});
  const auto then = fit_start(p, more, {.start_model = start.get()});
  CHECK(then->features().list()[0].levels == std::vector<std::string>{"a", "b"});
  const Table predicted = then->predict(data_of({"c", std::nullopt, "b"}, {0, 1, 0}).features());
  const Column& value = predicted.column("prediction");
  CHECK(value.number_at(0) == value.number_at(1));
  CHECK(value.number_at(0) == doctest::Approx(9).epsilon(0.05));
  CHECK(value.number_at(2) == doctest::Approx(2).epsilon(0.05));
}

TEST_CASE("refit: leaves are moved to what these rows ask for, those without rows are as they were") {
  GradientBoostingParams p{.trees = 1,
                           .learning_rate = 0.5,
                           .max_depth = 1,
                           .min_child_weight = 0,
                           .l2 = 0,
                           .row_share = 1,
                           .column_share_node = 1,
                           .refit_decay = 0.75};
  // The base is 2; the leaves are 0.5 * (1 - 2) and 0.5 * (3 - 2).
  const auto start = fit_start(p, values_data({{0}, {0}, {1}, {1}}, {1, 1, 3, 3}));
  REQUIRE(raw_of_row(*start, {0}) == doctest::Approx(1.5));
  REQUIRE(raw_of_row(*start, {1}) == doctest::Approx(2.5));
  const Dataset right = values_data({{1}, {1}}, {6, 8});  // 5 above the base
  const auto moved = fit_start(p, right, {.start_model = start.get(), .refit = true});
  CHECK(raw_of_row(*moved, {0}) == raw_of_row(*start, {0}));
  CHECK(raw_of_row(*moved, {1}) == doctest::Approx(2 + 0.75 * 0.5 + 0.25 * 0.5 * 5));
  CHECK(
      moved->notes()[0] ==
      "1 leaves of a model of 1 trees learned anew, of the old values 0.75 stays; 1 that no row came to are "
      "as they were");
  p.refit_decay = 1;
  CHECK(trees_text_of(*fit_start(p, right, {.start_model = start.get(), .refit = true})) ==
        trees_text_of(*start));
}

// StartRows that a model was fitted to ask for the leaves it has; gradients are cut to few bits while trees
// grow.
TEST_CASE("refit: without decay the rows of the fit give the model back, of every form of trees") {
  const StartRows rows = start_rows(2, 300);
  const Dataset values = regression_data(rows.x, rows.y), classes = classification_data(rows.x, rows.labels);
  struct Case {
    const Dataset& data;
    GradientBoostingParams params;
  };
  for (const Case& c : {Case{values, {}}, Case{values, {.objective = "absolute"}}, Case{classes, {}},
                        Case{classes, {.outputs = "a_tree_each"}}}) {
    GradientBoostingParams p = c.params;
    p.trees = 20;  // more than are walked at once
    p.learning_rate = 0.2;
    p.row_share = 1;
    p.refit_decay = 0;
    const auto start = fit_start(p, c.data),
               again = fit_start(p, c.data, {.start_model = start.get(), .refit = true});
    const auto a = start->trees().values(), b = again->trees().values();
    REQUIRE(a.size() == b.size());
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
    CHECK(most < 1e-4);
    CHECK(again->loss_history().size() == 20);
    CHECK(again->loss_history().back() == doctest::Approx(start->loss_history().back()).epsilon(1e-4));
  }
}

TEST_CASE("continued: files of other programs") {
  const std::string folder = std::string(CAIRN_SOURCE_DIR) + "/tests/golden/trees/";
  for (const char* name : {"lightgbm_binary.txt", "xgboost_binary.json"}) {
    const auto start = import_model(folder + name);
    const auto& trees = dynamic_cast<const TreeModel&>(start->model()).trees();
    MadeNumbers made(5);
    std::vector<Column> columns;
    const int n = 200;
    std::vector<std::optional<std::string>> labels;
    for (std::int64_t f = 0; f < trees.num_features(); ++f) {
      std::vector<double> values;
      for (int i = 0; i < n; ++i) values.push_back(made.normal());
      if (f == 0)
        for (const double v : values) labels.emplace_back(v > 0 ? "1" : "0");
      columns.push_back(Column::number(start->schema().columns[static_cast<std::size_t>(f)].name,
                                       Tensor::take(std::move(values))));
    }
    columns.push_back(Column::category_of("y", labels));
    const Dataset data(Table(columns), {.roles = {.target = "y"}, .task = Task::binary});
    const auto model = GradientBoosting(GradientBoostingParams{.trees = 30, .learning_rate = 0.3})
                           .fit(data, {.start_model = start.get()});
    const auto& more = dynamic_cast<const TreeModel&>(*model);
    CHECK(more.trees().num_trees() == trees.num_trees() + 30);
    CHECK(more.trees().options().f32_inputs == trees.options().f32_inputs);
    CHECK(more.loss_history().back() < 0.2 * more.loss_history().front());
    const Matrix x = more.features().matrix(data.features());
    std::vector<double> before(n), after(n);
    trees.predict_raw(x, before);
    more.trees().predict_raw(x, after, trees.num_trees());
    for (int i = 0; i < n; ++i)
      CHECK(after[static_cast<std::size_t>(i)] == before[static_cast<std::size_t>(i)]);
    columns.back() = Column::number("y", columns[0].numbers());
    const Dataset other(Table(columns), {.roles = {.target = "y"}, .task = Task::regression});
    CHECK_THROWS_WITH_AS(
        GradientBoosting(GradientBoostingParams{.trees = 1}).fit(other, {.start_model = start.get()}),
        doctest::Contains("its task is binary; this is regression; it minimised binary"), UsageError);
  }
}

TEST_CASE("continued: what cannot be a start says all that keeps it from being one") {
  const StartRows rows = start_rows(3, 60);
  const Dataset data = regression_data(rows.x, rows.y);
  const auto start = fit_start({.trees = 3}, data);
  CHECK_THROWS_WITH_AS(fit_start({.objective = "absolute", .trees = 1}, data, {.start_model = start.get()}),
                       doctest::Contains("cannot continue from this tree_model: it minimised squared; here "
                                         "objective=absolute"),
                       UsageError);
  // Trees that are a mean are none that add up, though they predict the same kind of number.
  const auto mean = RandomForest(RandomForestParams{.trees = 3}).fit(data);
  CHECK_THROWS_WITH_AS(fit_start({.trees = 3}, data, {.start_model = mean.get()}),
                       doctest::Contains("cannot continue from this tree_model: its prediction is a mean"),
                       UsageError);
  const auto fitted = fit_start({.objective = "quantile", .trees = 1, .quantiles = {"0.1", "0.9"}}, data);
  CHECK_THROWS_WITH_AS(fit_start({.objective = "quantile", .trees = 1, .quantiles = {"0.2", "0.9"}}, data,
                                 {.start_model = fitted.get()}),
                       doctest::Contains("its quantiles are 0.1, 0.9; here 0.2, 0.9"), UsageError);
  CHECK_THROWS_WITH_AS(
      fit_start({.trees = 1, .monotone = {"x0+"}}, data, {.start_model = start.get(), .refit = true}),
      doctest::Contains("need not rise or fall"), UsageError);
  const auto lines = fit_start({.trees = 1, .leaves = "linear"}, data);
  CHECK_THROWS_WITH_AS(fit_start({.trees = 1}, data, {.start_model = lines.get(), .refit = true}),
                       doctest::Contains("along lines cannot be learned anew"), UsageError);
  const Dataset classes = classification_data(rows.x, rows.labels);
  const auto shared = fit_start({.trees = 1}, classes);
  CHECK_THROWS_WITH_AS(fit_start({.trees = 1, .leaves = "linear"}, classes, {.start_model = shared.get()}),
                       doctest::Contains("cannot be continued by trees that classes share"), UsageError);
}
