// a whole convolutional network whose loss goes back through the full Jacobian of the softmax, a tensor
// of three axes, in place of the shortcut a - y.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/momentum.h"
#include "cairn/train/loader.h"
#include "recipes/list.h"
#include "recipes/networks.h"
#include "recipes/planar.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

// dZ = J dA, with J_ij = a_i (delta_ij - a_j) of each row and dA = -y / a of the cross-entropy.
Tensor back_through_softmax(const Tensor& z, const Tensor& y) {
  const Tensor a = softmax(z);
  const Tensor da = (negative(y) / a).reshape({z.size(0), z.size(1), 1});
  return matmul(softmax_jacobian(a), da).reshape(z.shape());
}

void check_jacobian(Outcome& o) {
  numpy::RandomState random(4);
  const Tensor z = randn(random, {5, 7}, 2);
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 3, 6, 2, 2}),
               y = one_hot(labels, 7, DType::f64);
  const Tensor a = softmax(z), jacobian = softmax_jacobian(a);
  check_shape(o, "the Jacobian of five rows of seven", jacobian.shape(), {"5", "7", "7"});
  double apart = 0;
  for (std::int64_t row = 0; row < 5; ++row)
    for (std::int64_t i = 0; i < 7; ++i)
      for (std::int64_t j = 0; j < 7; ++j)
        apart = std::max(
            apart, std::abs(jacobian.item({row, i, j}) - a.item({row, i}) * ((i == j) - a.item({row, j}))));
  o.checks.push_back(level("J less a_i (delta_ij - a_j), at most", apart, "<= 1e-15"));
  o.checks.push_back(
      level("J dA less a - y, at most", max(abs(back_through_softmax(z, y) - (a - y))).item(), "<= 1e-12"));
  const Tensor leaf = watched(z);
  const Tensor by_tape = backward(cross_entropy(leaf, labels, {.reduction = Reduction::sum})).of(leaf);
  o.checks.push_back(level("J dA less the tape's gradient, at most",
                           max(abs(back_through_softmax(z, y) - by_tape)).item(), "<= 1e-12"));
}

struct Trained {
  Network net = Network::parse(kSignsNetwork);
  std::vector<double> losses;  // a pass each
};

Trained trained(const Examples& pictures, std::int64_t passes, bool by_jacobian) {
  Trained t;
  convert(t.net, DType::f64);
  initialise(t.net, 1);
  SgdOptimizer opt(t.net, {.learning_rate = 0.05, .momentum = 0.9});
  Loader loader(pictures.x, pictures.y, {.batch_size = 24, .shuffle = true, .seed = 1});
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    double total = 0;
    for (auto& [x, classes] : loader) {
      const Tensor z = t.net(x);
      const auto n = static_cast<double>(x.size(0));
      const Tensor loss = cross_entropy(z, classes);
      total += loss.item() * n;
      if (by_jacobian) {
        const Tensor dz = back_through_softmax(z.detach(), one_hot(classes, 6, DType::f64)) / n;
        opt.step(backward(z, t.net, {.gradient = dz}));
      } else {
        opt.step(backward(loss, t.net));
      }
    }
    t.losses.push_back(total / static_cast<double>(pictures.y.size()));
  }
  return t;
}

double largest_difference(Network& a, Network& b) {
  double apart = 0;
  const auto of_a = parameters(a), of_b = parameters(b);
  for (std::size_t i = 0; i < of_a.size(); ++i)
    apart = std::max(apart, max(abs(of_a[i].parameter->value() - of_b[i].parameter->value())).item());
  return apart;
}

Outcome train_whole(const DataFolder& data, std::int64_t passes, const char* bar) {
  Outcome o;
  check_jacobian(o);
  const Examples bytes = pictures_in(data.file("course_dl/test_signs.h5"), "test");
  const Examples pictures{bytes.x.to(DType::f64) / 255.0, bytes.y};
  Trained jacobian = trained(pictures, passes, true), shortcut = trained(pictures, passes, false);
  o.checks.push_back(
      printed("parameters", static_cast<double>(count_parameters(jacobian.net).total), "1310"));
  o.checks.push_back(level(fmt::format("weights after {} passes less the shortcut's, at most", passes),
                           largest_difference(jacobian.net, shortcut.net), "<= 1e-8"));
  o.checks.push_back(
      level("loss of the last pass over the first's", jacobian.losses.back() / jacobian.losses.front(), bar));
  o.charts.push_back({.title = "Loss against passes",
                      .x = "pass",
                      .y = "loss",
                      .series = {loss_line("through the Jacobian", jacobian.losses),
                                 loss_line("by a - y", shortcut.losses)}});
  o.albums.push_back(filters_album(parameters(jacobian.net)[0].parameter->value()));
  o.remarks.push_back(fmt::format("On the 120 pictures that are public; right in training: {:.3g}.",
                                  accuracy(jacobian.net, pictures)));
  return o;
}

Outcome run(const DataFolder& data) { return train_whole(data, 20, "<= 0.92"); }
Outcome brief(const DataFolder& data) { return train_whole(data, 2, "<= 0.99"); }

}  // namespace

const Recipe kSoftmaxJacobian{
    "convnet-softmax-jacobian",
    "X-4",
    "A convolutional network through the whole softmax Jacobian",
    "dZ = J dA row by row: the same steps as by the shortcut a - y, at the price of a "
    "tensor of three axes.",
    "course_dl",
    run,
    "a minute",
    brief};

}  // namespace cairn::recipes
