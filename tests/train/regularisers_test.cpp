// What the learners of networks do against overfitting: each setting does what its formula says.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/nn/network.h"
#include "cairn/train/cnn.h"
#include "cairn/train/mixup_internal.h"
#include "cairn/train/mlp.h"
#include "cairn/train/net_model.h"
#include "cairn/train/picture_model.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using namespace cairn::train_detail;

namespace {

struct Points {  // three classes of 30 points each, as one batch
  std::vector<std::vector<double>> rows;
  std::vector<std::int32_t> codes;
  Points() {
    Random random(7, "points");
    for (int i = 0; i < 90; ++i) {
      codes.push_back(i % 3);
      rows.push_back({random.normal() + codes.back(), random.normal()});
    }
  }
  Dataset data() const {
    std::vector<double> a, b;
    for (const auto& row : rows) {
      a.push_back(row[0]);
      b.push_back(row[1]);
    }
    return Dataset(Table({Column::number("a", Tensor::from(a)), Column::number("b", Tensor::from(b)),
                          Column::category("y", Tensor::from(codes), {"k0", "k1", "k2"})}),
                   {.roles = {.target = "y"}});
  }
};

// One step of plain gradient descent on the whole, without the usual penalty.
MlpParams one_step(double learning_rate) {
  return {.hidden = "5",
          .activation = "tanh",
          .optimizer = "sgd",
          .learning_rate = learning_rate,
          .schedule = "constant",
          .epochs = 1,
          .batch_size = 90,
          .l2 = 0,
          .precision = "f64"};
}

constexpr double kNoStep = 1e-300;  // leaves the weights as they were drawn

std::vector<Tensor> weights_of(const Model& model) {
  Network net = dynamic_cast<const NetModel&>(model).network();
  std::vector<Tensor> all;
  for (const NamedParameter& p : parameters(net))
    if (p.name.ends_with("weight")) all.push_back(p.parameter->value().detach());
  return all;
}

// [row][class]
std::vector<std::vector<double>> probabilities(const Model& model, const Dataset& data) {
  const Table said = model.predict(data.features());
  std::vector<std::vector<double>> all(static_cast<std::size_t>(data.num_rows()));
  for (const char* name : {"p_k0", "p_k1", "p_k2"}) {
    const Tensor p = said.column(name).numbers();
    for (std::size_t r = 0; r < all.size(); ++r) all[r].push_back(p.data<double>()[r]);
  }
  return all;
}

}  // namespace

TEST_CASE("label smoothing: the loss is that of targets (1 - s) q + s / C") {
  const Points points;
  const Dataset data = points.data();
  MlpParams params = one_step(kNoStep);
  params.label_smoothing = 0.3;
  const auto model = Mlp(params).fit(data, {.seed = 1});
  const auto p = probabilities(*model, data);
  double expected = 0;
  for (std::size_t r = 0; r < p.size(); ++r)
    for (std::size_t c = 0; c < 3; ++c)
      expected -=
          ((static_cast<std::int32_t>(c) == points.codes[r] ? 0.7 : 0) + 0.1) * std::log(p[r][c]) / 90;
  CHECK(model->loss_history()[0] == doctest::Approx(expected).epsilon(1e-9));
  std::vector<double> y;
  for (const auto& row : points.rows) y.push_back(row[0]);
  const Dataset numbers = test::regression_data(points.rows, y);
  CHECK_THROWS_WITH_AS(Mlp(params).fit(numbers),
                       doctest::Contains("mlp.label_smoothing = 0.3 is for classes; this is a regression"),
                       ParamError);
  CHECK_THROWS_WITH_AS(Mlp({.label_smoothing = 1}),
                       doctest::Contains("mlp.label_smoothing = 1 is outside [0, 1)"), ParamError);
}

TEST_CASE("l1: a step takes rate times l1 / n times the weight's sign away, beside the gradient") {
  const Dataset data = Points().data();
  const auto drawn = weights_of(*Mlp(one_step(kNoStep)).fit(data, {.seed = 1}));
  const auto plain = weights_of(*Mlp(one_step(0.1)).fit(data, {.seed = 1}));
  MlpParams params = one_step(0.1);
  params.l1 = 9;
  const auto with = weights_of(*Mlp(params).fit(data, {.seed = 1}));
  REQUIRE(with.size() == 2);
  for (std::size_t k = 0; k < with.size(); ++k)
    for (std::size_t i = 0; i < static_cast<std::size_t>(with[k].size()); ++i) {
      const double sign = drawn[k].data<double>()[i] > 0 ? 1 : -1;
      CHECK(with[k].data<double>()[i] ==
            doctest::Approx(plain[k].data<double>()[i] - 0.1 * 9 / 90 * sign).epsilon(1e-9));
    }
}

