// Row T6: the area under the ROC curve of many scores with ties.
#include "bench/serve.h"
#include "cairn/metrics/ranking.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 2, "SCORES.f64 LABELS.i32", [&] {
    const auto scores = bench::read_raw<double>(argv[1]);
    const auto labels = bench::read_raw<std::int32_t>(argv[2]);
    return bench::serve([&] { return ranking_area(scores, labels).value(); },
                        [](const RankingArea& area) { return nlohmann::ordered_json{{"area", area.value}}; });
  });
}
