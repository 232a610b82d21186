#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/reduce_internal.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/strided.h"

namespace cairn {
namespace {

struct ScanAttributes {
  std::int64_t axis = 0;
  static const ParamList& list() {
    static const ParamList l{param<&ScanAttributes::axis>("axis", "the axis that is summed along")};
    return l;
  }
};

}  // namespace

constinit const OpDef kCumsum{
    .name = "cumsum",
    .doc = "running sums along an axis",
    .attributes = &ScanAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      checked_axis(a.name, a.attributes.as<ScanAttributes>().axis, a.in[0]);
      return same_number(a);
    },
    .cpu =
        [](const KernelArgs& a) {
          const Tensor x = dense(a.in[0]);
          if (x.size() == 0) return;
          const std::int64_t axis = a.attributes.as<ScanAttributes>().axis;
          const int at = static_cast<int>(axis < 0 ? axis + x.ndim() : axis);
          const std::int64_t n = x.size(at), inner = x.stride(at);
          with_type(x.dtype(), [&](auto zero) {
            using T = decltype(zero);
            const T* from = reinterpret_cast<const T*>(x.raw());
            T* to = a.out[0].mutable_data<T>().data();
            for (std::int64_t k = 0; k < x.size() / n; ++k) {
              const std::int64_t offset = k / inner * inner * n + k % inner;
              std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t> total = 0;
              for (std::int64_t i = 0; i < n; ++i) {
                total += from[offset + i * inner];
                to[offset + i * inner] = static_cast<T>(total);
              }
            }
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const int axis = static_cast<int>(a.attributes.as<ScanAttributes>().axis);
      return {flip(cumsum(flip(a.grad[0], axis), axis), axis)};
    },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 3}, -1, 1)}, ScanAttributes{1}},
                                     {{uniform({3, 2}, -1, 1).transpose()}, ScanAttributes{-2}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({2}, 0, 1)}, ScanAttributes{1}},
                                         "cumsum: axis 1 does not exist in f64 [2]; its axes are -1 to 0"}};
        },
};

Tensor cumsum(const Tensor& x, int axis) { return apply_one(kCumsum, {x}, ScanAttributes{axis}); }

std::span<const OpDef* const> scan_ops() {
  static constexpr const OpDef* kOps[] = {&kCumsum};
  return kOps;
}

}  // namespace cairn
