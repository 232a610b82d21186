// Rows N2 to N6 and N8: training steps (forward, loss, backward, update) of a network, as the trainer takes
// them, going on from call to call; row N7: predictions. With pictures, the answer tells the share of the
// test pictures that are seen rightly.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "bench/networks.h"
#include "bench/serve.h"
#include "cairn/ops/loss.h"
#include "cairn/optim/adam.h"
#include "cairn/optim/momentum.h"
#include "cairn/tensor/samples.h"
#include "cairn/train/step_replay.h"

namespace {

using namespace cairn;

// f32 pictures and u8 labels as numpy wrote them, or random ones.
Batch examples(const bench::Task& task, std::int64_t n, const std::string& pictures,
               const std::string& labels) {
  std::vector<std::int64_t> dims{n};
  for (const std::int64_t d : task.sample.dims()) dims.push_back(d);
  if (pictures == "-")
    return {uniform(Shape(dims), -1, 1, DType::f32),
            task.classes > 0 ? whole_numbers({n}, task.classes) : uniform({n, 1}, -1, 1, DType::f32)};
  auto x = bench::read_raw<float>(pictures);
  auto y = bench::read_raw<std::uint8_t>(labels);
  dims[0] = std::ssize(y);
  return {Tensor::take(std::move(x)).reshape(Shape(dims)), Tensor::take(std::move(y)).to(DType::i64)};
}

double accuracy(bench::Task& task, const Batch& test) {
  const EvaluationScope evaluation(task.net);
  std::int64_t right = 0;
  constexpr std::int64_t kRows = 1000;
  for (std::int64_t begin = 0; begin < test.x.size(0); begin += kRows) {
    const Tensor logits = task.net(test.x.slice(0, begin, begin + kRows));
    const auto values = logits.data<float>();
    for (std::int64_t i = 0; i < kRows; ++i) {
      const float* row = &values[static_cast<std::size_t>(i * task.classes)];
      right += std::max_element(row, row + task.classes) - row ==
               test.y.data<std::int64_t>()[static_cast<std::size_t>(begin + i)];
    }
  }
  return static_cast<double>(right) / static_cast<double>(test.x.size(0));
}

std::int64_t resident_bytes() {
  std::int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * 4096;
}
std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024L;
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(
      argc, argv, 8, "NET train|infer BATCH TIMES PICTURES|- LABELS|- TEST_PICTURES|- TEST_LABELS|-", [&] {
        const std::string name = argv[1];
        const std::int64_t batch = std::atoll(argv[3]), times = std::atoll(argv[4]);
        bench::Task task = bench::task_named(name);
        initialise(task.net, 1);
        const Batch all = examples(task, batch, argv[5], argv[6]);
        if (std::string(argv[2]) == "infer") {
          const EvaluationScope evaluation(task.net);
          const Tensor x = all.x.slice(0, 0, batch).contiguous();
          PredictReplay predict(task.net, [&](const Tensor& input) { return task.net(input); });
          return bench::serve(
              [&] {
                Tensor y;
                for (std::int64_t i = 0; i < times; ++i) y = predict(x);
                return y;
              },
              [](const Tensor& y) { return nlohmann::ordered_json{{"first", y.item({0, 0})}}; });
        }
        std::unique_ptr<Optimizer> optimizer;
        if (name == "n6")
          optimizer = std::make_unique<SgdOptimizer>(
              task.net, SgdOptimizer::Params{.learning_rate = 0.1, .momentum = 0.9}, StepOptions{.l2 = 1e-4});
        else
          optimizer = std::make_unique<Adam>(task.net, Adam::Params{.learning_rate = 1e-3});
        const Loader loader(all.x, all.y,
                            {.batch_size = batch, .shuffle = true, .seed = 1, .drop_last = true});
        const Batch test = std::string(argv[7]) == "-" ? Batch{} : examples(task, 0, argv[7], argv[8]);
        StepReplay steps(task.net);
        std::int64_t pass = 0, before = resident_bytes();
        Loader::Pass order = loader.pass(0);
        Loader::Iterator at = order.begin();
        const std::function<Tensor()> loss = [&] {
          return task.classes > 0 ? cross_entropy(task.net(at->x), at->y) : mse(task.net(at->x), at->y);
        };
        return bench::serve(
            [&] {
              double last = 0;
              for (std::int64_t i = 0; i < times; ++i) {
                const StepReplay::Result r = steps.step(*at, 1, loss);
                optimizer->step(r.gradients);
                if (i + 1 == times) last = r.loss.item();
                if (++at == std::default_sentinel) {
                  order = loader.pass(++pass);
                  at = order.begin();
                }
              }
              return last;
            },
            [&](double last) {
              nlohmann::ordered_json answer{{"loss", last}, {"step_memory_bytes", peak_bytes() - before}};
              if (test.x.defined()) answer["accuracy"] = accuracy(task, test);
              return answer;
            });
      });
}
