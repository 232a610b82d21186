// Row N0: products of f32 matrices through the public operation: M K N, as often as to be measurable.
#include <cstdlib>

#include "bench/peak.h"
#include "bench/serve.h"
#include "cairn/ops/matmul.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/samples.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 4, "M K N TIMES", [&] {
    const std::int64_t m = std::atoll(argv[1]), k = std::atoll(argv[2]), n = std::atoll(argv[3]),
                       times = std::atoll(argv[4]);
    const Tensor a = Tensor::full({m, k}, 0.5, DType::f32), b = uniform({k, n}, -1, 1, DType::f32);
    return bench::serve(
        [&] {
          const NoGrad no_grad;
          Tensor y;
          for (std::int64_t i = 0; i < times; ++i) y = matmul(a, b);
          return y;
        },
        [&](const Tensor& y) {
          return nlohmann::ordered_json{{"corner", y.item({m - 1, n - 1})},
                                        {"peak_gflops", bench::peak_gflops()}};
        });
  });
}
