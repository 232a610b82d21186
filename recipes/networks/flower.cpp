// D1W3-A1, X-2: points on the petals of a flower by one hidden layer, and networks as a framework writes
// them.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "cairn/nn/activation.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/momentum.h"
#include "recipes/cats.h"
#include "recipes/list.h"
#include "recipes/planar.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

Network hidden_network(std::int64_t units, std::uint32_t seed = 2) {
  Network net = dense_network({2, units, 1}, "tanh");
  draw(net, seed, hundredth);
  return net;
}

template <class Net>
std::vector<double> descended(Net& net, const Examples& data, int steps, int every, double rate = 1.2) {
  SgdOptimizer opt(net, {.learning_rate = rate});
  return descend(net, opt, data, steps, every);
}

Examples flower_examples() {
  const Planar points = flower();
  return {points.x, points.y};
}

// Three points of the labs' tests: drawn, their classes the signs of what is drawn next.
Examples three_points() {
  numpy::RandomState random(1);
  const Tensor x = randn(random, {2, 3}).transpose().contiguous();
  const Tensor y = greater(randn(random, {1, 3}), Tensor::zeros({1, 3}, DType::f64)).to(DType::f64);
  return {x, y.reshape({3, 1})};
}

// The weights of initialize_parameters as the lab's tests write them out.
Sequential written_out(const Tensor& b1, const Tensor& b2) {
  return {layer_of(of({-0.00416758, -0.00056267, -0.02136196, 0.01640271, -0.01793436, -0.00841747,
                       0.00502881, -0.01245288},
                      {4, 2}),
                   b1),
          Tanh(), layer_of(of({-0.01057952, -0.00909008, 0.00551454, 0.02292208}, {1, 4}), b2)};
}

void check_start_and_forward(Outcome& o) {
  Network net = hidden_network(4);
  const auto drawn = parameters(net);
  check_values(o, "initial W1", drawn[0].parameter->value(),
               {"-0.00416758", "-0.00056267", "-0.02136196", "0.01640271", "-0.01793436", "-0.00841747",
                "0.00502881", "-0.01245288"});
  check_values(o, "initial W2", drawn[2].parameter->value(),
               {"-0.01057952", "-0.00909008", "0.00551454", "0.02292208"});
  numpy::RandomState random(1);
  const Tensor x = randn(random, {2, 3}).transpose(), b1 = randn(random, {4});
  const Sequential given = written_out(b1, of({-1.3}));
  const Tensor z1 = given[0](x), a1 = tanh(z1), z2 = given[2](a1), a2 = sigmoid(z2);
  o.checks.push_back(printed("forward: mean of Z1", mean(z1).item(), "0.26281864019752443"));
  o.checks.push_back(printed("forward: mean of A1", mean(a1).item(), "0.09199904522700109"));
  o.checks.push_back(printed("forward: mean of Z2", mean(z2).item(), "-1.3076660128732143"));
  o.checks.push_back(printed("forward: mean of A2", mean(a2).item(), "0.21287768171914198"));
}

