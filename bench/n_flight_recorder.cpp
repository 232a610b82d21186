// What the flight recorder costs: processor time of a training with its looks at the layers, every 100
// batches as the trainer has it, beside one without. Alternately, so that both see the same machine; the
// shortest of each counts.
//
//   bench_n_flight_recorder n4 5          network of networks.h, pairs of trainings
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <limits>

#include "bench/networks.h"
#include "cairn/ops/loss.h"
#include "cairn/optim/adam.h"
#include "cairn/tensor/samples.h"
#include "cairn/train/trainer.h"

namespace {

using namespace cairn;

double seconds_of(const bench::Task& task, const Loader& data, std::int64_t look_every) {
  Sequential net = task.net;
  initialise(net, 1);
  Adam opt(net, {.learning_rate = 1e-3});
  const std::clock_t begin = std::clock();
  Trainer({.epochs = 1, .look_every = look_every}).fit(net, opt, data, [&](const Batch& b) {
    return task.classes > 0 ? cross_entropy(net(b.x), b.y) : mse(net(b.x), b.y);
  });
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: {} NET PAIRS\n", argv[0]);
    return 2;
  }
  const bench::Task task = bench::task_named(argv[1]);
  constexpr std::int64_t kBatch = 64;
  const std::int64_t examples = kBatch * (std::string(argv[1]) == "n6" ? 100 : 600);
  std::vector<std::int64_t> dims{examples};
  for (const std::int64_t d : task.sample.dims()) dims.push_back(d);
  const Loader data(
      uniform(Shape(dims), -1, 1, DType::f32),
      task.classes > 0 ? whole_numbers({examples}, task.classes) : uniform({examples, 1}, -1, 1, DType::f32),
      {.batch_size = kBatch});
  double without = std::numeric_limits<double>::infinity(), with = without;
  seconds_of(task, data, 0);
  for (int pair = 0; pair < std::atoi(argv[2]); ++pair) {
    without = std::min(without, seconds_of(task, data, 0));
    with = std::min(with, seconds_of(task, data, 100));
  }
  fmt::print(
      "{{\"network\": \"{}\", \"batches\": {}, \"seconds_without\": {:.4f}, \"seconds_with\": {:.4f}, "
      "\"overhead\": {:.4f}}}\n",
      argv[1], data.num_batches(), without, with, with / without - 1);
  return 0;
}
