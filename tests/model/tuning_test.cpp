#include "cairn/model/tuning.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "tests/support/error_text.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;

namespace {

const Registry& registry() { return builtin_registry(); }

SearchSpace space_of(const char* learner, const std::vector<std::string>& said = {},
                     const Settings& fixed = {}) {
  return search_space(registry().learner(learner), registry(), fixed, said);
}

// y is a wave of x and noise: the number of neighbours asked matters.
Dataset wave(std::int64_t n, std::uint64_t seed = 1) {
  Random random(seed, "wave");
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (std::int64_t i = 0; i < n; ++i) {
    x.push_back({random.uniform()});
    y.push_back(std::sin(9 * x.back()[0]) + 0.3 * random.normal());
  }
  return test::regression_data(x, y);
}

SelectionOptions by_rmse() { return {.metric = &metric("rmse"), .folds = 5, .seed = 3}; }

Tuning search(const Dataset& data, const char* learner, TuneOptions options, TrialJournal* journal = nullptr,
              const Dataset* dev = nullptr, FitContext context = {.seed = 3}) {
  return tune(data, dev, registry().learner(learner), registry(), by_rmse(), options, journal, context);
}

class Memory : public TrialJournal {
 public:
  std::vector<Trial> kept;
  std::size_t stop_after = ~std::size_t{0};
  bool recall(Trial& trial) const override {
    for (const Trial& t : kept)
      if (t.number == trial.number && t.rung == trial.rung && t.repeat == trial.repeat &&
          t.settings == trial.settings) {
        trial = t;
        return true;
      }
    return false;
  }
  void keep(const Trial& trial) override {
    if (kept.size() >= stop_after) throw Interrupted("test", "killed");
    kept.push_back(trial);
  }
};

void check_same(const Tuning& a, const Tuning& b) {
  REQUIRE(a.trials.size() == b.trials.size());
  for (std::size_t i = 0; i < a.trials.size(); ++i) {
    CHECK(a.trials[i].settings == b.trials[i].settings);
    CHECK(a.trials[i].parts == b.trials[i].parts);
  }
  CHECK(a.best == b.best);
  CHECK(a.stopped == b.stopped);
  CHECK(a.optimism == b.optimism);
}

}  // namespace

TEST_CASE("search space: every declared range lies inside what its parameter allows") {
  int declared = 0;
  for (const LearnerEntry& entry : registry().learners)
    for (const Param& p : entry.params()) {
      if (!p.search) continue;
      ++declared;
      CAPTURE(entry.name);
      CAPTURE(p.name);
      const SearchSpace space = space_of(entry.name, {p.name});  // throws where an end is refused
      REQUIRE(space.size() == 1);
      for (const double u : {0.0, 0.2, 0.5, 0.999999}) {
        const auto learner = entry.make();
        set_param(learner->params(), p.name, value_at(space[0], u));
      }
    }
  CHECK(declared > 25);
}

TEST_CASE("search space: a logarithmic axis gives every power of ten the same share") {
  const SearchAxis axis{.name = "C", .range = {.low = 1e-3, .high = 1e3, .scale = SearchScale::log}};
  std::map<int, int> count;
  Random random(1, "log");
  for (int i = 0; i < 6000; ++i)
    ++count[static_cast<int>(std::floor(std::log10(std::stod(value_at(axis, random.uniform())))))];
  for (int e = -3; e < 3; ++e) CHECK(count[e] == doctest::Approx(1000).epsilon(0.1));
}

