// Networks declared in JSON: shapes, names, branches, the table, and what a person can get wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "cairn/base/error.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/conv.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/network.h"
#include "cairn/nn/norm.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"
#include "tests/support/memory_visitor.h"

using namespace cairn;

namespace {

constexpr const char* kBranches = R"({"input": [6], "layers": [
  {"layer": "linear", "out": 4, "name": "fc1"}, "relu",
  {"layer": "linear", "out": 4, "name": "fc2", "init": "he_normal"},
  {"layer": "add", "from": ["fc1", "fc2"], "name": "sum"},
  {"layer": "concatenate", "from": ["sum", "input"]},
  {"layer": "linear", "out": 3, "bias": false}, "softmax"]})";

std::string error_of(const std::string& json) {
  try {
    Network::parse(json, "net.json");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

struct Looker : ApplyObserver {
  void begin(const OpDef&, std::span<const Tensor>, const Attributes&) override {}
  void end(const OpDef& op, std::span<const Tensor>, std::span<const Tensor>, const Attributes&) override {
    names.emplace_back(op.name);
  }
  std::vector<std::string> names;
};

std::vector<double> numbers(const Tensor& t) {
  const Tensor wide = t.detach().contiguous().to(DType::f64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

}  // namespace

TEST_CASE("network: a graph in JSON") {
  Network net = Network::parse(kBranches);
  CHECK(net.output_shape() == Shape{3});
  CHECK(count_parameters(net).total == 6 * 4 + 4 + 4 * 4 + 4 + 10 * 3);
  for (const NamedParameter& p : parameters(net))
    CHECK_FALSE(p.parameter->drawn());  // declared, no memory taken
  initialise(net, 4);
  const Tensor x = uniform({5, 6}, -1, 1, DType::f32);
  const auto y = numbers(net(x));
  CHECK(y.size() == 15);
  CHECK(y[0] + y[1] + y[2] == doctest::Approx(1).epsilon(1e-6));
  const auto rows = net.rows();
  CHECK(rows[1].name == "relu1");
  CHECK(rows[4].output == Shape{10});
  CHECK(rows[5].multiply_adds == 30);

  Network again = Network::parse(net.json());
  CHECK(again.json() == net.json());
  initialise(again, 4);
  CHECK(numbers(again(x)) == y);
  Network copy = net;
  CHECK(numbers(copy(x)) == y);
  CHECK_THROWS_WITH_AS(net.layer("fc3"), doctest::Contains("Did you mean 'fc1'"), UsageError);
  CHECK_THROWS_WITH_AS(net(uniform({5, 4}, -1, 1, DType::f32)),
                       doctest::Contains("f32 [5, 4] comes in; samples are [6], the first axis numbers them"),
                       ShapeError);
  CHECK(net.summary() ==
        "layer                                   output    parameters   multiply-adds\n"
        "input                                      [6]\n"
        "fc1 (linear)                               [4]            28              24\n"
        "relu1 (relu)                               [4]             0               0\n"
        "fc2 (linear)                               [4]            20              16\n"
        "sum (add)                                  [4]             0               0\n"
        "concatenate1 (concatenate)                [10]             0               0\n"
        "linear1 (linear)                           [3]            30              30\n"
        "softmax1 (softmax)                         [3]             0               0\n"
        "total                                                     78              70\n");
}

TEST_CASE("network: sums and rectifiers run in the pass of the layer before them, with the same numbers") {
  // Both ends of a sum may be finished by a layer, one twice read may not.
  const std::string json = R"({"input": [4, 4, 3], "layers": [
    {"layer": "conv2d", "out": 6, "padding": "same", "bias": false}, "batch_norm", {"layer": "relu", "name": "in"},
    {"layer": "conv2d", "out": 6, "padding": "same"}, "relu",
    {"layer": "conv2d", "out": 6, "padding": "same", "bias": false}, {"layer": "batch_norm", "name": "body"},
    {"layer": "conv2d", "out": 6, "kernel": 1, "from": "in"}, {"layer": "batch_norm", "name": "beside"},
    {"layer": "add", "from": ["beside", "body"]}, {"layer": "relu", "name": "joined"},
    {"layer": "batch_norm", "name": "twice"}, {"layer": "relu", "name": "once"},
    {"layer": "add", "from": ["twice", "once"]}, {"layer": "add", "from": ["add2", "joined"]},
    "global_average_pool2d", {"layer": "linear", "out": 3}, "relu"]})";
  const Tensor x = uniform({5, 4, 4, 3}, -1, 1, DType::f32);
  for (const DType dtype : {DType::f32, DType::f64})
    for (const bool training : {true, false}) {
      CAPTURE(training);
      Network joined = Network::parse(json);
      convert(joined, dtype);
      initialise(joined, 3);
      set_training(joined, training);
      Network apart = joined;
      const Tensor in = x.to(dtype);
      const Tensor y = joined(in);
      std::optional<Tensor> z;
      {
        Looker looker;
        z = apart(in);
        // Nobody would see a rectifier of its own, were the layers not taken apart for who looks.
        CHECK(std::ranges::count(looker.names, "relu") == 5);
      }
      CHECK(numbers(y) == numbers(*z));
      const Gradients of_joined = backward(mean(square(y)), joined),
                      of_apart = backward(mean(square(*z)), apart);
      const auto left = parameters(joined), right = parameters(apart);
      for (std::size_t i = 0; i < left.size(); ++i) {
        CAPTURE(left[i].name);
        const auto g = numbers(of_joined.of(left[i].parameter->value())),
                   h = numbers(of_apart.of(right[i].parameter->value()));
        REQUIRE(g.size() == h.size());
        for (std::size_t k = 0; k < g.size(); ++k) CHECK(g[k] == doctest::Approx(h[k]).epsilon(1e-6));
      }
    }
}