TEST_CASE("max_norm: no unit's incoming weights are longer, shorter ones stay") {
  const Dataset data = Points().data();
  MlpParams params = one_step(0.5);
  params.epochs = 30;
  const auto free = weights_of(*Mlp(params).fit(data, {.seed = 1}));
  params.max_norm = 0.8;
  const auto bound = weights_of(*Mlp(params).fit(data, {.seed = 1}));
  const auto longest = [](const std::vector<Tensor>& weights) {
    double most = 0;
    for (const Tensor& w : weights)
      for (std::int64_t r = 0; r < w.size(0); ++r) {
        double squares = 0;
        for (std::int64_t c = 0; c < w.size(1); ++c) {
          const double v = w.data<double>()[static_cast<std::size_t>(r * w.size(1) + c)];
          squares += v * v;
        }
        most = std::max(most, std::sqrt(squares));
      }
    return most;
  };
  CHECK(longest(free) > 1);
  CHECK(longest(bound) == doctest::Approx(0.8).epsilon(1e-9));
}

TEST_CASE("dropout: after each hidden layer, in training only") {
  const Network net = Network::parse(Mlp({.hidden = "8, 4", .dropout = 0.25}).network(3, 2));
  std::vector<std::string> kinds;
  for (const Network::Row& row : net.rows()) kinds.push_back(row.kind);
  const std::vector<std::string> expected{"linear", "relu", "dropout", "linear", "relu", "dropout", "linear"};
  CHECK(kinds == expected);
  CHECK(net.json().find("\"rate\":0.25") != std::string::npos);
  const Dataset data = Points().data();
  MlpParams params = one_step(kNoStep);
  const auto plain = Mlp(params).fit(data, {.seed = 1});
  params.dropout = 0.5;
  const auto with = Mlp(params).fit(data, {.seed = 1});
  CHECK(plain->loss_history() != with->loss_history());
  CHECK(probabilities(*plain, data) == probabilities(*with, data));
  CHECK_THROWS_WITH_AS(Mlp({.network = net.json(), .dropout = 0.5}),
                       doctest::Contains("mlp.dropout is set beside mlp.network"), ParamError);
}

TEST_CASE("mixup: shares follow Beta(alpha, alpha)") {
  for (const double alpha : {0.2, 1.0, 4.0}) {
    Random random(3, "beta");
    constexpr int kDraws = 40000;
    double sum = 0, squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double share = beta_share(alpha, random);
      CHECK_MESSAGE((share >= 0 && share <= 1), share);
      sum += share;
      squares += (share - 0.5) * (share - 0.5);
    }
    CHECK(sum / kDraws == doctest::Approx(0.5).epsilon(0.02));
    CHECK(squares / kDraws == doctest::Approx(1 / (4 * (2 * alpha + 1))).epsilon(0.03));
  }
}

TEST_CASE("mixup: of a small alpha almost all shares are 0 or 1, and none is 1/2 for want of numbers") {
  for (const double alpha : {1e-2, 1e-3, 1e-4, 1e-300, 1e-310}) {
    Random random(3, "beta");
    constexpr int kDraws = 20000;
    int ends = 0, ones = 0, halves = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double share = beta_share(alpha, random);
      ends += share < 1e-6 || share > 1 - 1e-6;
      ones += share > 0.5;
      halves += share == 0.5;
    }
    CAPTURE(alpha);
    // The density is about alpha / (2 s (1 - s)): the middle holds alpha log(1e6), at 0.01 14 % of the
    // shares.
    CHECK(static_cast<double>(ends) / kDraws ==
          doctest::Approx(1 - std::min(1.0, alpha * std::log(1e6))).epsilon(0.01));
    CHECK(static_cast<double>(ones) / kDraws == doctest::Approx(0.5).epsilon(0.03));
    CHECK(halves == 0);
  }
}

