#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/nn/network.h"
#include "cairn/train/declared_internal.h"

namespace cairn::train_detail {

std::string declared_network(const std::string& parameter, const std::string& text) {
  if (text.empty()) return {};
  // A learner opens no file: a path may come from a model file of somebody else, and its content may change
  // between two fits.
  if (!text.starts_with('{'))
    throw ParamError(
        "",
        fmt::format("{} = '{}' is no declaration; JSON that begins with '{{' was expected", parameter, text),
        "--set network=FILE reads a file; in C++ Network::load_json(FILE).json() does.");
  return Network::parse(text, parameter).json();
}

void refuse_beside_declaration(const std::string& parameter,
                               const std::vector<std::pair<const char*, bool>>& settings) {
  for (const auto& [name, differs] : settings)
    if (differs)
      throw ParamError("", fmt::format("{} is set beside {}, which declares every layer", name, parameter),
                       "Leave one of the two out.");
}

}  // namespace cairn::train_detail
