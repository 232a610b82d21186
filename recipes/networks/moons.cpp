// D2W2-A1, A1b: batches, momentum and Adam on two moons; learning rates that decay.
#include <fmt/format.h>

#include "cairn/nn/sequential.h"
#include "cairn/ops/elementwise.h"
#include "cairn/optim/adam.h"
#include "cairn/optim/momentum.h"
#include "cairn/train/loader.h"
#include "recipes/list.h"
#include "recipes/values.h"
#include "recipes/ways.h"

namespace cairn::recipes {
namespace {

struct Stepped {
  Sequential net{Linear({.in = 3, .out = 2}), Linear({.in = 3, .out = 3})};
  std::vector<Tensor> along;
  Stepped() {
    convert(net, DType::f64);
    numpy::RandomState random(1);
    for (const NamedParameter& p : parameters(net)) p.parameter->set(randn(random, p.parameter->shape()));
    for (const NamedParameter& p : parameters(net)) along.push_back(randn(random, p.parameter->shape()));
  }
  Tensor value(std::size_t i) { return parameters(net)[i].parameter->value(); }
};

void check_descent(Outcome& o) {
  Stepped s;
  SgdOptimizer opt(s.net, {.learning_rate = 0.01});
  step_along(s.net, opt, s.along);
  check_values(o, "descent: W1", s.value(0),
               {"1.63535156", "-0.62320365", "-0.53718766", "-1.07799357", "0.85639907", "-2.29470142"});
  check_values(o, "descent: b1", s.value(1), {"1.74604067", "-0.75184921"});
  check_values(o, "descent: W2", s.value(2), {"0.32171798", "-0.25467393", "1.46902454"});
  check_values(o, "descent: b2", s.value(3), {"-0.88020257", "0.02561572", "0.57539477"});
}

void check_momentum(Outcome& o) {
  Stepped s;
  SgdOptimizer opt(s.net, {.learning_rate = 0.01, .momentum = 0.9, .average = true});
  step_along(s.net, opt, s.along);
  check_values(o, "momentum: W1", s.value(0), {"1.62544598", "-0.61290114", "-0.52907334"});
  check_values(o, "momentum: v of dW1", opt.parameters()[0].state[0],
               {"-0.11006192", "0.11447237", "0.09015907"});
}

// The lab takes step 2 with moments of 0, so a step without gradients goes first.
void check_adam(Outcome& o) {
  Stepped s;
  Adam opt(s.net, {.learning_rate = 0.01});
  step_along(s.net, opt, s.along, 0);
  step_along(s.net, opt, s.along);
  check_values(o, "Adam: W1", s.value(0),
               {"1.63178673", "-0.61919778", "-0.53561312", "-1.08040999", "0.85796626", "-2.29409733"});
  o.checks.push_back(printed("Adam: W2[2, 1]", s.value(2).item({2, 1}), "-1.09244991"));
  Stepped now;
  Adam of_2021(now.net, {.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.888, .epsilon = 1e-2});
  step_along(now.net, of_2021, now.along, 0);
  step_along(now.net, of_2021, now.along);
  check_values(o, "Adam of 2021: W1", now.value(0),
               {"1.63942428", "-0.6268425", "-0.54320974", "-1.08782943", "0.85036983", "-2.2865723"});
  check_values(o, "Adam of 2021: b2", now.value(3), {"-0.89228024", "0.02707193", "0.56782561"});
}

void check_batches(Outcome& o) {
  numpy::RandomState random(1);
  const Tensor x = randn(random, {12288, 148}).transpose().contiguous();
  const Planar shuffled = in_order_of(0, {x, randn(random, {1, 148}).transpose().contiguous()});
  std::vector<double> sizes;
  for (auto& [bx, by] : Loader(shuffled.x, shuffled.y, {.batch_size = 64})) {
    if (sizes.empty())
      check_values(o, "first batch: first number of each example", bx.slice(0, 0, 3).slice(1, 0, 1),
                   {"0.90085595", "-0.7612069", "0.2344157"});
    sizes.push_back(static_cast<double>(bx.size(0)));
  }
  check_values(o, "sizes of the batches", of(sizes), {"64", "64", "20"});
}

// The course prints Adam's first two costs and its last.
std::vector<Way> decaying_ways() {
  constexpr std::uint32_t kPasses = 5000, kEvery = 1000;
  const auto decays = [](OneNetworkOptions options, double rate, std::int64_t every) {
    options.learning_rate = rate;
    options.decay = Schedule({.kind = "inverse_time", .every = every, .decay = 1});
    return options;
  };
  const std::vector<Way> constant = ways_on_moons();
  const OneNetworkOptions &descent = constant[0].options, &momentum = constant[1].options,
                          &adam = constant[2].options;
  return {{"descent, decay every pass",
           decays(descent, 0.1, 1),
           kPasses,
           kEvery,
           {"0.701091", "0.661884", "0.658620", "0.656765", "0.655486"},
           "0.6533"},
          {"descent, decay every 1000 passes",
           decays(descent, 0.1, 1000),
           kPasses,
           kEvery,
           {"0.701091", "0.127161", "0.120304", "0.117033", "0.117512"},
           "0.9433"},
          {"momentum, decay every 1000 passes",
           decays(momentum, 0.1, 1000),
           kPasses,
           kEvery,
           {"0.702226", "0.128974", "0.125965", "0.123375", "0.123218"},
           "0.9533"},
          {"Adam, decay every 1000 passes",
           decays(adam, 0.01, 1000),
           kPasses,
           kEvery,
           {"0.699346", "0.130074", nullptr, nullptr, "0.128361"},
           "0.94"}};
}

Outcome trained(const std::vector<Way>& ways) {
  const Planar points = moons(300, 0.2, 3);
  Outcome o;
  Chart chart{.title = "Cost against passes", .x = "pass", .y = "cost"};
  for (const Way& way : ways) {
    OneNetwork net(way.options, points);
    std::vector<double> costs;
    for (std::uint32_t i = 0; i < way.passes; ++i) {
      const double cost = net.pass(i);
      if (i % way.every == 0) costs.push_back(cost);
      if (2 * (i + 1) == way.passes && way.half != nullptr)
        o.checks.push_back(printed(fmt::format("{}: accuracy after {} passes", way.name, i + 1),
                                   net.accuracy(points), way.half));
    }
    check_costs(o, way.name, way, costs);
    o.checks.push_back(printed(fmt::format("{}: accuracy", way.name), net.accuracy(points), way.train));
    o.charts.push_back(net.picture(fmt::format("By {}", way.name)));
    chart.series.push_back(loss_line(way.name, costs, way.every));
  }
  o.charts.push_back(std::move(chart));
  return o;
}

void check_units(Outcome& o) {
  check_descent(o);
  check_batches(o);
  check_momentum(o);
  check_adam(o);
}

Outcome run_optimizers(const DataFolder&) {
  Outcome o = trained(ways_on_moons());
  check_units(o);
  return o;
}
void check_schedules(Outcome& o) {
  const Schedule each({.kind = "inverse_time", .decay = 1});
  const Schedule interval({.kind = "inverse_time", .every = 100, .decay = 0.3});
  o.checks.push_back(printed("rate 0.5, decay 1, epoch 2", 0.5 * each.factor(2), "0.16666666666666666"));
  o.checks.push_back(
      printed("rate 0.5, decay 0.3 every 100, epoch 100", 0.5 * interval.factor(100), "0.3846153846153846"));
  o.checks.push_back(printed("rate 0.5, decay 0.3 every 100, epoch 10", 0.5 * interval.factor(10), "0.5"));
}

Outcome run_decay(const DataFolder&) {
  Outcome o = trained(decaying_ways());
  check_schedules(o);
  return o;
}
}  // namespace

const Recipe kMoons{"moons-optimizers",
                    "D2W2-A1",
                    "Two moons: descent, momentum and Adam",
                    "The same small steps: Adam is there while plain descent has hardly begun.",
                    "",
                    run_optimizers,
                    "four seconds",
                    run_optimizers};
const Recipe kMoonsDecay{
    "moons-learning-rate-decay",
    "D2W2-A1b",
    "Two moons: learning rates that decay",
    "Decay in every pass starves descent; in steps it lets large rates win and then settle.",
    "",
    run_decay,
    "three seconds",
    run_decay};

}  // namespace cairn::recipes