TEST_CASE("search space: near one, 1 - value is what is spread by factors") {
  // Andrew Ng's exponents: beta = 1 - 10^r with r even on [-3, -1] makes half of the betas exceed 0.99.
  const SearchAxis axis{.name = "momentum",
                        .range = {.low = 0.9, .high = 0.999, .scale = SearchScale::near_one}};
  Random random(1, "near one");
  int above = 0;
  for (int i = 0; i < 4000; ++i) {
    const double v = std::stod(value_at(axis, random.uniform()));
    CHECK(v >= 0.9);
    CHECK(v <= 0.999);
    above += v > 0.99;
  }
  CHECK(above == doctest::Approx(2000).epsilon(0.05));
  CHECK(value_at(axis, 0.5) == "0.99");
  CHECK(value_at(axis, 0.25) == "0.96838");
  // No end is left, though four digits of the gap may be beyond it.
  const SearchAxis odd{.name = "momentum",
                       .range = {.low = 0.912344, .high = 0.987656, .scale = SearchScale::near_one}};
  for (const double u : {0.0, 1e-9, 0.5, 1 - 1e-9}) {
    const double v = std::stod(value_at(odd, u));
    CHECK(v >= odd.range.low);
    CHECK(v <= odd.range.high);
  }
}

TEST_CASE("search space: whole numbers and lists give each value its share, ends included") {
  const SearchAxis whole{.name = "k", .range = {.low = 1, .high = 4}, .whole = true};
  const SearchAxis list{.name = "w", .range = {.values = {"a", "b", "c"}}};
  std::map<std::string, int> count;
  for (int i = 0; i < 1200; ++i) ++count[value_at(whole, i / 1200.0)], ++count[value_at(list, i / 1200.0)];
  for (const char* k : {"1", "2", "3", "4"}) CHECK(count[k] == 300);
  for (const char* w : {"a", "b", "c"}) CHECK(count[w] == 400);
  CHECK(grid_of(whole, 3) == std::vector<std::string>{"1", "3", "4"});
  const SearchAxis log{.name = "C", .range = {.low = 0.01, .high = 100, .scale = SearchScale::log}};
  CHECK(grid_of(log, 5) == std::vector<std::string>{"0.01", "0.1", "1", "10", "100"});
}

TEST_CASE("search space: what a person says is taken or refused in words") {
  CHECK(space_of("ridge").size() == 1);
  CHECK(space_of("ridge")[0].range.scale == SearchScale::log);
  CHECK(space_of("ridge", {"alpha=0.1..10"})[0].range.scale == SearchScale::log);  // as declared
  CHECK(space_of("ridge", {"alpha=0.1..10:linear"})[0].range.scale == SearchScale::linear);
  CHECK(space_of("mlp", {"hidden=32;64, 64"})[0].range.values == std::vector<std::string>{"32", "64, 64"});
  CHECK(space_of("logistic_regression", {"tf_idf.min_df=1..5"})[0].whole);
  CHECK(space_of("gradient_boosting", {}, {{"max_depth", "3"}}).size() + 1 ==
        space_of("gradient_boosting").size());
  CHECK(space_of("cnn").size() + 1 ==
        space_of("cnn", {"learning_rate", "dropout", "weight_decay", "momentum"}).size());
  const struct {
    const char* said;
    const char* text;
  } kRefused[] = {
      {"alfa", "--space alfa: ridge has no parameter 'alfa'. Did you mean 'alpha'?"},
      {"alpha=1..0.1", "--space alpha: 1..0.1 is no range: the low end must be below the high end"},
      {"alpha=0..1:log", "--space alpha: a logarithmic scale begins above 0, not at 0"},
      {"alpha=0.1..1:logg", "'logg' is no scale; they are linear, log and near_one. Did you mean 'log'?"},
      {"alpha=a..1", "--space alpha: 'a' is not a number"},
      {"alpha=-1..1:linear", "ridge.alpha = -1 is outside [0, inf)"},
      {"alpha=", "--space alpha: no values were named"},
      {"=1..2", "'=1..2' names no parameter"},
      {"solver=magic", "ridge.solver = 'magic' is not one of"},
  };
  for (const auto& refused : kRefused) {
    const std::string said = refused.said, text = refused.text;
    const std::string told = cairn::testing::error_text([&] { space_of("ridge", {said}); });
    CHECK_MESSAGE(told.find(text) != std::string::npos, told);
  }
  CHECK_THROWS_WITH_AS(space_of("ridge", {}, {{"alpha", "1"}}),
                       doctest::Contains("every parameter that ridge declares"), UsageError);
  CHECK_THROWS_WITH_AS(space_of("ridge", {"alpha"}, {{"alpha", "1"}}),
                       doctest::Contains("--set fixes it too"), UsageError);
  CHECK_THROWS_WITH_AS(space_of("ridge", {"alpha", "alpha=1,2"}), doctest::Contains("stands twice"),
                       UsageError);
  CHECK_THROWS_WITH_AS(space_of("linear_regression"), doctest::Contains("declares no parameter to search"),
                       UsageError);
  CHECK_THROWS_WITH_AS(space_of("ridge", {"tf_idf.min_df"}),
                       doctest::Contains("Say one: --space tf_idf.min_df=LOW..HIGH"), UsageError);
}

