// Planted faults: each is caught and called by its name.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "cairn/base/name_pattern.h"
#include "cairn/nn/dropout.h"
#include "cairn/nn/norm.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/dropout.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/apply.h"
#include "tests/check/problems.h"

using namespace cairn;
using namespace cairn::check_problems;

namespace {

// What this program has caught; the last case asks for all that there is.
std::set<std::string>& caught() {
  static std::set<std::string> names;
  return names;
}

using Loss = std::function<Tensor(const Tensor& output, const Tensor& y)>;

template <class Net>
NetworkCheck expect(const std::string& name, Net& net, const Problem& p,
                    const NetworkCheckOptions& options = {}, const Loss& loss = {}) {
  const NetworkCheck c = check_network(net, p.x, p.y, options, loss);
  CAPTURE(name);
  CAPTURE(c.text());
  const std::vector<std::string> names = names_of(c);
  CHECK(std::ranges::find(names, name) != names.end());
  for (const Finding& f : c.findings) {
    CHECK(f.evidence.size() > 20);
    CHECK(f.evidence.back() != '.');
    CHECK(f.remedy.back() == '.');
  }
  caught().insert(name);
  return c;
}
template <class Net>
void expect_only(const std::string& name, Net& net, const Problem& p, const NetworkCheckOptions& options = {},
                 const Loss& loss = {}) {
  const NetworkCheck c = expect(name, net, p, options, loss);
  CAPTURE(c.text());
  CHECK(names_of(c) == std::vector<std::string>{name});
  // What is meant to be so is not found again.
  NetworkCheckOptions accepting = options;
  accepting.accept = name;
  CHECK(check_network(net, p.x, p.y, accepting, loss).passed());
}

Tensor scaled(const Tensor& x, double by, double plus = 0) { return (x * by + plus).detach(); }
Tensor labels_plus(const Tensor& y, std::int64_t by) {
  std::vector<std::int64_t> all;
  for (const std::int64_t v : y.data<std::int64_t>()) all.push_back(v + by);
  return Tensor::from(all);
}
void scale_parameters(ModuleRef net, std::string_view pattern, double by) {
  for (const NamedParameter& p : parameters(net))
    if (name_matches(pattern, p.name)) p.parameter->set(scaled(p.parameter->value(), by));
}
Sequential drawn(Sequential net, std::uint64_t seed = 1) {
  initialise(net, seed);
  return net;
}

// Operations with a mistake in their gradients, as a user might write them.
TensorSpecs same(const OpArgs& a) { return {{a.in[0].shape(), a.in[0].dtype()}}; }
Tensors doubled(const OpArgs& a) { return {a.in[0] * a.in[0]}; }
constinit const OpDef kWrongSquare{
    .name = "wrong_square",
    .doc = "x^2, its gradient without the 2",
    .infer = same,
    .composed = doubled,
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * a.in[0]}; },
    .saves = {.inputs = 0b1},
};

template <class Body>
struct Custom {  // a user's own module: two layers, `body` between them
  Linear first{{.in = 4, .out = 16, .init = "he_uniform"}}, last{{.in = 16, .out = 3}};
  Body body;
  explicit Custom(Body b) : body(std::move(b)) { initialise(*this, 1); }
  Tensor operator()(const Tensor& x) const { return last(body(first(x))); }
  void visit(Visitor& v) {
    v.child("first", first);
    v.child("last", last);
  }
};

}  // namespace

