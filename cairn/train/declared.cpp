#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/nn/network.h"
#include "cairn/train/declared_internal.h"

namespace cairn::train_detail {

std::string declared_network(const std::string& parameter, const std::string& text) {
  if (text.empty()) return {};
  return text.starts_with('{') ? Network::parse(text, parameter).json() : Network::load_json(text).json();
}

void refuse_beside_declaration(const std::string& parameter,
                               const std::vector<std::pair<const char*, bool>>& settings) {
  for (const auto& [name, differs] : settings)
    if (differs)
      throw ParamError("", fmt::format("{} is set beside {}, which declares every layer", name, parameter),
                       "Leave one of the two out.");
}

}  // namespace cairn::train_detail
