#include "cairn/model/quantile_model.h"

#include <fmt/format.h>

namespace cairn {

std::string quantile_column(double level) { return fmt::format("q_{}", level); }

}  // namespace cairn
