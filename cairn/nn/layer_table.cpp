#include "cairn/nn/layer_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/adaptive_pool.h"
#include "cairn/nn/category_embedding.h"
#include "cairn/nn/conv.h"
#include "cairn/nn/conv_transpose.h"
#include "cairn/nn/dropout.h"
#include "cairn/nn/embedding.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/merge.h"
#include "cairn/nn/norm.h"

namespace cairn {
namespace {

template <class M>
LayerEntry entry(const char* example_params = "{}", Shape example_sample = {4}) {
  return {M::kName,
          M::kDoc,
          &M::Params::list,
          [] {
            typename M::Params params;
            return params_to_json({M::kName, &params, &M::Params::list()});
          },
          layer_detail::TakesMany<M>,
          [](const Json& json, std::span<const Shape> samples) {
            typename M::Params params;
            params_from_json({M::kName, &params, &M::Params::list()}, json);
            if (!samples.empty()) M::complete(params, samples[0]);
            return Layer(M(params));
          },
          example_params,
          example_sample};
}

std::vector<LayerEntry> make_table() {
  return {
      entry<Linear>(R"({"out": 3})"),
      entry<Conv2d>(R"({"out": 3, "padding": "same", "stride": 2})", {5, 4, 2}),
      entry<ConvTranspose2d>(R"({"out": 3, "stride": 2, "padding": "1", "output_padding": 1})", {3, 4, 2}),
      entry<MaxPool2d>("{}", {4, 4, 2}),
      entry<AveragePool2d>(R"({"window": 3, "stride": 1})", {4, 4, 2}),
      entry<AdaptiveAveragePool2d>(R"({"rows": 2, "columns": 3})", {4, 5, 2}),
      entry<AdaptiveMaxPool2d>(R"({"rows": 2, "columns": 3})", {4, 5, 2}),
      entry<GlobalAveragePool2d>("{}", {3, 3, 2}),
      entry<BatchNorm>(),
      entry<LayerNorm>(),
      entry<GroupNorm>(R"({"groups": 2})"),
      entry<Embedding>(R"({"count": 5, "size": 3})"),
      entry<CategoryEmbedding>(R"({"blocks": "1:3:2"})", {5}),
      entry<Dropout>(),
      entry<Relu>(),
      entry<Relu6>(),
      entry<LeakyRelu>(),
      entry<Elu>(),
      entry<Selu>(),
      entry<Sigmoid>(),
      entry<Tanh>(),
      entry<Softplus>(),
      entry<Silu>(),
      entry<Mish>(),
      entry<Gelu>(),
      entry<HardSigmoid>(),
      entry<HardSwish>(),
      entry<HardTanh>(),
      entry<Softmax>(),
      entry<LogSoftmax>(),
      entry<Identity>(),
      entry<Flatten>("{}", {2, 3}),
      entry<Add>(),
      entry<Multiply>(),
      entry<Concatenate>()};
}

}  // namespace

std::span<const LayerEntry> layer_table() {
  static const std::vector<LayerEntry> table = make_table();
  return table;
}

const LayerEntry& layer_named(std::string_view name) {
  std::vector<std::string> names;
  for (const LayerEntry& e : layer_table()) {
    if (name == e.name) return e;
    names.emplace_back(e.name);
  }
  throw UsageError("layer", fmt::format("there is none called '{}'", name), suggestion(name, names));
}

}  // namespace cairn
