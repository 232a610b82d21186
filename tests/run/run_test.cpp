#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <thread>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/isa.h"
#include "cairn/base/stop.h"
#include "cairn/builtin/registry.h"
#include "cairn/run/fold_memory.h"
#include "cairn/run/memory_limit.h"
#include "cairn/run/quantities.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;

namespace {

FoldResult sample_fold() {
  FoldResult r{.value = 0.25, .train_value = std::nan("")};
  r.judged = {.task = Task::multiclass,
              .probabilities = {0.1, 0.2, 0.7, 1.0 / 3, 1.0 / 3, 1.0 / 3},
              .weights = {1, 2.5},
              .labels = {2, 0},
              .decisions = {2, 1},
              .num_classes = 3};
  return r;
}

}  // namespace

TEST_CASE(
    "fold memory: what was kept comes back bit for bit; damaged, cut and other files are as good as none") {
  const std::string folder = std::filesystem::temp_directory_path() / "cairn-fold-memory";
  std::filesystem::create_directories(folder);
  FoldFiles files(folder);
  FoldResult back;
  CHECK_FALSE(files.recall("ridge", 0, back));
  files.keep("ridge", 0, sample_fold());
  REQUIRE(files.recall("ridge", 0, back));
  const FoldResult kept = sample_fold();
  CHECK(back.value == kept.value);
  CHECK(std::isnan(back.train_value));
  CHECK(back.judged.task == kept.judged.task);
  CHECK(back.judged.probabilities == kept.judged.probabilities);
  CHECK(back.judged.weights == kept.judged.weights);
  CHECK(back.judged.labels == kept.judged.labels);
  CHECK(back.judged.decisions == kept.judged.decisions);
  CHECK(back.judged.num_classes == 3);
  CHECK_FALSE(files.recall("ridge", 1, back));
  CHECK_FALSE(files.recall("ridge alpha=2", 0, back));
  const std::string path = std::filesystem::directory_iterator(folder + "/measured")->path();
  const std::string bytes = read_file(path);
  for (std::size_t cut = 0; cut < bytes.size(); cut += 7) {
    write_file(path, bytes.substr(0, cut));
    CHECK_FALSE(files.recall("ridge", 0, back));
  }
  std::string flipped = bytes;
  flipped[flipped.size() / 2] ^= 4;
  write_file(path, flipped);
  CHECK_FALSE(files.recall("ridge", 0, back));
  files.clear();
  CHECK_FALSE(std::filesystem::exists(folder + "/measured"));
  std::filesystem::remove(folder);
}

