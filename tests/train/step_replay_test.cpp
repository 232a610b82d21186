// Training by replay: whole runs end in the bytes of runs without it, whatever the network, the optimiser and
// the threads.
#include "cairn/train/step_replay.h"

#include <doctest/doctest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/conv.h"
#include "cairn/nn/dropout.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/norm.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/adam.h"
#include "cairn/optim/momentum.h"
#include "cairn/optim/optimizer_table.h"
#include "cairn/tensor/samples.h"
#include "cairn/train/batch_loss.h"
#include "cairn/train/trainer.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::TemporaryFolder;

namespace {

constexpr std::int64_t kExamples = 90;
Tensor features(DType dtype) { return sin(uniform({kExamples, 6}, -40, 40)).to(dtype); }
Tensor classes() { return whole_numbers({kExamples}, 3); }

Sequential make_net(DType dtype = DType::f32) {
  Sequential net{Linear({.in = 6, .out = 12}), BatchNorm({.channels = 12}),  Relu(),
                 Dropout({.rate = 0.25}),      Linear({.in = 12, .out = 8}), Tanh(),
                 Dropout({.rate = 0.1}),       Linear({.in = 8, .out = 3})};
  convert(net, dtype);
  initialise(net, 4);
  return net;
}

struct Outcome {
  std::string bytes;  // of the last checkpoint: network, statistics, optimiser, counters, losses
  History history;
};
struct Way {
  bool replay = true;
  std::int64_t batch_size = 16, accumulate = 1, epochs = 6;
  std::string optimizer = "adam";
  StepOptions step = {};
  DType dtype = DType::f32;
  std::int64_t stop_at = 0;  // and is taken up again
};
Outcome train(const Way& way) {
  const TemporaryFolder folder;
  Outcome outcome;
  for (const std::int64_t until : {way.stop_at, way.epochs}) {
    if (until == 0) continue;
    Sequential net = make_net(way.dtype);
    const auto opt =
        optimizer_named(way.optimizer).make(net, nlohmann::json{{"learning_rate", 0.01}}, way.step);
    const Loader loader(features(way.dtype), classes(),
                        {.batch_size = way.batch_size, .shuffle = true, .seed = 3});
    outcome.history =
        Trainer({.epochs = until,
                 .accumulate = way.accumulate,
                 .patience = 50,
                 .folder = folder.path(),
                 .replay = way.replay,
                 .schedule = {.kind = "exponential", .factor = 0.99, .unit = "step"}})
            .fit(net, *opt, loader, [&](const Batch& b) { return cross_entropy(net(b.x), b.y); });
  }
  outcome.bytes = read_file(folder.file("checkpoint.cairn"));
  return outcome;
}
// The same to the last byte, and steps really were replayed.
void check_alike(Way way) {
  way.replay = false;
  const Outcome eager = train(way);
  way.replay = true;
  const Outcome replayed = train(way);
  CHECK(eager.bytes == replayed.bytes);
  CHECK(eager.history.replayed == 0);
  CHECK(replayed.history.replayed > 0);
  CHECK(replayed.history.not_replayed.empty());
}

}  // namespace

TEST_CASE("step replay: every optimiser ends in the same bytes, with dropout and batch normalisation") {
  for (const OptimizerEntry& entry : optimizers()) {
    CAPTURE(entry.name);
    check_alike({.optimizer = entry.name});
  }
}

TEST_CASE("step replay: accumulation, penalties, f64, a smaller last batch, and a run taken up again") {
  check_alike({.accumulate = 4});
  check_alike({.step = {.l2 = 0.01, .l1 = 0.001, .clip_norm = 0.5, .max_norm = 2}});
  check_alike({.dtype = DType::f64});
  check_alike({.batch_size = 30});
  check_alike({.batch_size = kExamples, .epochs = 20});
  check_alike({.epochs = 9, .stop_at = 4});
}

