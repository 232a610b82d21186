// Every optimiser and schedule against what torch does, step by step (scripts/golden/optimizers.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/optimizer_table.h"
#include "cairn/optim/schedule.h"
#include "tests/support/golden.h"
#include "tests/support/memory_visitor.h"

using namespace cairn;
using nlohmann::json;

namespace {

Tensor numbered(const Shape& shape, double (*f)(double)) {
  std::vector<double> v;
  for (std::int64_t i = 0; i < shape.size(); ++i) v.push_back(f(static_cast<double>(i)));
  return Tensor::from(v).reshape(shape);
}

// The function of the script: sum(0.5 c (p - t)^2 + 0.3 sin(p)).
struct Valley {
  std::vector<Parameter> p;
  std::vector<Tensor> c, t;
  explicit Valley(const std::vector<Shape>& shapes, DType dtype = DType::f64) {
    for (const Shape& s : shapes) {
      p.emplace_back(numbered(s, [](double i) { return std::cos(i); }).to(dtype));
      c.push_back(numbered(s, [](double i) { return 0.5 + 0.1 * i; }).to(dtype));
      t.push_back(numbered(s, [](double i) { return std::sin(2 * i); }).to(dtype));
    }
  }
  void visit(Visitor& v) {
    for (std::size_t i = 0; i < p.size(); ++i) v.parameter("p" + std::to_string(i), p[i]);
  }
  Tensor loss() const {
    Tensor total;
    for (std::size_t i = 0; i < p.size(); ++i) {
      const Tensor part = sum(c[i] * square(p[i] - t[i])) * 0.5 + sum(sin(p[i])) * 0.3;
      total = total.defined() ? total + part : part;
    }
    return total;
  }
  std::vector<double> values() const {
    std::vector<double> all;
    for (const Parameter& q : p) {
      const Tensor wide = q.value().detach().to(DType::f64);
      all.insert(all.end(), wide.data<double>().begin(), wide.data<double>().end());
    }
    return all;
  }
};

struct Path {
  const char* golden;
  const char* optimizer;
  json params;
  StepOptions options = {};
};

const std::vector<Path>& paths() {
  static const std::vector<Path> all{
      {"sgd", "sgd", {{"learning_rate", 0.05}}},
      {"momentum", "sgd", {{"learning_rate", 0.05}, {"momentum", 0.9}}},
      {"nesterov", "sgd", {{"learning_rate", 0.05}, {"momentum", 0.9}, {"nesterov", true}}},
      {"l2", "sgd", {{"learning_rate", 0.05}, {"momentum", 0.9}}, {.l2 = 0.1}},
      {"l1", "sgd", {{"learning_rate", 0.05}}, {.l1 = 0.05}},
      {"clip_norm", "sgd", {{"learning_rate", 0.05}}, {.clip_norm = 1}},
      {"clip_value", "sgd", {{"learning_rate", 0.05}}, {.clip_value = 0.4}},
      {"adagrad", "adagrad", {{"learning_rate", 0.1}}},
      {"rmsprop", "rmsprop", {{"learning_rate", 0.01}, {"rho", 0.9}}},
      {"rmsprop_momentum_centered",
       "rmsprop",
       {{"learning_rate", 0.01}, {"momentum", 0.9}, {"centered", true}}},
      {"adam", "adam", {{"learning_rate", 0.1}}},
      {"adam_l2", "adam", {{"learning_rate", 0.1}}, {.l2 = 0.1}},
      {"amsgrad", "adam", {{"learning_rate", 0.1}, {"amsgrad", true}}},
      {"adamw", "adamw", {{"learning_rate", 0.1}, {"weight_decay", 0.1}}},
      {"adamw", "adam", {{"learning_rate", 0.1}}, {.decay = 0.1}},
      {"nadam", "nadam", {{"learning_rate", 0.1}}},
      {"lion", "lion", {{"learning_rate", 0.02}, {"weight_decay", 0.1}}},
      {"adafactor", "adafactor", {{"learning_rate", 0.1}}},
      {"adafactor_decay", "adafactor", {{"learning_rate", 0.1}, {"weight_decay", 0.1}}},
      {"lbfgs", "lbfgs", {{"learning_rate", 0.8}, {"memory", 4}}},
      {"muon", "muon", {{"learning_rate", 0.1}, {"weight_decay", 0.1}}},
  };
  return all;
}

std::vector<Shape> shapes_of(const Path& p) {
  return std::string(p.golden) == "muon" ? std::vector<Shape>{Shape{3, 4}}
                                         : std::vector<Shape>{Shape{3, 4}, Shape{17}};
}

const json& golden() {
  static const json g = test::read_golden("optimizers.json");
  return g;
}

}  // namespace

