#include "recipes/values.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/backward.h"

namespace cairn::recipes {

Tensor of(const std::vector<double>& values) { return Tensor::from(values); }
Tensor of(const std::vector<double>& values, const Shape& shape) { return of(values).reshape(shape); }

namespace {

// "[0, 2]" of the element with this number; axes of length 1 are not spoken of.
std::string place_in(const Shape& shape, std::int64_t element) {
  std::string place;
  for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
    if (shape[axis] != 1)
      place = fmt::format("{}{}{}", element % shape[axis], place.empty() ? "" : ", ", place);
    element /= shape[axis];
  }
  return place.empty() ? "" : "[" + place + "]";
}

}  // namespace

void check_values(Outcome& o, const std::string& name, const Tensor& ours,
                  const std::vector<const char*>& course) {
  const Tensor flat = ours.detach().to(DType::f64).contiguous();
  const auto values = flat.data<double>();
  if (values.size() < course.size())
    throw InternalError("recipe",
                        fmt::format("{} has {} numbers, the course {}", name, values.size(), course.size()));
  for (std::size_t i = 0; i < course.size(); ++i)
    o.checks.push_back(
        printed(name + place_in(ours.shape(), static_cast<std::int64_t>(i)), values[i], course[i]));
}

void check_shape(Outcome& o, const std::string& name, const Shape& ours,
                 const std::vector<const char*>& course) {
  o.checks.push_back(printed(name + ": number of axes", ours.ndim(), std::to_string(course.size())));
  for (int axis = 0; axis < ours.ndim() && axis < std::ssize(course); ++axis)
    o.checks.push_back(printed(fmt::format("{}: length of axis {}", name, axis),
                               static_cast<double>(ours[axis]), course[static_cast<std::size_t>(axis)]));
}

Linear layer_of(const Tensor& weight, const Tensor& bias) {
  Linear layer({.in = weight.size(1), .out = weight.size(0)});
  convert(layer, DType::f64);
  layer.weight().set(weight);
  layer.bias().set(bias);
  return layer;
}

void step_along(ModuleRef net, Optimizer& optimizer, std::span<const Tensor> gradients, double times) {
  Tensor loss;  // whose gradient is what was given
  const auto all = parameters(net);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Tensor term = sum(all[i].parameter->value() * (gradients[i] * times));
    loss = loss.defined() ? loss + term : term;
  }
  optimizer.step(backward(loss, net));
}

}  // namespace cairn::recipes