void check_backward_and_step(Outcome& o) {
  const Examples data = three_points();
  numpy::RandomState random(1);
  const Tensor y = greater(randn(random, {1, 3}), Tensor::zeros({1, 3}, DType::f64)).to(DType::f64);
  o.checks.push_back(
      printed("cost", bce(of({0.5002307, 0.49985831, 0.50023963}, {1, 3}), y).item(), "0.6930587610394646"));
  Sequential net = written_out(Tensor::zeros({4}, DType::f64), Tensor::zeros({1}, DType::f64));
  const Gradients g = backward(bce_with_logits(net(data.x), data.y), net);
  const auto all = parameters(net);
  const auto gradient = [&](std::size_t i) { return g.of(all[i].parameter->value()); };
  check_values(o, "backward: dW1", gradient(0),
               {"0.00301023", "-0.00747267", "0.00257968", "-0.00641288", "-0.00156892", "0.003893",
                "-0.00652037", "0.01618243"});
  check_values(o, "backward: db1", gradient(1), {"0.00176201", "0.00150995", "-0.00091736", "-0.00381422"});
  check_values(o, "backward: dW2", gradient(2), {"0.00078841", "0.01765429", "-0.00084166", "-0.01022527"});
  check_values(o, "backward: db2", gradient(3), {"-0.16655712"});
  Sequential before{
      layer_of(of({-0.00615039, 0.0169021, -0.02311792, 0.03137121, -0.0169217, -0.01752545, 0.00935436,
                   -0.05018221},
                  {4, 2}),
               of({-8.97523455e-07, 8.15562092e-06, 6.04810633e-07, -2.54560700e-06})),
      Tanh(), layer_of(of({-0.0104319, -0.04019007, 0.01607211, 0.04440255}, {1, 4}), of({9.14954378e-05}))};
  const std::vector<Tensor> along{
      of({0.00023322, -0.00205423, 0.00082222, -0.00700776, -0.00031831, 0.0028636, -0.00092857, 0.00809933},
         {4, 2}),
      of({1.05570087e-07, -3.81814487e-06, -1.90155145e-07, 5.46467802e-07}),
      of({-1.75740039e-05, 3.70231337e-03, -1.25683095e-03, -2.55715317e-03}, {1, 4}), of({-1.08923140e-05})};
  SgdOptimizer opt(before, {.learning_rate = 1.2});
  step_along(before, opt, along);
  const auto after = parameters(before);
  check_values(o, "step: W1", after[0].parameter->value(),
               {"-0.00643025", "0.01936718", "-0.02410458", "0.03978052", "-0.01653973", "-0.02096177",
                "0.01046864", "-0.05990141"});
  check_values(o, "step: b1", after[1].parameter->value(),
               {"-1.02420756e-06", "1.27373948e-05", "8.32996807e-07", "-3.20136836e-06"});
  check_values(o, "step: W2", after[2].parameter->value(),
               {"-0.01041081", "-0.04463285", "0.01758031", "0.04747113"});
  check_values(o, "step: b2", after[3].parameter->value(), {"0.00010457"});
}

void check_small_model(Outcome& o) {
  constexpr int kSteps = 10000;
  const Examples data = three_points();
  Network net = hidden_network(4);
  const std::vector<double> costs = descended(net, data, kSteps, kSteps);
  o.checks.push_back(printed("three points: cost before step 0", costs[0], "0.692739"));
  const auto all = parameters(net);
  check_values(o, "three points, rate 1.2: W1", all[0].parameter->value(),
               {"-0.65848169", "1.21866811", "-0.76204273", "1.39377573", "0.5792005", "-1.10397703",
                "0.76773391", "-1.41477129"});
  check_values(o, "three points, rate 1.2: W2", all[2].parameter->value(),
               {"-2.45566237", "-3.27042274", "2.00784958", "3.36773273"});
  check_values(o, "three points, rate 1.2: b2", all[3].parameter->value(), {"0.20459656"});
  Network slower = hidden_network(4);
  descended(slower, data, kSteps, kSteps, 1.02);
  const auto other = parameters(slower);
  check_values(o, "three points, rate 1.02: W1", other[0].parameter->value(), {"-0.65400312", "1.21068652"});
  check_values(o, "three points, rate 1.02: W2", other[2].parameter->value(),
               {"-2.42329584", "-3.22274999", "1.97978376", "3.31771228"});
  check_values(o, "three points, rate 1.02: b2", other[3].parameter->value(), {"0.20282644"});
}

constexpr std::array kCosts{"0.693048", "0.288083", "0.254385", "0.233864",
                            "0.226792", "0.222644", "0.219731", "0.217504"};

// From step 8000 on the descent is chaotic: in NumPy itself, weights that differ by 1e-17 at first give
// 0.219465 or 0.219485, by 1e-15 0.219598, where the course prints 0.219477.
void check_costs(Outcome& o, const std::vector<double>& costs) {
  for (std::size_t i = 0; i < costs.size() && i < kCosts.size(); ++i)
    o.checks.push_back(printed(fmt::format("cost before step {}", 1000 * i), costs[i], kCosts[i]));
  const char* const late[] = {"about 0.219477 +- 0.0002", "about 0.218613 +- 0.0002"};
  for (std::size_t i = kCosts.size(); i < costs.size(); ++i)
    o.checks.push_back(
        level(fmt::format("cost before step {} (chaotic)", 1000 * i), costs[i], late[i - kCosts.size()]));
}

void check_hidden_units(Outcome& o, const Examples& data) {
  Series points{.name = "accuracy", .kind = "points"};
  for (const auto& [units, printed_percent] : std::vector<std::pair<std::int64_t, const char*>>{
           {1, "67.5"}, {2, "67.25"}, {3, "90.75"}, {4, "90.5"}, {5, "91.25"}, {20, "90.0"}, {50, "90.75"}}) {
    Network net = hidden_network(units);
    descended(net, data, 5000, 5000);
    const double percent = 100 * accuracy(net, data);
    o.checks.push_back(level(fmt::format("accuracy of {} hidden units, %", units), percent,
                             fmt::format("about {} +- 0.5", printed_percent)));
    points.points.emplace_back(units, percent);
  }
  o.charts.push_back(
      {.title = "Accuracy by hidden units", .x = "units", .y = "%", .series = {points}, .log_x = true});
}