TEST_CASE("expected best: by hand") {
  // Of 1, 2, 3 drawn two at a time: 2, 3, 3.
  CHECK(expected_best({3, 1, 2}, 2) == doctest::Approx(8.0 / 3));
  CHECK(expected_best({3, 1, 2}, 1) == doctest::Approx(2));
  CHECK(expected_best({3, 1, 2}, 3) == doctest::Approx(3));
}

TEST_CASE("score without peeking: by hand") {
  // Part 0 judges the trial that is best on part 1 and so on.
  CHECK(score_without_peeking({{1, 0}, {0, 1}}) == doctest::Approx(0));
  CHECK(score_without_peeking({{1, 2}, {0, 1}}) == doctest::Approx(1.5));
  CHECK(std::isnan(score_without_peeking({{1}, {2}})));
}

TEST_CASE("the best of many scores of noise is optimistic by what nested selection says") {
  Random random(7, "optimism");
  double best_sum = 0, without_sum = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<double>> parts(20, std::vector<double>(5));
    double best = -INFINITY;
    for (auto& trial : parts) {
      double sum = 0;
      for (double& v : trial) sum += v = random.normal();
      best = std::max(best, sum / 5);
    }
    best_sum += best / 200;
    without_sum += score_without_peeking(parts) / 200;
  }
  CHECK(best_sum > 0.7);               // E[max of 20 means of 5] = 1.87 / sqrt(5) = 0.84
  CHECK(std::abs(without_sum) < 0.1);  // no setting is better than another
}

TEST_CASE("tune: random draws find what the wave needs, and trial 0 is the settings as they were") {
  const Dataset data = wave(300);
  const Tuning t =
      search(data, "k_nearest_neighbors",
             {.trials = 20, .space = space_of("k_nearest_neighbors", {"k=1..200:log"}), .all_trials = true});
  CHECK(t.trials[0].settings.empty());
  CHECK(std::ranges::count_if(t.trials, [](const Trial& x) { return x.number > 0 && x.repeat == 0; }) == 20);
  const double k = std::stod(t.trials[t.best].settings.empty() ? "5" : t.trials[t.best].settings[0].second);
  CHECK(k >= 4);
  CHECK(k <= 30);
  for (const Trial& x : t.trials) CHECK(x.parts.size() == 5);
  CHECK(t.optimism >= 0);
  CHECK(t.outlook.seeds == 5);
  CHECK(t.outlook.noise > 0);
  CHECK(t.stopped.starts_with("all 20 trials were made; 20 more may be expected to better rmse by "));
}

TEST_CASE("tune: it stops when the next trials are worth less than the noise, and says the figures") {
  // tol decides nothing here: every trial scores the same but for rounding.
  const Dataset data = wave(200);
  const Tuning t = search(data, "lasso", {.trials = 60, .space = space_of("lasso", {"tol=1e-7..1e-5:log"})});
  CHECK(t.outlook.after == 12);
  CHECK(t.stopped.starts_with("stopped after 12 of 60 trials: 12 more may be expected to better rmse by "));
  CHECK(t.stopped.find("by which the same settings differ from seed to seed") != std::string::npos);
  CHECK(t.outlook.gain < t.outlook.noise);
  CHECK(std::ranges::count_if(t.trials, [](const Trial& x) { return x.repeat > 0; }) == 4);
}

