#include <fmt/format.h>

#include <charconv>

#include "cairn/base/error.h"
#include "cairn/train/layer_sizes_internal.h"

namespace cairn::train_detail {

std::vector<std::int64_t> layer_sizes(const std::string& parameter, const std::string& text) {
  std::vector<std::int64_t> sizes;
  const char *at = text.data(), *end = text.data() + text.size();
  const auto refuse = [&] {
    throw ParamError("", fmt::format("{} = '{}' is not a list of sizes from 1 to 1000000", parameter, text),
                     fmt::format("Such as {0}=64 or {0}=128,64.", parameter.substr(parameter.find('.') + 1)));
  };
  while (at < end) {
    while (at < end && (*at == ' ' || *at == ',')) ++at;
    if (at == end) break;
    std::int64_t size = 0;
    const auto [next, error] = std::from_chars(at, end, size);
    if (error != std::errc{} || size < 1 || size > 1'000'000 || (next < end && *next != ' ' && *next != ','))
      refuse();
    sizes.push_back(size);
    at = next;
  }
  if (sizes.size() > 100) refuse();
  return sizes;
}

}  // namespace cairn::train_detail