TEST_CASE("quantities: memory and time as people write them") {
  CHECK(parse_bytes("--max-memory", "") == 0);
  CHECK(parse_bytes("--max-memory", "500M") == 500'000'000);
  CHECK(parse_bytes("--max-memory", "1.5GB") == 1'500'000'000);
  for (const char* bad : {"8X", "-1G", "0", "G", "1e400", "8 G", "nan", "inf"})
    CHECK_THROWS_AS(parse_bytes("--max-memory", bad), UsageError);
  CHECK(parse_seconds("--time-limit", "90") == 90);
  CHECK(parse_seconds("--time-limit", "5m") == 300);
  CHECK(parse_seconds("--time-limit", "1.5h") == 5400);
  CHECK(parse_seconds("--time-limit", "none") == 0);
  for (const char* bad : {"2x", "-3s", "m", "", "1e99d"})
    CHECK_THROWS_AS(parse_seconds("--time-limit", bad), UsageError);
}

TEST_CASE("time limit: soft first, then hard; it marks what it changed") {
  const StopToken never;
  CHECK_FALSE(never.time_is_up());
  const StopToken long_one = never.within(1e12, 1e12);
  CHECK_FALSE(long_one.time_is_up());
  CHECK_FALSE(long_one.requested());
  CHECK_FALSE(long_one.limit_changed_something());
  const StopToken soft = never.within(0, 1e6);
  CHECK_FALSE(soft.limit_changed_something());  // nobody has asked yet
  CHECK(soft.time_is_up());
  CHECK(soft.limit_changed_something());
  CHECK_FALSE(soft.requested());
  const StopToken hard = never.within(0, 0);
  CHECK(hard.requested());
  CHECK_THROWS_AS(hard.throw_if_requested("a test"), ResourceError);
  const StopSource person;
  const StopToken both = person.token().within(1e6, 1e6);
  person.request();
  CHECK_THROWS_AS(both.throw_if_requested("a test"), Interrupted);
}

TEST_CASE(
    "memory: an estimate grows with rows and features, and a limit below it is refused with both figures") {
  std::vector<std::vector<double>> rows(2000, std::vector<double>(30, 1.0));
  for (std::size_t r = 0; r < rows.size(); ++r) rows[r][r % 30] = static_cast<double>(r);
  const std::vector<double> y(rows.size(), 1.0);
  std::vector<double> target = y;
  target[0] = 2;
  const Dataset data = test::regression_data(rows, target);
  const TrainingMemory plain = training_memory(data, {}), wide = training_memory(data, {.polynomial = 3});
  CHECK(plain.features == 30);
  CHECK(wide.features == 5455);  // C(33, 3) - 1
  CHECK(wide.to_come > 2000ULL * 5455 * 8);
  CHECK(plain.to_come < wide.to_come);
  TrainOptions options;
  check_memory(options, data, {}, builtin_registry());
  options.read.max_memory = "1M";
  CHECK_THROWS_WITH_AS(check_memory(options, data, {}, builtin_registry()),
                       doctest::Contains("the limit is 1 MB"), ResourceError);
}

TEST_CASE("memory: sparse features count as what is stored of them, unless trees will spread them") {
  constexpr std::int64_t kRows = 2000, kFeatures = 5100;
  std::vector<std::int64_t> begin;
  std::vector<std::int32_t> index;
  std::vector<double> target;
  for (std::int64_t r = 0; r <= kRows; ++r) begin.push_back(r);
  for (std::int64_t r = 0; r < kRows; ++r) {
    index.push_back(static_cast<std::int32_t>(r * 7 % kFeatures));
    target.push_back(static_cast<double>(r % 5));
  }
  std::vector<std::string> names;
  for (std::int64_t f = 0; f < kFeatures; ++f) names.push_back("f" + std::to_string(f));
  const Matrix x = Matrix::from_csr(kFeatures, Tensor::from(begin), Tensor::from(index),
                                    Tensor::from(std::vector<double>(kRows, 1.0)));
  const Dataset data(Table({Column::features("x", x, names), Column::number("y", Tensor::from(target))}),
                     {.roles = {.target = "y"}, .task = Task::regression});
  const TrainingMemory stored = training_memory(data, {}, false), spread = training_memory(data, {}, true);
  CHECK(stored.to_come < 20'000'000);
  CHECK(spread.to_come == stored.to_come + 2000ULL * 5100 * 10);
  TrainOptions options;
  options.read.max_memory = fmt::format("{}", stored.present + 60'000'000);
  options.learner = {"ridge"};
  check_memory(options, data, {}, builtin_registry());
  options.learner = {"gradient_boosting"};
  CHECK_THROWS_AS(check_memory(options, data, {}, builtin_registry()), ResourceError);
  options.learner.clear();
  CHECK_THROWS_AS(check_memory(options, data, {}, builtin_registry()), ResourceError);
}

TEST_CASE(
    "instruction sets: unknown names are refused with the list, the environment of libraries is named") {
  const auto here = instruction_sets();
  REQUIRE_FALSE(here.empty());
  CHECK(instruction_set() == here.back());
  CHECK_THROWS_WITH_AS(restrict_instruction_set("mmx"), doctest::Contains(here.front().c_str()), UsageError);
  CHECK_THROWS_WITH_AS(isa_environment("avx22"), doctest::Contains("Did you mean 'avx2'?"), UsageError);
  bool avx2 = false;
  for (const std::string& name : here) avx2 = avx2 || name == "avx2";
  if (avx2) {
    CHECK(isa_environment("avx2").at(0).value == "HASWELL");
    CHECK(isa_environment("sse4").at(1).value.find("-FMA") != std::string::npos);
  }
}
