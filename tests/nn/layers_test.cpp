// The contract of every layer in the table: its declared shape is its real one, batches of 0 and 1, training
// and evaluation, saving and loading, gradients, and parameters out of range.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "cairn/base/error.h"
#include "cairn/nn/layer_table.h"
#include "cairn/nn/snapshot.h"
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

namespace {

// What a layer gives under fixed weights, from the state that it had at first: dropout draws the masks of its
// first call, running statistics have not moved.
struct Weighed {
  Layer layer;
  std::vector<Tensor> x;
  Snapshot start;
  Tensor weights;
  Weighed(const Example& e, bool training) : layer(prepared(e, training)), x(e.batch(3)), start(layer) {
    weights = uniform(layer(x).shape(), 0.5, 1.5);
  }
  static Layer prepared(const Example& e, bool training) {
    Layer layer = e.make();
    set_training(layer, training);
    return layer;
  }
  Tensor loss(const std::vector<Tensor>& at) {
    start.put_back(layer);
    return sum(layer(at) * weights);
  }
};

constexpr double kStep = 1e-6;

void check_difference(const std::vector<double>& ours, std::size_t i, double up, double down) {
  CAPTURE(i);
  CHECK(ours[i] == doctest::Approx((up - down) / (2 * kStep)).epsilon(2e-6).scale(1));
}

void check_parameters(const Example& e, bool training) {
  Weighed w(e, training);
  const auto all = parameters(w.layer);
  if (all.empty()) return;
  const Gradients g = backward(w.loss(w.x), w.layer);
  std::vector<Tensor> gradients;  // asked for now: values that are set are other leaves
  for (const NamedParameter& p : all) gradients.push_back(g.of(p.parameter->value()));
  for (std::size_t k = 0; k < all.size(); ++k) {
    const NamedParameter& p = all[k];
    CAPTURE(p.name);
    REQUIRE(gradients[k].defined());
    const auto ours = numbers(gradients[k]);
    const Tensor before = p.parameter->value().detach();
    for (std::size_t i = 0; i < ours.size(); ++i) {
      double at[2];
      for (const int side : {0, 1}) {
        Tensor moved = before.detach().contiguous();
        moved.mutable_data<double>()[i] += side == 0 ? kStep : -kStep;
        w.start.put_back(w.layer);
        p.parameter->set(moved);
        at[side] = sum(w.layer(w.x) * w.weights).item();
      }
      check_difference(ours, i, at[0], at[1]);
    }
    p.parameter->set(before);
  }
}

void check_inputs(const Example& e, bool training) {
  Weighed w(e, training);
  for (std::size_t which = 0; which < w.x.size(); ++which) {
    if (w.x[which].dtype() != DType::f64) continue;  // indices
    std::vector<Tensor> leaves = w.x;
    leaves[which] = watched(w.x[which]);
    const Tensor loss = w.loss(leaves);
    REQUIRE(loss.on_tape());
    const auto ours = numbers(backward(loss).of(leaves[which]));
    for (std::size_t i = 0; i < ours.size(); ++i) {
      double at[2];
      for (const int side : {0, 1}) {
        std::vector<Tensor> moved = w.x;
        moved[which] = w.x[which].detach().contiguous();
        moved[which].mutable_data<double>()[i] += side == 0 ? kStep : -kStep;
        at[side] = w.loss(moved).item();
      }
      check_difference(ours, i, at[0], at[1]);
    }
  }
}

}  // namespace

TEST_CASE("layers: gradients of every parameter and input against central differences, in both modes") {
  for (const Example& e : examples())
    for (const bool training : {false, true}) {
      const std::string what = std::string(e.entry->name) + (training ? ", in training" : ", in evaluation");
      CAPTURE(what);
      check_parameters(e, training);
      // What a category's columns hold is a level, not a number that could move a little.
      if (std::string(e.entry->name) != "category_embedding") check_inputs(e, training);
    }
}
