// D4W1-A1: convolution and pooling step by step, forward and backward. The lab's filters lie rows, columns,
// channels, filters; ours filters, rows, columns, channels.
#include "cairn/ops/conv2d.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/pool2d.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/backward.h"
#include "recipes/list.h"
#include "recipes/planar.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

Tensor filters(const Tensor& w) { return permute(w, {3, 0, 1, 2}).contiguous(); }
double mean_of(const Tensor& t) { return mean(t).item(); }
// [n, rows, columns, C] at one pixel, or at one row of pixels.
Tensor at(const Tensor& t, std::int64_t n, std::int64_t row) {
  return t.slice(0, n, n + 1).slice(1, row, row + 1);
}
Tensor at(const Tensor& t, std::int64_t n, std::int64_t row, std::int64_t column) {
  return at(t, n, row).slice(2, column, column + 1);
}

void check_padding_and_step(Outcome& o) {
  numpy::RandomState random(1);
  const Tensor x = randn(random, {4, 3, 3, 2}), padded = pad(pad(x, 1, 3, 3), 2, 3, 3);
  check_shape(o, "padded by 3", padded.shape(), {"4", "9", "9", "2"});
  check_values(o, "before it: x[1, 1, 0]", at(x, 1, 1, 0), {"0.90085595", "-0.68372786"});
  check_values(o, "after it: x[1, 4, 3]", at(padded, 1, 4, 3), {"0.90085595", "-0.68372786"});
  check_values(o, "a corner after it", at(padded, 1, 1, 0), {"0.00000000", "0.00000000"});
  check_shape(o, "padded by 2", pad(pad(x, 1, 2, 2), 2, 2, 2).shape(), {"4", "7", "7", "2"});
  numpy::RandomState again(1);
  const Tensor a = randn(again, {1, 4, 4, 3}), w = randn(again, {1, 4, 4, 3}), b = randn(again, {1});
  o.checks.push_back(printed("one step", conv2d(a, w, b).item(), "-6.999089450680221"));
}

Tensor convolved(const Shape& images, const Shape& weight, int padding) {
  numpy::RandomState random(1);
  const Tensor a = randn(random, images), w = randn(random, weight), b = randn(random, {weight[3]});
  return conv2d(a, filters(w), b, {.stride = 2, .padding = padding});
}

void check_forward(Outcome& o) {
  const Tensor now = convolved({2, 5, 7, 4}, {3, 3, 4, 8}, 1);
  o.checks.push_back(printed("forward of 2021: mean", mean_of(now), "0.5511276474566768"));
  check_values(o, "forward of 2021: Z[0, 2, 1]", at(now, 0, 2, 1),
               {"-2.17796037", "8.07171329", "-0.5772704", "3.36286738", "4.48113645", "-2.89198428",
                "10.99288867", "3.03171932"});
  const Tensor before = convolved({10, 5, 7, 4}, {3, 3, 4, 8}, 1);
  o.checks.push_back(printed("forward of 2018: mean", mean_of(before), "0.6923608807576931"));
  check_values(o, "forward of 2018: Z[3, 2, 1]", at(before, 3, 2, 1),
               {"-1.28912231", "2.27650251", "6.61941931", "0.95527176", "8.25132576", "2.31329639",
                "13.00689405", "2.34576051"});
  o.checks.push_back(printed("oldest forward: mean", mean_of(convolved({10, 4, 4, 3}, {2, 2, 3, 8}, 2)),
                             "0.04899520352885578"));
}

void check_backward(Outcome& o) {
  numpy::RandomState random(1);
  const Tensor a = watched(randn(random, {10, 4, 4, 3}));
  const Tensor w = watched(filters(randn(random, {2, 2, 3, 8}))), b = watched(randn(random, {8}));
  const Tensor z = conv2d(a, w, b, {.stride = 2, .padding = 2});
  const Gradients g = backward(z, {.gradient = z.detach()});
  o.checks.push_back(printed("backward: mean of dA", mean_of(g.of(a)), "1.4524377775388075"));
  o.checks.push_back(printed("backward: mean of dW", mean_of(g.of(w)), "1.7269914583139097"));
  o.checks.push_back(printed("backward: mean of db", mean_of(g.of(b)), "7.839232564616838"));
}