TEST_CASE("mixup: inputs, targets and weights of two examples are mixed by one share") {
  // Example i stands at (i, i^2, i): its class is i % 3, its weight i + 1.
  constexpr std::int64_t n = 12;
  std::vector<double> x, weights, values;
  std::vector<std::int64_t> codes;
  for (int i = 0; i < n; ++i) {
    x.insert(x.end(), {1.0 * i, 1.0 * i * i});
    codes.push_back(i % 3);
    weights.push_back(i + 1.0);
    values.push_back(10.0 * i);
  }
  const Tensor inputs = Tensor::from(x).reshape({n, 2});
  Batch classes{inputs, Tensor::from(codes), Tensor::from(weights)};
  Batch numbers{inputs, Tensor::from(values).reshape({n, 1})};
  Random random(5, "mix"), same(5, "mix");
  mix(classes, {.alpha = 1, .classes = 3}, random);
  mix(numbers, {.alpha = 1}, same);
  const Tensor q = classes.y, w = classes.weights;
  REQUIRE(q.shape() == Shape{n, 3});
  REQUIRE(w.shape() == Shape{n});
  int moved = 0;
  for (std::size_t i = 0; i < n; ++i) {
    // x1 = s i + (1 - s) j and x2 = s i^2 + (1 - s) j^2 tell j and s.
    const double x1 = classes.x.data<double>()[2 * i], x2 = classes.x.data<double>()[2 * i + 1];
    const double a = static_cast<double>(i);
    if (std::abs(x1 - a) < 1e-12) continue;  // its own partner
    ++moved;
    const double j = (x2 - a * a) / (x1 - a) - a, share = (x1 - j) / (a - j);
    CHECK(j == doctest::Approx(std::round(j)).epsilon(1e-6));
    CHECK((share >= 0 && share <= 1));
    const auto other = static_cast<std::size_t>(std::lround(j));
    double expected[3] = {};
    expected[i % 3] += share;
    expected[other % 3] += 1 - share;
    for (std::size_t c = 0; c < 3; ++c)
      CHECK(q.data<double>()[3 * i + c] == doctest::Approx(expected[c]).epsilon(1e-6));
    CHECK(w.data<double>()[i] == doctest::Approx(share * (a + 1) + (1 - share) * (j + 1)).epsilon(1e-6));
    CHECK(numbers.y.data<double>()[i] == doctest::Approx(10 * x1).epsilon(1e-9));
  }
  CHECK(moved > 6);
}

TEST_CASE("mixup: both learners train with it, weights included, and the loss is that of the mixed targets") {
  const Points points;
  const Dataset data = points.data();
  MlpParams params = one_step(kNoStep);
  params.mixup = 1;
  const auto model = Mlp(params).fit(data, {.seed = 1});
  // Between the points the loss differs from that at them.
  const auto plain = Mlp(one_step(kNoStep)).fit(data, {.seed = 1});
  CHECK(std::abs(model->loss_history()[0] - plain->loss_history()[0]) > 1e-4);
  params = one_step(0.3);
  params.epochs = 60;
  params.mixup = 0.4;
  const auto p = probabilities(*Mlp(params).fit(data, {.seed = 1}), data);
  int right = 0;
  for (std::size_t r = 0; r < p.size(); ++r)
    right += std::max_element(p[r].begin(), p[r].end()) - p[r].begin() == points.codes[r];
  CHECK(right > 45);  // chance: 30
  std::vector<double> y, weights(90, 2);
  for (const auto& row : points.rows) y.push_back(row[0] + row[1]);
  weights[0] = 1;
  CHECK_NOTHROW(Mlp({.epochs = 3, .mixup = 1}).fit(test::regression_data(points.rows, y, weights)));

  Tensor pixels = Tensor::empty({40, 4, 4, 1}, DType::u8);
  std::vector<std::int32_t> codes(40);
  auto to = pixels.mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < 40; ++i) {
    codes[i] = static_cast<std::int32_t>(i % 2);
    for (std::size_t k = 0; k < 16; ++k)
      to[16 * i + k] = static_cast<std::uint8_t>(10 * (i % 7) + 150 * (i % 2));
  }
  const Dataset pictures(Table({Column::image("image", pixels),
                                Column::category("label", Tensor::from(codes), {"dark", "bright"})}),
                         {.roles = {.target = "label"}});
  const auto seen = Cnn({.channels = "4",
                         .epochs = 12,
                         .l1 = 1e-4,
                         .max_norm = 3,
                         .label_smoothing = 0.1,
                         .mixup = 0.2,
                         .ema = 0.9})
                        .fit(pictures, {.seed = 1});
  const Column decided = seen->predict(pictures.features()).column("prediction");
  std::int64_t correct = 0;
  for (std::int64_t r = 0; r < 40; ++r) correct += decided.cell(r) == (r % 2 == 1 ? "bright" : "dark");
  CHECK(correct >= 36);
}