TEST_CASE("sequential and residual: rectifiers and sums run in the pass of the layer before them") {
  const auto conv = [](std::int64_t in) {
    return Conv2d({.in = in, .out = 6, .padding = "same", .bias = false});
  };
  const BatchNorm norm({.channels = 6});
  Sequential net{conv(3),
                 norm,
                 Relu(),
                 Residual(Sequential{conv(6), norm, Relu(), conv(6), norm}),
                 Relu(),
                 Residual(Sequential{conv(6), norm}, Sequential{conv(6), norm}),
                 GlobalAveragePool2d(),
                 Linear({.in = 6, .out = 2}),
                 Relu()};
  initialise(net, 2);
  const Tensor x = uniform({3, 4, 4, 3}, -1, 1, DType::f32);
  for (const bool training : {true, false}) {
    set_training(net, training);
    const Sequential apart = net;
    const Tensor y = net(x);
    Looker looker;
    CHECK(numbers(apart(x)) == numbers(y));
    CHECK(std::ranges::count(looker.names, "relu") == 4);
    CHECK(std::ranges::count(looker.names, "add") == 2);
  }
  // A body that fails runs once: its running means move no further than that.
  BatchNorm first({.channels = 3});
  Residual wrong(Sequential{first, Conv2d({.in = 3, .out = 6}), norm}),
      broken(Sequential{first, Conv2d({.in = 4, .out = 3}), BatchNorm({.channels = 3})});
  const auto running_mean = [](auto& module) {
    test::MemoryVisitor v;
    module.visit(v);
    for (const auto& [name, stored] : v.kept)
      if (name.ends_with("running_mean")) return numbers(std::get<Tensor>(stored));
    return std::vector<double>{};
  };
  initialise(first, 2), initialise(wrong, 2), initialise(broken, 2);
  first(x);
  CHECK_THROWS_AS(wrong(x), ShapeError);
  CHECK_THROWS_WITH_AS(broken(x), doctest::Contains("conv2d"), ShapeError);
  CHECK(running_mean(wrong) == running_mean(first));
  CHECK(running_mean(broken) == running_mean(first));
  // What does not fit is said as it always was.
  CHECK_THROWS_WITH_AS(Residual(Sequential{Conv2d({.in = 3, .out = 6}), BatchNorm({.channels = 6})})(x),
                       doctest::Contains("the body gives f32 [3, 2, 2, 6] beside f32 [3, 4, 4, 3]"),
                       ShapeError);
}

TEST_CASE("network: what can be wrong with a declaration is said with its place") {
  const auto says = [](const std::string& json, const std::string& part) {
    const std::string text = error_of(json);
    CHECK_MESSAGE(text.find(part) != std::string::npos, text << " should say: " << part);
  };
  says("{", "net.json: is not JSON");
  says("[]", "net.json: must be an object");
  says(R"({"input": [4], "layer": []})", "has the unknown entry 'layer'. Did you mean 'layers'?");
  says(R"({"layers": ["relu"]})", "has no \"input\"");
  says(R"({"input": [0], "layers": ["relu"]})", "has the input axis 0");
  says(R"({"input": [1e300], "layers": ["relu"]})", "has the input axis 1e+300");
  says(R"({"input": [4], "layers": []})", "has no layers");
  says(R"({"input": [4], "layers": ["rleu"]})",
       "net.json, layer 'rleu1': layer: there is none called 'rleu'. Did you mean 'relu'?");
  says(R"({"input": [4], "layers": [{"layer": "linear", "outs": 3}]})", "layer 'linear1'");
  says(R"({"input": [4], "layers": [{"layer": "linear", "outs": 3}]})", "Did you mean 'out'");
  says(R"({"input": [4], "layers": [{"layer": "linear"}]})", "linear.out = 0 is outside [1, 1000000000]");
  says(R"({"input": [4], "layers": [{"layer": "linear", "in": 5, "out": 3}]})",
       "a sample of [4] comes in; its last axis should be 5");
  says(
      R"({"input": [4], "layers": [{"layer": "linear", "out": 3, "name": "a"}, {"layer": "add", "from": ["a", "input"]}]})",
      "samples of [3] and [4] come in; all must be alike");
  says(R"({"input": [4], "layers": [{"layer": "relu", "from": "b"}]})",
       "'relu1' takes 'b', which is no layer before it");
  says(R"({"input": [4], "layers": [{"layer": "relu", "name": "a.b"}]})",
       "names are letters, digits, _ and -");
  says(R"({"input": [4], "layers": [{"layer": "relu", "name": "a"}, {"layer": "relu", "name": "a"}]})",
       "has two layers called 'a'");
  says(R"({"input": [4], "layers": ["add"]})", "1 tensor comes in; it joins two or more");
  says(R"({"input": [4], "layers": ["relu"], "output": "input"})", "gives its input as its output");
  says(R"({"input": [4], "layers": [7]})", "layer 1 is neither a name nor an object");
}
