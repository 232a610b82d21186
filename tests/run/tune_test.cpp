#include "cairn/run/tune.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/report/report.h"
#include "cairn/run/split_checks.h"
#include "cairn/run/trial_file.h"
#include "tests/support/json_schema.h"
#include "tests/support/numeric_dataset.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;

namespace {

Trial sample_trial(std::int64_t number) {
  return {.number = number,
          .share = 1.0 / 3,
          .settings = {{"C", "0.1"}, {"hidden", "64, 64"}},
          .parts = {0.1, std::nan(""), 1.0 / 3},
          .mean = 0.2,
          .standard_error = std::nan(""),
          .seconds = 0.5,
          .failure = "a \"quoted\" reason\n"};
}

bool same(const Trial& a, const Trial& b) {
  const auto equal = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
  return a.number == b.number && a.share == b.share && a.settings == b.settings && equal(a.mean, b.mean) &&
         equal(a.standard_error, b.standard_error) && a.failure == b.failure &&
         a.parts.size() == b.parts.size() &&
         std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), equal);
}

Trial asked(std::int64_t number) {
  const Trial t = sample_trial(number);
  return {.number = number, .share = t.share, .settings = t.settings};
}

}  // namespace

TEST_CASE(
    "journal of trials: what was kept comes back; a cut line, another search and damage are begun anew") {
  const cairn::testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/trials.jsonl";
  {
    TrialFile file(path, "key");
    for (int i = 0; i < 3; ++i) file.keep(sample_trial(i));
  }
  const std::string whole = read_file(path);
  {
    TrialFile file(path, "key");
    CHECK(file.size() == 3);
    Trial t = asked(2);
    REQUIRE(file.recall(t));
    CHECK(same(t, sample_trial(2)));
    Trial other = asked(2);
    other.settings[0].second = "0.2";
    CHECK_FALSE(file.recall(other));
  }
  CHECK(read_file(path) == whole);
  // Killed anywhere: what is whole is kept, and the next trial goes behind it.
  for (std::size_t cut = 0; cut <= whole.size(); cut += 13) {
    write_file(path, whole.substr(0, cut));
    {
      TrialFile file(path, "key");
      CHECK(file.size() <= 3);
      for (std::int64_t i = 0; i < 3; ++i)
        if (Trial t = asked(i); !file.recall(t)) file.keep(sample_trial(i));
    }
    CHECK(read_file(path) == whole);
  }
  CHECK(TrialFile(path, "another key").size() == 0);
}

TEST_CASE("tune: a run folder with its search, honest about the held-out rows, that follows the schema") {
  const cairn::testing::TemporaryFolder folder;
  TuneRequest request;
  request.train.data = cairn::testing::shipped_data("penguins.csv");
  request.train.target = "body_mass_g";
  request.train.learner = {"ridge"};
  request.train.no_doctor = true;
  request.train.out = folder.path() + "/run";
  request.tune.trials = 6;
  const TrainOutcome outcome = tune(request, builtin_registry(), {});
  const Json& result = *outcome.result;
  const Json& tuning = result["tuning"];
  CHECK(tuning["trials"].size() == 7);
  CHECK(result["rows"]["train"] == tuning["rows"]);
  CHECK(result["deterministic"] == true);
  const std::string alpha =
      tuning["trials"][0]["chosen"] == true ? "1" : tuning["settings"].get<std::string>().substr(6);
  CHECK(result["params"]["alpha"].get<double>() == std::stod(alpha));
  CHECK(test::schema_faults(result_schema(), result.dump()).empty());
  const std::string page = read_file(folder.path() + "/run/report.html");
  CHECK(page.find("How the settings were found") != std::string::npos);
  CHECK(page.find("which no trial saw") != std::string::npos);
  // config.json repeats the final fit, and the search.
  const Json config = Json::parse(read_file(folder.path() + "/run/config.json"));
  CHECK(config["tune"]["set"].empty());
  TrainOptions repeat = train_options_from_json(config);
  repeat.out = folder.path() + "/again";
  const TrainOutcome again = train(repeat, builtin_registry(), {});
  CHECK((*again.result)["model_sha256"] == result["model_sha256"]);
  TuneRequest search_again = tune_request_from_json(config);
  CHECK(to_json(search_again)["tune"] == to_json(request)["tune"]);
  CHECK(search_again.train.set.empty());
}

TEST_CASE("tune: what cannot be asked for is refused in words") {
  TuneRequest request;
  request.train.data = cairn::testing::shipped_data("penguins.csv");
  request.train.target = "species";
  CHECK_THROWS_WITH_AS(tune(request, builtin_registry(), {}),
                       doctest::Contains("--learner: tune needs to know which learner"), UsageError);
  request.train.learner = {"ridge", "lasso"};
  CHECK_THROWS_WITH_AS(tune(request, builtin_registry(), {}), doctest::Contains("one learner at a time"),
                       UsageError);
  request.train.learner = {"logistic_regression"};
  request.tune.budget = "rows";
  CHECK_THROWS_WITH_AS(tune(request, builtin_registry(), {}),
                       doctest::Contains("--budget: is for --method halving, not random"), UsageError);
  const cairn::testing::TemporaryFolder folder;
  request.tune.budget = "auto";
  request.train.target = "body_mass_g";
  request.train.learner = {"gradient_boosting"};
  request.train.out = folder.path() + "/run";
  request.tune.space = {"objective=squared,quantile"};
  CHECK_THROWS_WITH_AS(tune(request, builtin_registry(), {}),
                       doctest::Contains("objective=quantile predicts something else"), UsageError);
}

TEST_CASE("shift: parts of one table cannot be told apart, parts of another time can, and by what") {
  Random random(3, "shift");
  std::vector<std::vector<double>> rows;
  std::vector<double> y;
  for (int i = 0; i < 600; ++i) {
    rows.push_back({random.normal(), random.normal(), random.normal()});
    y.push_back(random.normal());
  }
  const Dataset same = test::regression_data(rows, y);
  for (int i = 0; i < 600; ++i)
    rows[static_cast<std::size_t>(i)] = {random.normal(), random.normal() + 1, random.normal()};
  const Dataset moved = test::regression_data(rows, y);
  std::vector<std::int64_t> first, second;
  for (std::int64_t i = 0; i < 600; ++i) (i % 2 ? first : second).push_back(i);
  const SplitShift none = measure_shift(same.select(first), same.select(second), builtin_registry(), 1);
  CHECK(none.p > 0.001);
  CHECK(none.auc == doctest::Approx(0.5).epsilon(0.15));
  const SplitShift found = measure_shift(same, moved, builtin_registry(), 1);
  CHECK(found.p < 1e-10);
  CHECK(found.auc > 0.65);  // two normals one apart: 0.76 at best
  CHECK(found.columns[0].first == "x1");
  CHECK(found.rows == 1200);
}

TEST_CASE("shift: p-values of parts that do not differ are spread evenly") {
  int below = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed, "null");
    std::vector<std::vector<double>> rows;
    std::vector<double> y;
    std::vector<std::int64_t> first, second;
    for (std::int64_t i = 0; i < 160; ++i) {
      rows.push_back({random.normal(), random.normal()});
      y.push_back(random.normal());
      (i % 2 ? first : second).push_back(i);
    }
    const Dataset data = test::regression_data(rows, y);
    below += measure_shift(data.select(first), data.select(second), builtin_registry(), seed).p < 0.05;
  }
  CHECK(below <= 6);  // 2 expected; 7 or more have probability 0.003
}
