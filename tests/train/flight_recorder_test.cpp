// The flight recorder: names the first bad layer and batch, keeps what replays it, and changes no number.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/check/flight_replay.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/dropout.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/network.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/adam.h"
#include "cairn/optim/momentum.h"
#include "cairn/tensor/samples.h"
#include "cairn/train/cnn.h"
#include "cairn/train/layer_probe.h"
#include "cairn/train/trainer.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::TemporaryFolder;

namespace {

std::vector<double> weights_of(ModuleRef net) {
  std::vector<double> all;
  for (const NamedParameter& p : parameters(net)) {
    const Tensor wide = p.parameter->value().detach().contiguous().to(DType::f64);
    all.insert(all.end(), wide.data<double>().begin(), wide.data<double>().end());
  }
  return all;
}

constexpr const char* kNet =
    R"({"input": [3], "layers": [{"layer": "linear", "out": 8, "name": "fc1"}, "tanh",
    {"layer": "dropout", "rate": 0.2}, {"layer": "linear", "out": 1, "name": "fc2"}]})";

struct Problem {
  Tensor x = uniform({64, 3}, -1, 1, DType::f32), y;
  Problem() { y = sin(sum(x, 1, true)).detach(); }
};

// A layer that gives a logarithm of something below 0 from its third call on.
struct Spoils : Module {
  mutable int calls = 0;
  Spoils() : Module("Spoils") {}
  Tensor operator()(const Tensor& x) const {
    const ModuleScope here = scope();
    return ++calls >= 3 ? log(x - 100.0) : x * 1.0;
  }
  void visit(Visitor& v) { v.module(*this); }
};

}  // namespace

TEST_CASE("flight recorder: a loss that is no number names layer, operation, batch and examples") {
  const Problem p;
  Sequential net{
      {"fc1", Linear({.in = 3, .out = 4})}, {"odd", Spoils()}, {"fc2", Linear({.in = 4, .out = 1})}};
  SgdOptimizer opt(net, {.learning_rate = 0.01});
  const TemporaryFolder folder;
  const Loader loader(p.x, p.y, {.batch_size = 16});
  const std::string message = error_text([&] {
    Trainer({.epochs = 3, .folder = folder.path()}).fit(net, opt, loader, [&](const Batch& b) {
      return mse(net(b.x), b.y);
    });
  });
  CAPTURE(message);
  CHECK(message.find("the loss is NaN in epoch 1, batch 3 (examples 32, 33, 34, 35, 36, ...)") !=
        std::string::npos);
  CHECK(message.find("first in odd (Spoils): log, NaN at [0, 0] of f32 [16, 4]") != std::string::npos);
  CHECK(message.find("load_recording(\"" + folder.file("flight.cairn") + "\", net)") != std::string::npos);
  const auto before = weights_of(net);
  initialise(net, 9);
  const FlightRecording r = load_recording(folder.file("flight.cairn"), net);
  CHECK(weights_of(net) == before);
  CHECK(r.batch == 3);
  CHECK(r.rows.front() == 32);
  CHECK(r.x.shape() == Shape{16, 3});
  CHECK_THROWS_AS(replay_flight(folder.file("flight.cairn")), NotSupported);
}

TEST_CASE("flight recorder: data and weights that are no numbers are told from layers that make them") {
  Problem p;
  p.x.mutable_data<float>()[40 * 3 + 1] = std::numeric_limits<float>::quiet_NaN();
  Network net = Network::parse(kNet);
  Adam opt(net, {.learning_rate = 0.01});
  const Loader loader(p.x, p.y, {.batch_size = 16});
  const auto fit = [&] {
    Trainer({.epochs = 3}).fit(net, opt, loader, [&](const Batch& b) { return mse(net(b.x), b.y); });
  };
  CHECK(error_text(fit).find("first in the inputs: data, NaN at [8, 1] of f32 [16, 3]. Leave out or fill") !=
        std::string::npos);
  parameters(net)[2].parameter->mutable_data<float>()[5] = std::numeric_limits<float>::infinity();
  CHECK(error_text(fit).find("first in fc2.weight: weights after the step before, infinity at [0, 5]") !=
        std::string::npos);
  // A gradient that is no number, where the loss is one.
  Sequential root{{"fc", Linear({.in = 3, .out = 1})}};
  for (const NamedParameter& q : parameters(root))
    q.parameter->set(Tensor::zeros(q.parameter->shape(), DType::f32));
  SgdOptimizer descent(root, {.learning_rate = 0.01});
  const Problem good;
  const Loader some(good.x, good.y, {.batch_size = 16});
  const std::string message = error_text([&] {
    Trainer({.epochs = 1}).fit(root, descent, some, [&](const Batch& b) {
      return mean(sqrt(square(root(b.x))));
    });
  });
  CAPTURE(message);
  CHECK(message.find("fc.weight") != std::string::npos);
  CHECK(message.find("in the gradient") != std::string::npos);
}

