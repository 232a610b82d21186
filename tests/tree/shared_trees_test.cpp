// Trees that several classes share, and the number of rounds that is chosen.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/model/archive.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;

namespace {

struct Rows {
  std::vector<std::vector<double>> x;
  std::vector<int> labels;
};

// Four classes by the signs of two columns; `noise` is the share of labels drawn at random.
Rows quarters(std::uint64_t seed, int n, double noise) {
  Random random(seed, "rows");
  Rows rows;
  for (int i = 0; i < n; ++i) {
    rows.x.push_back({random.normal(), random.normal(), random.normal()});
    const int quarter = (rows.x.back()[0] > 0 ? 2 : 0) + (rows.x.back()[1] > 0 ? 1 : 0);
    rows.labels.push_back(random.uniform() < noise ? static_cast<int>(random.below(4)) : quarter);
  }
  return rows;
}

std::unique_ptr<TreeModel> fit(const GradientBoostingParams& params, const Dataset& data,
                               const FitContext& context = {}) {
  auto model = GradientBoosting(params).fit(data, context);
  return std::unique_ptr<TreeModel>(dynamic_cast<TreeModel*>(model.release()));
}

bool holds(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

double log_loss(const TreeModel& model, const Rows& rows) {
  const Dataset data = classification_data(rows.x, rows.labels);
  const auto n = rows.labels.size();
  std::vector<double> raw(n * 4), shares(n * 4);
  model.trees().predict_raw(model.features().matrix(data.features()), raw);
  model.trees().finish(raw, shares);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i)
    sum -= std::log(shares[4 * i + static_cast<std::size_t>(rows.labels[i])]);
  return sum / static_cast<double>(n);
}

}  // namespace

TEST_CASE("shared trees: one tree a round answers all classes, as well as a tree each") {
  const Rows train = quarters(1, 800, 0.2), test = quarters(2, 2000, 0.2);
  const Dataset data = classification_data(train.x, train.labels);
  const auto shared = fit({.trees = 80, .max_depth = 3}, data);
  const auto each = fit({.trees = 80, .learning_rate = 0.1, .max_depth = 3, .outputs = "a_tree_each"}, data);
  CHECK(shared->trees().num_trees() == 80);
  CHECK(each->trees().num_trees() == 320);
  CHECK(log_loss(*shared, test) < 1.03 * log_loss(*each, test));
  // What the rounds report is what the model predicts.
  CHECK(shared->loss_history().back() == doctest::Approx(log_loss(*shared, train)).epsilon(1e-9));
  CHECK(shared->loss_history().back() < shared->loss_history().front());
}

TEST_CASE("shared trees: either kind continues the other") {
  const Rows train = quarters(3, 300, 0.1);
  const Dataset data = classification_data(train.x, train.labels);
  for (const char* first : {"shared_tree", "a_tree_each"})
    for (const char* then : {"shared_tree", "a_tree_each"}) {
      const auto start = fit({.trees = 3, .learning_rate = 0.1, .outputs = first}, data);
      const auto more =
          fit({.trees = 3, .learning_rate = 0.1, .outputs = then}, data, {.start_model = start.get()});
      CHECK(more->loss_history().size() == 6);
      CHECK(more->loss_history().back() == doctest::Approx(log_loss(*more, train)).epsilon(1e-9));
      CHECK(log_loss(*more, train) < log_loss(*start, train));
    }
}

TEST_CASE("shared trees: rounds left out of DART are put back") {
  const Rows train = quarters(4, 300, 0.1);
  const auto model = fit({.trees = 12, .dropout = 0.5}, classification_data(train.x, train.labels));
  CHECK(model->loss_history().back() == doctest::Approx(log_loss(*model, train)).epsilon(1e-9));
}

TEST_CASE("shared trees: monotone wants a tree each") {
  const Rows train = quarters(5, 100, 0);
  const Dataset data = classification_data(train.x, train.labels);
  CHECK(fit({.trees = 2, .monotone = {"x0+"}}, data)->trees().num_trees() == 8);
  CHECK_THROWS_WITH_AS(fit({.trees = 2, .outputs = "shared_tree", .monotone = {"x0+"}}, data),
                       doctest::Contains("shared_tree cannot keep monotone"), UsageError);
}

TEST_CASE("rounds: chosen by rows that were not learned from") {
  const auto rounds = [](const Rows& rows) {
    return fit({}, classification_data(rows.x, rows.labels))->trees().num_trees();
  };
  const auto of_noise = rounds(quarters(6, 300, 1)), of_sense = rounds(quarters(6, 300, 0));
  CHECK(of_noise < 30);
  CHECK(of_sense > 60);
  const Rows two{{{1}, {2}}, {0, 1}};  // which cannot be divided into five parts
  const auto few = fit({}, classification_data(two.x, two.labels));
  CHECK(few->trees().num_trees() == 100);
}

TEST_CASE("rounds: more rows are divided into fewer parts, and the notes say into how many") {
  const auto said = [](int n, double noise) {
    const Rows rows = quarters(8, n, noise);
    for (const std::string& note : fit({.max_depth = 2}, classification_data(rows.x, rows.labels))->notes())
      if (holds(note, "lowest loss")) return note;
    return std::string();
  };
  CHECK(holds(said(200, 1), "in 5-fold cross-validation"));
  CHECK(holds(said(2100, 1), "in 3-fold cross-validation"));
  CHECK(holds(said(10100, 1), "on 10 % of the rows, set apart for that"));
}

TEST_CASE("rounds: where a part lacks a class a fixed number is taken and said") {
  Rows rows = quarters(9, 40, 0);
  for (int& label : rows.labels) label = 0;
  rows.labels[7] = 1;  // the part that judges it has learned from none
  const auto model = fit({.max_depth = 2}, classification_data(rows.x, rows.labels));
  CHECK(model->trees().num_trees() == 100);
  CHECK(holds(model->notes()[0], "100 rounds, as parts of the rows cannot choose their number"));
}

TEST_CASE("rounds: the same for any number of threads") {
  const Rows rows = quarters(7, 250, 0.3);
  const Dataset data = classification_data(rows.x, rows.labels);
  const int before = num_threads();
  std::string bytes;
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    const std::string now = to_bytes(*fit({}, data, {.seed = 3}));
    if (bytes.empty()) bytes = now;
    CHECK(now == bytes);
  }
  set_num_threads(before);
}
