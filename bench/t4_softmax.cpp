// Row T4: softmax regression, L2 with C = 1.
#include "bench/raw_table.h"
#include "cairn/linear/logistic_regression.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 3, "X.f32 Y.i32 TOLERANCE", [&] {
    const auto labels = bench::read_raw<std::int32_t>(argv[2]);
    const auto rows = static_cast<std::int64_t>(labels.size());
    const double tolerance = std::stod(argv[3]);
    const Dataset data = bench::raw_dataset<float>(
        argv[1],
        Column::category("y", Tensor::from(labels), {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}),
        rows);
    return bench::serve([&] { return LogisticRegression({.tol = tolerance}).fit(data); },
                        [](const std::unique_ptr<Model>& model) -> nlohmann::ordered_json {
                          const auto& m = dynamic_cast<const LogisticModel&>(*model);
                          const auto weights = m.weights().data<double>(),
                                     intercepts = m.intercepts().data<double>();
                          return {{"coefficients", std::vector<double>(weights.begin(), weights.end())},
                                  {"intercepts", std::vector<double>(intercepts.begin(), intercepts.end())}};
                        });
  });
}