TEST_CASE("flight recorder: an exploding loss ends the training and leaves the last good checkpoint") {
  const Problem p;
  const TemporaryFolder folder;
  const std::string file = folder.file("flight.cairn");
  Network net = Network::parse(kNet);
  initialise(net, 1);
  SgdOptimizer opt(net, {.learning_rate = 0.05});
  const Loader loader(p.x, p.y, {.batch_size = 4, .shuffle = true, .seed = 1});
  double too_much = 0, last = 0;
  const auto loss = [&](const Batch& b) {
    const Tensor value = mse(net(b.x), b.y);
    last = value.item();
    return value + too_much;
  };
  const std::string message = error_text([&] {
    Trainer({.epochs = 50, .folder = folder.path()})
        .fit(net, opt, loader, loss,
             {.on_epoch =
                  [&](const Epoch& e) {
                    if (e.number == 3) too_much = 1e6;
                    return true;
                  },
              .network = net.json(),
              .loss = "mse"});
  });
  CAPTURE(message);
  CHECK(message.find("the loss has exploded: 1e+06, 10 batches above 10000 times the first ones'") !=
        std::string::npos);
  CHECK(message.find("in epoch 4, batch 10 (examples ") != std::string::npos);
  CHECK(message.find("Replay it with: cairn check " + file) != std::string::npos);
  CHECK(message.find(folder.file("checkpoint.cairn") + " holds the weights after epoch 3.") !=
        std::string::npos);
  // The same batch, the same mask: the same loss.
  const FlightReplay r = replay_flight(file);
  CHECK(r.loss == doctest::Approx(last).epsilon(1e-6));
  CHECK_FALSE(r.fault.any());
  CHECK(r.layers.size() == 4);
  CHECK(r.text().find("this step stays in the range of numbers") != std::string::npos);
  CHECK(r.json()["batch"] == 10);
  too_much = 0;
  const History again = Trainer({.epochs = 3, .folder = folder.path()}).fit(net, opt, loader, loss);
  CHECK(again.epochs.size() == 3);
}

TEST_CASE("flight recorder: looks change no number, and stand in log.jsonl and event files") {
  const Problem p;
  std::vector<double> reached[2];
  for (const std::int64_t every : {0, 1}) {
    const TemporaryFolder folder;
    Network net = Network::parse(kNet);
    initialise(net, 1);
    Adam opt(net, {.learning_rate = 0.01});
    const Loader loader(p.x, p.y, {.batch_size = 16, .shuffle = true, .seed = 1});
    Trainer({.epochs = 3, .folder = folder.path(), .look_every = every, .tensorboard = every == 1})
        .fit(net, opt, loader, [&](const Batch& b) { return mse(net(b.x), b.y); });
    reached[every] = weights_of(net);
    const std::string log = read_file(folder.file("log.jsonl"));
    const Json first = Json::parse(log.substr(0, log.find('\n')));
    CHECK(first.contains("layers") == (every == 1));
    bool events = false;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      events = events || entry.path().filename().string().starts_with("events.out.tfevents.");
    CHECK(events == (every == 1));
    if (every == 0) continue;
    CHECK(first["layers"].size() == 4);
    CHECK(first["layers"][0]["layer"] == "fc1 (Linear 3 -> 8)");
    CHECK(first["layers"][0]["gradient"].get<double>() > 0);
  }
  CHECK(reached[0] == reached[1]);
}

TEST_CASE("flight recorder: a remark changes no number, whatever counts there are") {
  const Problem p;
  std::vector<double> reached[2];
  for (const int recorded : {0, 1}) {
    const TemporaryFolder folder;
    Sequential net{{"fc1", Linear({.in = 3, .out = 8})},
                   {"act", Relu()},
                   {"drop", Dropout({.rate = 0.5})},
                   {"fc2", Linear({.in = 8, .out = 1})}};
    initialise(net, 1);
    // Six of eight units are dead.
    const std::vector<float> bias{-50, -50, -50, -50, -50, -50, 1, 1};
    parameters(net)[1].parameter->set(Tensor::from(bias));
    SgdOptimizer opt(net, {.learning_rate = 1e-2});
    const Loader loader(p.x, p.y, {.batch_size = 16});
    TrainerHooks hooks;
    if (recorded == 1) hooks.recording = folder.file("flight.cairn");
    const History h = Trainer({.epochs = 3, .look_every = 1})
                          .fit(net, opt, loader, [&](const Batch& b) { return mse(net(b.x), b.y); }, hooks);
    CHECK(h.remarks.size() == 1);
    CHECK(std::filesystem::exists(folder.file("flight.cairn")) == (recorded == 1));
    reached[recorded] = weights_of(net);
  }
  CHECK(reached[0] == reached[1]);
}

