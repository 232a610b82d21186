// Recording and replay: the same bits as the function itself, on memory planned beforehand; what may change
// between two runs, and what makes a function unfit.
#include "cairn/tensor/replay.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/dropout.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/embedding.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/norm.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/memory_plan_internal.h"
#include "cairn/tensor/module_path.h"
#include "cairn/tensor/samples.h"
#include "cairn/tensor/step_counter.h"
#include "tests/support/same_bytes.h"

using namespace cairn;
using cairn::testing::same_bytes;

namespace {

using Inputs = std::span<const Tensor>;

Tensor numbers(const Shape& shape, double seed) { return sin(uniform(shape, -1, 1) * (seed * 7)); }

// A step with views, copies, constants of gradients and a place where gradients meet.
struct Step {
  Parameter w{numbers({5, 4}, 1)}, b{numbers({5}, 2)};
  Tensor average = Tensor::zeros({5}, DType::f64);
  StepCounter masks;

  ReplayState state() { return {{&w, &b}, {&average}}; }
  Tensors operator()(Inputs in) {
    const Tensor h = linear(in[0], w, b);
    average = moved_towards(average, mean(h.detach(), AxisList{0}), 0.25);
    const Tensor kept = dropout(h, 0.3, 5, masks.take());
    const Tensor turned = kept.transpose().reshape({in[0].size(0) * 5}).reshape({in[0].size(0), 5});
    const Tensor loss = mean(square(relu(turned) + h - in[1])) + sum(abs(w)) * 0.01;
    const Gradients g = backward(loss);
    return {loss.detach(), g.of(w), g.of(b)};
  }
  void move(const Tensors& results) {
    const auto down = [](Parameter& p, const Tensor& g) {
      const auto to = p.mutable_data<double>();
      for (std::size_t i = 0; i < to.size(); ++i) to[i] -= 0.1 * g.data<double>()[i];
    };
    down(w, results[1]);
    down(b, results[2]);
  }
};

}  // namespace

TEST_CASE("memory plan: what is used at one moment never overlaps, and the block is small") {
  std::vector<PlannedBuffer> chain;  // each is made of the one before it: two live at a time
  for (std::size_t i = 0; i < 50; ++i) chain.push_back({1024, i, i + 1, 0});
  CHECK(plan_memory(chain) == 2048);
  Random random(3, "plan");
  for (int round = 0; round < 20; ++round) {
    std::vector<PlannedBuffer> buffers;
    for (int i = 0; i < 60; ++i) {
      const auto first = static_cast<std::size_t>(random.below(40));
      buffers.push_back({static_cast<std::size_t>(random.below(5000)), first,
                         first + static_cast<std::size_t>(random.below(9)), 0});
    }
    const std::size_t total = plan_memory(buffers);
    std::size_t most = 0;
    for (std::size_t moment = 0; moment < 50; ++moment) {
      std::size_t live = 0;
      for (const PlannedBuffer& b : buffers)
        if (b.first <= moment && moment <= b.last) live += (b.bytes + 63) / 64 * 64;
      most = std::max(most, live);
    }
    CHECK(total >= most);
    CHECK(total <= most + most / 2);
    for (std::size_t i = 0; i < buffers.size(); ++i)
      for (std::size_t k = 0; k < i; ++k) {
        const PlannedBuffer &a = buffers[i], &b = buffers[k];
        const bool in_time = a.first <= b.last && b.first <= a.last;
        const bool in_space = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        CHECK_FALSE((in_time && in_space));
        CHECK(a.offset % 64 == 0);
      }
  }
}