TEST_CASE("check: data") {
  Sequential net = classifier();
  const Problem p = blobs();
  expect("inputs_not_scaled", net, {scaled(p.x, 1, 300), p.y});
  expect("inputs_not_scaled", net, {scaled(p.x, 1e-4), p.y});
  {
    Problem apart = {scaled(p.x, 1), p.y};
    for (std::size_t i = 0; i < 1200; i += 4) apart.x.mutable_data<float>()[i] *= 0.001F;
    expect("inputs_not_scaled", net, apart);
    for (std::size_t i = 0; i < 1200; ++i)
      if (i % 4 != 0) apart.x.mutable_data<float>()[i] = 1;
    expect("inputs_constant", net, apart);
    apart.x.mutable_data<float>()[17] = std::numeric_limits<float>::quiet_NaN();
    expect_only("inputs_not_finite", net, apart);
  }
  expect_only("labels_out_of_range", net, {p.x, labels_plus(p.y, 1)});
  CHECK(expect("labels_out_of_range", net, {p.x, labels_plus(p.y, 1)}).findings[0].remedy ==
        "Classes are counted from 0: subtract 1.");
  expect("labels_constant", net, {p.x, Tensor::zeros({300}, DType::i64)});
  Problem bad = smooth();
  bad.y.mutable_data<float>()[3] = std::numeric_limits<float>::infinity();
  Sequential regression = drawn({Linear({.in = 4, .out = 8}), Tanh(), Linear({.in = 8, .out = 1})});
  expect_only("targets_not_finite", regression, bad);
}

TEST_CASE("check: targets beside their examples") {
  Sequential net = classifier();
  const Problem p = blobs(400);
  Sequential wide = drawn({Linear({.in = 4, .out = 16}), Relu(), Linear({.in = 16, .out = 12})});
  expect("classes_unseen", wide, p);
  std::vector<std::int64_t> y(p.y.data<std::int64_t>().begin(), p.y.data<std::int64_t>().end());
  std::ranges::rotate(y, y.begin() + 1);
  const NetworkCheck down = expect("labels_shifted", net, {p.x, Tensor::from(y)});
  CHECK(down.findings[0].evidence.find("1 row above") != std::string::npos);
  std::ranges::rotate(y, y.end() - 2);
  const NetworkCheck up = expect("labels_shifted", net, {p.x, Tensor::from(y)});
  CHECK(up.findings[0].evidence.find("1 row below") != std::string::npos);
  Random random(4, "shuffled");
  random.shuffle(std::span(y));
  expect("labels_unrelated", net, {p.x, Tensor::from(y)});
  Problem s = smooth();
  random.shuffle(s.y.mutable_data<float>());
  Sequential regression = drawn({Linear({.in = 4, .out = 8}), Tanh(), Linear({.in = 8, .out = 1})});
  expect("labels_unrelated", regression, s);
}

TEST_CASE("check: structure") {
  const Problem p = blobs();
  {
    Sequential net = drawn({Linear({.in = 4, .out = 16}), Linear({.in = 16, .out = 3})});
    expect_only("no_nonlinearity", net, p);
  }
  {
    Sequential net = drawn({Linear({.in = 4, .out = 16, .init = "he_uniform"}), BatchNorm({.channels = 16}),
                            Relu(), Linear({.in = 16, .out = 3})});
    expect_only("bias_before_norm", net, p);
  }
  {
    Sequential net = drawn({Linear({.in = 4, .out = 16, .init = "he_uniform"}), Relu(),
                            Linear({.in = 16, .out = 3, .bias = false})});
    expect_only("bias_missing", net, p);
  }
  {
    Sequential net = classifier();
    net.push_back(Softmax());
    expect("softmax_twice", net, p);
  }
  {
    Sequential net = classifier();
    net.push_back(Relu());
    expect("output_limited", net, p);
  }
  Sequential net = drawn({Linear({.in = 4, .out = 16}), Tanh(), Linear({.in = 16, .out = 1}), Sigmoid()});
  expect("output_limited", net, smooth());
}

