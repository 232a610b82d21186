// M2W2-L1, L2, L3: rectifiers, softmax and its loss in two forms, four classes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/nn/activation.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/adam.h"
#include "cairn/train/trainer.h"
#include "recipes/columns.h"
#include "recipes/course_data.h"
#include "recipes/list.h"
#include "recipes/networks.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

Outcome run_rectifiers(const DataFolder&) {
  // Down to (1, 0), flat to (2, 0), up to (3, 3): three units, their kinks at 0, 1 and 2.
  const Linear first = layer_of(of({1, 1, 1}, {3, 1}), of({0, -1, -2})),
               last = layer_of(of({-2, 2, 3}, {1, 3}), of({2}));
  const auto bent = [&](const Tensor& x) { return last(relu(first(x))); };
  Outcome o;
  check_values(o, "at 0, 0.5, 1, 1.5, 2, 2.5, 3", bent(of({0, 0.5, 1, 1.5, 2, 2.5, 3}, {7, 1})),
               {"2.00", "1.00", "0.00", "0.00", "0.00", "1.50", "3.00"});
  Series whole{.name = "all three"};
  std::vector<Series> units(3);
  for (const double x : linspace(0, 3, 61)) {
    const Tensor hidden = relu(first(of({x}, {1, 1})));
    whole.points.emplace_back(x, last(hidden).item());
    for (std::int64_t u = 0; u < 3; ++u) {
      Series& s = units[static_cast<std::size_t>(u)];
      s.name = fmt::format("unit {}", u);
      s.points.emplace_back(x, hidden.item({0, u}));
    }
  }
  o.charts.push_back({.title = "A line of three pieces",
                      .x = "x",
                      .y = "y",
                      .series = {whole, units[0], units[1], units[2]}});
  o.remarks = {
      "The lab lets one turn sliders until the pieces fit; these weights follow from the slopes: each "
      "unit adds the change of slope at its kink."};
  return o;
}

const std::vector<std::pair<double, double>>& centers() {
  static const std::vector<std::pair<double, double>> all{{-5, 2}, {-2, -2}, {1, 2}, {5, -2}};
  return all;
}

double share_wrong(const Network& net, const Blobs& data) {
  return static_cast<double>(wrong_rows(net, {data.x, data.y}).size()) / static_cast<double>(data.y.size());
}

Chart clouds_chart(const Network& net, const Blobs& data) {
  Chart chart{.title = "Four clouds and what is decided where", .x = "x0", .y = "x1"};
  constexpr std::int64_t kAcross = 40, kUp = 20;
  Values grid;
  for (const double a : linspace(-8, 8, kAcross))
    for (const double b : linspace(-5, 5, kUp)) grid.push_back(a), grid.push_back(b);
  const Tensor at = of(grid, {kAcross * kUp, 2});
  const NoGrad no_grad;
  const Tensor decided = argmax(net(at), 1);
  for (std::int64_t c = 0; c < 4; ++c) {
    Series region{.name = fmt::format("decided for {}", c), .kind = "points"};
    for (std::int64_t i = 0; i < at.size(0); ++i)
      if (decided.item({i}) == static_cast<double>(c))
        region.points.emplace_back(at.item({i, 0}), at.item({i, 1}));
    chart.series.push_back(std::move(region));
  }
  Series points{.name = "examples", .kind = "points"};
  for (std::int64_t i = 0; i < data.y.size(); ++i)
    points.points.emplace_back(data.x.item({i, 0}), data.x.item({i, 1}));
  chart.series.push_back(std::move(points));
  return chart;
}

struct Fit {
  Network net;
  std::vector<double> losses;  // an epoch each
};

// The loss from logits, or from the probabilities that a softmax makes of them.
Fit fitted(const char* network, std::uint64_t seed, double rate, std::int64_t epochs, const Blobs& data,
           bool from_probabilities) {
  Fit fit{Network::parse(network), {}};
  convert(fit.net, DType::f64);
  initialise(fit.net, seed);
  Adam opt(fit.net, {.learning_rate = rate});
  const Loader loader(data.x, data.y, {.batch_size = 32, .shuffle = true, .seed = seed});
  const History history = Trainer({.epochs = epochs}).fit(fit.net, opt, loader, [&](const Batch& b) {
    const Tensor z = fit.net(b.x);
    return from_probabilities ? nll(log(softmax(z)), b.y) : cross_entropy(z, b.y);
  });
  for (const Epoch& e : history.epochs) fit.losses.push_back(e.loss);
  return fit;
}

