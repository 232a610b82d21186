// The contract of every layer in the table: its declared shape is its real one, batches of 0 and 1, training
// and evaluation, saving and loading, gradients, and parameters out of range.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "cairn/base/error.h"
#include "cairn/nn/layer_table.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/samples.h"
#include "tests/support/memory_visitor.h"

using namespace cairn;
using nlohmann::json;

namespace {

struct Example {
  const LayerEntry* entry;
  std::vector<Shape> samples;
  Layer make() const {
    Layer layer = entry->make(json::parse(entry->example_params), samples);
    convert(layer, DType::f64);
    initialise(layer, 7);
    return layer;
  }
  std::vector<Tensor> batch(std::int64_t n) const {
    std::vector<Tensor> all;
    double shift = 0;
    for (const Shape& s : samples) {
      std::vector<std::int64_t> dims{n};
      dims.insert(dims.end(), s.dims().begin(), s.dims().end());
      const bool indices = std::string(entry->name) == "embedding";
      all.push_back(indices ? whole_numbers(Shape(dims), 5) : distinct(Shape(dims), -2.1 + shift, 2 + shift));
      shift += 0.3;
    }
    return all;
  }
};

std::vector<Example> examples() {
  std::vector<Example> all;
  for (const LayerEntry& e : layer_table())
    all.push_back({&e, e.joins ? std::vector<Shape>{e.example_sample, e.example_sample}
                               : std::vector<Shape>{e.example_sample}});
  return all;
}

std::vector<double> numbers(const Tensor& t) {
  const Tensor wide = t.detach().contiguous().to(DType::f64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

}  // namespace

TEST_CASE("layers: each says what it is and refuses what it cannot be") {
  std::set<std::string> names;
  for (const LayerEntry& e : layer_table()) {
    CAPTURE(std::string(e.name));
    CHECK(names.insert(e.name).second);
    CHECK(std::string(e.doc).back() == '.');
    const std::vector<Shape> samples(e.joins ? 2 : 1, e.example_sample);
    for (const Param& p : e.params()) {
      CHECK(p.doc.size() > 5);
      for (const ParamValue& bad : values_outside(p)) {
        json params = json::parse(e.example_params);
        std::visit([&](const auto& v) { params[p.name] = v; }, bad);
        if (p.name == "in") continue;  // told from the sample where it is 0
        CAPTURE(params.dump());
        CHECK_THROWS_AS(e.make(params, samples), Error);
      }
    }
    CHECK_THROWS_WITH_AS(e.make(json{{"no_such", 1}}, samples), doctest::Contains("no parameter 'no_such'"),
                         ParamError);
  }
  CHECK_THROWS_WITH_AS(layer_named("linaer"), doctest::Contains("Did you mean 'linear'"), UsageError);
}

TEST_CASE(
    "layers: the declared shape is the real one, for batches of 2, 1 and 0, in training and evaluation") {
  for (const Example& e : examples()) {
    CAPTURE(std::string(e.entry->name));
    Layer layer = e.make();
    const Shape declared = layer.output_shape(e.samples);
    CHECK(layer.multiply_adds(e.samples) >= 0);
    for (const bool training : {false, true}) {
      set_training(layer, training);
      for (const std::int64_t n : {2, 1, 0}) {
        CAPTURE(n);
        Tensor y;
        try {
          y = layer(e.batch(n));
        } catch (const ShapeError& error) {  // statistics of a batch need an example
          CAPTURE(error.what());
          CHECK(training);
          CHECK(n == 0);
          CHECK(std::string(error.what()).find("batch") != std::string::npos);
          continue;
        }
        CHECK(y.size(0) == n);
        std::vector<std::int64_t> dims{n};
        dims.insert(dims.end(), declared.dims().begin(), declared.dims().end());
        CHECK(y.shape() == Shape(dims));
        for (const double v : numbers(y)) CHECK(std::isfinite(v));
      }
    }
    // In evaluation an example's output does not depend on what stands beside it.
    set_training(layer, false);
    std::vector<Tensor> both = e.batch(2), first;
    for (const Tensor& t : both) first.push_back(t.slice(0, 0, 1));
    const auto together = numbers(layer(both).slice(0, 0, 1)), alone = numbers(layer(first));
    REQUIRE(together.size() == alone.size());
    for (std::size_t i = 0; i < alone.size(); ++i)
      CHECK(together[i] == doctest::Approx(alone[i]).epsilon(1e-12));
  }
}

TEST_CASE("layers: saved, loaded, copied and described: the same layer") {
  for (const Example& e : examples()) {
    CAPTURE(std::string(e.entry->name));
    Layer layer = e.make();
    layer(e.batch(2));  // running statistics move
    Layer blank = e.entry->make(json::parse(layer.params()), e.samples);
    convert(blank, DType::f64);
    test::copy_by_visit(layer, blank);
    Layer copy = layer;
    for (Layer* l : {&layer, &blank, &copy}) set_training(*l, false);
    CHECK(numbers(blank(e.batch(2))) == numbers(layer(e.batch(2))));
    CHECK(numbers(copy(e.batch(2))) == numbers(layer(e.batch(2))));
    CHECK(blank.params() == layer.params());
  }
}

TEST_CASE("layers: gradients of every parameter against central differences") {
  for (const Example& e : examples()) {
    CAPTURE(std::string(e.entry->name));
    Layer layer = e.make();
    set_training(layer, false);
    const auto all = parameters(layer);
    if (all.empty()) continue;
    const std::vector<Tensor> x = e.batch(2);
    const Tensor out = layer(x);
    const Tensor weights = uniform(out.shape(), 0.5, 1.5);
    const auto loss = [&] { return sum(layer(x) * weights); };
    const Gradients g = backward(loss(), layer);
    for (const NamedParameter& p : all) {
      CAPTURE(p.name);
      const Tensor gradient = g.of(p.parameter->value());
      REQUIRE(gradient.defined());
      const auto ours = numbers(gradient);
      constexpr double kStep = 1e-6;
      for (std::size_t i = 0; i < ours.size(); ++i) {
        double at[2];
        for (const int side : {0, 1}) {
          p.parameter->mutable_data<double>()[i] += side == 0 ? kStep : -2 * kStep;
          at[side] = loss().item();
        }
        p.parameter->mutable_data<double>()[i] += kStep;
        CHECK(ours[i] == doctest::Approx((at[0] - at[1]) / (2 * kStep)).epsilon(1e-6));
      }
    }
  }
}
