#include "cairn/ops/dropout.h"

#include <cmath>
#include <cstddef>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {
namespace {

struct DropoutAttributes {
  double rate = 0.5;
  std::uint64_t seed = 0, counter = 0;
  static const ParamList& list() {
    using A = DropoutAttributes;
    static const ParamList l{param<&A::rate>("rate", "share of values that become zero",
                                             {.low = 0, .high = 1, .high_open = true}, {"p"}),
                             param<&A::seed>("seed", "of the stream of masks"),
                             param<&A::counter>("counter", "which mask of the stream")};
    return l;
  }
};

constexpr std::int64_t kPart = 4096;  // elements with a stream of their own

void kernel(const KernelArgs& a) {
  const auto at = a.attributes.as<DropoutAttributes>();
  const Tensor input = dense(a.in[0]);
  const std::uint64_t seed = derive_seed(at.seed, "dropout", at.counter);
  const auto kept_below = static_cast<std::uint64_t>(std::llround((1 - at.rate) * 0x1.0p32));
  with_floating(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* x = input.data<T>().data();
    T* y = a.out[0].mutable_data<T>().data();
    const T factor = static_cast<T>(1 / (1 - at.rate));
    parallel_for(input.size(), kPart, [&](std::int64_t begin, std::int64_t end) {
      Random random(seed, "part", static_cast<std::uint64_t>(begin / kPart));
      for (std::int64_t i = begin; i < end; ++i) y[i] = random.next32() < kept_below ? x[i] * factor : T(0);
    });
  });
}

constinit const OpDef kDropout{
    .name = "dropout",
    .doc = "zeros with probability rate, the others times 1 / (1 - rate)",
    .attributes = &DropoutAttributes::list,
    .counter = offsetof(DropoutAttributes, counter),
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto at = a.attributes.as<DropoutAttributes>();
      need_floating(a);
      if (!(at.rate >= 0 && at.rate < 1))
        throw ParamError(a.name, fmt::format("rate = {} is outside [0, 1)", at.rate));
      return {{a.in[0].shape(), a.in[0].dtype()}};
    },
    .cpu = kernel,
    .vjp = [](const VjpArgs& a) -> Tensors { return {apply_one(kDropout, {a.grad[0]}, a.attributes)}; },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({3, 4}, -1, 1)}, DropoutAttributes{0.5, 7, 3}},
                                     {{uniform({4}, -1, 1)}, DropoutAttributes{0, 7, 3}},
                                     {{uniform({0, 4}, -1, 1)}, DropoutAttributes{0.2}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2}, 0, 1)}, DropoutAttributes{1}}, "dropout: rate = 1 is outside [0, 1)"},
              {{{uniform({2}, 0, 1)}, DropoutAttributes{std::nan("")}},
               "dropout: rate = nan is outside [0, 1)"}};
        },
};

}  // namespace

Tensor dropout(const Tensor& x, double rate, std::uint64_t seed, std::uint64_t counter) {
  return apply_one(kDropout, {x}, DropoutAttributes{rate, seed, counter});
}

std::span<const OpDef* const> dropout_ops() {
  static constexpr const OpDef* kOps[] = {&kDropout};
  return kOps;
}

}  // namespace cairn
