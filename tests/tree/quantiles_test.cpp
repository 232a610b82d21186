// Several quantiles at once: against single ones, against peers, in order, saved and judged.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/builtin/registry.h"
#include "cairn/model/archive.h"
#include "cairn/model/evaluate.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;

namespace {

using P = GradientBoostingParams;

P three_levels() {
  return {.objective = "quantile", .trees = 100, .max_depth = 4, .quantiles = {"0.1,0.5", "0.9"}};
}

Json golden() {
  std::ifstream file(CAIRN_SOURCE_DIR "/tests/golden/boosting_objectives.json");
  return Json::parse(file);
}

}  // namespace

TEST_CASE("quantiles: the mean pinball loss is not above that of peers, levels hold, nothing crosses") {
  const Json recorded = golden()["quantiles"];
  const Dataset rows = quantile_rows(1, 3000), held_out = quantile_rows(2, 3000);
  CHECK(rows.features().column("x0").number_at(0) == recorded["first"][0].get<double>());
  CHECK(rows.target_values()[0] == doctest::Approx(recorded["first"][3].get<double>()).epsilon(1e-14));
  const auto model = fit_boosting(three_levels(), rows);
  const Judged judged = judge(*model, held_out);
  CHECK(judged.levels == std::vector{0.1, 0.5, 0.9});
  const double pinball = evaluate(judged, 0).value("pinball");
  MESSAGE("pinball ", pinball);
  for (const auto& [name, peer] : recorded["peers"].items()) {
    CAPTURE(name);
    CHECK(pinball <= peer["pinball"].get<double>() * 1.01);
  }
  const std::size_t n = judged.truth.size();
  std::vector<double> below(3);
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t o = 0; o < 3; ++o) {
      if (o > 0) CHECK(judged.quantiles[3 * r + o] >= judged.quantiles[3 * r + o - 1]);
      if (judged.truth[r] <= judged.quantiles[3 * r + o]) below[o] += 1 / static_cast<double>(n);
    }
  MESSAGE("below ", below[0], " ", below[1], " ", below[2]);
  for (std::size_t o = 0; o < 3; ++o) CHECK(std::abs(below[o] - judged.levels[o]) < 0.05);
}

TEST_CASE("quantiles: each level is what it is alone, but for the order") {
  const Dataset rows = quantile_rows(3, 500);
  P several = three_levels();
  several.trees = 20;
  const Table all = fit_boosting(several, rows)->predict(rows.features());
  CHECK(all.names() == std::vector<std::string>{"prediction", "q_0.1", "q_0.5", "q_0.9"});
  std::vector<std::vector<double>> alone;
  for (const double level : {0.1, 0.5, 0.9}) {
    const Table one =
        fit_boosting({.objective = "quantile", .trees = 20, .max_depth = 4, .quantile = level}, rows)
            ->predict(rows.features());
    CHECK(one.num_columns() == 2);
    const Tensor values = one.column("prediction").numbers();
    alone.emplace_back(values.data<double>().begin(), values.data<double>().end());
  }
  int crossed = 0;
  for (std::int64_t r = 0; r < rows.num_rows(); ++r) {
    const auto at = static_cast<std::size_t>(r);
    std::vector<double> sorted{alone[0][at], alone[1][at], alone[2][at]};
    crossed += std::ranges::is_sorted(sorted) ? 0 : 1;
    std::ranges::sort(sorted);
    CHECK(all.column("q_0.1").number_at(r) == doctest::Approx(sorted[0]).epsilon(1e-3));
    CHECK(all.column("q_0.5").number_at(r) == all.column("prediction").number_at(r));
  }
  MESSAGE("rows whose levels crossed: ", crossed);
}

