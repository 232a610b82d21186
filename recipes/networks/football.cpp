// D2W1-A2: what a penalty and dropout do to a network that learns by heart.
#include "cairn/nn/activation.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "recipes/list.h"
#include "recipes/values.h"
#include "recipes/ways.h"

namespace cairn::recipes {
namespace {

// The lab's tests: their arrays have an example a column, ours a row.
Tensor five_targets() { return of({1, 1, 0, 1, 0}, {5, 1}); }

Tensor penalty_of(const std::vector<Tensor>& weights, double lambda) {
  Tensor total;
  for (const Tensor& w : weights) {
    const Tensor part = sum(square(w)) * (lambda / (2 * 5));
    total = total.defined() ? total + part : part;
  }
  return total;
}

void check_penalised_cost(Outcome& o) {
  numpy::RandomState random(1);
  std::vector<Tensor> weights;
  for (const auto& [rows, columns] : {std::pair(2, 3), std::pair(3, 2), std::pair(1, 3)}) {
    weights.push_back(randn(random, {rows, columns}));
    randn(random, {rows, 1});  // the bias
  }
  const Tensor cost =
      bce(of({0.40682402, 0.01629284, 0.16722898, 0.10118111, 0.40682402}, {5, 1}), five_targets());
  // The probabilities that the lab writes out carry eight digits, and so does what comes of them.
  o.checks.push_back(
      printed("penalised cost", (cost + penalty_of(weights, 0.1)).item(), "1.7864859451590758"));
}

// Weights of the lab's cache, written out with eight digits: 3-2-3-1.
struct Written {
  Tensor w1 = of({-1.09989127, -0.17242821, -0.87785842, 0.04221375, 0.58281521, -1.10061918}, {2, 3});
  Tensor b1 = of({1.14472371, 0.90159072});
  Tensor w2 = of({0.50249434, 0.90085595, -0.68372786, -0.12289023, -0.93576943, -0.26788808}, {3, 2});
  Tensor b2 = of({0.53035547, -0.69166075, -0.39675353});
  Tensor w3 = of({-0.6871727, -0.84520564, -0.67124613}, {1, 3});
  Tensor b3 = of({-0.0126646});
};

void check_penalised_backward(Outcome& o) {
  numpy::RandomState random(1);
  const Tensor x = randn(random, {3, 5}).transpose().contiguous();
  const Written w;
  const Tensor w1 = watched(w.w1), w2 = watched(w.w2), w3 = watched(w.w3);
  const Tensor z = linear(relu(linear(relu(linear(x, w1, w.b1)), w2, w.b2)), w3, w.b3);
  const Gradients g = backward(bce_with_logits(z, five_targets()) + penalty_of({w1, w2, w3}, 0.7));
  check_values(o, "penalised backward: dW1", g.of(w1),
               {"-0.25604646", "0.12298827", "-0.28297129", "-0.17706303", "0.34536094", "-0.4410571"});
  check_values(o, "penalised backward: dW2", g.of(w2),
               {"0.79276486", "0.85133918", "-0.0957219", "-0.01720463", "-0.13100772", "-0.03750433"});
  check_values(o, "penalised backward: dW3", g.of(w3), {"-1.77691347", "-0.11832879", "-0.09397446"});
}

void check_dropout_forward(Outcome& o) {
  constexpr double kKeep = 0.7;
  numpy::RandomState random(1), masks(1);
  Tensor a = randn(random, {3, 5}).transpose().contiguous();
  for (const auto& [out, in] : {std::pair(2, 3), std::pair(3, 2), std::pair(1, 3)}) {
    const Tensor w = randn(random, {out, in}), b = randn(random, {out}), z = linear(a, w, b);
    if (out == 1) {
      check_values(o, "dropout forward: A3", sigmoid(z),
                   {"0.36974721", "0.00305176", "0.04565099", "0.49683389", "0.36974721"});
      return;
    }
    const Tensor drawn = Tensor::from(masks.rand(out * 5)).reshape({out, 5});
    a = relu(z) * less(drawn, Tensor::full({1}, kKeep, DType::f64)).to(DType::f64).transpose() / kKeep;
  }
}

// The lab's cache, an example a column: where units rest, what came before the second rectifier, the result.
void check_dropout_backward(Outcome& o) {
  constexpr double kKeep = 0.8;
  const Written w;
  const Tensor d1 = of({1, 0, 1, 1, 1, 1, 1, 1, 1, 0}, {2, 5}).transpose().contiguous(),
               d2 = of({1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0}, {3, 5}).transpose().contiguous();
  const Tensor z2 = watched(
      of({0.53035547, 8.02565606, 4.10524802, 5.78975856, 0.53035547, -0.69166075, -1.71413186, -3.81223329,
          -4.61667916, -0.69166075, -0.39675353, -2.62563561, -4.82528105, -6.0607449, -0.39675353},
         {3, 5})
          .transpose()
          .contiguous());
  const Tensor a3 = of({0.32266394, 0.49683389, 0.00348883, 0.49683389, 0.32266394}, {5, 1});
  const Tensor a2 = watched(Tensor::zeros({5, 3}, DType::f64)),
               a1 = watched(Tensor::zeros({5, 2}, DType::f64));
  const Tensor da2 = backward(linear(a2 * d2 / kKeep, w.w3, w.b3), {.gradient = a3 - five_targets()}).of(a2);
  const Tensor dz2 = backward(relu(z2), {.gradient = da2}).of(z2);
  const Tensor da1 = backward(linear(a1 * d1 / kKeep, w.w2, w.b2), {.gradient = dz2}).of(a1);
  check_values(o, "dropout backward: dA1", da1.transpose(),
               {"0.36544439", "0.00000000", "-0.00188233", "0.00000000", "-0.17408748", "0.65515713",
                "0.00000000", "-0.00337459", "0.00000000", "0.00000000"});
  check_values(o, "dropout backward: dA2", da2.transpose(),
               {"0.58180856", "0.00000000", "-0.00299679", "0.00000000", "-0.27715731", "0.00000000",
                "0.53159854", "0.00000000", "0.53159854", "-0.34089673", "0.00000000", "0.00000000",
                "-0.00292733", "0.00000000", "0.00000000"});
}

void check_units(Outcome& o) {
  check_penalised_cost(o);
  check_penalised_backward(o);
  check_dropout_forward(o);
  check_dropout_backward(o);
}

Outcome run(const DataFolder& data) {
  constexpr std::uint32_t kEvery = 1000;  // passes between two points of the chart
  const Field field = read_field(data);
  const std::vector<Way> ways = ways_on_the_field();
  Outcome o;
  Chart chart{.title = "Cost against steps", .x = "step", .y = "cost"};
  for (const Way& way : ways) {
    OneNetwork net(way.options, field.train);
    const std::vector<double> costs = net.train(way.passes, kEvery);
    std::vector<double> seen;
    for (std::size_t i = 0; i < costs.size(); i += way.every / kEvery) seen.push_back(costs[i]);
    const std::string with = std::string("with ") + way.name;
    check_costs(o, with, way, seen);
    o.checks.push_back(printed(with + ": accuracy, training", net.accuracy(field.train), way.train));
    o.checks.push_back(printed(with + ": accuracy, unseen", net.accuracy(field.unseen), way.unseen));
    chart.series.push_back(loss_line(with, costs, kEvery));
    o.charts.push_back(net.picture("The boundary " + with));
  }
  o.charts.push_back(std::move(chart));
  OneNetworkOptions own = ways.back().options;
  own.course_masks = false;
  OneNetwork net(own, field.train);
  net.train(ways.back().passes, kEvery);
  o.checks.push_back(
      level("with dropout anew in every step: accuracy, unseen", net.accuracy(field.unseen), ">= 0.93"));
  check_units(o);
  o.remarks = {
      "The lab draws its masks from seed 1 in every forward pass, so that the same units rest in every "
      "step; the last number is of the layer `dropout`, whose masks change.",
      "Penalty and dropout cost some of the training accuracy and win accuracy on unseen points."};
  return o;
}

// The first cost of each, and the penalty's second.
Outcome brief(const DataFolder& data) {
  const Field field = read_field(data);
  Outcome o;
  for (const Way& way : ways_on_the_field()) {
    const std::uint32_t passes = way.options.penalty > 0 ? way.every + 1 : 1;
    OneNetwork net(way.options, field.train);
    check_costs(o, std::string("with ") + way.name, way, net.train(passes, way.every));
  }
  check_units(o);
  return o;
}

}  // namespace

const Recipe kFootball{"football-regularisation",
                       "D2W1-A2",
                       "Penalty and dropout: where to kick the ball",
                       "Two ways to keep a network from learning its examples by heart, and what each costs.",
                       "course_dl",
                       run,
                       "ten seconds",
                       brief};

}  // namespace cairn::recipes