TEST_CASE("check: the start") {
  const Problem p = blobs();
  {
    Sequential net = classifier();
    scale_parameters(net, "out.weight", 50);
    expect("initial_loss", net, p);
  }
  {
    Sequential net = classifier();
    scale_parameters(net, "*", 0);
    expect("gradient_zero", net, p);
    expect("output_ignores_input", net, p);
    expect("does_not_overfit", net, p);
  }
  {
    Sequential net = classifier();
    for (const NamedParameter& q : parameters(net))
      if (!q.name.starts_with("out")) q.parameter->set(Tensor::full(q.parameter->shape(), 0.1, DType::f32));
    expect("symmetric_units", net, p);
  }
  {
    Sequential net = classifier();
    parameters(net)[1].parameter->set(Tensor::full({16}, -20, DType::f32));
    CHECK(expect("dead_units", net, p).findings[0].place == "act1 (ReLU)");
  }
  {
    Sequential net = drawn({Linear({.in = 4, .out = 16}), Tanh(), Linear({.in = 16, .out = 3})});
    scale_parameters(net, "0.weight", 100);
    expect("saturated_units", net, p);
  }
  {
    Sequential net = classifier();
    scale_parameters(net, "fc1.weight", 0.003);
    scale_parameters(net, "fc2.weight", 0.003);
    expect("activations_vanish", net, p);
    Sequential large = classifier();
    scale_parameters(large, "fc1.weight", 300);
    expect("activations_explode", large, p);
  }
  {
    std::vector<Sequential::Member> members{Linear({.in = 4, .out = 8}), Sigmoid()};
    for (int i = 0; i < 10; ++i) {
      members.emplace_back(Linear({.in = 8, .out = 8}));
      members.emplace_back(Sigmoid());
    }
    members.emplace_back(Linear({.in = 8, .out = 3}));
    Sequential net = drawn(Sequential(members));
    expect("gradients_vanish", net, p);
    // Weights this large under a small input: tanh keeps what flows forward, nothing what flows backward.
    std::vector<Sequential::Member> wild;
    for (int i = 0; i < 6; ++i) {
      wild.emplace_back(Linear({.in = i == 0 ? 4 : 8, .out = 8}));
      wild.emplace_back(HardTanh());
    }
    wild.emplace_back(Linear({.in = 8, .out = 3}));
    Sequential exploding = drawn(Sequential(wild));
    scale_parameters(exploding, "*.weight", 12);
    expect("gradients_explode", exploding, {scaled(p.x, 1e-7), p.y});
  }
  Custom infinite{[](const Tensor& x) { return log(x * 0.0); }};
  const NetworkCheck c = expect("not_finite", infinite, p);
  CHECK(c.findings.size() == 1);
}

TEST_CASE("check: gradients") {
  const Problem p = blobs();
  {
    Custom net{[](const Tensor& x) { return apply_one(kWrongSquare, {x}); }};
    const NetworkCheck c = expect("gradient_wrong", net, p);
    const auto f = std::ranges::find(c.findings, "gradient_wrong", &Finding::name);
    CHECK(f->place == "first.bias");
    CHECK(f->evidence.find("from last.weight on they are right") != std::string::npos);
  }
  {
    Custom net{[](const Tensor& x) { return relu(x.detach()); }};
    const NetworkCheck c = expect("parameter_unreached", net, p);
    CHECK(names_of(c).size() == 2);  // weight and bias of the first layer
  }
  {
    Custom net{[](const Tensor& x) { return relu(x); }};
    freeze(net, "first.*");
    expect("parameter_frozen", net, p);
  }
  {
    Custom net{[hidden = Parameter(uniform({16}, 0.5, 1.5, DType::f32))](const Tensor& x) {
      return relu(x * hidden.value().to(x.dtype()));
    }};
    expect_only("parameter_not_named", net, p);
  }
  struct Detached : Custom<Tensor (*)(const Tensor&)> {
    Detached() : Custom(&relu) {}
    Tensor operator()(const Tensor& x) const { return Custom::operator()(x).detach(); }
  } detached;
  expect_only("no_gradient", detached, p);
  struct Resets : Custom<Tensor (*)(const Tensor&)> {
    Tensor start;
    Resets() : Custom(&relu), start(last.weight().value().detach()) {}
    Tensor operator()(const Tensor& x) {
      last.weight().set(start.to(last.weight().dtype()));
      return Custom::operator()(x);
    }
  } resets;
  expect("parameter_not_updated", resets, p);
}

