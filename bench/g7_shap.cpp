// Row G7: exact Shapley values by a model that XGBoost wrote.
#include "bench/serve.h"
#include "cairn/base/atomic_file.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/shap.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 3, "MODEL.json ROWS.f32 VALUES.f64", [&] {
    const TreeEnsemble trees = read_xgboost(argv[1]).trees;
    const auto numbers = bench::read_raw<float>(argv[2]);
    const auto rows = static_cast<std::int64_t>(numbers.size()) / trees.num_features();
    const Matrix x = Matrix::from_rows(Tensor::from(std::span(numbers), Shape{rows, trees.num_features()}));
    std::vector<double> values(
        static_cast<std::size_t>(rows * trees.num_outputs() * (trees.num_features() + 1)));
    return bench::serve([&] { return shap_values(trees, x, values), values.back(); },
                        [&](double) {
                          write_file(argv[3],
                                     {reinterpret_cast<const char*>(values.data()), values.size() * 8});
                          return nlohmann::ordered_json{{"values", argv[3]}};
                        });
  });
}