void check_2021(Outcome& o, const Examples& data) {
  Network net = hidden_network(4, 3);  // that edition draws its weights from seed 3
  const std::vector<double> costs = descended(net, data, 9001, 9000);
  o.checks.push_back(printed("edition of 2021: cost before step 0", costs[0], "0.693162"));
  o.checks.push_back(
      level("edition of 2021: cost before step 9000 (chaotic)", costs[1], "about 0.218485 +- 0.0002"));
}

Outcome run(const DataFolder&) {
  Outcome o;
  check_start_and_forward(o);
  check_backward_and_step(o);
  check_small_model(o);
  const Examples data = flower_examples();
  Network line = dense_network({2, 1});
  draw(line, 2, hundredth);
  descended(line, data, 2000, 2000, 0.5);
  o.checks.push_back(
      level("accuracy of logistic regression, %", 100 * accuracy(line, data), "about 47 +- 1"));
  Network net = hidden_network(4);
  const std::vector<double> costs = descended(net, data, 10000, 1000);
  check_costs(o, costs);
  // The lab prints it by "%d", which cuts 90.5 and, where the last steps' rounding fell otherwise, 90.75
  // to 90.
  o.checks.push_back(printed("accuracy, whole %", std::floor(100 * accuracy(net, data)), "90"));
  check_2021(o, data);
  const Planar points = flower();
  o.charts = {
      boundary(
          "What four hidden units decide", [&](const Tensor& x) { return net(x); }, points),
      boundary(
          "What logistic regression decides", [&](const Tensor& x) { return line(x); }, points),
      {.title = "Cost against steps", .x = "step", .y = "cost", .series = {loss_line("cost", costs, 1000)}}};
  check_hidden_units(o, data);
  return o;
}

// The same networks declared in JSON and put together in code.
Outcome frameworks(const DataFolder& data, int flower_steps, int cat_steps) {
  Outcome o;
  Network declared = Network::parse(
      R"({"input": [2], "layers": [{"layer": "linear", "out": 4}, "tanh", {"layer": "linear", "out": 1}]})");
  convert(declared, DType::f64);
  draw(declared, 2, hundredth);
  const std::vector<double> costs = descended(declared, flower_examples(), flower_steps, 1000);
  check_costs(o, costs);
  const Cats cats = read_cats(data);
  Sequential deep{Linear({.in = 12288, .out = 20}), Relu(), Linear({.in = 20, .out = 7}), Relu(),
                  Linear({.in = 7, .out = 5}),      Relu(), Linear({.in = 5, .out = 1})};
  convert(deep, DType::f64);
  draw(deep, 1, root_scale);
  constexpr std::array kCatCosts{"0.7717493284237686", "0.6720534400822913", "0.648263", "0.611507"};
  const std::vector<double> cat_costs = descended(deep, cats.train, cat_steps, 100, 0.0075);
  for (std::size_t i = 0; i < cat_costs.size(); ++i)
    o.checks.push_back(
        printed(fmt::format("cats, four layers: cost before step {}", 100 * i), cat_costs[i], kCatCosts[i]));
  o.charts = {{.title = "The flower's cost against steps",
               .x = "step",
               .y = "cost",
               .series = {loss_line("declared in JSON", costs, 1000)}},
              {.title = "The cats' cost against steps",
               .x = "step",
               .y = "cost",
               .series = {loss_line("put together in code", cat_costs, 100)}}};
  return o;
}
Outcome run_frameworks(const DataFolder& data) { return frameworks(data, 10000, 301); }
Outcome brief_frameworks(const DataFolder& data) { return frameworks(data, 2001, 101); }

}  // namespace

const Recipe kFlower{
    "flower-one-hidden-layer",
    "D1W3-A1",
    "A flower: one hidden layer",
    "Logistic regression draws one line through the petals; four hidden units bend it around "
    "them.",
    "",
    run,
    "six seconds",
    run};
const Recipe kFrameworks{"networks-declared",
                         "X-2",
                         "Networks as a framework writes them",
                         "The flower's network declared in JSON and the cats' put together in code reach the "
                         "numbers of the labs that wrote every product out.",
                         "course_dl",
                         run_frameworks,
                         "fifteen seconds",
                         brief_frameworks};

}  // namespace cairn::recipes