TEST_CASE("optimizers: the recorded trajectories, in f64 and in f32") {
  for (const Path& path : paths()) {
    INFO(path.golden << " by " << path.optimizer);
    const json& recorded = golden()["paths"][path.golden];
    for (const DType dtype : {DType::f64, DType::f32}) {
      Valley valley(shapes_of(path), dtype);
      const auto opt = optimizer_named(path.optimizer).make(valley, path.params, path.options);
      for (std::size_t step = 0; step < recorded.size(); ++step) {
        opt->step(backward(valley.loss(), valley));
        CAPTURE(step);
        const double off = test::largest_difference(valley.values(), test::golden_numbers(recorded[step]));
        // Lion's sign turns the smallest difference of a gradient into a whole step.
        CHECK(off < (dtype == DType::f64 ? 1e-12 : std::string(path.optimizer) == "lion" ? 0.05 : 2e-4));
      }
    }
  }
}

TEST_CASE("optimizers: none is without a trajectory, each says what it is and refuses what it cannot be") {
  for (const OptimizerEntry& e : optimizers()) {
    CAPTURE(e.name);
    CHECK(std::ranges::any_of(paths(), [&](const Path& p) { return std::string(p.optimizer) == e.name; }));
    CHECK(std::string(e.doc).back() == '.');
    Valley valley({{2, 3}});
    for (const Param& p : e.params()) {
      CHECK(p.doc.size() > 5);
      for (const ParamValue& bad : values_outside(p)) {
        if (p.type != ParamType::number && p.type != ParamType::integer) continue;
        const json value =
            p.type == ParamType::integer ? json(std::get<std::int64_t>(bad)) : json(std::get<double>(bad));
        CHECK_THROWS_AS(e.make(valley, json{{p.name, value}}, {}), ParamError);
      }
    }
    CHECK_THROWS_WITH_AS(e.make(valley, json{{"learning_rat", 1.0}}, {}),
                         doctest::Contains("Did you mean 'learning_rate'"), ParamError);
  }
  CHECK_THROWS_WITH_AS(optimizer_named("adm"), doctest::Contains("Did you mean 'adam'"), UsageError);
}

TEST_CASE("optimizers: state taken up again gives the same bytes, for any number of threads") {
  const int before = num_threads();
  for (const Path& path : paths()) {
    INFO(path.golden);
    std::vector<double> reached[2];
    for (const int stop_after : {20, 7}) {
      set_num_threads(stop_after == 7 ? 3 : 1);
      Valley valley({{3, 4}, {40000}});
      auto opt = optimizer_named(path.optimizer).make(valley, path.params, path.options);
      for (int i = 0; i < 20; ++i) {
        if (i == stop_after) {
          Valley again = valley;
          auto other = optimizer_named(path.optimizer).make(again, path.params, path.options);
          test::copy_by_visit(*opt, *other);
          opt.reset();
          valley = std::move(again);
          opt = optimizer_named(path.optimizer).make(valley, path.params, path.options);
          test::copy_by_visit(*other, *opt);
          CHECK(opt->steps() == stop_after);
        }
        opt->step(backward(valley.loss(), valley));
      }
      reached[stop_after == 7] = valley.values();
    }
    CHECK(reached[0] == reached[1]);
  }
  set_num_threads(before);
}