TEST_CASE("tune: a search that was stopped anywhere goes on to the same result") {
  const Dataset data = wave(150);
  const TuneOptions options{.trials = 14, .space = space_of("k_nearest_neighbors")};
  Memory whole;
  const Tuning undisturbed = search(data, "k_nearest_neighbors", options, &whole);
  for (std::size_t after = 0; after < whole.kept.size(); after += 4) {
    Memory journal;
    journal.stop_after = after;
    CHECK_THROWS_AS(search(data, "k_nearest_neighbors", options, &journal), Interrupted);
    CHECK(journal.kept.size() == after);
    journal.stop_after = ~std::size_t{0};
    check_same(search(data, "k_nearest_neighbors", options, &journal), undisturbed);
  }
}

TEST_CASE("tune: a grid holds every combination once; a space that is used up ends the search") {
  const Dataset data = wave(120);
  const Tuning grid = search(data, "k_nearest_neighbors",
                             {.method = TuneMethod::grid,
                              .space = space_of("k_nearest_neighbors", {"k=1,5,20", "weights"}),
                              .all_trials = true});
  std::set<Settings> seen;
  for (const Trial& t : grid.trials) seen.insert(t.settings);
  CHECK(seen.size() == 7);  // and the settings as they were
  CHECK(grid.trials.size() == 7);
  CHECK(grid.asked == 6);
  const Tuning random =
      search(data, "k_nearest_neighbors", {.space = space_of("k_nearest_neighbors", {"k=1,5,20"})});
  CHECK(random.stopped == "all 3 combinations were tried");
  CHECK(random.trials.size() == 4);
  CHECK_THROWS_WITH_AS(
      search(data, "gradient_boosting",
             {.method = TuneMethod::grid, .trials = 20, .space = space_of("gradient_boosting")}),
      doctest::Contains("6 parameters have 64 combinations at 2 points a range; at most 20 are tried"),
      UsageError);
}

TEST_CASE("tune: halving gives a third of the trials three times as much, by rows or by steps") {
  const Dataset data = wave(1200);
  const Tuning rows = search(data, "k_nearest_neighbors",
                             {.method = TuneMethod::halving,
                              .trials = 9,
                              .space = space_of("k_nearest_neighbors", {"k=1..200:log"})});
  CHECK(rows.budget == "rows");
  std::map<double, int> at;
  for (const Trial& t : rows.trials) ++at[t.share];
  CHECK(at[1.0] == 4);  // three that went on, and the settings as they were
  CHECK(at[1.0 / 3] == 9);
  CHECK(rows.trials[rows.best].share == 1);
  const Tuning steps = search(
      wave(60), "random_forest",
      {.method = TuneMethod::halving, .trials = 9, .space = space_of("random_forest"), .budget = "steps"});
  CHECK(steps.budget == "trees");
  CHECK_THROWS_WITH_AS(search(wave(60), "k_nearest_neighbors",
                              {.method = TuneMethod::halving, .space = space_of("k_nearest_neighbors")}),
                       doctest::Contains("leave nothing to halve: a third of them is fewer than 200"),
                       UsageError);
  CHECK_THROWS_WITH_AS(
      search(data, "k_nearest_neighbors",
             {.method = TuneMethod::halving, .space = space_of("k_nearest_neighbors"), .budget = "steps"}),
      doctest::Contains("k_nearest_neighbors has no parameter that counts steps"), UsageError);
}

TEST_CASE("tune: dev rows judge instead of folds") {
  const Dataset data = wave(200), dev = wave(100, 9);
  const Tuning t = search(data, "k_nearest_neighbors",
                          {.trials = 5, .space = space_of("k_nearest_neighbors")}, nullptr, &dev);
  CHECK(t.judged_by == "100 dev rows");
  const auto model =
      configured(registry().learner("k_nearest_neighbors"), t.trials[2].settings, data, registry(), {})
          ->fit(data, {.seed = 3});
  CHECK(t.trials[2].mean ==
        doctest::Approx(*metric("rmse").compute(judge(*model, dev).view())).epsilon(1e-12));
}

