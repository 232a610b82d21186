// D1W2-A2, X-1: cat or not by logistic regression, the pixels being its inputs; and the same through four
// ways of declaring a network.
#include <fmt/format.h>

#include <array>

#include "cairn/nn/sequential.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/optim/momentum.h"
#include "recipes/cats.h"
#include "recipes/list.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

constexpr std::int64_t kPixels = 12288;
constexpr double kRate = 0.005;
constexpr int kSteps = 2000, kSweepSteps = 1500, kEvery = 100;

// One weighted sum, everything 0 at first.
Network one_sum(std::int64_t inputs) {
  Network net = dense_network({inputs, 1});
  for (const NamedParameter& p : parameters(net))
    p.parameter->set(Tensor::zeros(p.parameter->shape(), DType::f64));
  return net;
}

struct Small {  // the labs' literals: examples are columns there
  Network net = one_sum(2);
  Examples data;
  Small(const std::vector<double>& w, double b, const std::vector<double>& columns,
        const std::vector<double>& y)
      : data{of(columns, {2, 3}).transpose().contiguous(), of(y, {3, 1})} {
    const auto all = parameters(net);
    all[0].parameter->set(of(w, {1, 2}));
    all[1].parameter->set(of({b}));
  }
};

void check_propagate(Outcome& o, const std::string& edition, Small given, const std::vector<const char*>& dw,
                     const char* db, const char* cost) {
  const Tensor z = given.net(given.data.x), loss = bce_with_logits(z, given.data.y);
  const Gradients g = backward(loss, given.net);
  const auto all = parameters(given.net);
  check_values(o, "propagate " + edition + ": dw", g.of(all[0].parameter->value()), dw);
  check_values(o, "propagate " + edition + ": db", g.of(all[1].parameter->value()), {db});
  // As the lab writes it, from rounded probabilities: the last three digits are that rounding.
  o.checks.push_back(printed("propagate " + edition + ": cost", bce(sigmoid(z), given.data.y).item(), cost));
}

void check_units(Outcome& o) {
  check_propagate(o, "of 2018", {{1, 2}, 2, {1, 2, -1, 3, 4, -3.2}, {1, 0, 1}}, {"0.99845601", "2.39507239"},
                  "0.001455578136784208", "5.801545319394553");
  check_propagate(o, "of 2021", {{1, 2}, 1.5, {1, -2, -1, 3, .5, -3.2}, {1, 1, 0}},
                  {"0.25071532", "-0.06604096"}, "-0.1250040450043965", "0.15900537707692405");
  Small given({1, 2}, 2, {1, 2, -1, 3, 4, -3.2}, {1, 0, 1});
  SgdOptimizer opt(given.net, {.learning_rate = 0.009});
  const auto all = parameters(given.net);
  for (int i = 0; i < 100; ++i) {
    const Gradients g = backward(bce_with_logits(given.net(given.data.x), given.data.y), given.net);
    if (i == 99) {
      check_values(o, "optimize: last dw", g.of(all[0].parameter->value()), {"0.67752042", "1.41625495"});
      check_values(o, "optimize: last db", g.of(all[1].parameter->value()), {"0.21919450454067654"});
    }
    opt.step(g);
  }
  check_values(o, "optimize: w", all[0].parameter->value(), {"0.19033591", "0.12259159"});
  check_values(o, "optimize: b", all[1].parameter->value(), {"1.9253598300845747"});
  const Small decides({.1124579, .23106775}, -.3, {1, -1.1, -3.2, 1.2, 2, .1}, {0, 0, 0});
  const Tensor p = sigmoid(decides.net(decides.data.x));
  check_values(o, "predict", greater(p, Tensor::full({1}, 0.5, DType::f64)).to(DType::f64), {"1", "1", "0"});
}

constexpr std::array kCosts{"0.693147", "0.584508", "0.466949", "0.376007"};

void check_costs(Outcome& o, const std::vector<double>& costs) {
  for (std::size_t i = 0; i < costs.size() && i < kCosts.size(); ++i)
    o.checks.push_back(
        printed(fmt::format("cost before step {}", kEvery * static_cast<int>(i)), costs[i], kCosts[i]));
}

void check_sizes(Outcome& o, const Cats& cats) {
  check_shape(o, "training pictures, flattened", cats.train.x.shape(), {"209", "12288"});
  check_shape(o, "test pictures, flattened", cats.test.x.shape(), {"50", "12288"});
  check_values(o, "the first picture's first bytes", cats.train.x.slice(0, 0, 1).slice(1, 0, 5) * 255.0,
               {"17", "31", "56", "22", "33"});
}

void check_rates(Outcome& o, const Cats& cats) {
  struct Row {
    double rate;
    const char *train, *test;
  };
  Chart chart{.title = "Cost against steps, by learning rate", .x = "step", .y = "cost"};
  for (const Row& row : {Row{0.01, "99.52", "68"}, Row{0.001, "88.995", "64"}, Row{0.0001, "68.42", "36"}}) {
    Network net = one_sum(kPixels);
    SgdOptimizer opt(net, {.learning_rate = row.rate});
    const std::vector<double> costs = descend(net, opt, cats.train, kSweepSteps, kEvery);
    o.checks.push_back(printed(fmt::format("rate {}: accuracy, training, %", row.rate),
                               100 * accuracy(net, cats.train), row.train));
    o.checks.push_back(printed(fmt::format("rate {}: accuracy, test, %", row.rate),
                               100 * accuracy(net, cats.test), row.test));
    chart.series.push_back(loss_line(fmt::format("{}", row.rate), costs, kEvery));
  }
  o.charts.push_back(std::move(chart));
}