TEST_CASE("optimizers: groups, frozen parameters, norms, and what goes wrong") {
  Valley valley({{2, 3}, {4}});
  CHECK_THROWS_WITH_AS(optimizer_named("adam").make(valley, json::object(), {.groups = {{.match = "q*"}}}),
                       doctest::Contains("no parameter is called 'q*'"), UsageError);
  const auto first = valley.values();
  auto opt = optimizer_named("sgd").make(valley, {{"learning_rate", 0.1}},
                                         {.groups = {{.match = "p1", .learning_rate = 0}}});
  opt->step(backward(valley.loss(), valley));
  CHECK(valley.values()[0] != first[0]);
  CHECK(valley.values()[8] == first[8]);
  freeze(valley, "p0");
  const auto second = valley.values();
  opt->set_learning_rate(0.2);
  opt->step(backward(valley.loss(), valley));
  CHECK(valley.values()[0] == second[0]);
  CHECK(count_parameters(valley).trainable == 4);
  freeze(valley, "*", false);

  Valley limited({{2, 3}});
  auto small = optimizer_named("sgd").make(limited, {{"learning_rate", 0.1}}, {.max_norm = 0.5});
  small->step(backward(limited.loss(), limited));
  const auto v = limited.values();
  CHECK(std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) <= 0.5 + 1e-12);

  valley.c[0] = Tensor::full({2, 3}, INFINITY, DType::f64);
  const auto third = valley.values();
  CHECK_THROWS_WITH_AS(opt->step(backward(valley.loss(), valley)),
                       doctest::Contains("the gradient of 'p0' is not finite"), FitError);
  CHECK(valley.values() == third);
  Valley other = valley;
  CHECK_THROWS_WITH_AS(backward(other.loss(), valley),
                       doctest::Contains("depends on no parameter of this network"), UsageError);
}

namespace {

struct Rates {
  const char* golden;
  ScheduleParams params;
};

const std::vector<Rates>& recorded_schedules() {
  static const std::vector<Rates> all{
      {"constant", {.kind = "constant"}},
      {"step", {.kind = "step", .every = 10, .factor = 0.5}},
      {"exponential", {.kind = "exponential", .factor = 0.9}},
      {"inverse_time", {.kind = "inverse_time", .decay = 0.2}},
      {"inverse_time_every", {.kind = "inverse_time", .every = 7, .decay = 0.2}},
      {"linear", {.kind = "linear", .total = 40, .last = 0.2}},
      {"cosine", {.kind = "cosine", .total = 40}},
      {"cosine_last", {.kind = "cosine", .total = 40, .last = 0.1}},
      {"cosine_warmup", {.kind = "cosine", .total = 40, .warm_up = 10}},
      {"one_cycle", {.kind = "one_cycle", .total = 40}},
      {"one_cycle_rise", {.kind = "one_cycle", .total = 40, .rise = 0.2}},
      {"warmup", {.kind = "constant", .warm_up = 10}}};
  return all;
}

}  // namespace

TEST_CASE("schedules: none is without torch's learning rates, and no recorded ones are forgotten") {
  const ParamList& list = ScheduleParams::list();
  const auto kind = std::ranges::find(list, "kind", &Param::name);
  REQUIRE(kind != list.end());
  REQUIRE(kind->rule.choices.size() >= 7);
  for (const std::string& choice : kind->rule.choices) {
    CAPTURE(choice);
    CHECK(std::ranges::any_of(recorded_schedules(), [&](const Rates& r) { return r.params.kind == choice; }));
  }
  CHECK(golden()["schedules"].size() == recorded_schedules().size());
}

TEST_CASE("schedules: torch's learning rates") {
  for (const auto& [name, params] : recorded_schedules()) {
    INFO(name);
    const Schedule schedule(params);
    const auto recorded = test::golden_numbers(golden()["schedules"][name]);
    std::vector<double> ours;
    for (std::size_t t = 0; t < recorded.size(); ++t)
      ours.push_back(0.1 * schedule.factor(static_cast<std::int64_t>(t)));
    CHECK(test::largest_difference(ours, recorded) < 1e-14);
  }
  Plateau plateau({.factor = 0.5, .patience = 2, .threshold = 1e-3});
  double rate = 0.1;
  std::vector<double> ours;
  for (const double value : test::golden_numbers(golden()["plateau"]["values"]))
    ours.push_back(rate = plateau.next_rate(value, rate));
  CHECK(test::largest_difference(ours, test::golden_numbers(golden()["plateau"]["rates"])) < 1e-15);
  CHECK_THROWS_WITH_AS(Schedule({.kind = "cosine"}), doctest::Contains("has no room"), ParamError);
}
