// D1W2-A1: the arithmetic that networks are made of.
#include "cairn/nn/activation.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/backward.h"
#include "recipes/columns.h"
#include "recipes/list.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

Chart sigmoid_chart() {
  const Tensor z = watched(of(linspace(-6, 6, 61)));
  const Tensor s = sigmoid(z), slope = backward(sum(s)).of(z);
  Series curve{.name = "sigmoid"}, derivative{.name = "its derivative"};
  for (std::int64_t i = 0; i < z.size(); ++i) {
    curve.points.emplace_back(z.item({i}), s.item({i}));
    derivative.points.emplace_back(z.item({i}), slope.item({i}));
  }
  return {.title = "The sigmoid and its derivative", .x = "z", .y = "", .series = {curve, derivative}};
}

Outcome run(const DataFolder&) {
  Outcome o;
  o.checks.push_back(printed("sigmoid(3)", sigmoid(of({3})).item(), "0.9525741268224334"));
  const Tensor x = watched(of({1, 2, 3})), s = sigmoid(x);
  check_values(o, "sigmoid of 1, 2, 3", s, {"0.73105858", "0.88079708", "0.95257413"});
  check_values(o, "its derivative", backward(sum(s)).of(x), {"0.19661193", "0.10499359", "0.04517666"});
  check_shape(o, "a picture of 3 x 3 x 2 as a vector",
              Flatten()(Tensor::zeros({1, 3, 3, 2}, DType::f64)).shape(), {"1", "18"});
  const Tensor rows = of({0, 3, 4, 1, 6, 4}, {2, 3});
  check_values(o, "rows of length 1", rows / norm(rows, 1, true),
               {"0.00000000", "0.6", "0.8", "0.13736056", "0.82416338", "0.54944226"});
  check_values(o, "softmax", softmax(of({9, 2, 5, 0, 0, 7, 5, 0, 0, 0}, {2, 5})),
               {"9.80897665e-01", "8.94462891e-04", "1.79657674e-02", "1.21052389e-04", "1.21052389e-04",
                "8.78679856e-01", "1.18916387e-01", "8.01252314e-04", "8.01252314e-04", "8.01252314e-04"});
  const Tensor guess = of({.9, .2, .1, .4, .9}), truth = of({1, 0, 0, 1, 1});
  o.checks.push_back(printed("L1", mae(guess, truth, Reduction::sum).item(), "1.1"));
  o.checks.push_back(printed("L2", mse(guess, truth, Reduction::sum).item(), "0.43"));
  o.charts.push_back(sigmoid_chart());
  return o;
}

}  // namespace

const Recipe kNumpyBasics{"network-arithmetic",
                          "D1W2-A1",
                          "The arithmetic of networks",
                          "Sigmoid, softmax, rows of length 1 and two losses, for whole tensors at once; the "
                          "derivative comes from the tape.",
                          "",
                          run};

}  // namespace cairn::recipes
