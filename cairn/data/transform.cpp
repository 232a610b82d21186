#include "cairn/data/transform.h"

namespace cairn {

Table FittedTransform::invert(const Table& /*made*/) const {
  throw NotSupported(std::string(kind()),
                     "cannot be turned back: what it makes tells less than what it took");
}

FittedRows Transform::fit_rows(const Dataset& data, const Table& table,
                               const TransformContext& context) const {
  FittedRows result{.fitted = fit(data, context), .table = {}, .kept = {}};
  result.table = result.fitted->apply(table);
  return result;
}

}  // namespace cairn
