// Row T2: least squares with intercept.
#include "bench/raw_table.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/linear_regression.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 2, "X.f64 Y.f64", [&] {
    auto y = bench::read_raw<double>(argv[2]);
    const auto rows = static_cast<std::int64_t>(y.size());
    const Dataset data =
        bench::raw_dataset<double>(argv[1], Column::number("y", Tensor::take(std::move(y))), rows);
    return bench::serve([&] { return LinearRegression({.intercept = true}).fit(data); },
                        [](const std::unique_ptr<Model>& model) {
                          const auto& linear = dynamic_cast<const LinearModel&>(*model);
                          return bench::coefficients_json({linear.weights().begin(), linear.weights().end()},
                                                          linear.intercepts()[0]);
                        });
  });
}