TEST_CASE("replay: the function's bits, its state moves on, its random numbers differ from run to run") {
  const int threads_before = num_threads();
  Step eager, replayed;
  const Tensor x = numbers({6, 4}, 3), y = numbers({6, 5}, 4);
  Recording recording =
      record(std::vector<Tensor>{x, y}, replayed.state(), [&](Inputs in) { return replayed(in); });
  REQUIRE(recording.replay.refusal().empty());
  Tensors kept;
  for (int i = 0; i < 12; ++i) {
    set_num_threads(i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 7);
    const std::vector<Tensor> in{i == 0 ? x : numbers({6, 4}, i + 5), y};
    const Tensors expected = eager(in);
    const Tensors results = i == 0 ? recording.results : recording.replay.run(in);
    for (std::size_t k = 0; k < expected.size(); ++k) CHECK(same_bytes(results[k], expected[k]));
    CHECK(same_bytes(eager.average, replayed.average));
    CHECK(eager.masks.value() == replayed.masks.value());
    eager.move(expected);
    replayed.move(results);
    CHECK(same_bytes(eager.w.value(), replayed.w.value()));
    if (i == 4) kept = results;  // what is held keeps its values
  }
  set_num_threads(threads_before);
  Step again;
  Tensors fifth;
  for (int i = 0; i < 5; ++i)
    again.move(fifth = again(std::vector<Tensor>{i == 0 ? x : numbers({6, 4}, i + 5), y}));
  for (std::size_t k = 0; k < kept.size(); ++k) CHECK(same_bytes(kept[k], fifth[k]));
}

TEST_CASE("replay: no memory is asked for, and less is used than all results together") {
  Parameter w(numbers({64, 64}, 1));
  const Tensor x = numbers({64, 64}, 2);
  Recording r = record({&x, 1}, {{&w}, {}}, [&](Inputs in) -> Tensors {
    Tensor h = in[0];
    for (int i = 0; i < 20; ++i) h = tanh(matmul(h, w.value().detach()));
    return {h};
  });
  CHECK(r.replay.num_kernels() == 40);
  CHECK(r.replay.planned_bytes() == 2 * 64 * 64 * sizeof(double));
  for (int i = 0; i < 3; ++i) r.results = r.replay.run({&x, 1});
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
  const std::int64_t before = Storage::system_allocations();
  for (int i = 0; i < 10; ++i) r.results = r.replay.run({&x, 1});
  CHECK(Storage::system_allocations() == before);
#endif
}

TEST_CASE("replay: large batches that come and go between replays are kept as between steps") {
  const auto batch = [](double v) { return Tensor::full({128, 128}, v, DType::f64); };
  const Tensor first = batch(0);
  Recording r = record({&first, 1}, {}, [](Inputs in) -> Tensors { return {tanh(in[0])}; });
  Storage::release_unused();
  const auto step = [&](int i) {
    const Tensor x = batch(i);
    r.results = r.replay.run({&x, 1});
  };
  for (int i = 0; i < 3; ++i) step(i);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
  const std::int64_t before = Storage::system_allocations();
  for (int i = 0; i < 10; ++i) step(i);
  CHECK(Storage::system_allocations() == before);
#endif
  step(1);
  CHECK(r.results[0].item({0, 0}) == doctest::Approx(std::tanh(1.0)));
}

TEST_CASE("replay: what does not fit is said, and a parameter that is frozen no longer fits") {
  Step step;
  const std::vector<Tensor> in{numbers({6, 4}, 3), numbers({6, 5}, 4)},
      smaller{numbers({3, 4}, 3), numbers({3, 5}, 4)};
  Replay replay = record(in, step.state(), [&](Inputs i) { return step(i); }).replay;
  CHECK(replay.fits(in));
  CHECK_FALSE(replay.fits(smaller));
  CHECK_FALSE(replay.fits({in.data(), 1}));
  CHECK_THROWS_WITH_AS(
      replay.run(smaller),
      "replay: the inputs or the state are not of the form that was recorded. Ask fits() first, "
      "and record again for another form.",
      UsageError);
  step.w.freeze(true);
  CHECK_FALSE(replay.fits(in));
  step.w.freeze(false);
  CHECK(replay.fits(in));
  CHECK(replays_allowed());
  set_check_finite(true);
  CHECK_FALSE(replays_allowed());
  set_check_finite(false);
}