TEST_CASE("quantiles: saved, loaded, continued, the same bytes for any number of threads") {
  const Dataset rows = quantile_rows(4, 20000);
  P p = three_levels();
  p.trees = 4;
  const int before = num_threads();
  std::string bytes;
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    const std::string now = to_bytes(*fit_boosting(p, rows));
    if (bytes.empty()) bytes = now;
    CHECK(now == bytes);
  }
  set_num_threads(before);
  const auto loaded = model_from_bytes(bytes, "q.cairn", builtin_registry());
  CHECK(loaded->predicts() == Predicts::quantiles);
  const Table a = loaded->predict(rows.features());
  CHECK(a.names() == std::vector<std::string>{"prediction", "q_0.1", "q_0.5", "q_0.9"});
  const auto model = fit_boosting(p, rows);
  CHECK(fit_boosting(p, rows, {.start_model = model.get()})->trees().num_trees() == 24);
  p.quantiles = {"0.2,0.8,0.9"};
  CHECK_THROWS_WITH_AS(fit_boosting(p, rows, {.start_model = model.get()}),
                       doctest::Contains("cannot continue from this tree_model"), UsageError);
}

TEST_CASE("quantiles: pinball by hand, and of the level that a single quantile has") {
  Judged j;
  j.truth = {1, 4};
  j.predicted = {2, 2};
  j.levels = {0.25, 0.75};
  j.quantiles = {0, 2, 1, 2};
  j.predicts = Predicts::quantiles;
  // 0.25 * 1, 0.25 * 1; 0.25 * 3, 0.75 * 2
  CHECK(evaluate(j, 0).value("pinball") == doctest::Approx((0.25 + 0.25 + 0.75 + 1.5) / 4));
  const Dataset rows = quantile_rows(5, 200);
  const Judged high =
      judge(*fit_boosting({.objective = "quantile", .trees = 5, .quantile = 0.9}, rows), rows);
  double sum = 0;
  for (std::size_t r = 0; r < 200; ++r) {
    const double e = high.truth[r] - high.predicted[r];
    sum += e > 0 ? 0.9 * e : -0.1 * e;
  }
  CHECK(evaluate(high, 0).value("pinball") == doctest::Approx(sum / 200));
}

TEST_CASE("quantiles: levels that a model file cannot hold") {
  const auto model = fit_boosting(three_levels(), quantile_rows(7, 60));
  const auto with = [&](std::vector<double> levels) {
    return TreeModel(
        {.features = model->features(), .trees = model->trees(), .quantiles = std::move(levels)});
  };
  CHECK_NOTHROW(with({0.2, 0.3, 0.4}));
  for (const std::vector<double>& bad :
       {std::vector{0.2, 0.4, 0.3}, {0.2, 0.2, 0.3}, {0.2, 0.5, 1.5}, {0.2, std::nan(""), 0.5}})
    CHECK_THROWS_WITH_AS(with(bad), doctest::Contains("that cannot be"), ModelFileError);
  CHECK_THROWS_WITH_AS(with({0.2, 0.5}), doctest::Contains("its trees predict 3 numbers"), ModelFileError);
  CHECK_THROWS_AS(with({}), ModelFileError);
}

TEST_CASE("quantiles: bad levels") {
  const Dataset rows = quantile_rows(6, 50);
  const auto refused = [&](std::vector<std::string> levels, const char* text) {
    CHECK_THROWS_WITH_AS(fit_boosting({.objective = "quantile", .quantiles = std::move(levels)}, rows),
                         doctest::Contains(text), UsageError);
  };
  refused({"0.1,half"}, "gradient_boosting.quantiles: 'half' is no level between 0 and 1");
  refused({"0.1,1.5"}, "'1.5' is no level between 0 and 1");
  refused({"0,0.5"}, "'0' is no level between 0 and 1");
  refused({"0.1,,0.5"}, "'' is no level between 0 and 1");
  refused({"0.5,0.1,0.5"}, "gradient_boosting.quantiles: the level 0.5 stands twice");
  CHECK_THROWS_WITH_AS(
      fit_boosting({.quantiles = {"0.1"}}, rows),
      doctest::Contains("gradient_boosting.quantiles: objective=squared predicts no quantiles. "
                        "--set objective=quantile does."),
      UsageError);
}