constexpr const char* kThreeLayers =
    R"({"input": [2], "layers": [{"layer": "linear", "out": 25}, "relu",
    {"layer": "linear", "out": 15}, "relu", {"layer": "linear", "out": 4}]})";
constexpr const char* kTwoUnits =
    R"({"input": [2], "layers": [{"layer": "linear", "out": 2}, "relu", {"layer": "linear", "out": 4}]})";

Outcome run_softmax(const DataFolder&) {
  const Blobs data = blobs(2000, centers(), 1, 30);
  const Fit probabilities = fitted(kThreeLayers, 1, 0.001, 10, data, true),
            logits = fitted(kThreeLayers, 1, 0.001, 10, data, false);
  Outcome o;
  o.checks = {level("from probabilities: loss of the first epoch (the course: 0.8312)",
                    probabilities.losses[0], "about 0.96 +- 0.3"),
              level("from logits: loss of the first epoch (the course: 1.0936)", logits.losses[0],
                    "about 0.96 +- 0.3"),
              level("from logits: loss of the last epoch", logits.losses.back(), "<= 0.1")};
  double apart = 0;
  for (std::size_t i = 0; i < 10; ++i)
    apart = std::max(apart, std::abs(probabilities.losses[i] - logits.losses[i]));
  o.checks.push_back(level("largest difference of the two forms' losses, from one start", apart, "<= 1e-9"));
  const NoGrad no_grad;
  const Tensor p = softmax(logits.net(data.x));
  o.checks.push_back(level("a row of probabilities: its sum, less 1, at most",
                           max(abs(sum(p, 1) - 1.0)).item(), "<= 1e-12"));
  o.checks.push_back(level("the largest probability (the course: 0.9999995)", max(p).item(), ">= 0.9999"));
  o.checks.push_back(level("share of wrong classes", share_wrong(logits.net, data), "<= 0.03"));
  // Where the two forms part: the softmax of these is 1 and 0, and the logarithm of 0 is lost.
  const Tensor far = of({0, 800}, {1, 2}), first = Tensor::from(std::vector<std::int64_t>{0});
  o.checks.push_back(
      printed("logits 0 and 800, class 0: loss from logits", cross_entropy(far, first).item(), "800"));
  o.charts = {{.title = "Loss against epochs",
               .x = "epoch",
               .y = "loss",
               .series = {loss_line("from probabilities", probabilities.losses),
                          loss_line("from logits", logits.losses)}},
              clouds_chart(logits.net, data)};
  o.remarks.push_back(
      fmt::format("The lab's two first losses, 0.8312 and 1.0936, come from two starts; from one start both "
                  "forms give {:.4f}. Of logits 0 and 800 the probabilities' form makes {}.",
                  logits.losses[0], nll(log(softmax(far)), first).item()));
  return o;
}

Outcome run_clouds(const DataFolder&) {
  const Blobs data = blobs(100, centers(), 1, 30);
  Outcome o;
  check_values(o, "labels", data.y, {"3", "3", "3", "0", "3", "3", "3", "3", "2", "0"});
  std::vector<Fit> starts;  // two rectifiers: a start may leave one dead
  for (const std::uint64_t seed : {1, 2, 3})
    starts.push_back(fitted(kTwoUnits, seed, 0.01, 200, data, false));
  const Fit& best = *std::ranges::min_element(starts, {}, [](const Fit& f) { return f.losses.back(); });
  o.checks.push_back(level("loss of the last epoch, best of three starts (the course: 0.0300)",
                           best.losses.back(), "<= 0.1"));
  o.checks.push_back(level("share of wrong classes", share_wrong(best.net, data), "<= 0.03"));
  o.charts = {clouds_chart(best.net, data),
              {.title = "Loss against epochs",
               .x = "epoch",
               .y = "loss",
               .series = {loss_line("best start", best.losses)}}};
  return o;
}

}  // namespace

const Recipe kRectifiers{
    "rectifiers",
    "M2W2-L1",
    "Rectifiers make any shape of straight pieces",
    "Each unit is off on one side of its kink, so it bends the line there and nowhere else.",
    "",
    run_rectifiers};
const Recipe kSoftmaxForms{
    "softmax",
    "M2W2-L2",
    "Softmax, and its loss in two forms",
    "Cross-entropy from probabilities and from logits is one number, until a probability is "
    "rounded to 0.",
    "",
    run_softmax};
const Recipe kFourClouds{"four-clouds",
                         "M2W2-L3",
                         "Four classes by two rectifiers",
                         "Two units fold the plane so that a softmax can tell four clouds.",
                         "",
                         run_clouds};

}  // namespace cairn::recipes
