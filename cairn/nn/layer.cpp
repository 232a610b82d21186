#include "cairn/nn/layer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"

namespace cairn::layer_detail {

void refuse_inputs(const char* kind, std::size_t given) {
  throw ShapeError(kind, fmt::format("{} tensors come in; it takes one", given),
                   "Join them with add or concatenate first.");
}

void refuse_to_describe(const char* kind) {
  throw NotSupported(kind, "a class of your own has no description",
                     "Give it kName, Params, params(), output_shape() and multiply_adds(), as Linear has.");
}

Tensor finished(Tensor y, const Finish& finish) {
  if (finish.residual.defined()) y = finish.residual + y;
  return finish.relu ? relu(y) : y;
}

std::string json_text(const char* owner, void* params, const ParamList& list) {
  return params_to_json({owner, params, &list}).dump();
}

}  // namespace cairn::layer_detail
