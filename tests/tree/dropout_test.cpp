// Boosting whose rounds leave out others, beside XGBoost's.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cairn/model/evaluate.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;

TEST_CASE("dropout: errors on rows not seen are not above XGBoost's dart") {
  std::ifstream file(CAIRN_SOURCE_DIR "/tests/golden/boosting_objectives.json");
  const Json recorded = Json::parse(file)["dart"];
  const Dataset rows = quantile_rows(1, 3000), held_out = quantile_rows(2, 3000);
  for (const double share : {0.1, 0.5}) {
    double mean = 0;  // which rounds are left out is chance
    for (const std::uint64_t seed : {1, 2, 3})
      mean += evaluate(*fit_boosting({.trees = 60, .learning_rate = 0.3, .max_depth = 4, .dropout = share},
                                     rows, {.seed = seed}),
                       held_out)
                  .value("rmse") /
              3;
    const double peer = recorded[share == 0.1 ? "0.1" : "0.5"].get<double>();
    MESSAGE("share ", share, ": rmse ", mean, ", xgboost ", peer);
    CHECK(mean < peer * 1.02);
  }
}
