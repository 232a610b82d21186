// Parts of a training's checkpoint: mean weights, and counters that cannot be.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/model/state_file.h"
#include "cairn/nn/linear.h"
#include "cairn/optim/ema.h"
#include "cairn/optim/schedule.h"
#include "cairn/train/flight_recorder.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::TemporaryFolder;

TEST_CASE(
    "mean weights: the mean of numbers that stay the same is these numbers; without decay, the others") {
  Linear mean({.in = 8, .out = 8}), net({.in = 8, .out = 8});
  initialise(net, 3);
  initialise(mean, 4);
  move_average(mean, net, 0);
  CHECK(std::ranges::equal(mean.weight().value().data<float>(), net.weight().value().data<float>()));
  for (int i = 0; i < 1000; ++i) move_average(mean, net, 0.999);
  CHECK(std::ranges::equal(mean.weight().value().data<float>(), net.weight().value().data<float>()));
}

TEST_CASE("trainer: counters that no training can have are refused in its checkpoint's parts") {
  const TemporaryFolder folder;
  const std::string path = folder.file("state.cairn");
  constexpr std::int64_t kFar = (std::int64_t{1} << 53) + 1;
  const auto loads = [&](const VisitFunction& saved, const VisitFunction& loaded) {
    save_state(path, "state", saved);
    load_state(path, "state", loaded);
  };
  Linear net({.in = 2, .out = 1});
  for (std::int64_t count : {std::int64_t{-1}, kFar}) {
    Plateau plateau(PlateauParams{});
    double best = 1;
    bool any = true;
    CHECK_THROWS_WITH_AS(loads(
                             [&](Visitor& v) {
                               v.value("best", best);
                               v.value("any", any);
                               v.value("without_gain", count);
                             },
                             [&](Visitor& v) { plateau.visit(v); }),
                         doctest::Contains(fmt::format("its plateau has lasted {} values", count).c_str()),
                         ModelFileError);
    WeightAverage average(net, 0.9);
    CHECK_THROWS_WITH_AS(
        loads([&](Visitor& v) { v.value("updates", count); }, [&](Visitor& v) { average.visit(v); }),
        doctest::Contains(fmt::format("its mean weights are of {} steps", count).c_str()), ModelFileError);
  }
  const auto recorded = [&](double reference, std::int64_t above, std::int64_t dead_looks) {
    std::int64_t first_losses = 10;
    bool told_dead = false;
    std::vector<double> losses{1, 0.5};
    FlightRecorder recorder(net, {});
    loads(
        [&](Visitor& v) {
          v.value("reference", reference);
          v.value("first_losses", first_losses);
          v.value("above", above);
          v.value("dead_looks", dead_looks);
          v.value("told_dead", told_dead);
          v.value("epoch_losses", losses);
        },
        [&](Visitor& v) { recorder.visit(v); });
  };
  CHECK_NOTHROW(recorded(1, 3, 2));
  CHECK_THROWS_WITH_AS(recorded(1, kFar, 0), doctest::Contains("its recorder has counted 9007199254740993"),
                       ModelFileError);
  CHECK_THROWS_WITH_AS(recorded(1, 0, -1), doctest::Contains("its recorder has counted -1"), ModelFileError);
  CHECK_THROWS_WITH_AS(recorded(-2, 0, 0), doctest::Contains("its first losses are of size -2"),
                       ModelFileError);
}
