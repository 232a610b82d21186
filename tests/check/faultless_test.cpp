// Networks without a fault: nothing is found, and the network is afterwards as it was.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/conv.h"
#include "cairn/nn/dropout.h"
#include "cairn/nn/network.h"
#include "cairn/nn/norm.h"
#include "cairn/nn/sequential.h"
#include "cairn/nn/snapshot.h"
#include "tests/check/problems.h"

using namespace cairn;
using namespace cairn::check_problems;

namespace {

template <class Net>
void check_faultless(Net& net, const Problem& p, const NetworkCheckOptions& options = {}) {
  const Snapshot before(net);
  const NetworkCheck c = check_network(net, p.x, p.y, options);
  CAPTURE(c.text());
  CHECK(names_of(c).empty());
  CHECK(c.passed());
  CHECK(c.text().ends_with("No fault found.\n"));
  CHECK(before.first_change(net).empty());
  CHECK_FALSE(c.gradients.empty());
  CHECK(c.rates.suggestion > 0);
  CHECK(c.json()["findings"].empty());
  CHECK(c.json()["layers"].size() == c.layers.size());
}

}  // namespace

TEST_CASE("check: a classifier of tables") {
  Sequential net = classifier();
  check_faultless(net, blobs());
  check_faultless(net, blobs(), {.learning_rate = 0.01});
}

TEST_CASE("check: a regression, with tanh") {
  Sequential net{Linear({.in = 4, .out = 16}), Tanh(), Linear({.in = 16, .out = 1})};
  initialise(net, 2);
  check_faultless(net, smooth());
}

TEST_CASE("check: dropout, batch normalisation, layer normalisation and a residual block") {
  {
    Sequential net{Linear({.in = 4, .out = 32, .init = "he_uniform"}), Relu(), Dropout({.rate = 0.3}),
                   Linear({.in = 32, .out = 3})};
    initialise(net, 1);
    check_faultless(net, blobs());
  }
  {
    Sequential net{Linear({.in = 4, .out = 32, .bias = false}), BatchNorm({.channels = 32}), Relu(),
                   Linear({.in = 32, .out = 3})};
    initialise(net, 1);
    check_faultless(net, blobs());
  }
  Sequential body{Linear({.in = 16, .out = 16}), Relu(), Linear({.in = 16, .out = 16})};
  Sequential net{Linear({.in = 4, .out = 16}), LayerNorm({.size = 16}), Relu(), Residual(body), Relu(),
                 Linear({.in = 16, .out = 3})};
  initialise(net, 1);
  check_faultless(net, blobs());
}

TEST_CASE("check: a small convolutional network, declared in JSON" * doctest::test_suite("long")) {
  Network net = Network::parse(R"({"input": [8, 8, 1], "layers": [
      {"layer": "conv2d", "out": 8, "kernel": 3, "padding": "same", "init": "he_uniform"}, "relu",
      {"layer": "max_pool2d", "window": 2}, "flatten", {"layer": "linear", "out": 2}]})");
  check_faultless(net, pictures());
}

TEST_CASE("check: what cannot be checked is refused") {
  Sequential net = classifier();
  const Problem p = blobs();
  CHECK_THROWS_WITH_AS(check_network(net, p.x, p.y.slice(0, 0, 5)),
                       doctest::Contains("their first axes number the same examples"), ShapeError);
  CHECK_THROWS_WITH_AS(check_network(net, p.x.slice(0, 0, 1), p.y.slice(0, 0, 1)),
                       doctest::Contains("1 example is given"), DataError);
  CHECK_THROWS_WITH_AS(check_network(net, p.x, p.y, {.accept = "dead_unit"}),
                       doctest::Contains("Did you mean 'dead_units'"), UsageError);
  CHECK_THROWS_WITH_AS(check_network(net, p.x, p.y, {.optimizer = "adan"}), doctest::Contains("adam"),
                       UsageError);
  CHECK_THROWS_WITH_AS(check_network(net, p.x, p.y, {.batch_size = 1}),
                       doctest::Contains("check.batch_size = 1"), ParamError);
}