TEST_CASE("flight recorder: what the learners leave is run again, pictures, weights and mixed targets too") {
  const Problem p;
  const TemporaryFolder folder;
  std::vector<double> weights(64, 1);
  weights[0] = 5;
  Tensor pixels = Tensor::empty({64, 4, 4, 1}, DType::u8);
  std::vector<std::int32_t> codes;
  for (std::size_t i = 0; i < 64; ++i) {
    codes.push_back(static_cast<std::int32_t>(i % 2));
    for (std::size_t k = 0; k < 16; ++k)
      pixels.mutable_data<std::uint8_t>()[16 * i + k] = static_cast<std::uint8_t>(3 * i + k);
  }
  const Dataset pictures(Table({Column::image("image", pixels), Column::number("w", Tensor::from(weights)),
                                Column::category("label", Tensor::from(codes), {"a", "b"})}),
                         {.roles = {.target = "label", .weight = "w"}});
  for (const double mixup : {0.0, 0.5}) {
    const std::string message = error_text([&] {
      Cnn({.channels = "4",
           .optimizer = "sgd",
           .learning_rate = 1e30,
           .epochs = 5,
           .label_smoothing = 0.1,
           .mixup = mixup})
          .fit(pictures, {.seed = 1, .folder = folder.path()});
    });
    CAPTURE(message);
    CHECK(message.find("Replay it with: cairn check " + folder.file("flight.cairn")) != std::string::npos);
    const FlightReplay r = replay_flight(folder.file("flight.cairn"));
    CHECK(r.fault.any());
    CHECK_FALSE(std::isfinite(r.loss));
    CHECK(r.recording.label_smoothing == 0.1);
    CHECK(r.recording.weights.shape() == Shape{r.recording.x.size(0)});
    CHECK(r.recording.y.ndim() == (mixup > 0 ? 2 : 1));
    CHECK(message.find(r.fault.layer) != std::string::npos);
  }
}

TEST_CASE("flight recorder: dead units and a loss that stands still are told once") {
  const Problem p;
  Sequential net{{"fc1", Linear({.in = 3, .out = 8})}, {"act", Relu()}, {"fc2", Linear({.in = 8, .out = 1})}};
  initialise(net, 1);
  parameters(net)[1].parameter->set(Tensor::full({8}, -50, DType::f32));
  parameters(net)[3].parameter->set(Tensor::full({1}, static_cast<float>(mean(p.y).item()), DType::f32));
  SgdOptimizer opt(net, {.learning_rate = 1e-3});
  const TemporaryFolder folder;
  const Loader loader(p.x, p.y, {.batch_size = 16});
  const History h = Trainer({.epochs = 12, .folder = folder.path(), .look_every = 1})
                        .fit(net, opt, loader, [&](const Batch& b) { return mse(net(b.x), b.y); });
  REQUIRE(h.remarks.size() == 2);
  CHECK(h.remarks[0].find(
            "8 of 8 units of act (ReLU) gave 0 for every example of 3 looks, last in epoch 1, batch 3") !=
        std::string::npos);
  CHECK(h.remarks[1].find("after 6 epochs the loss is") != std::string::npos);
  CHECK(h.remarks[1].find("has 8 dead units of 8") != std::string::npos);
  for (const std::string& remark : h.remarks)
    CHECK(remark.find("Replay it with load_recording(\"" + folder.file("flight.cairn") + "\", net).") !=
          std::string::npos);
  const FlightRecording kept = read_recording(folder.file("flight.cairn"));
  CHECK(kept.epoch == 6);
  CHECK(kept.batch == 4);
  CHECK(std::filesystem::exists(folder.file("flight.cairn")));
}

TEST_CASE(
    "layer probe: a look at part of a batch is no operation of the layer, however large one example is") {
  Sequential net{Linear({.in = 2, .out = 16}), Relu()};
  for (const NamedParameter& p : parameters(net))
    p.parameter->set(Tensor::full(p.parameter->shape(), -1, DType::f32));
  const LayerProbe probe(8);  // half of one example's numbers
  const Tensor y = net(Tensor::full({4, 2}, 1, DType::f32));
  const std::vector<LayerStatistics> seen = probe.statistics();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].operation == "linear");
  CHECK(seen[1].operation == "relu");
  CHECK(seen[1].dead == 16);
  CHECK(probe.output(1).shape() == Shape{1, 16});
}
