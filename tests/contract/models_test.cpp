// What every fitted model promises when it predicts, and through its file.
#include <doctest/doctest.h>

#include <cmath>
#include <thread>

#include "cairn/base/error.h"
#include "tests/contract/examples.h"

using namespace cairn;
using namespace cairn::test;

namespace {

std::vector<std::string> prediction_names(const Case& c) {
  std::vector<std::string> names{"prediction"};
  for (const std::string& k : c.train.classes()) names.push_back("p_" + k);
  if (std::string_view(c.entry->name) == "quantile_regression") names.push_back("q_0.5");
  return names;
}

// Another level in the last row of every category column.
Table with_unseen_levels(const Table& table) {
  Table out = table;
  for (const Column& c : table.columns()) {
    if (c.kind() != ColumnKind::category) continue;
    std::vector<std::string> levels = c.levels();
    levels.push_back("never seen");
    std::vector<std::int32_t> codes(c.codes().begin(), c.codes().end());
    codes.back() = static_cast<std::int32_t>(levels.size()) - 1;
    out = out.with(Column::category(c.name(), Tensor::from(codes), levels));
  }
  return out;
}

}  // namespace

TEST_CASE("models: probabilities are finite, sum to 1, and the most probable class is decided for") {
  for (const Case& c : cases()) {
    INFO("probabilities: " << c.text());
    const auto model = c.fit();
    CHECK(model->task() == c.task);
    CHECK(model->classes() == c.train.classes());
    const Table predicted = model->predict(c.test.features());
    REQUIRE(predicted.names() == prediction_names(c));
    CHECK(predicted.num_rows() == c.test.num_rows());
    CHECK(all_finite(predicted));
    if (c.task == Task::regression) continue;
    for (std::int64_t r = 0; r < predicted.num_rows(); ++r) {
      double sum = 0, largest = -1;
      for (const std::string& k : c.train.classes()) {
        const double p = predicted.column("p_" + k).number_at(r);
        CHECK(p >= 0);
        CHECK(p <= 1);
        sum += p;
        largest = std::max(largest, p);
      }
      CHECK(std::abs(sum - 1) < 1e-12);
      CHECK(predicted.column("p_" + predicted.column("prediction").cell(r)).number_at(r) == largest);
    }
  }
}

TEST_CASE("models: saved and loaded, they say the same") {
  for (const auto* list : {&cases(), &mixed_cases()})
    for (const Case& c : *list) {
      INFO("save and load: " << c.text());
      const auto model = c.fit();
      const std::string bytes = to_bytes(*model);
      const auto loaded = model_from_bytes(bytes, "memory", builtin_registry());
      CHECK(to_bytes(*loaded) == bytes);
      CHECK(loaded->kind() == model->kind());
      CHECK(loaded->notes() == model->notes());
      const Table asked = c.test.features();
      CHECK(prediction_numbers(loaded->predict(asked)) == prediction_numbers(model->predict(asked)));
      const auto a = model->coefficients(), b = loaded->coefficients();
      REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i)
        CHECK((a[i].feature == b[i].feature && a[i].value == b[i].value));
    }
}

TEST_CASE("models: four threads predict at once and say the same") {
  for (const Case& c : cases()) {
    INFO("four threads: " << c.text());
    const auto model = c.fit();
    const Table asked = c.test.features();
    const auto expected = prediction_numbers(model->predict(asked));
    std::vector<std::vector<double>> answers(4);
    std::vector<std::thread> threads;
    for (auto& answer : answers)
      threads.emplace_back([&] { answer = prediction_numbers(model->predict(asked)); });
    for (std::thread& t : threads) t.join();
    for (const auto& answer : answers) CHECK(answer == expected);
  }
}

TEST_CASE("models: a row's prediction does not depend on the rows beside it") {
  for (const auto* list : {&cases(), &mixed_cases()})
    for (const Case& c : *list) {
      INFO("some of the rows: " << c.text());
      const auto model = c.fit();
      const Table asked = c.test.features(), all = model->predict(asked);
      const double scale = target_scale(c.train);
      // A product of another height may be summed in another order.
      const double tolerance = is_network(*model) ? 1e-6 : 1e-12;
      CHECK(prediction_difference(model->predict(asked.slice(5, 17)), all.slice(5, 17), scale) < tolerance);
      CHECK(prediction_difference(model->predict(asked.slice(3, 4)), all.slice(3, 4), scale) < tolerance);
      const std::vector<std::int64_t> some{9, 2, 2, 30};
      CHECK(prediction_difference(model->predict(asked.select(some)), all.select(some), scale) < tolerance);
    }
}

TEST_CASE("models: no rows give no predictions, with the right columns") {
  for (const Case& c : mixed_cases()) {
    INFO("no rows: " << c.text());
    const Table none = c.fit()->predict(c.test.features().slice(0, 0));
    CHECK(none.num_rows() == 0);
    CHECK(none.names() == prediction_names(c));
  }
}

TEST_CASE("models: columns in another order and further columns change nothing, a missing one is named") {
  for (const auto* list : {&cases(), &mixed_cases()})
    for (const Case& c : *list) {
      INFO("columns: " << c.text());
      const auto model = c.fit();
      const Table asked = c.test.features();
      const auto expected = prediction_numbers(model->predict(asked));
      std::vector<std::string> names = asked.names();
      std::ranges::reverse(names);
      const std::vector<double> noise(static_cast<std::size_t>(asked.num_rows()), 7.5);
      const Table other = asked.only(names).with(Column::number("of no concern", Tensor::from(noise)));
      CHECK(prediction_numbers(model->predict(other)) == expected);
      for (const std::string& name : names) {
        const std::vector<std::string> one{name};
        try {
          model->predict(asked.without(one));
          FAIL_CHECK("predicted without column " << name);
        } catch (const DataError& e) {
          CHECK_MESSAGE(std::string(e.what()).find(name) != std::string::npos, e.what());
        }
      }
    }
}

TEST_CASE("models: levels never seen in training and missing cells are predicted") {
  for (const Case& c : mixed_cases()) {
    if (!c.entry->accepts.tables) continue;  // a picture has no levels and is never missing
    INFO("unseen level: " << c.text());
    const auto model = c.fit();
    CHECK(all_finite(model->predict(with_unseen_levels(c.test.features()))));
    Table gaps = c.test.features();
    for (const Column& column : c.test.features().columns()) {
      if (column.kind() == ColumnKind::category) {
        const std::vector<std::int32_t> none(static_cast<std::size_t>(column.size()), -1);
        gaps = gaps.with(Column::category(column.name(), Tensor::from(none), column.levels()));
      } else {
        const std::vector<double> none(static_cast<std::size_t>(column.size()), std::nan(""));
        gaps = gaps.with(Column::number(column.name(), Tensor::from(none)));
      }
    }
    CHECK(all_finite(model->predict(gaps)));
  }
}
