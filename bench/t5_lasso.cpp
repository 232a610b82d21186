// Row T5: lasso with alpha = 0.05, or (T5P) the whole path of 100 strengths with five folds.
#include "bench/raw_table.h"
#include "cairn/linear/elastic_net.h"
#include "cairn/linear/elastic_net_cv.h"
#include "cairn/linear/linear_model.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 3, "one|path X.f64 Y.f64", [&] {
    const bool path = std::string(argv[1]) == "path";
    auto y = bench::read_raw<double>(argv[3]);
    const auto rows = static_cast<std::int64_t>(y.size());
    const Dataset data =
        bench::raw_dataset<double>(argv[2], Column::number("y", Tensor::take(std::move(y))), rows);
    const auto fit = [&]() -> std::unique_ptr<Model> {
      if (path) return ElasticNetCv({.tol = 1e-8}).fit(data);
      return Lasso({.alpha = 0.05, .tol = 1e-8}).fit(data);
    };
    return bench::serve(fit, [](const std::unique_ptr<Model>& model) {
      const auto& linear = dynamic_cast<const LinearModel&>(*model);
      return bench::coefficients_json({linear.weights().begin(), linear.weights().end()},
                                      linear.intercepts()[0]);
    });
  });
}
