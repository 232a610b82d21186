// M2W1-A1, M2W2-A1: the courses' 5000 handwritten digits by small networks, and by the weights they give
// away.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/adam.h"
#include "cairn/readers/idx.h"
#include "cairn/readers/mat.h"
#include "cairn/train/trainer.h"
#include "recipes/list.h"
#include "recipes/networks.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

// Column after column, as the course's files hold a picture; from 0 to 1, and the digits.
Examples read_digits(const DataFolder& data) {
  const ReadResult read = read_idx(data.file("course_ml/digits5000-images-idx3-ubyte.gz"));
  const Tensor pixels = read.table.columns()[0].values();  // [n, 20, 20, 1]
  const Column& labels = read.table.column(read.target);
  const std::int64_t n = pixels.size(0), side = pixels.size(1);
  std::vector<std::int64_t> digits;
  for (std::int64_t i = 0; i < n; ++i) digits.push_back(std::stoll(labels.cell(i)));
  return {
      permute(pixels.reshape({n, side, side}), {0, 2, 1}).reshape({n, side * side}).to(DType::f32) / 255.0,
      Tensor::from(digits)};
}

// A row of 400 numbers, column after column, as a picture of 20 x 20.
Tensor digit_at(const Tensor& rows, std::int64_t row) {
  constexpr std::int64_t kSide = 20;
  return picture_at(permute(rows.slice(0, row, row + 1).reshape({1, kSide, kSide, 1}), {0, 2, 1, 3}), 0);
}

Album some_digits(const Examples& data) {
  constexpr std::int64_t kShown = 64;
  Album album{.title = "Some of them", .about = "Every so many-th, with what it is.", .pictures = {}};
  const std::int64_t n = data.x.size(0);
  for (std::int64_t i = 0; i < kShown; ++i) {
    const std::int64_t row = i * n / kShown;
    album.pictures.push_back(
        {digit_at(data.x, row), fmt::format("{}", data.y.contiguous().reshape({n}).item({row}))});
  }
  return album;
}

History fit(Network& net, const Examples& data, std::int64_t epochs, std::uint64_t seed) {
  initialise(net, seed);
  Adam opt(net, {.learning_rate = 0.001});
  const Loader loader(data.x, data.y, {.batch_size = 32, .shuffle = true, .seed = seed});
  return Trainer({.epochs = epochs}).fit(net, opt, loader, [&](const Batch& b) {
    return data.y.dtype() == DType::i64 ? cross_entropy(net(b.x), b.y) : bce_with_logits(net(b.x), b.y);
  });
}

// Small networks depend on their start: the middle of five counts. A brief run makes do with the first.
struct Starts {
  std::vector<double> losses, wrong;
};

Starts fit_often(Outcome& o, Network& net, const Examples& data, std::int64_t epochs, std::uint64_t starts) {
  Starts all;
  Chart chart{.title = "Loss against epochs", .x = "epoch", .y = "loss"};
  for (std::uint64_t seed = 1; seed <= starts; ++seed) {
    const History history = fit(net, data, epochs, seed);
    all.losses.push_back(history.epochs.back().loss);
    const auto wrong = wrong_rows(net, data);
    all.wrong.push_back(static_cast<double>(wrong.size()));
    Series line{.name = fmt::format("seed {}", seed)};
    for (const Epoch& e : history.epochs) line.points.emplace_back(e.number, e.loss);
    chart.series.push_back(std::move(line));
    if (seed > 1) continue;
    o.remarks.push_back(fmt::format("Wrong with seed 1, by number: {}.", listed(wrong)));
    o.albums = {some_digits(data), wrong_album("Wrong ones (seed 1)", wrong,
                                               [&](std::int64_t row) { return digit_at(data.x, row); })};
  }
  o.charts.push_back(std::move(chart));
  o.remarks.push_back(fmt::format("By seed: {} wrong.", fmt::join(all.wrong, ", ")));
  return all;
}

// my_dense, an example and a matrix of them; weights lie [in, out] in the lab.
void check_dense(Outcome& o) {
  const auto dense = [](const Tensor& x, const Tensor& weight, const Tensor& bias) {
    return linear(x, weight.transpose(), bias);
  };
  check_values(o, "my_dense, sigmoid",
               sigmoid(dense(of({.1, .2}, {1, 2}), of({.1, .2, .3, .4, .5, .6}, {2, 3}), of({.1, .2, .3}))),
               {"0.54735762", "0.57932425", "0.61063923"});
  const Tensor w = of({1, 2, 1, 2, 1, 2, 1, 2}, {4, 2}), x = of({1, 2, 3, 4}, {1, 4});
  check_values(o, "my_dense, bias 0", dense(x, w, of({0, 0})), {"10", "20"});
  check_values(o, "my_dense, bias 3, 5", dense(x, w, of({3, 5})), {"13", "25"});
  check_values(o, "my_dense, three times", dense(x, w, of({3, 5})) * 3.0, {"39", "75"});
  const Tensor wide = of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {4, 3}),
               two = of({1, 2, 3, 4, 5, 6, 7, 8}, {2, 4});
  check_values(o, "matrix, bias 0", dense(two, wide, of({0, 0, 0})), {"70", "80", "90", "158", "184", "210"});
  check_values(o, "matrix, bias 3, 5, 6", dense(two, wide, of({3, 5, 6})),
               {"73", "85", "96", "161", "189", "216"});
  check_values(o, "matrix, three times", dense(two, wide, of({3, 5, 6})) * 3.0,
               {"219", "255", "288", "483", "567", "648"});
}

