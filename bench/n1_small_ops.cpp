// Row N1: what one operation costs beside its arithmetic: adds of two n x n matrices through the public
// interface, without and with a tape.
#include <cstdlib>
#include <string>

#include "bench/serve.h"
#include "cairn/ops/elementwise.h"
#include "cairn/tensor/backward.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 3, "N plain|tape TIMES", [&] {
    const std::int64_t n = std::atoll(argv[1]), times = std::atoll(argv[3]);
    const Tensor a = Tensor::full({n, n}, 1, DType::f32), b = Tensor::full({n, n}, 2, DType::f32);
    const Tensor left = std::string(argv[2]) == "tape" ? watched(a) : a;
    return bench::serve(
        [&] {
          Tensor y;
          for (std::int64_t i = 0; i < times; ++i) y = add(left, b);
          return y;
        },
        [&](const Tensor& y) { return nlohmann::ordered_json{{"corner", y.item({n - 1, n - 1})}}; });
  });
}
