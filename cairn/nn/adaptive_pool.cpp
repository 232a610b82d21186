#include "cairn/nn/adaptive_pool.h"

#include <fmt/format.h>

#include "cairn/nn/image_rules_internal.h"
#include "cairn/ops/pool2d.h"

namespace cairn {

const ParamList& AdaptivePoolParams::list() {
  using P = AdaptivePoolParams;
  static const ParamList l{
      param<&P::rows>("rows", "rows of the result", between(1, kMostTaps)),
      param<&P::columns>("columns", "columns of the result", between(1, kMostTaps)),
  };
  return l;
}

namespace {

Pair pair_of(std::int64_t rows, std::int64_t columns) {
  return {static_cast<int>(rows), static_cast<int>(columns)};
}

}  // namespace

Tensor adaptive_pool_rules::Average::apply(const Tensor& x, std::int64_t rows, std::int64_t columns) {
  return adaptive_average_pool2d(x, pair_of(rows, columns));
}
Tensor adaptive_pool_rules::Max::apply(const Tensor& x, std::int64_t rows, std::int64_t columns) {
  return adaptive_max_pool2d(x, pair_of(rows, columns));
}

template <class Rule>
AdaptivePool2d<Rule>::AdaptivePool2d(AdaptivePoolParams params)
    : Module(fmt::format("{} {} x {}", Rule::kTitle, params.rows, params.columns)), params_(params) {
  validate({kName, &params_, &Params::list()});
}

template <class Rule>
Tensor AdaptivePool2d<Rule>::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  return Rule::apply(x, params_.rows, params_.columns);
}

template <class Rule>
Shape AdaptivePool2d<Rule>::output_shape(const Shape& sample) const {
  return {params_.rows, params_.columns, image_sample(kName, sample)[2]};
}

template class AdaptivePool2d<adaptive_pool_rules::Average>;
template class AdaptivePool2d<adaptive_pool_rules::Max>;

}  // namespace cairn