TEST_CASE("check: training against evaluation") {
  const Problem p = blobs();
  struct Drops : Module {
    bool rescales, always;
    mutable std::uint64_t calls = 0;
    Drops(bool r, bool a) : Module("Drops"), rescales(r), always(a) {}
    Tensor operator()(const Tensor& x) const {
      const ModuleScope here = scope();
      if (!training() && !always) return x * 1.0;
      return dropout(x, 0.5, 7, calls++) * (rescales ? 1.0 : 0.5);
    }
    void visit(Visitor& v) { v.module(*this); }
  };
  const auto with = [&](Layer between) {
    return drawn({{"first", Linear({.in = 4, .out = 64, .init = "he_uniform"})},
                  {"act", Relu()},
                  {"between", std::move(between)},
                  {"out", Linear({.in = 64, .out = 3})}});
  };
  {
    Sequential net = with(Drops(false, false));
    const NetworkCheck c = expect("dropout_not_rescaled", net, p);
    CHECK(std::ranges::find(c.findings, "dropout_not_rescaled", &Finding::name)->place == "between (Drops)");
    Sequential always = with(Drops(true, true));
    expect("evaluation_random", always, p);
  }
  struct Counts : Module {
    mutable std::int64_t calls = 0;
    Counts() : Module("Counts") {}
    Tensor operator()(const Tensor& x) const {
      ++calls;
      return x;
    }
    void visit(Visitor& v) {
      v.module(*this);
      v.value("calls", calls);
    }
  };
  {
    Sequential net = with(Counts());
    expect_only("evaluation_changes_state", net, p);
  }
  {
    Sequential net =
        drawn({Linear({.in = 4, .out = 16, .bias = false, .init = "normal", .init_scale = 3}),
               BatchNorm({.channels = 16, .momentum = 1e-9}), Relu(), Linear({.in = 16, .out = 3})});
    expect("running_statistics_stuck", net, p);
  }
  {
    Custom net{[](const Tensor& x) { return relu(x - mean(x, 0, true)); }};
    expect("samples_mixed_in_evaluation", net, p);
  }
  struct Centers : Module {
    Centers() : Module("Centers") {}
    Tensor operator()(const Tensor& x) const {
      const ModuleScope here = scope();
      return training() ? x - mean(x, 0, true) : x * 1.0;
    }
    void visit(Visitor& v) { v.module(*this); }
  };
  Sequential net = with(Centers());
  expect("samples_mixed", net, p);
}

TEST_CASE("check: the loss") {
  const Problem p = blobs(), s = smooth();
  Sequential net = classifier();
  expect_only("loss_is_a_sum", net, p, {}, [](const Tensor& o, const Tensor& y) {
    return cross_entropy(o, y, {.reduction = Reduction::sum});
  });
  Sequential regression = drawn({Linear({.in = 4, .out = 16}), Tanh(), Linear({.in = 16, .out = 1})}, 2);
  expect("loss_mixes_samples", regression, {s.x, s.y.reshape({300})}, {},
         [](const Tensor& o, const Tensor& y) {
           return mean(square(o - y));  // [n, 1] - [n] is [n, n]
         });
  expect("loss_disagrees", net, p, {},
         [](const Tensor& o, const Tensor& y) { return cross_entropy(o, y) * -1.0; });
}

TEST_CASE("check: learning") {
  const Problem p = blobs();
  Sequential net = classifier();
  expect_only("learning_rate_high", net, p, {.optimizer = "sgd", .learning_rate = 300});
  expect_only("learning_rate_low", net, p, {.learning_rate = 1e-7});
  Sequential narrow = drawn({Linear({.in = 4, .out = 1}), Tanh(), Linear({.in = 1, .out = 1})});
  expect("does_not_overfit", narrow, smooth());
}

TEST_CASE("check: every finding there is has been planted and caught") {
  std::set<std::string> all;
  for (const FindingKind& k : findings()) {
    CHECK(all.insert(k.name).second);
    CHECK(std::string(k.meaning).size() > 20);
    CAPTURE(std::string(k.name));
    CHECK(caught().contains(k.name));
  }
  CHECK(all.size() >= 15);
}
