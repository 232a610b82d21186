// Any bytes read as a model of XGBoost, LightGBM or ONNX give trees that can be asked, or an error of the
// family.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/tree/exchange/import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cairn;
  try {
    const TreeEnsemble trees = parse_other_trees({reinterpret_cast<const char*>(data), size}, "fuzz").trees;
    constexpr std::int64_t kAsked = 10'000;
    if (trees.num_features() > kAsked || trees.num_outputs() > kAsked) return 0;
    std::vector<double> row(static_cast<std::size_t>(trees.num_features()), std::nan(""));
    std::vector<double> raw(static_cast<std::size_t>(trees.num_outputs()));
    trees.predict_raw_row(row, raw);
  } catch (const InternalError&) {
    std::abort();
  } catch (const Error&) {
  }
  return 0;
}
