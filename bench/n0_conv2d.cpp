// Convolutions of networks through the public operations: forward, gradient for the images, gradient for the
// weight.
#include <cstdlib>
#include <string>

#include "bench/serve.h"
#include "cairn/ops/conv2d.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/samples.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(
      argc, argv, 8, "forward|data|weight IMAGES SIZE CHANNELS FILTERS KERNEL STRIDE TIMES", [&] {
        const std::string kind = argv[1];
        const auto number = [&](int i) { return std::atoll(argv[i]); };
        const std::int64_t n = number(2), h = number(3), c = number(4), o = number(5), f = number(6),
                           times = number(8);
        const auto stride = static_cast<std::int32_t>(number(7)), pad = static_cast<std::int32_t>(f / 2);
        const Tensor x = uniform({n, h, h, c}, -1, 1, DType::f32),
                     w = uniform({o, f, f, c}, -1, 1, DType::f32);
        Conv2dAttributes at{stride, stride, pad, pad, pad, pad};
        const Tensor g = apply_one(kConv2d, {x, w}, at);
        const std::int64_t side = kind == "weight" ? f : kind == "data" ? h : 0;
        at.rows = at.columns = static_cast<std::int32_t>(side);
        return bench::serve(
            [&] {
              const NoGrad no_grad;
              Tensor y;
              for (std::int64_t i = 0; i < times; ++i)
                y = kind == "data"     ? apply_one(kConv2dDataGradient, {g, w}, at)
                    : kind == "weight" ? apply_one(kConv2dWeightGradient, {x, g}, at)
                                       : apply_one(kConv2d, {x, w}, at);
              return y;
            },
            [&](const Tensor& y) { return nlohmann::ordered_json{{"first", y.item({0, 0, 0, 0})}}; });
      });
}
