// Rows G1, G2, G4 and G5: any learner on H; answers with the test rows' probabilities in a file.
#include "bench/raw_table.h"
#include "cairn/base/atomic_file.h"
#include "cairn/builtin/registry.h"

namespace {

cairn::Dataset two_classes(const char* x, std::vector<std::int32_t> labels) {
  using namespace cairn;
  const auto rows = static_cast<std::int64_t>(labels.size());
  return bench::raw_dataset<float>(x, Column::category("y", Tensor::take(std::move(labels)), {"0", "1"}),
                                   rows);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 6, "X.f32 Y.i32 TEST.f32 SCORES.f64 LEARNER NAME=VALUE,...", [&] {
    const Dataset data = two_classes(argv[1], bench::read_raw<std::int32_t>(argv[2]));
    const auto columns = static_cast<std::size_t>(data.features().num_columns());
    std::vector<std::int32_t> any(bench::read_raw<float>(argv[3]).size() / columns);
    for (std::size_t i = 0; i < any.size(); ++i)
      any[i] = static_cast<std::int32_t>(i % 2);  // the judge has the labels
    const Table test = two_classes(argv[3], std::move(any)).features();
    const auto learner = builtin_registry().learner(argv[5]).make();
    std::string settings = argv[6];
    for (std::size_t begin = 0; begin < settings.size();) {
      const std::size_t end = std::min(settings.find(',', begin), settings.size()),
                        equals = settings.find('=', begin);
      set_param(learner->params(), settings.substr(begin, equals - begin),
                settings.substr(equals + 1, end - equals - 1));
      begin = end + 1;
    }
    return bench::serve([&] { return learner->fit(data); },
                        [&](const std::unique_ptr<Model>& model) {
                          const Tensor p = model->predict(test).column("p_1").numbers();
                          write_file(argv[4], {reinterpret_cast<const char*>(p.raw()),
                                               static_cast<std::size_t>(p.size()) * 8});
                          return nlohmann::ordered_json{{"scores", argv[4]}};
                        });
  });
}