TEST_CASE("replay: what a program does beside its operations is found and told") {
  const Tensor x = numbers({4}, 1), other = numbers({4}, 2);
  const auto refusal = [&](const std::function<Tensors(Inputs)>& f) {
    Recording r = record({&x, 1}, {}, f);
    CHECK_FALSE(r.replay.fits({&x, 1}));
    CHECK_THROWS_WITH_AS(r.replay.run({&x, 1}), doctest::Contains(r.replay.refusal().c_str()), NotSupported);
    return r.replay.refusal();
  };
  CHECK(refusal([](Inputs in) -> Tensors { return {in[0] * in[0].item({0})}; }) ==
        "the program reads the values of f64 [4]; a run has other values");
  CHECK(refusal([](Inputs in) -> Tensors {  // as many rows as there are positive numbers
          std::int64_t n = 0;
          const Tensor powers = exp(in[0]);
          for (const double v : powers.data<double>()) n += v > 1;
          return {in[0].slice(0, 0, n)};
        }) == "the program reads the values of f64 [4]; a run has other values");
  CHECK(refusal([](Inputs in) -> Tensors {
          Tensor y = in[0] + 1.0;
          y.mutable_data<double>()[0] = 3;
          return {y * 2.0};
        }) == "the program writes the values of f64 [4]; a run has other values");
  CHECK(refusal([&](Inputs in) -> Tensors { return {in[0] * other}; }) ==
        "multiply takes f64 [4], which was made outside of the step and is neither an input nor state");
  CHECK(refusal([](Inputs in) -> Tensors { return {in[0], Tensor::from(std::vector<double>{1})}; }) ==
        "a result, f64 [1], is not of the recorded operations");
  CHECK(
      refusal([](Inputs in) -> Tensors { return {dropout(in[0], 0.5, 1, 2)}; }) ==
      "dropout is given its counter as a plain number, so every run would draw the same random numbers; take "
      "it from a StepCounter");
  CHECK(record({&x, 1}, {}, [](Inputs in) -> Tensors { return {in[0] / 3.0, in[0]}; })
            .replay.refusal()
            .empty());
  CHECK_THROWS_WITH_AS(
      record({&x, 1}, {},
             [&](Inputs in) -> Tensors {
               return record(in, {}, [](Inputs i) -> Tensors { return {i[0] * 2.0}; }).results;
             }),
      "record: a recording stands already; recordings do not nest", UsageError);
  CHECK(replays_allowed());  // the error ended it
}

TEST_CASE("replay: two recordings tell whether numbers of the program differ") {
  const Tensor x = numbers({4}, 1), y = numbers({4}, 2);
  double factor = 2;
  bool extra = false;
  const auto make = [&](const Tensor& in) {
    return record({&in, 1}, {},
                  [&](Inputs i) -> Tensors {
                    const Tensor t = i[0] * factor + i[0] / (factor + 1);
                    return {extra ? exp(t) : t};
                  })
        .replay;
  };
  const Replay first = make(x);
  CHECK(first.same_as(make(y)));
  factor = 2.5;
  CHECK_FALSE(first.same_as(make(x)));
  factor = 2;
  extra = true;
  CHECK_FALSE(first.same_as(make(x)));
}

TEST_CASE("replay: whole numbers are looked at in every run; errors carry their place and change nothing") {
  Parameter table(numbers({5, 3}, 1));
  Tensor average = Tensor::zeros({3}, DType::f64);
  const Tensor good = whole_numbers({4}, 5), bad = Tensor::from(std::vector<std::int64_t>{0, 1, 7, 2});
  Replay replay = record({&good, 1}, {{&table}, {&average}}, [&](Inputs in) -> Tensors {
                    const ModuleScope scope("words");
                    average = moved_towards(average, Tensor::full({3}, 1, DType::f64), 0.5);
                    return {sum(embedding(table, in[0]))};
                  }).replay;
  CHECK(average.item({0}) == 0.5);
  CHECK_THROWS_WITH_AS(replay.run({&bad, 1}), "in words: embedding: index 7 is outside of the table's 5 rows",
                       ShapeError);
  CHECK(average.item({0}) == 0.5);
  CHECK(replay.run({&good, 1})[0].item() == sum(embedding(table, good)).item());
  CHECK(average.item({0}) == 0.75);
}
