// Learners on pictures, in a form that every run of the tests can bear: MNIST's first 6,000 training and
// 2,000 test pictures. What the whole of MNIST gives stands in docs/courses.md.
#include <doctest/doctest.h>

#include <numeric>

#include "cairn/builtin/registry.h"
#include "cairn/model/evaluate.h"
#include "cairn/model/selection.h"
#include "cairn/readers/idx.h"
#include "tests/support/shared_data.h"

using namespace cairn;

namespace {

Dataset first_rows(const Dataset& data, std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return data.select(rows);
}

}  // namespace

TEST_CASE("MNIST in brief by mlp and cnn" * doctest::test_suite("long")) {
  const auto folder = testing::shared_data("mnist");
  if (!folder) return;
  const ReadResult read = read_idx(*folder);
  const Dataset all(read.table, {.roles = {.target = read.target, .id = read.id}});
  const Dataset train = first_rows(all, 6000), test = first_rows(all.with_table(*read.test), 2000);
  const Registry& registry = builtin_registry();
  const auto accuracy = [&](const char* learner, const Settings& settings) {
    const auto model =
        configured(registry.learner(learner), settings, train, registry, {})->fit(train, {.seed = 1});
    const Evaluation e = evaluate(*model, test, {"accuracy"});
    REQUIRE(e.results[0].estimate);
    MESSAGE(std::string(learner) << " on a tenth of MNIST: accuracy " << e.results[0].estimate->value);
    return e.results[0].estimate->value;
  };
  // With the penalty 60, which 0.01 beside the mean would be, it is 0.8975.
  CHECK(accuracy("mlp", {{"hidden", "128"}, {"epochs", "8"}, {"learning_rate", "0.003"}}) >= 0.915);
  CHECK(accuracy("cnn", {{"epochs", "8"}}) >= 0.95);
}
