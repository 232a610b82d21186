// Loaders and the trainer: batches by seed and pass, accumulation, early stopping, and a run taken up again
// to the same bytes.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/adam.h"
#include "cairn/optim/ema.h"
#include "cairn/optim/momentum.h"
#include "cairn/optim/rate_test.h"
#include "cairn/tensor/samples.h"
#include "cairn/train/trainer.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::TemporaryFolder;

namespace {

std::vector<double> numbers(const Tensor& t) {
  const Tensor wide = t.detach().contiguous().to(DType::f64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}
std::vector<double> weights_of(ModuleRef net) {
  std::vector<double> all;
  for (const NamedParameter& p : parameters(net))
    for (const double v : numbers(p.parameter->value())) all.push_back(v);
  return all;
}

struct Problem {  // y = sin of a sum, 90 examples
  Tensor x = uniform({90, 3}, -1, 1), y;
  Problem() { y = sin(sum(x, 1, true) * 2.0); }
};
Sequential make_net(std::uint64_t seed = 1) {
  Sequential net{Linear({.in = 3, .out = 12}), Tanh(), Linear({.in = 12, .out = 1})};
  convert(net, DType::f64);
  initialise(net, seed);
  return net;
}

}  // namespace

TEST_CASE("loader: every example once a pass, in an order told by seed and pass alone") {
  const Tensor x = Tensor::from(std::vector<double>{0, 1, 2, 3, 4, 5, 6}).reshape({7, 1});
  const auto orders = [&](const LoaderOptions& o, int passes) {
    Loader loader(x, x, o);
    std::vector<std::vector<double>> all;
    for (int p = 0; p < passes; ++p) {
      all.emplace_back();
      std::size_t batches = 0;
      for (auto& [bx, by] : loader) {
        CHECK(numbers(bx) == numbers(by));
        for (const double v : numbers(bx)) all.back().push_back(v);
        ++batches;
      }
      CHECK(static_cast<std::int64_t>(batches) == loader.num_batches());
    }
    return all;
  };
  CHECK(orders({.batch_size = 3}, 1)[0] == std::vector<double>{0, 1, 2, 3, 4, 5, 6});
  CHECK(orders({.batch_size = 3, .drop_last = true}, 1)[0].size() == 6);
  const auto shuffled = orders({.batch_size = 3, .shuffle = true, .seed = 5}, 3);
  for (const auto& order : shuffled) CHECK(std::set<double>(order.begin(), order.end()).size() == 7);
  CHECK(shuffled[0] != shuffled[1]);
  CHECK(orders({.batch_size = 2, .shuffle = true, .seed = 5, .workers = 1}, 3) == shuffled);
  CHECK(orders({.batch_size = 3, .shuffle = true, .seed = 6}, 1)[0] != shuffled[0]);
  // The third pass alone is the third pass.
  std::vector<double> third;
  const Loader loader(x, x, {.batch_size = 3, .shuffle = true, .seed = 5});
  const Loader::Pass pass = loader.pass(2);
  for (auto at = pass.begin(); at != pass.end(); ++at) {
    for (const double v : numbers(at->x)) third.push_back(v);
    CHECK(static_cast<double>(at.rows()[0]) == numbers(at->x)[0]);
  }
  CHECK(third == shuffled[2]);
  LoaderOptions noisy{.batch_size = 3, .seed = 1};
  noisy.augment = [](Batch& b, Random& random) { b.y = b.x = b.x + random.uniform(); };
  const auto once = orders(noisy, 2);
  noisy.workers = 1;
  CHECK(orders(noisy, 2) == once);
  CHECK(once[0] != once[1]);
  CHECK(orders({}, 1)[0].size() == 7);
  const Tensor none = Tensor::zeros({0, 1}, DType::f64);
  CHECK(Loader(none, none).num_batches() == 0);
  CHECK_THROWS_WITH_AS(Loader(x, none), doctest::Contains("x is f64 [7, 1] and y is f64 [0, 1]"), ShapeError);
}

TEST_CASE("loader: a batch has its examples' weights; it is taken apart as inputs and targets") {
  const Tensor x = Tensor::from(std::vector<double>{0, 1, 2, 3, 4}), w = (x * 10.0).to(DType::f32);
  const Loader loader(x, x, {.batch_size = 2, .shuffle = true, .seed = 2, .weights = w});
  std::size_t seen = 0;
  for (auto& batch : loader.pass(0)) {
    const auto& [bx, by] = batch;
    CHECK(&bx == &batch.x);
    CHECK(&by == &batch.y);
    REQUIRE(batch.weights.shape() == bx.shape());
    for (std::size_t i = 0; i < static_cast<std::size_t>(bx.size()); ++i, ++seen)
      CHECK(batch.weights.data<float>()[i] == static_cast<float>(10 * bx.data<double>()[i]));
  }
  CHECK(seen == 5);
  CHECK_FALSE(Loader(x, x).begin()->weights.defined());
  CHECK_THROWS_WITH_AS(Loader(x, x, {.weights = w.slice(0, 0, 4)}),
                       "loader: the weights are f32 [4]; 5 examples have f32 or f64 [5]", ShapeError);
}

TEST_CASE("loader: an error while a batch is made ahead reaches the loop") {
  LoaderOptions o{.batch_size = 1, .workers = 1};
  o.augment = [](Batch& b, Random&) {
    if (b.x.item() == 2) throw DataError("picture 3", "cannot be decoded");
  };
  const Tensor x = Tensor::from(std::vector<double>{0, 1, 2, 3});
  std::size_t seen = 0;
  const auto walk = [&] {
    for (auto& batch : Loader(x, x, o)) {
      static_cast<void>(batch);
      ++seen;
    }
  };
  CHECK_THROWS_WITH_AS(walk(), "picture 3: cannot be decoded", DataError);
  CHECK(seen == 2);
}

TEST_CASE("trainer: batches gathered to one step give the step of the whole") {
  const Problem p;
  std::vector<double> reached[2];
  for (const std::int64_t parts : {1, 3}) {
    Sequential net = make_net();
    SgdOptimizer opt(net, {.learning_rate = 0.1});
    const Loader loader(p.x, p.y, {.batch_size = 90 / parts});
    Trainer({.epochs = 5, .accumulate = parts}).fit(net, opt, loader, [&](const Batch& b) {
      return mean(square(net(b.x) - b.y));
    });
    CHECK(opt.steps() == 5);
    reached[parts == 3] = weights_of(net);
  }
  for (std::size_t i = 0; i < reached[0].size(); ++i)
    CHECK(reached[0][i] == doctest::Approx(reached[1][i]).epsilon(1e-12));
}

TEST_CASE("trainer: a run stopped and taken up again ends in the same bytes, for any number of threads") {
  const int threads_before = num_threads();
  const Problem p;
  std::string bytes[3];
  std::vector<double> reached[3];
  for (const int way : {0, 1, 2}) {  // at once; in two parts; in two parts with other threads
    const TemporaryFolder folder;
    set_num_threads(way == 2 ? 3 : 1);
    for (const std::int64_t until :
         way == 0 ? std::vector<std::int64_t>{8} : std::vector<std::int64_t>{3, 8}) {
      Sequential net = make_net();
      Adam opt(net, {.learning_rate = 0.01});
      const Loader loader(p.x, p.y,
                          {.batch_size = 16, .shuffle = true, .seed = 3, .workers = way == 1 ? 1 : 0});
      const History history =
          Trainer({.epochs = until,
                   .patience = 100,
                   .folder = folder.path(),
                   .schedule = {.kind = "exponential", .factor = 0.99}})
              .fit(net, opt, loader, [&](const Batch& b) { return mean(square(net(b.x) - b.y)); },
                   {.validate = [&] { return mean(square(net(p.x) - p.y)).item(); }});
      CHECK(std::ssize(history.epochs) == until);
      CHECK(history.epochs.back().loss < history.epochs.front().loss);
      reached[way] = weights_of(net);
    }
    bytes[way] = read_file(folder.file("checkpoint.cairn"));
    const std::string log = read_file(folder.file("log.jsonl"));
    CHECK(std::ranges::count(log, '\n') == 8);
    CHECK(nlohmann::json::parse(log.substr(0, log.find('\n'))).contains("examples_a_second"));
  }
  CHECK(bytes[0] == bytes[1]);
  CHECK(bytes[0] == bytes[2]);
  CHECK(reached[0] == reached[1]);
  set_num_threads(threads_before);
}

TEST_CASE("loader: batches are the same for any number of workers") {
  const Tensor x = uniform({23, 4}, -1, 1);
  const auto all = [&](std::int64_t workers) {
    const Loader loader(x, x,
                        {.batch_size = 3,
                         .shuffle = true,
                         .seed = 4,
                         .workers = workers,
                         .augment = [](Batch& b, Random& random) { b.x = b.x * random.uniform(); }});
    std::vector<double> seen;
    for (const std::int64_t pass : {0, 1})
      for (auto& [bx, by] : loader.pass(pass))
        for (const Tensor& t : {bx, by})
          for (const double v : numbers(t)) seen.push_back(v);
    return seen;
  };
  const std::vector<double> alone = all(0);
  CHECK(alone.size() == 2 * 2 * 23 * 4);
  for (const std::int64_t workers : {1, 2, 7, 40}) CHECK(all(workers) == alone);
  CHECK_THROWS_WITH_AS(all(-1), doctest::Contains("loader.workers = -1 is outside [0"), ParamError);
  // What a worker throws reaches the loop; a loop that is left early waits for its workers.
  const Loader failing(x, x, {.batch_size = 3, .workers = 2, .augment = [](Batch& b, Random&) {
                                if (b.x.size(0) == 2) throw DataError("augment", "two rows");
                              }});
  int batches = 0;
  const auto walk = [&] {
    for (auto& batch : failing.pass(0)) batches += batch.x.size(0) == 3 ? 1 : 0;
  };
  CHECK_THROWS_WITH_AS(walk(), doctest::Contains("two rows"), DataError);
  CHECK(batches == 7);
  for (auto& batch : failing.pass(0)) {
    CHECK(batch.x.size(0) == 3);
    break;
  }
}

namespace {

// What stands in a log: the epochs' numbers, in order.
std::vector<int> epochs_in(const std::string& log) {
  std::vector<int> all;
  for (std::size_t begin = 0; begin < log.size(); begin = log.find('\n', begin) + 1)
    all.push_back(nlohmann::json::parse(log.substr(begin, log.find('\n', begin) - begin))["epoch"]);
  return all;
}

struct Killed {};  // what a kill -9 leaves behind: nothing is done after it

}  // namespace

TEST_CASE(
    "trainer: killed between an epoch's line and its checkpoint, a run ends alike with each line once") {
  const Problem p;
  for (const std::int64_t every : {1, 3}) {
    std::vector<double> reached[2];
    std::string bytes[2];
    for (const int way : {0, 1}) {
      const TemporaryFolder folder;
      const auto train = [&](int killed_at) {
        Sequential net = make_net();
        Adam opt(net, {.learning_rate = 0.01});
        const Loader loader(p.x, p.y, {.batch_size = 16, .shuffle = true, .seed = 3});
        Trainer({.epochs = 8,
                 .folder = folder.path(),
                 .checkpoint_every = every,
                 .plateau = PlateauParams{.factor = 0.5, .patience = 0, .threshold = 0.02},
                 .ema = 0.9})
            .fit(net, opt, loader, [&](const Batch& b) { return mean(square(net(b.x) - b.y)); },
                 {.on_epoch = [&](const Epoch& e) {
                   if (e.number == killed_at) throw Killed{};
                   return true;
                 }});
        reached[way] = weights_of(net);
      };
      if (way == 1) {
        CHECK_THROWS_AS(train(5), Killed);
        const std::string log = read_file(folder.file("log.jsonl"));
        CHECK(epochs_in(log) == std::vector{1, 2, 3, 4, 5});
        write_file(folder.file("log.jsonl"), log + R"({"epoch": 6, "lo)");  // a line cut short
      }
      train(0);
      CHECK(epochs_in(read_file(folder.file("log.jsonl"))) == std::vector{1, 2, 3, 4, 5, 6, 7, 8});
      bytes[way] = read_file(folder.file("checkpoint.cairn"));
    }
    CHECK(reached[0] == reached[1]);
    CHECK(bytes[0] == bytes[1]);
  }
}

TEST_CASE("trainer: a checkpoint of another key is not gone on from, and it is said") {
  const Problem p;
  const TemporaryFolder folder;
  std::vector<std::string> remarks;
  const auto epochs_told = [&](const std::string& key) {
    Sequential net = make_net();
    Adam opt(net, {.learning_rate = 0.01});
    const Loader loader(p.x, p.y, {.batch_size = 32});
    int told = 0;
    TrainerHooks hooks{.log = [&](const Json&) { ++told; }};
    hooks.checkpoint = folder.file("deep/one.cairn");
    hooks.key = key;
    remarks = Trainer({.epochs = 4})
                  .fit(
                      net, opt, loader, [&](const Batch& b) { return mean(square(net(b.x) - b.y)); }, hooks)
                  .remarks;
    return told;
  };
  CHECK(epochs_told("a") == 4);
  CHECK(epochs_told("a") == 0);
  CHECK(remarks.empty());
  CHECK(epochs_told("b") == 4);
  CHECK(remarks == std::vector<std::string>{folder.file("deep/one.cairn") +
                                            " is of other data, settings or build; the fit begins anew"});
  CHECK(epochs_told("") == 0);  // whoever names the folder knows
  CHECK(remarks.empty());
}

TEST_CASE("trainer: on a plateau the rate falls; the caller's optimiser gets its rate back") {
  const Problem p;
  Sequential net = make_net();
  SgdOptimizer opt(net, {.learning_rate = 0.1});
  const Loader loader(p.x, p.y, {.batch_size = 45});
  const double losses[] = {5, 4, 4, 4, 4, 3, 3, 3, 3};
  int asked = 0;
  const History h =
      Trainer({.epochs = 9,
               .plateau = PlateauParams{.factor = 0.5, .patience = 1, .threshold = 0.1, .lowest = 0.03}})
          .fit(net, opt, loader, [&](const Batch& b) { return mean(square(net(b.x) - b.y)); },
               {.validate = [&] { return losses[asked++]; }});
  std::vector<double> rates;
  for (const Epoch& e : h.epochs) rates.push_back(e.learning_rate);
  // Epoch 4 is the second without a gain, epoch 8 the second after the next one: it holds from epoch 5,
  // and 9.
  const std::vector<double> expected{0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.03};
  CHECK(rates == expected);
  CHECK(opt.learning_rate() == 0.1);
  CHECK_THROWS_WITH_AS(Trainer({.plateau = PlateauParams{.factor = 1}}),
                       doctest::Contains("plateau.factor = 1 is outside (0, 1)"), ParamError);
}

TEST_CASE("trainer: a running mean of the weights is validated and kept") {
  const Problem p;
  const Loader loader(p.x, p.y, {.batch_size = 30, .shuffle = true, .seed = 2});
  Sequential net = make_net();
  std::vector<double> mean_weights = weights_of(net);
  int steps = 0;
  {  // the same steps by hand
    Sequential mine = make_net();
    SgdOptimizer opt(mine, {.learning_rate = 0.1});
    for (const std::int64_t pass : {0, 1})
      for (auto& [x, y] : loader.pass(pass)) {
        opt.step(backward(mean(square(mine(x) - y)), mine));
        const double t = ++steps, decay = std::min(0.5, (1 + t) / (10 + t));
        const std::vector<double> now = weights_of(mine);
        for (std::size_t i = 0; i < now.size(); ++i)
          mean_weights[i] = decay * mean_weights[i] + (1 - decay) * now[i];
      }
  }
  CHECK(steps == 6);
  SgdOptimizer opt(net, {.learning_rate = 0.1});
  std::vector<double> validated;
  Trainer({.epochs = 2, .ema = 0.5})
      .fit(net, opt, loader, [&](const Batch& b) { return mean(square(net(b.x) - b.y)); }, {.validate = [&] {
             validated = weights_of(net);
             return 1.0;
           }});
  const std::vector<double> kept = weights_of(net);
  CHECK(kept == validated);
  for (std::size_t i = 0; i < kept.size(); ++i)
    CHECK(kept[i] == doctest::Approx(mean_weights[i]).epsilon(1e-12));
  CHECK_THROWS_WITH_AS(Trainer({.ema = 1}), doctest::Contains("trainer.ema = 1 is outside [0, 1)"),
                       ParamError);
}

namespace {

class Bar : public Progress {
 public:
  std::vector<std::string> phases;
  std::int64_t total = 0, done = 0;
  void begin(std::string_view phase, std::int64_t of) override {
    phases.emplace_back(phase);
    total = of;
  }
  void advance(std::int64_t units) override { done += units; }
  void rename(std::string_view phase) override { phases.emplace_back(phase); }
  void end() override { phases.emplace_back("end"); }
  void remark(std::string_view /*text*/) override {}
};

}  // namespace

TEST_CASE("trainer: the bar counts batches and names the epoch") {
  const Problem p;
  Sequential net = make_net();
  SgdOptimizer opt(net, {.learning_rate = 0.1});
  const Loader loader(p.x, p.y, {.batch_size = 30});
  Bar bar;
  TrainerHooks hooks{.progress = &bar};
  hooks.name = "mlp fold 2";
  Trainer({.epochs = 2})
      .fit(net, opt, loader, [&](const Batch& b) { return mean(square(net(b.x) - b.y)); }, hooks);
  CHECK(bar.total == 6);
  CHECK(bar.done == 6);
  const std::vector<std::string> phases{"mlp fold 2", "mlp fold 2: epoch 1 of 2", "mlp fold 2: epoch 2 of 2",
                                        "end"};
  CHECK(bar.phases == phases);
}

TEST_CASE("trainer: a damaged checkpoint, or one of another network, is refused") {
  const Problem p;
  const TemporaryFolder folder;
  const Loader loader(p.x, p.y, {.batch_size = 32});
  const auto train = [&](Sequential net, std::int64_t epochs) {
    Adam opt(net, {.learning_rate = 0.01});
    return Trainer({.epochs = epochs, .folder = folder.path()}).fit(net, opt, loader, [&](const Batch& b) {
      return mean(square(net(b.x) - b.y));
    });
  };
  train(make_net(), 2);
  Sequential other{Linear({.in = 3, .out = 5}), Tanh(), Linear({.in = 5, .out = 1})};
  convert(other, DType::f64);
  CHECK_THROWS_WITH_AS(train(other, 4), doctest::Contains("checkpoint.cairn"), ModelFileError);
  const std::string path = folder.file("checkpoint.cairn"), whole = read_file(path);
  write_file(path, whole.substr(0, whole.size() / 2));
  CHECK_THROWS_AS(train(make_net(), 4), ModelFileError);
  std::string flipped = whole;
  flipped[flipped.size() - 200] ^= 1;
  write_file(path, flipped);
  CHECK_THROWS_WITH_AS(train(make_net(), 4), doctest::Contains("is damaged"), ModelFileError);
}

TEST_CASE("trainer: early stopping keeps the best weights; hooks, stops and losses that are no numbers") {
  const Problem p;
  Sequential net = make_net();
  SgdOptimizer opt(net, {.learning_rate = 0.1});
  const Loader loader(p.x, p.y, {.batch_size = 30});
  const auto loss = [&](const Batch& b) { return mean(square(net(b.x) - b.y)); };
  int asked = 0;
  std::vector<double> at_second;
  std::vector<std::string> events;
  const History history = Trainer({.epochs = 50, .patience = 3})
                              .fit(net, opt, loader, loss,
                                   {.validate =
                                        [&] {
                                          if (++asked == 2) at_second = weights_of(net);
                                          return asked <= 2 ? 1.0 / asked : 1.0;
                                        },
                                    .log = [&](const Json& event) { events.push_back(event.dump()); }});
  CHECK(history.stopped_early);
  CHECK(history.best_epoch == 2);
  CHECK(history.epochs.size() == 5);
  CHECK(weights_of(net) == at_second);
  CHECK(events.size() == 5);

  const History two = Trainer({.epochs = 50}).fit(net, opt, loader, loss, {.on_epoch = [](const Epoch& e) {
                                                    return e.number < 2;
                                                  }});
  CHECK(two.epochs.size() == 2);
  const StopSource stop;
  stop.request();
  CHECK_THROWS_AS(Trainer({}).fit(net, opt, loader, loss, {.stop = stop.token()}), Interrupted);
  CHECK_THROWS_WITH_AS(
      Trainer({}).fit(net, opt, loader, [&](const Batch& b) { return log(mean(square(net(b.x)) * -1.0)); }),
      doctest::Contains("the loss is "), FitError);
  CHECK_THROWS_WITH_AS(Trainer({.epochs = 0}), doctest::Contains("trainer.epochs = 0 is outside [1"),
                       ParamError);
}

TEST_CASE("running means of weights, and the learning-rate test") {
  const Problem p;
  Sequential net = make_net();
  Ema average(net, 0.9);
  const auto before = weights_of(net);
  SgdOptimizer opt(net, {.learning_rate = 0.1});
  opt.step(backward(mean(square(net(p.x) - p.y)), net));
  average.update(net);
  const auto after = weights_of(net), mean_weights = weights_of(average.network());
  for (std::size_t i = 0; i < after.size(); ++i)
    CHECK(mean_weights[i] == doctest::Approx(0.9 * before[i] + 0.1 * after[i]).epsilon(1e-12));

  SgdOptimizer trial(net, {.learning_rate = 1e-6});
  const RateTest test =
      rate_test(net, trial, [&] { return mean(square(net(p.x) - p.y)); }, {.low = 1e-5, .high = 100});
  CHECK(weights_of(net) == after);
  CHECK(test.suggestion > 1e-3);
  CHECK(test.suggestion < 1);
  CHECK(test.rates.size() == test.losses.size());
}
