// Arrays written out by hand, and the courses' arrays beside ours.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cairn/nn/linear.h"
#include "cairn/optim/optimizer.h"
#include "recipes/recipe.h"

namespace cairn::recipes {

Tensor of(const std::vector<double>& values);                      // f64 [n]
Tensor of(const std::vector<double>& values, const Shape& shape);  // row after row

// One check a number, called "W1[0, 2]": the first ones of `ours`, row after row, as the course prints them.
void check_values(Outcome& o, const std::string& name, const Tensor& ours,
                  const std::vector<const char*>& course);
// One check an axis.
void check_shape(Outcome& o, const std::string& name, const Shape& ours,
                 const std::vector<const char*>& course);

Linear layer_of(const Tensor& weight, const Tensor& bias);  // f64; weight [out, in], bias [out]

// One step of the optimiser along gradients that somebody else has computed, one a parameter of `net`.
void step_along(ModuleRef net, Optimizer& optimizer, std::span<const Tensor> gradients, double times = 1);

}  // namespace cairn::recipes