TEST_CASE("step replay: most steps are replayed, the smaller last batch too, for any number of threads") {
  const int threads_before = num_threads();
  std::string bytes[3];
  for (const int i : {0, 1, 2}) {
    set_num_threads(i == 0 ? 1 : i == 1 ? 2 : 7);
    const Outcome o = train({.epochs = 12});
    bytes[i] = o.bytes;
    // 12 epochs of 5 full batches and one of 10. Recorded: the first two of each form, then first ones of
    // epochs.
    CHECK(o.history.replayed >= 50);
    CHECK(o.history.replayed < 72);
  }
  CHECK(bytes[0] == bytes[1]);
  CHECK(bytes[0] == bytes[2]);
  set_num_threads(threads_before);
}

TEST_CASE("step replay: convolutions") {
  const Tensor x = sin(uniform({24, 8, 8, 2}, -40, 40)).to(DType::f32), y = whole_numbers({24}, 3);
  std::vector<float> reached[2];
  for (const bool replay : {false, true}) {
    Sequential net{Conv2d({.in = 2, .out = 4, .padding = "same"}),
                   BatchNorm({.channels = 4}),
                   Relu(),
                   MaxPool2d({.window = 2}),
                   Flatten(),
                   Linear({.in = 64, .out = 3})};
    initialise(net, 4);
    Adam opt(net, {.learning_rate = 0.01});
    const History h = Trainer({.epochs = 8, .replay = replay})
                          .fit(net, opt, Loader(x, y, {.batch_size = 8, .shuffle = true}),
                               [&](const Batch& b) { return cross_entropy(net(b.x), b.y); });
    CHECK((h.replayed > 0) == replay);
    for (const NamedParameter& p : parameters(net))
      for (const float v : p.parameter->value().data<float>()) reached[replay].push_back(v);
  }
  CHECK(std::memcmp(reached[0].data(), reached[1].data(), reached[0].size() * sizeof(float)) == 0);
}

TEST_CASE("step replay: weights come with the batch, so weighted steps are replayed as well") {
  const Tensor x = features(DType::f32), y = classes(), w = uniform({kExamples}, 0.5, 2, DType::f32);
  std::vector<float> reached[2];
  for (const bool replay : {false, true}) {
    Sequential net{Linear({.in = 6, .out = 3})};
    initialise(net, 1);
    SgdOptimizer opt(net, {.learning_rate = 0.1});
    const BatchLoss loss{.name = "cross_entropy"};
    const History h = Trainer({.epochs = 6, .replay = replay})
                          .fit(net, opt, Loader(x, y, {.batch_size = 15, .shuffle = true, .weights = w}),
                               [&](const Batch& b) { return loss(net(b.x), b.y, b.weights); });
    CHECK(h.not_replayed.empty());
    CHECK((h.replayed > 20) == replay);
    for (const NamedParameter& p : parameters(net))
      for (const float v : p.parameter->value().data<float>()) reached[replay].push_back(v);
  }
  CHECK(reached[0] == reached[1]);
}