Album weights_as_picture(Network& net) {
  return {.title = "The weights",
          .about =
              "One weight a byte of the picture: what is bright there speaks for a cat, what is dark against "
              "it.",
          .pictures = {
              {shades(parameters(net)[0].parameter->value().reshape({64, 64, 3})), "209 pictures by heart"}}};
}

Outcome run(const DataFolder& data) {
  Outcome o;
  check_units(o);
  const Cats cats = read_cats(data);
  check_sizes(o, cats);
  Network net = one_sum(kPixels);
  SgdOptimizer opt(net, {.learning_rate = kRate});
  const std::vector<double> costs = descend(net, opt, cats.train, kSteps, kEvery);
  check_costs(o, costs);
  o.checks.push_back(printed("accuracy, training, %", 100 * accuracy(net, cats.train), "99.04306220095694"));
  o.checks.push_back(printed("accuracy, test, %", 100 * accuracy(net, cats.test), "70.0"));
  o.charts.push_back({.title = "Cost against steps",
                      .x = "step",
                      .y = "cost",
                      .series = {loss_line("rate 0.005", costs, kEvery)}});
  check_rates(o, cats);
  o.albums = {judged_cats(net, cats), wrong_cats(wrong_rows(net, cats.test), cats), weights_as_picture(net)};
  return o;
}

Outcome brief(const DataFolder& data) {
  Outcome o;
  check_units(o);
  const Cats cats = read_cats(data);
  check_sizes(o, cats);
  Network net = one_sum(kPixels);
  SgdOptimizer opt(net, {.learning_rate = kRate});
  check_costs(o, descend(net, opt, cats.train, 301, kEvery));
  return o;
}

// A person's own class: layers as members, called as the person likes.
struct OwnClass {
  Linear logit{LinearParams{.in = kPixels, .out = 1}};
  Tensor operator()(const Tensor& x) const { return logit(x); }
  void visit(Visitor& v) { v.child("logit", logit); }
};

struct Reached {
  std::vector<double> costs, weights;
  double train = 0, test = 0;
};

template <class Net>
Reached trained(Net net, const Cats& cats, int steps) {
  convert(net, DType::f64);
  for (const NamedParameter& p : parameters(net))
    p.parameter->set(Tensor::zeros(p.parameter->shape(), DType::f64));
  SgdOptimizer opt(net, {.learning_rate = kRate});
  Reached reached{.costs = descend(net, opt, cats.train, steps, kEvery), .weights = {}};
  for (const NamedParameter& p : parameters(net)) {
    const auto values = p.parameter->value().template data<double>();
    reached.weights.insert(reached.weights.end(), values.begin(), values.end());
  }
  reached.train = accuracy(net, cats.train);
  reached.test = accuracy(net, cats.test);
  return reached;
}

Outcome two_apis(const DataFolder& data, int steps) {
  const Cats cats = read_cats(data);
  const std::vector<std::pair<const char*, Reached>> ways{
      {"sequential, in code", trained(Sequential{Linear({.in = kPixels, .out = 1})}, cats, steps)},
      {"functional, in code", trained(OwnClass(), cats, steps)},
      {"sequential, in JSON",
       trained(Network::parse(R"({"input": [12288], "layers": [{"layer": "linear", "out": 1}]})"), cats,
               steps)},
      {"functional, in JSON", trained(Network::parse(R"({"input": [12288], "output": "logit",
           "layers": [{"layer": "linear", "out": 1, "name": "logit", "from": "input"}]})"),
                                      cats, steps)}};
  Outcome o;
  Chart chart{.title = "Cost against steps", .x = "step", .y = "cost"};
  for (const auto& [name, reached] : ways) {
    for (std::size_t i = 0; i < reached.costs.size() && i < kCosts.size(); ++i)
      o.checks.push_back(printed(fmt::format("{}: cost before step {}", name, kEvery * static_cast<int>(i)),
                                 reached.costs[i], kCosts[i]));
    if (steps == kSteps) {
      o.checks.push_back(
          printed(fmt::format("{}: accuracy, training, %", name), 100 * reached.train, "99.04306220095694"));
      o.checks.push_back(printed(fmt::format("{}: accuracy, test, %", name), 100 * reached.test, "70.0"));
    }
    o.checks.push_back(
        printed(fmt::format("{}: all weights are those of the first way, to the last bit", name),
                reached.weights == ways[0].second.weights ? 1 : 0, "1"));
    chart.series.push_back(loss_line(name, reached.costs, kEvery));
  }
  o.charts.push_back(std::move(chart));
  return o;
}
Outcome run_apis(const DataFolder& data) { return two_apis(data, kSteps); }
Outcome brief_apis(const DataFolder& data) { return two_apis(data, kEvery + 1); }

}  // namespace

const Recipe kCatsLogistic{
    "cats-logistic-regression",
    "D1W2-A2",
    "Cat or not: logistic regression as a network",
    "One weight a byte: 209 pictures are learned by heart, and seven of ten new ones are "
    "right.",
    "course_dl",
    run,
    "half a minute",
    brief};
const Recipe kCatsTwoApis{"cats-two-apis",
                          "X-1",
                          "Cat or not: sequential and functional, in code and in JSON",
                          "Four ways to declare one network: the same weights to the last bit.",
                          "course_dl",
                          run_apis,
                          "half a minute",
                          brief_apis};

}  // namespace cairn::recipes
