#include <fmt/format.h>

#include <charconv>

#include "cairn/base/error.h"
#include "cairn/nn/image_rules_internal.h"

namespace cairn {

Padding padding_named(const char* owner, const std::string& text) {
  if (text == "valid") return {};
  if (text == "same") return Padding::same();
  int all = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), all);
  if (error != std::errc{} || at != text.data() + text.size() || all < 0 || all > kMostTaps)
    throw ParamError("", fmt::format("{}.padding = '{}' is not valid, same or a number from 0 to {}", owner,
                                     text, kMostTaps));
  return Padding(all);
}

Shape image_sample(const char* name, const Shape& sample) {
  if (sample.ndim() != 3)
    throw ShapeError(name, fmt::format("a sample of {} comes in; images are [H, W, C]", sample.text()));
  return sample;
}

}  // namespace cairn