TEST_CASE("tune: trials that cannot be fitted are kept with the reason and never win") {
  const Tuning t =
      search(wave(60), "gradient_descent",
             {.method = TuneMethod::grid, .space = space_of("gradient_descent", {"learning_rate=0.1,1000"})});
  const auto failed = std::ranges::find(t.trials, Settings{{"learning_rate", "1000"}}, &Trial::settings);
  REQUIRE(failed != t.trials.end());
  CHECK(failed->failure.find("gradient_descent") != std::string::npos);
  CHECK(std::isnan(failed->mean));
  CHECK(&t.trials[t.best] != &*failed);
}

TEST_CASE("tune: a time limit marks its result; the first trial is always made") {
  const Tuning t =
      search(wave(400), "gradient_boosting",
             {.trials = 400, .space = space_of("gradient_boosting"), .all_trials = true, .time_limit = 0.05});
  CHECK(t.cut_short);
  CHECK(!t.trials.empty());
  CHECK(t.stopped.starts_with("the time limit of 0.05 s ended it after "));
}

TEST_CASE("tune: dev rows are dealt out at random, whatever their roles of time and group") {
  const Dataset plain = wave(200);
  const auto with_roles = [&](const Dataset& data, Roles roles) {
    std::vector<double> constant(static_cast<std::size_t>(data.num_rows()), 1);
    return data.with_table(data.table().with(Column::number("z", Tensor::take(std::move(constant)))))
        .with_roles(std::move(roles));
  };
  for (const Roles& roles : {Roles{.target = "y", .time = "z"}, Roles{.target = "y", .group = "z"}}) {
    const Dataset train = with_roles(plain, {.target = "y", .ignored = {"z"}});
    const Dataset dev = with_roles(wave(100, 9), roles);
    const Tuning t = search(train, "k_nearest_neighbors",
                            {.trials = 3, .space = space_of("k_nearest_neighbors")}, nullptr, &dev);
    for (const Trial& trial : t.trials) {
      CHECK(trial.failure == "");
      CHECK(trial.parts.size() == 5);
    }
  }
  const Dataset one = wave(1, 9);
  const Tuning t = search(plain, "k_nearest_neighbors",
                          {.trials = 3, .space = space_of("k_nearest_neighbors")}, nullptr, &one);
  for (const Trial& trial : t.trials) {
    CHECK(trial.failure == "");
    CHECK(trial.parts.empty());
  }
}

TEST_CASE("tune: why no further draw comes is said as it is, and a value said twice is one") {
  const Dataset data = wave(120);
  const auto stopped = [&](const char* space) {
    return search(data, "k_nearest_neighbors", {.space = space_of("k_nearest_neighbors", {space})}).stopped;
  };
  CHECK(stopped("k=5,5,9") == "all 2 combinations were tried");
  // Numbers of four digits in so narrow a range are few, though it has no end.
  const std::string told =
      search(data, "ridge",
             {.trials = 40, .space = space_of("ridge", {"alpha=1..1.002"}), .all_trials = true})
          .stopped;
  CHECK_MESSAGE(told.starts_with("no new combination came in 200 draws; 3 were tried"), told);
}

TEST_CASE("tune: the bar counts trials, made or recalled, and no fit begins another") {
  struct Bar : Progress {
    std::int64_t total = 0, done = 0, begun = 0, ended = 0;
    void begin(std::string_view, std::int64_t t) override { total = t, ++begun; }
    void advance(std::int64_t units) override { done += units; }
    void end() override { ++ended; }
    void remark(std::string_view) override {}
  };
  const Dataset data = wave(150);
  Memory journal;
  for (int time = 0; time < 2; ++time) {
    Bar bar;
    search(data, "gradient_boosting",
           {.trials = 4, .space = space_of("gradient_boosting"), .all_trials = true}, &journal, nullptr,
           {.seed = 3, .progress = &bar});
    CHECK(bar.begun == 1);
    CHECK(bar.ended == 1);
    CHECK(bar.total == 5);
    CHECK(bar.done == 5);
  }
}
