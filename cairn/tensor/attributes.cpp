#include "cairn/tensor/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace cairn {

AxisList::AxisList(std::initializer_list<int> axes) {
  for (const int axis : axes) push_back(axis);
}

void AxisList::push_back(int axis) {
  if (count_ == Shape::kMaxDims)
    throw ShapeError("axes", fmt::format("more than {} axes are given", Shape::kMaxDims));
  if (axis < -Shape::kMaxDims || axis >= Shape::kMaxDims)
    throw ShapeError(
        "axes", fmt::format("axis {} cannot exist; tensors have at most {} axes", axis, Shape::kMaxDims));
  at_[static_cast<std::uint8_t>(count_++)] = static_cast<std::int8_t>(axis);
}

namespace attributes_detail {
namespace {

// Whole numbers between commas, blanks and brackets.
template <class F>
void each_number(const std::string& text, F&& f) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    if (*at == ' ' || *at == ',' || *at == '[' || *at == ']') {
      ++at;
      continue;
    }
    std::int64_t value = 0;
    const auto [next, fault] = std::from_chars(at, end, value);
    if (fault != std::errc{})
      throw ParamError("attributes", fmt::format("'{}' is not a list of whole numbers", text));
    f(value);
    at = next;
  }
}

}  // namespace

std::string axes_text(const AxisList& axes) {
  std::string text;
  for (int i = 0; i < axes.count(); ++i) text += fmt::format("{}{}", i ? ", " : "", axes[i]);
  return text;
}

AxisList axes_from_text(const std::string& text) {
  AxisList axes;
  each_number(text, [&](std::int64_t v) {
    axes.push_back(static_cast<int>(std::clamp<std::int64_t>(v, -100, 100)));
  });
  return axes;
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (int i = 0; i < shape.ndim(); ++i) text += fmt::format("{}{}", i ? ", " : "", shape[i]);
  return text;
}

Shape shape_from_text(const std::string& text) {
  std::vector<std::int64_t> dims;
  each_number(text, [&](std::int64_t v) { dims.push_back(v); });
  return Shape(std::span<const std::int64_t>(dims));
}

}  // namespace attributes_detail
}  // namespace cairn
