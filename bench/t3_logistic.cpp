// Row T3: logistic regression of two classes, L2 with C = 1.
#include "bench/raw_table.h"
#include "cairn/linear/logistic_regression.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 2, "X.f32 Y.i32", [&] {
    const auto labels = bench::read_raw<std::int32_t>(argv[2]);
    const auto rows = static_cast<std::int64_t>(labels.size());
    const Dataset data =
        bench::raw_dataset<float>(argv[1], Column::category("y", Tensor::from(labels), {"0", "1"}), rows);
    return bench::serve([&] { return LogisticRegression({.tol = 1e-4}).fit(data); },
                        [](const std::unique_ptr<Model>& model) {
                          const auto& logistic = dynamic_cast<const LogisticModel&>(*model);
                          const auto weights = logistic.weights().data<double>();
                          return bench::coefficients_json({weights.begin(), weights.end()},
                                                          logistic.intercepts().data<double>()[0]);
                        });
  });
}
