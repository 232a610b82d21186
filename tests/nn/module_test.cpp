// Modules are values: names, places, copies, freezing, modes, initial draws.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "cairn/base/error.h"
#include "cairn/model/module_file.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/init.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/samples.h"
#include "tests/support/memory_visitor.h"

using namespace cairn;

namespace {

struct Block {  // a person's own module
  Linear fc1{{.in = 3, .out = 5}}, fc2{{.in = 5, .out = 3}};
  Tensor operator()(const Tensor& x) const { return fc2(fc1(x)); }
  void visit(Visitor& v) {
    v.child("fc1", fc1);
    v.child("fc2", fc2);
  }
};
struct Net {
  Block encoder;
  Linear head{{.in = 3, .out = 2, .bias = false}};
  Tensor operator()(const Tensor& x) const { return head(encoder(x)); }
  void visit(Visitor& v) {
    v.child("encoder", encoder);
    v.child("head", head);
  }
};

std::vector<double> numbers(const Tensor& t) {
  const Tensor wide = t.detach().contiguous().to(DType::f64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

double standard_deviation(const Tensor& t) {
  double mean = 0, squares = 0;
  const auto v = numbers(t);
  for (const double x : v) mean += x / static_cast<double>(v.size());
  for (const double x : v) squares += (x - mean) * (x - mean) / static_cast<double>(v.size());
  return std::sqrt(squares);
}

}  // namespace

TEST_CASE("modules: parameters have the names that visit() gives") {
  Net net;
  std::vector<std::string> names;
  for (const NamedParameter& p : parameters(net)) names.push_back(p.name);
  CHECK(names == std::vector<std::string>{"encoder.fc1.weight", "encoder.fc1.bias", "encoder.fc2.weight",
                                          "encoder.fc2.bias", "head.weight"});
  CHECK(count_parameters(net).total == 3 * 5 + 5 + 5 * 3 + 3 + 6);
  freeze(net, "encoder.*");
  CHECK(count_parameters(net).trainable == 6);
  CHECK_THROWS_WITH_AS(freeze(net, "encoder.fc3"), doctest::Contains("no parameter is called 'encoder.fc3'"),
                       UsageError);
  const Gradients g = backward(sum(net(uniform({4, 3}, -1, 1, DType::f32))), net);
  CHECK(g.size() == 1);
  CHECK(g.of(net.head.weight()).defined());
}

TEST_CASE("modules: errors say where in the network they happened") {
  Net net;
  CHECK_THROWS_WITH_AS(net(uniform({4, 2}, -1, 1, DType::f32)), doctest::Contains("in Linear 3 -> 5: linear"),
                       ShapeError);
  parameters(net);
  CHECK_THROWS_WITH_AS(net(uniform({4, 2}, -1, 1, DType::f32)),
                       doctest::Contains("in encoder.fc1 (Linear 3 -> 5): linear"), ShapeError);
  Sequential deep{{"block2", Sequential{{"fc1", Linear({.in = 64, .out = 10})}, {"act", Relu()}}}};
  CHECK_THROWS_WITH_AS(deep(uniform({4, 2}, -1, 1, DType::f32)),
                       doctest::Contains("in block2.fc1 (Linear 64 -> 10): linear"), ShapeError);
  CHECK_THROWS_WITH_AS(Linear({.in = 3}), doctest::Contains("linear.out = 0 is outside [1"), ParamError);
  CHECK_THROWS_WITH_AS((Sequential{{"a", Relu()}, {"a", Relu()}}),
                       doctest::Contains("two members are called 'a'"), UsageError);
  const Residual bad(Linear({.in = 3, .out = 2}));
  CHECK_THROWS_WITH_AS(bad(uniform({4, 3}, -1, 1, DType::f32)),
                       doctest::Contains("the body gives f32 [4, 2] beside f32 [4, 3]"), ShapeError);
}

TEST_CASE("modules: a copy is a network of its own") {
  Net net;
  const Tensor x = uniform({4, 3}, -1, 1, DType::f32);
  Net copy = net;
  CHECK(numbers(copy(x)) == numbers(net(x)));
  const Tensor loss = sum(net(x)) + sum(copy(x));
  const Gradients both = backward(loss, net), alone = backward(sum(net(x)), net);
  CHECK(numbers(both.of(net.head.weight())) == numbers(alone.of(net.head.weight())));
  CHECK(numbers(both.of(copy.head.weight())) == numbers(alone.of(net.head.weight())));
  net.head.weight().mutable_data<float>()[0] += 1;
  CHECK(numbers(copy(x)) != numbers(net(x)));
  Sequential many{Linear({.in = 3, .out = 3}), Tanh()};
  Sequential other(many);
  initialise(other, 9);
  CHECK(numbers(many(x)) != numbers(other(x)));
}

TEST_CASE("modules: drawn from seed and name alone, at the first look") {
  Sequential a{Linear({.in = 8, .out = 8}), Linear({.in = 8, .out = 8})};
  const auto drawn = parameters(a);
  CHECK_FALSE(drawn[0].parameter->drawn());
  initialise(a, 5);
  CHECK(numbers(drawn[0].parameter->value()) !=
        numbers(drawn[2].parameter->value()));  // twins differ by their names
  Sequential b{Linear({.in = 8, .out = 8}), Tanh(), Linear({.in = 8, .out = 2})};
  initialise(b, 5);
  CHECK(numbers(parameters(b)[0].parameter->value()) == numbers(drawn[0].parameter->value()));
  initialise(b, 6);
  CHECK(numbers(parameters(b)[0].parameter->value()) != numbers(drawn[0].parameter->value()));
}

TEST_CASE("initialisers: the spread that each promises, in f32 and f64") {
  const Shape shape{200, 300};
  const auto spread = [&](const Parameter::Draw& draw, DType dtype) {
    Random random(3, "test");
    const Tensor t = draw(shape, dtype, random);
    CHECK(t.dtype() == dtype);
    return standard_deviation(t);
  };
  for (const DType dtype : {DType::f32, DType::f64}) {
    CHECK(spread(init::zeros(), dtype) == 0);
    CHECK(spread(init::normal(0.5), dtype) == doctest::Approx(0.5).epsilon(0.02));
    CHECK(spread(init::uniform(-1, 1), dtype) == doctest::Approx(std::sqrt(1.0 / 3)).epsilon(0.02));
    CHECK(spread(init::xavier_normal(), dtype) == doctest::Approx(std::sqrt(2.0 / 500)).epsilon(0.02));
    CHECK(spread(init::xavier_uniform(), dtype) == doctest::Approx(std::sqrt(2.0 / 500)).epsilon(0.02));
    CHECK(spread(init::he_normal(), dtype) == doctest::Approx(std::sqrt(2.0 / 300)).epsilon(0.02));
    CHECK(spread(init::he_uniform(), dtype) == doctest::Approx(std::sqrt(2.0 / 300)).epsilon(0.02));
  }
  for (const Shape& s : {Shape{4, 9}, Shape{9, 4}, Shape{5, 5}}) {
    Random random(3, "test");
    const Tensor q = init::orthogonal()(s, DType::f64, random);
    const std::int64_t n = std::min(s[0], s[1]);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        double dot = 0;
        for (std::int64_t k = 0; k < std::max(s[0], s[1]); ++k)
          dot += s[0] <= s[1] ? q.item({i, k}) * q.item({j, k}) : q.item({k, i}) * q.item({k, j});
        CHECK(dot == doctest::Approx(i == j ? 1 : 0).epsilon(1e-12));
      }
  }
  CHECK(fans_of({16, 3, 3, 8}).in == 72);
  CHECK(fans_of({16, 3, 3, 8}).out == 144);
}

TEST_CASE("lsuv: every layer's output has variance 1") {
  Sequential net{Linear({.in = 20, .out = 30}), Tanh(), Linear({.in = 30, .out = 10}), Relu(),
                 Linear({.in = 10, .out = 5})};
  convert(net, DType::f64);
  const Tensor x = uniform({256, 20}, -3, 9);
  lsuv(net, [&] { return net(x); });
  const Tensor first = net[0](x), second = net[2](net[1](first)), third = net[4](net[3](second));
  for (const Tensor& t : {first, second, third})
    CHECK(standard_deviation(t) == doctest::Approx(1).epsilon(0.02));
}

TEST_CASE("modules: weights in a file; all differences are told at once, and nothing changes then") {
  const std::string path =
      (std::filesystem::temp_directory_path() / "cairn_module_test.safetensors").string();
  Net net, other;
  initialise(net, 1);
  initialise(other, 2);
  const Tensor x = uniform({4, 3}, -1, 1, DType::f32);
  save(net, path);
  load(other, path);
  CHECK(numbers(net(x)) == numbers(other(x)));
  Sequential wrong{{"encoder", Sequential{{"fc1", Linear({.in = 3, .out = 6})},
                                          {"scale", Linear({.in = 5, .out = 1, .bias = false})}}}};
  initialise(wrong, 3);
  const auto before = numbers(parameters(wrong)[0].parameter->value());
  try {
    load(wrong, path);
    FAIL("the file fits nothing here");
  } catch (const ModelFileError& e) {
    const std::string text = e.what();
    for (const char* part :
         {"failed: encoder.fc1.weight is [6, 3] here, [5, 3] in the file",
          "encoder.fc1.bias is [6] here, [5] in the file", "missing in file: encoder.scale.weight",
          "unknown in model: encoder.fc2.bias, encoder.fc2.weight, head.weight"})
      CHECK_MESSAGE(text.find(part) != std::string::npos, text);
  }
  CHECK(numbers(parameters(wrong)[0].parameter->value()) == before);
  convert(net, DType::f64);
  CHECK_THROWS_WITH_AS(load(net, path), doctest::Contains("encoder.fc1.weight is F64 here, F32 in the file"),
                       ModelFileError);
  std::filesystem::remove(path);
}

TEST_CASE("modules: evaluation ends with its scope") {
  Net net;
  {
    const EvaluationScope evaluation(net);
    CHECK_FALSE(net.head.training());
    CHECK_FALSE(net(uniform({1, 3}, -1, 1, DType::f32)).on_tape());
  }
  CHECK(net.head.training());
  set_training(net, false);
  {
    const EvaluationScope evaluation(net);
  }
  CHECK_FALSE(net.head.training());
}
