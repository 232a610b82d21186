// What the courses' networks share: declared in a line, drawn from NumPy's seeds, descended with whole
// batches, judged; and the pictures that they see.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cairn/nn/network.h"
#include "cairn/optim/optimizer.h"
#include "recipes/recipe.h"

namespace cairn::recipes {

extern const char* const kResnet20;  // the text of networks/resnet20.json

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

// Whole-batch descent on the cross-entropy of a logit: the cost before every `every`-th step.
std::vector<double> descend(Network& net, Optimizer& optimizer, const Examples& data, int steps, int every);

// Bytes as f32 from 0 to 1; other numbers as they are.
Tensor from_0_to_1(const Tensor& x);

// Examples whose class is not the one decided for, by their numbers, in evaluation; a few hundred at a time.
// One logit a row: above 0 means 1. Pictures may be bytes.
std::vector<std::int64_t> wrong_rows(const Network& net, const Examples& data);
double accuracy(const Network& net, const Examples& data);

// "3, 17, 40", the first `most` of them.
std::string listed(std::span<const std::int64_t> numbers, std::size_t most = 12);

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