Outcome run_binary(const DataFolder& data) {
  const Examples all = read_digits(data);
  const Examples some = first_rows(all, 1000);  // 500 zeros, then 500 ones
  const Examples zeros_ones{some.x, some.y.reshape({1000, 1}).to(DType::f32)};
  Network net = Network::parse(R"({"input": [400], "layers": [{"layer": "linear", "out": 25}, "sigmoid",
      {"layer": "linear", "out": 15}, "sigmoid", {"layer": "linear", "out": 1}]})");
  Outcome o;
  o.checks.push_back(printed("parameters", static_cast<double>(count_parameters(net).total), "10431"));
  check_dense(o);
  const Starts all_starts = fit_often(o, net, zeros_ones, 20, 5);
  o.checks.push_back(level("loss of the last epoch, middle of five starts (the course: 0.0228)",
                           median(all_starts.losses), "about 0.0228 +- 0.005"));
  o.checks.push_back(level("wrong of 1000, middle of five starts", median(all_starts.wrong), "<= 3"));
  return o;
}

// The weights that the earlier course gives away: bias first, the digit 0 as class 10.
double given_accuracy(const DataFolder& data, const Examples& digits) {
  const std::string file = data.file("course_ml/ex3weights.mat");
  Network net = dense_network({400, 25, 10}, "sigmoid");
  const auto all = parameters(net);
  for (const int layer : {0, 1}) {
    const Tensor theta = mat_array(file, layer == 0 ? "Theta1" : "Theta2").to(DType::f64);
    const std::size_t at = layer == 0 ? 0 : 2;
    all[at].parameter->set(theta.slice(1, 1, theta.size(1)).contiguous());
    all[at + 1].parameter->set(theta.slice(1, 0, 1).reshape({theta.size(0)}));
  }
  std::vector<std::int64_t> classes;  // 1 .. 9 are classes 0 .. 8, the digit 0 is class 9
  for (std::int64_t i = 0; i < digits.y.size(); ++i)
    classes.push_back((static_cast<std::int64_t>(digits.y.item({i})) + 9) % 10);
  return accuracy(net, {digits.x.to(DType::f64), Tensor::from(classes)});
}

void check_softmax(Outcome& o) {
  check_values(o, "softmax of 1, 2, 3, 4", softmax(of({1, 2, 3, 4})),
               {"0.0320586033", "0.0871443187", "0.2368828181", "0.6439142599"});
  const Tensor alike = softmax(Tensor::full({10}, std::log(0.1), DType::f64));
  o.checks.push_back(printed("softmax of ten alike, the least", min(alike).item(), "0.1000000000"));
  o.checks.push_back(printed("softmax of ten alike, the largest", max(alike).item(), "0.1000000000"));
}

Outcome ten(const DataFolder& data, std::uint64_t starts) {
  const Examples digits = read_digits(data);
  Network net = Network::parse(
      R"({"input": [400], "layers": [{"layer": "linear", "out": 25, "init": "he_uniform"}, "relu",
      {"layer": "linear", "out": 15, "init": "he_uniform"}, "relu", {"layer": "linear", "out": 10}]})");
  Outcome o;
  o.checks.push_back(printed("parameters", static_cast<double>(count_parameters(net).total), "10575"));
  check_softmax(o);
  o.checks.push_back(printed("accuracy of the weights given", given_accuracy(data, digits), "0.9758"));
  const Starts all_starts = fit_often(o, net, digits, 40, starts);
  o.checks.push_back(level(fmt::format("loss of the last epoch, middle of {} start{} (the course: 0.0294)",
                                       starts, starts == 1 ? "" : "s"),
                           median(all_starts.losses), "about 0.0294 +- 0.01"));
  o.checks.push_back(level(
      fmt::format("digits of 5000 that are wrong, middle of {} start{}", starts, starts == 1 ? "" : "s"),
      median(all_starts.wrong), "<= 15"));
  return o;
}

Outcome run_ten(const DataFolder& data) { return ten(data, 5); }
Outcome brief_ten(const DataFolder& data) { return ten(data, 1); }

}  // namespace

const Recipe kZeroOrOne{"digits-zero-or-one",
                        "M2W1-A1",
                        "Handwritten digits: 0 or 1",
                        "Three sigmoid layers on a thousand pictures, each a row of 400 numbers.",
                        "course_ml",
                        run_binary};
const Recipe kTenDigits{
    "digits-ten-classes",
    "M2W2-A1",
    "Handwritten digits: ten classes",
    "Rectifiers and a softmax over ten logits; the few digits that stay wrong are hard to read.",
    "course_ml",
    run_ten,
    "two seconds",
    brief_ten};

}  // namespace cairn::recipes
