// Row G6: predictions of a boosting model of 100 trees of depth 8, for many rows at once and for one row.
#include "bench/raw_table.h"
#include "cairn/tree/gradient_boosting.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 4, "X.f32 Y.i32 ROWS.f32 many|one", [&] {
    std::vector<std::int32_t> labels = bench::read_raw<std::int32_t>(argv[2]);
    const auto n = static_cast<std::int64_t>(labels.size());
    const Dataset data = bench::raw_dataset<float>(
        argv[1], Column::category("y", Tensor::take(std::move(labels)), {"0", "1"}), n);
    const auto model = GradientBoosting({.trees = 100, .learning_rate = 0.1, .max_depth = 8}).fit(data);
    const TreeEnsemble& trees = dynamic_cast<const TreeModel&>(*model).trees();
    const std::vector<float> asked = bench::read_raw<float>(argv[3]);
    const std::int64_t d = trees.num_features(), rows = std::ssize(asked) / d;
    const Matrix x = Matrix::from_rows(Tensor::from(std::span<const float>(asked), Shape{rows, d}));
    if (std::string(argv[4]) == "many")
      return bench::serve(
          [&] {
            std::vector<double> raw(static_cast<std::size_t>(rows)), p(2 * raw.size());
            trees.predict_raw(x, raw);
            trees.finish(raw, p);
            return p;
          },
          [&](const std::vector<double>& p) {
            return nlohmann::ordered_json{{"rows", rows}, {"first", p[1]}};
          });
    constexpr std::int64_t kCalls = 20000;  // "seconds" is of all of them
    return bench::serve(
        [&] {
          std::vector<double> row(static_cast<std::size_t>(d));
          double sum = 0, raw = 0;
          for (std::int64_t i = 0; i < kCalls; ++i) {
            for (std::int64_t f = 0; f < d; ++f)
              row[static_cast<std::size_t>(f)] = asked[static_cast<std::size_t>(i % rows * d + f)];
            trees.predict_raw_row(row, std::span(&raw, 1));
            sum += raw;
          }
          return sum;
        },
        [&](double sum) { return nlohmann::ordered_json{{"calls", kCalls}, {"sum", sum}}; });
  });
}
