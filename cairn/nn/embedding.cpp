#include "cairn/nn/embedding.h"

#include <fmt/format.h>

#include <vector>

#include "cairn/base/error.h"
#include "cairn/nn/init.h"
#include "cairn/ops/embedding.h"

namespace cairn {

const ParamList& EmbeddingParams::list() {
  using P = EmbeddingParams;
  static const ParamList l{
      param<&P::count>("count", "things there are", between(1, 1e9), {"num_embeddings", "input_dim"}),
      param<&P::size>("size", "numbers for each", between(1, 1e6), {"embedding_dim", "output_dim"}),
      param<&P::padding>("padding", "a number that stands for nothing: its row is zeros; -1: none",
                         at_least(-1), {"padding_idx"}),
      param<&P::init>("init", "how the rows are drawn at first", init::rule()),
      param<&P::init_scale>("init_scale", "standard deviation, bound or gain of that draw", above(0)),
  };
  return l;
}

Embedding::Embedding(EmbeddingParams params)
    : Module(fmt::format("Embedding {} x {}", params.count, params.size)), params_(std::move(params)) {
  validate({kName, &params_, &Params::list()});
  weight_ = Parameter(Shape{params_.count, params_.size}, init::named(params_.init, params_.init_scale));
}

Tensor Embedding::operator()(const Tensor& index) const {
  const ModuleScope here = scope();
  return embedding(weight_, index, params_.padding);
}

void Embedding::visit(Visitor& v) {
  v.module(*this);
  v.parameter("weight", weight_);
}

Shape Embedding::output_shape(const Shape& sample) const {
  std::vector<std::int64_t> dims(sample.dims().begin(), sample.dims().end());
  dims.push_back(params_.size);
  return Shape(dims);
}

}  // namespace cairn
