// What a training step holds at once: activations that are made again on the way back, gradients that take
// the memory of what they are made of. The numbers must not know of it.
#include <doctest/doctest.h>

#include "cairn/ops/activation.h"
#include "cairn/ops/conv2d.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/norm.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/replay.h"
#include "cairn/tensor/samples.h"
#include "tests/support/same_bytes.h"

using namespace cairn;
using cairn::testing::same_bytes;

namespace {

constexpr std::int64_t kChannels = 16;
const Shape kImages{4, 64, 64, kChannels};  // 1 MiB: large enough to be made again
constexpr std::size_t kBytes = std::size_t{1} << 20;

struct Block {
  Parameter first, second, gamma, beta;
};
Block block_of(double seed) {
  const auto of = [&](const Shape& s, double shift) {
    return Parameter(sin(uniform(s, -9, 9, DType::f32) * (seed + 3)) * 0.2 + shift);
  };
  const Shape filters{kChannels, 3, 3, kChannels}, channels{kChannels};
  return {of(filters, 0), of(filters, 0), of(channels, 1), of(channels, 0)};
}

// A residual block. `kept`: what stands between two operations hides that it could be made again.
Tensor through(Block& b, const Tensor& x, bool kept) {
  const NormOptions with_relu{.relu = true};
  const Conv2dOptions same{.padding = {1, 1, 1, 1}};
  Tensor y = batch_norm(conv2d(x, b.first.value(), same), b.gamma.value(), b.beta.value(), with_relu).y;
  if (kept) y = y.reshape({4, 64 * 64, kChannels}).reshape(kImages);
  y = conv2d(y, b.second.value(), same);
  return batch_norm(y, b.gamma.value(), b.beta.value(), x, with_relu).y;
}

}  // namespace

namespace {

struct ResidualStep {
  Block blocks[3] = {block_of(1), block_of(2), block_of(3)};
  bool kept = false, keep_tape = false;

  ReplayState state() {
    ReplayState s;
    for (Block& b : blocks)
      for (Parameter* p : {&b.first, &b.second, &b.gamma, &b.beta}) s.parameters.push_back(p);
    return s;
  }
  Tensors operator()(std::span<const Tensor> in) {
    Tensor y = in[0];
    for (Block& b : blocks) y = through(b, y, kept);
    const Gradients g = backward(mean(square(y)), {.keep_tape = keep_tape});
    Tensors all;
    for (Block& b : blocks)
      for (Parameter* p : {&b.first, &b.second, &b.gamma, &b.beta}) all.push_back(g.of(p->value()));
    return all;
  }
};

}  // namespace

TEST_CASE(
    "step memory: activations that are made again and memory that is given on leave the gradients as they "
    "are") {
  const Tensor x = sin(uniform(kImages, -40, 40, DType::f32));
  ResidualStep plain{.kept = true}, again, taped{.keep_tape = true};
  const Tensors expected = plain({&x, 1});
  for (ResidualStep* step : {&again, &taped}) {
    const Tensors got = (*step)({&x, 1});
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(same_bytes(got[i], expected[i]));
  }
  auto [results, replay] =
      record({&x, 1}, again.state(), [&](std::span<const Tensor> in) { return again(in); });
  REQUIRE(replay.refusal() == "");
  const Tensors got = replay.run({&x, 1});
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(same_bytes(results[i], expected[i]));
    CHECK(same_bytes(got[i], expected[i]));
  }
  auto with_copies = record({&x, 1}, plain.state(), [&](std::span<const Tensor> in) { return plain(in); });
  // Of each block the two results of conv2d and its own stay; the activation between them in one block at
  // most.
  CHECK(replay.planned_bytes() < (3 * 3 + 3) * kBytes);
  CHECK(with_copies.replay.planned_bytes() >= replay.planned_bytes() + 2 * kBytes);
}

TEST_CASE("step memory: a result that two others need is made again once and gone when both are done") {
  const Tensor x = watched(sin(uniform(kImages, -40, 40, DType::f32)));
  const auto loss_of = [&](bool kept) {
    const Tensor one = Tensor::full({kChannels}, 1, DType::f32), filters = block_of(4).first.value().detach();
    Tensor y = batch_norm(x, one, one, {.relu = true}).y;
    if (kept) y = y.reshape({4, 64 * 64, kChannels}).reshape(kImages);
    const Tensor w = watched(filters), v = watched(filters * 2.0);
    const Tensor loss = mean(square(conv2d(y, w)) + square(conv2d(y, v)));
    const Gradients g = backward(loss);
    return Tensors{g.of(x), g.of(w), g.of(v)};
  };
  const Tensors kept = loss_of(true), again = loss_of(false);
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(same_bytes(kept[i], again[i]));
}

TEST_CASE("step memory: what is made again may hang on what is made again") {
  const Tensor x = watched(sin(uniform(kImages, -40, 40, DType::f32)));
  const Tensor one = Tensor::full({kChannels}, 1, DType::f32), half = one * 0.5,
               filters = block_of(4).first.value().detach();
  const auto loss_of = [&](bool kept) {
    const auto stands = [&](const Tensor& y) {
      return kept ? y.reshape({4, 64 * 64, kChannels}).reshape(kImages) : y;
    };
    const Tensor y = stands(batch_norm(x * 2.0, one, half, {.relu = true}).y);
    const Tensor z = stands(batch_norm(y, half, one).y), with_more = stands(batch_norm(z, one, half, y).y);
    const Tensor w = watched(filters);
    const Gradients g = backward(mean(square(conv2d(batch_norm(with_more, one, one).y, w))));
    return Tensors{g.of(x), g.of(w)};
  };
  const Tensors kept = loss_of(true), again = loss_of(false);
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(same_bytes(kept[i], again[i]));
}

TEST_CASE("step memory: a recording leaves the memory of its state alone") {
  Tensor state = sin(uniform({512, 16}, -40, 40, DType::f32));
  const Tensor first = state + 0.0;
  Parameter gamma(Tensor::full({16}, 1, DType::f32)), beta(Tensor::full({16}, 0, DType::f32));
  const ReplayState of{{&gamma, &beta}, {&state}};
  const Tensor x = sin(uniform({512, 16}, -30, 50, DType::f32));
  const auto step = [&](std::span<const Tensor> in) {
    const Tensor y = batch_norm(watched(state), gamma.value(), beta.value(), {.relu = true}).y;
    state = in[0] + 0.0;  // the tape alone holds what it was
    return Tensors{backward(mean(square(y))).of(gamma.value())};
  };
  auto recording = record({&x, 1}, of, step);
  REQUIRE(recording.replay.refusal() == "");
  state = first + 0.0;
  const Tensor snapshot = state;
  const Tensors got = recording.replay.run({&x, 1});
  CHECK(same_bytes(snapshot, first));
  CHECK(same_bytes(got[0], recording.results[0]));
}
