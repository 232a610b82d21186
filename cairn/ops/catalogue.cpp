#include "cairn/ops/catalogue.h"

#include <string>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/tensor/view_ops.h"

namespace cairn {

const std::vector<const OpDef*>& all_ops() {
  static const std::vector<const OpDef*> ops = [] {
    std::vector<const OpDef*> all;
    for (const auto list : {view_ops(),         arithmetic_ops(),
                            math_ops(),         compare_ops(),
                            activation_ops(),   softmax_ops(),
                            reduce_ops(),       extreme_ops(),
                            scan_ops(),         shape_view_ops(),
                            join_ops(),         index_ops(),
                            matmul_ops(),       conv_ops(),
                            pool_ops(),         adaptive_pool_ops(),
                            batch_norm_ops(),   layer_norm_ops(),
                            linear_ops(),       dropout_ops(),
                            embedding_ops(),    regression_loss_ops(),
                            binary_loss_ops(),  class_loss_ops(),
                            distance_loss_ops()})
      all.insert(all.end(), list.begin(), list.end());
    return all;
  }();
  return ops;
}

const OpDef& op_named(std::string_view name) {
  std::vector<std::string> names;
  for (const OpDef* op : all_ops()) {
    if (op->name == name) return *op;
    names.emplace_back(op->name);
  }
  throw UsageError("operations", "there is none called '" + std::string(name) + "'", suggestion(name, names));
}

}  // namespace cairn
