// Pooling to a given size, whatever the images': images [N, H, W, C] to [N, rows, columns, C].
#pragma once

#include <cstdint>

#include "cairn/base/params.h"
#include "cairn/nn/layer.h"

namespace cairn {

struct AdaptivePoolParams {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  static const ParamList& list();
};

namespace adaptive_pool_rules {
struct Average {
  static constexpr const char *kName = "adaptive_average_pool2d", *kTitle = "AdaptiveAveragePool2d",
                              *kDoc = "Means of windows so chosen that the result has a given size.";
  static Tensor apply(const Tensor& x, std::int64_t rows, std::int64_t columns);
};
struct Max {
  static constexpr const char
      *kName = "adaptive_max_pool2d",
      *kTitle = "AdaptiveMaxPool2d",
      *kDoc = "The largest numbers of windows so chosen that the result has a given size.";
  static Tensor apply(const Tensor& x, std::int64_t rows, std::int64_t columns);
};
}  // namespace adaptive_pool_rules

// Windows floor(p H / rows) to ceil((p + 1) H / rows); they overlap where H is no multiple.
template <class Rule>
class AdaptivePool2d : public Module {
 public:
  using Params = AdaptivePoolParams;
  static constexpr const char* kName = Rule::kName;
  static constexpr const char* kDoc = Rule::kDoc;
  explicit AdaptivePool2d(AdaptivePoolParams params = {});
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) { v.module(*this); }
  Params params() const { return params_; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape&) const { return 0; }

 private:
  Params params_;
};
using AdaptiveAveragePool2d = AdaptivePool2d<adaptive_pool_rules::Average>;
using AdaptiveMaxPool2d = AdaptivePool2d<adaptive_pool_rules::Max>;
extern template class AdaptivePool2d<adaptive_pool_rules::Average>;
extern template class AdaptivePool2d<adaptive_pool_rules::Max>;

}  // namespace cairn