TEST_CASE("step replay: a loss that is no function of batch and network is found, and its steps are taken") {
  const Tensor x = features(DType::f64), y = classes();
  const auto reason = [&](const std::function<Tensor(const Tensor&, const Batch&)>& loss) {
    std::vector<double> reached[2];
    std::string why;
    for (const bool replay : {false, true}) {
      Sequential net{Linear({.in = 6, .out = 3})};
      convert(net, DType::f64);
      initialise(net, 1);
      SgdOptimizer opt(net, {.learning_rate = 0.1});
      const History h = Trainer({.epochs = 4, .replay = replay})
                            .fit(net, opt, Loader(x, y, {.batch_size = 15}),
                                 [&](const Batch& b) { return loss(net(b.x), b); });
      if (replay) why = h.not_replayed;
      if (replay) CHECK(h.replayed == 0);
      for (const NamedParameter& p : parameters(net))
        for (const double v : p.parameter->value().data<double>()) reached[replay].push_back(v);
    }
    CHECK(reached[0] == reached[1]);
    return why;
  };
  CHECK(reason([](const Tensor& out, const Batch& b) {
          return cross_entropy(out, b.y) * (1 + b.x.item({0, 0}));
        }) == "the program reads the values of f64 [15, 6]; a run has other values");
  CHECK(reason([](const Tensor& out, const Batch& b) {
          return mean(cross_entropy(out, b.y, {.reduction = Reduction::none}) *
                      Tensor::from(std::vector<double>(15, 2.0)));
        }) ==
        "multiply takes f64 [15], which was made outside of the step and is neither an input nor state");
  int calls = 0;  // 24 a run: 4 epochs of 6 batches
  CHECK(reason([&](const Tensor& out, const Batch& b) {
          return cross_entropy(out, b.y) * (1 + 0.1 * (calls++ % 24));
        }) == "the operations of a step, or numbers in them, differ from batch to batch");
}

TEST_CASE("step replay: a parameter frozen on the way, and other weights set, are noticed") {
  const Tensor x = features(DType::f64), y = classes();
  std::vector<double> reached[2];
  for (const bool replay : {false, true}) {
    Sequential net{Linear({.in = 6, .out = 5}), Tanh(), Linear({.in = 5, .out = 3})};
    convert(net, DType::f64);
    initialise(net, 1);
    freeze(net, "0.*");
    SgdOptimizer opt(net, {.learning_rate = 0.1});
    TrainerHooks hooks;
    hooks.on_epoch = [&](const Epoch& e) {
      if (e.number == 3) freeze(net, "0.*", false);
      if (e.number == 5) {
        Parameter& p = *parameters(net)[0].parameter;
        p.set(p.value().detach() * 0.5);
      }
      return true;
    };
    const History h = Trainer({.epochs = 8, .replay = replay})
                          .fit(
                              net, opt, Loader(x, y, {.batch_size = 15}),
                              [&](const Batch& b) { return cross_entropy(net(b.x), b.y); }, hooks);
    CHECK((h.replayed > 20) == replay);
    for (const NamedParameter& p : parameters(net))
      for (const double v : p.parameter->value().data<double>()) reached[replay].push_back(v);
  }
  CHECK(reached[0] == reached[1]);
}

TEST_CASE("step replay: a class out of range is told in a replayed step too, with its place") {
  const Tensor x = features(DType::f64);
  std::vector<std::int64_t> codes(kExamples, 1);
  codes.back() = 9;
  Sequential net{Linear({.in = 6, .out = 3})};
  convert(net, DType::f64);
  SgdOptimizer opt(net, {.learning_rate = 0.1});
  CHECK_THROWS_WITH_AS(Trainer({.epochs = 2})
                           .fit(net, opt, Loader(x, Tensor::from(codes), {.batch_size = 15}),
                                [&](const Batch& b) { return cross_entropy(net(b.x), b.y); }),
                       doctest::Contains("target 9 is outside of the 3 classes"), ShapeError);
}

TEST_CASE("replay: predictions of batches of one form are replayed, with the same numbers") {
  Sequential net = make_net();
  const EvaluationScope evaluation(net);
  const auto forward = [&](const Tensor& x) { return net(x); };
  PredictReplay predict(net, forward);
  const auto same = [](const Tensor& a, const Tensor& b) {
    return a.shape() == b.shape() &&
           std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.size()) * 4) == 0;
  };
  const Tensor all = features(DType::f32);
  for (std::int64_t begin = 0; begin < kExamples; begin += 16) {
    const Tensor x = all.slice(0, begin, std::min(kExamples, begin + 16)) + 0.0;  // on memory of its own
    const Tensor y = predict(x);  // first of all on a net whose parameters have not been drawn
    CHECK(same(y, forward(x)));
  }
  CHECK(predict.replayed() == 3);  // of five of one form, two were recorded; the last has ten rows
  // Weights that have moved are seen.
  const Tensor x = all.slice(0, 0, 16) + 0.0, before = predict(x);
  parameters(net)[0].parameter->mutable_data<float>()[0] += 1;
  CHECK_FALSE(same(predict(x), before));
  CHECK(same(predict(x), forward(x)));
}