void check_pooling(Outcome& o) {
  numpy::RandomState random(1);
  const Tensor a = randn(random, {2, 5, 5, 3});
  check_values(o, "largest, stride 1: A[1, 1]", at(max_pool2d(a, 3, {.stride = 1}), 1, 1),
               {"1.96710175", "0.84616065", "1.27375593", "1.96710175", "0.84616065", "1.23616403",
                "1.62765075", "1.12141771", "1.2245077"});
  check_values(o, "means, stride 1: A[1, 1]", at(average_pool2d(a, 3, {.stride = 1}), 1, 1),
               {"0.44497696", "-0.00261695", "-0.31040307", "0.50811474", "-0.23493734", "-0.23961183",
                "0.11872677", "0.17255229", "-0.22112197"});
  check_values(o, "largest, stride 2: A[0]", max_pool2d(a, 3, {.stride = 2}).slice(0, 0, 1),
               {"1.74481176", "0.90159072", "1.65980218", "1.74481176", "1.6924546", "1.65980218",
                "1.13162939", "1.51981682", "2.18557541", "1.13162939", "1.6924546", "2.18557541"});
  check_values(o, "means, stride 2: A[1]", average_pool2d(a, 3, {.stride = 2}).slice(0, 1, 2),
               {"-0.17313416", "0.32377198", "-0.34317572", "0.02030094", "0.14141479", "-0.01231585",
                "0.42944926", "0.08446996", "-0.27290905", "0.15077452", "0.28911175", "0.00123239"});
}

void check_pooling_backward(Outcome& o) {
  numpy::RandomState random(1);
  const Tensor a = watched(randn(random, {5, 5, 3, 2})), da = randn(random, {5, 4, 2, 2});
  o.checks.push_back(printed("pooling backward: mean of dA", mean_of(da), "0.14571390272918056"));
  check_values(o, "largest, backward: dA[1, 1]",
               at(backward(max_pool2d(a, 2, {.stride = 1}), {.gradient = da}).of(a), 1, 1),
               {"0.00000000", "0.00000000", "5.05844394", "-1.68282702", "0.00000000", "0.00000000"});
  check_values(o, "means, backward: dA[1, 1]",
               at(backward(average_pool2d(a, 2, {.stride = 1}), {.gradient = da}).of(a), 1, 1),
               {"0.08485462", "0.2787552", "1.26461098", "-0.25749373", "1.17975636", "-0.53624893"});
  const Tensor x = watched(of({-1, 2, 3, 2, -3, 2, 1, 5, -2}, {1, 3, 3, 1}));
  check_values(o, "mask of the largest", backward(max_pool2d(x, 3)).of(x),
               {"0.0", "0.0", "0.0", "0.0", "0.0", "0.0", "0.0", "1.0", "0.0"});
  const Tensor four = watched(Tensor::zeros({1, 2, 2, 1}, DType::f64));
  check_values(o, "2 spread over four",
               backward(average_pool2d(four, 2), {.gradient = of({2}, {1, 1, 1, 1})}).of(four),
               {"0.5", "0.5", "0.5", "0.5"});
}

Outcome run(const DataFolder&) {
  Outcome o;
  check_padding_and_step(o);
  check_forward(o);
  check_pooling(o);
  check_backward(o);
  check_pooling_backward(o);
  return o;
}

}  // namespace

const Recipe kConvolution{
    "convolution-steps",
    "D4W1-A1",
    "Convolution and pooling, step by step",
    "Padding, one window, all windows, pooling, and all of it backwards, on the lab's drawn "
    "arrays.",
    "",
    run};

}  // namespace cairn::recipes
