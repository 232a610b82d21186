// What the courses' networks share: declared in a line, drawn from NumPy's seeds, descended with whole
// batches, judged; and the pictures that they see.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cairn/nn/network.h"
#include "cairn/optim/optimizer.h"
#include "recipes/recipe.h"

namespace cairn::recipes {

extern const char* const kResnet20;      // the text of networks/resnet20.json
extern const char* const kHappyNetwork;  // networks/small_pictures.cpp: of one logit
extern const char* const kSignsNetwork;  // of six logits

// Examples of a classification: x [n, ...]; y 0 or 1, f64 [n, 1], or classes, i64 [n].
struct Examples {
  Tensor x, y;
};
Examples rows_of(const Examples& all, std::span<const std::int64_t> rows);
Examples first_rows(const Examples& all, std::int64_t count);

// Fully connected layers of these sizes in f64, rectifiers between them; the last one gives logits.
Network dense_network(const std::vector<std::int64_t>& sizes, const std::string& activation = "relu");
// Weights from one stream, layer after layer, as the courses draw them; biases 0.
void draw(ModuleRef net, std::uint32_t seed, double (*scale)(double inputs));
// What the courses draw with, by the number of inputs: 0.01, sqrt(2 / inputs) by He's rule, 1 / sqrt(inputs).
double hundredth(double inputs);
double he_scale(double inputs);
double root_scale(double inputs);

using Logits = std::function<Tensor(const Tensor& x)>;  // of a network, as somebody calls it

// Whole-batch descent on the cross-entropy of a logit: the cost before every `every`-th step.
std::vector<double> descend_by(const Logits& logits, ModuleRef net, Optimizer& optimizer,
                               const Examples& data, int steps, int every);
template <class Net>
std::vector<double> descend(Net& net, Optimizer& optimizer, const Examples& data, int steps, int every) {
  return descend_by([&](const Tensor& x) { return net(x); }, net, optimizer, data, steps, every);
}

// Bytes as f32 from 0 to 1; other numbers as they are.
Tensor from_0_to_1(const Tensor& x);

// An example whose class is not the one decided for.
struct Wrong {
  std::int64_t row, is, said;
};
// In evaluation; a few hundred rows at a time. One logit a row: above 0 means 1. Pictures may be bytes.
std::vector<Wrong> wrong_by(const Logits& logits, const Examples& data);
template <class Net>
std::vector<Wrong> wrong_rows(const Net& net, const Examples& data) {
  Net judged = net;
  const EvaluationScope evaluation(judged);
  return wrong_by([&](const Tensor& x) { return judged(x); }, data);
}
template <class Net>
double accuracy(const Net& net, const Examples& data) {
  const auto n = static_cast<double>(data.x.size(0));
  return (n - static_cast<double>(wrong_rows(net, data).size())) / n;
}

// Their rows, the first `most`: "3, 17, 40".
std::string listed(std::span<const Wrong> wrong, std::size_t most = 12);
// The first `most`, below each its class and the one decided for: by these names, or by number.
Album wrong_album(std::string title, std::span<const Wrong> wrong,
                  const std::function<Tensor(std::int64_t row)>& picture_of, std::size_t most = 32,
                  std::span<const char* const> names = {});

// Pictures as they lie in the courses' HDF5 files: u8 [n, H, W, C], and their classes i64 [n].
Examples pictures_in(const std::string& hdf5_file, const std::string& part);

// A mean over the epochs' losses, as a line.
Series loss_line(const std::string& name, std::span<const double> losses, double every = 1);

double median(std::span<const double> values);

Tensor picture_at(const Tensor& pictures,
                  std::int64_t row);  // [n, H, W, C]: u8 [H, W, C], from 0 to 1 or bytes
// Numbers as shades: u8 [H, W, C] of [H, W, C], the smallest black, the largest white.
Tensor shades(const Tensor& numbers);
// What the first convolution of a network on grey or colour pictures looks for: weight [O, h, w, 1 or 3].
Album filters_album(const Tensor& weight);

}  // namespace cairn::recipes