TEST_CASE("replay: filters that are prepared once follow weights that are set and weights that are written") {
  Sequential net{Conv2d({.in = 16, .out = 24, .padding = "same"}), Relu(),
                 Conv2d({.in = 24, .out = 16, .padding = "same"})};
  initialise(net, 5);
  const EvaluationScope evaluation(net);
  PredictReplay predict(net, [&](const Tensor& x) { return net(x); });
  const Tensor x =
      sin(uniform({1, 8, 8, 16}, -40, 40)).to(DType::f32);  // four tiles: eagerly, they do not pay
  const auto off = [&](const Tensor& y) { return max(abs(y - net(x).detach())).item(); };
  const double size = max(abs(net(x).detach())).item();
  Tensor last;
  for (int i = 0; i < 4; ++i) {
    const Tensor y = predict(x);
    CHECK(off(y) < 1e-5 * size);
    if (i > 0) CHECK(std::memcmp(y.raw(), last.raw(), static_cast<std::size_t>(y.size()) * 4) == 0);
    last = y;
  }
  CHECK(predict.replayed() == 2);
  CHECK(off(last) > 0);  // other kernels, other last bits: else nothing was prepared
  Parameter& weight = *parameters(net)[0].parameter;
  weight.set(weight.value().detach() * 2.0);
  CHECK(off(predict(x)) < 2e-5 * size);
  for (float& v : weight.mutable_data<float>()) v = -v;
  CHECK(off(predict(x)) < 2e-5 * size);
  CHECK(predict.replayed() == 4);
}

TEST_CASE(
    "replay: weights that are packed once give the same bits, on any number of threads, and follow changes") {
  const int threads_before = num_threads();
  Sequential net{Linear({.in = 300, .out = 141}), Relu(), Linear({.in = 141, .out = 37})};
  initialise(net, 6);
  const EvaluationScope evaluation(net);
  const Tensor x = sin(uniform({130, 300}, -40, 40)).to(DType::f32);
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    PredictReplay predict(net, [&](const Tensor& batch) { return net(batch); });
    const auto same = [&] {
      const Tensor y = predict(x), expected = net(x);
      return std::memcmp(y.raw(), expected.raw(), static_cast<std::size_t>(y.size()) * sizeof(float)) == 0;
    };
    for (int i = 0; i < 4; ++i) CHECK(same());
    CHECK(predict.replayed() == 2);
    Parameter& weight = *parameters(net)[2].parameter;
    weight.set(weight.value().detach() * -1.5);
    CHECK(same());
  }
  set_num_threads(threads_before);
}

TEST_CASE("replay: weights that are computed are not taken for those that stay") {
  Sequential net{Linear({.in = 300, .out = 141})};
  initialise(net, 6);
  const EvaluationScope evaluation(net);
  const Parameter &weight = *parameters(net)[0].parameter, &bias = *parameters(net)[1].parameter;
  PredictReplay predict(net, [&](const Tensor& x) { return linear(x, weight.value() * 0.5, bias.value()); });
  for (int i = 0; i < 4; ++i) {
    const Tensor x = sin(uniform({130, 300}, -40, 40 + i)).to(DType::f32), y = predict(x),
                 expected = linear(x, weight.value() * 0.5, bias.value());
    CHECK(std::memcmp(y.raw(), expected.raw(), static_cast<std::size_t>(y.size()) * sizeof(float)) == 0);
  }
  CHECK(predict.replayed() == 2);
}
