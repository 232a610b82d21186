#include "cairn/nn/dropout.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/ops/dropout.h"

namespace cairn {

const ParamList& DropoutParams::list() {
  using P = DropoutParams;
  static const ParamList l{
      param<&P::rate>("rate", "share of the numbers that become 0",
                      ParamRule{.low = 0, .high = 1, .high_open = true}, {"p"}),
      param<&P::seed>("seed", "of the masks", at_least(0)),
  };
  return l;
}

Dropout::Dropout(DropoutParams params) : Module(fmt::format("Dropout {:g}", params.rate)), params_(params) {
  validate({kName, &params_, &Params::list()});
}

Tensor Dropout::operator()(const Tensor& x) const {
  if (!training() || params_.rate == 0) return x;
  const ModuleScope here = scope();
  const std::uint64_t stream = derive_seed(static_cast<std::uint64_t>(params_.seed), "dropout:" + path());
  return dropout(x, params_.rate, stream, calls_.take());
}

void Dropout::visit(Visitor& v) {
  v.module(*this);
  v.value("calls", calls_.value());
  if (v.loading() && calls_.value() < 0)
    throw ModelFileError("dropout", fmt::format("has been called {} times", calls_.value()));
}

}  // namespace cairn
