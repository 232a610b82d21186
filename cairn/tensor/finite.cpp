#include "cairn/tensor/finite_internal.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>

#include "cairn/base/error.h"
#include "cairn/tensor/strided.h"

namespace cairn {
namespace {

struct Fault {
  std::int64_t at = 0;  // in C order
  bool nan = false;
};

template <class T>
std::optional<Fault> first_fault(std::span<const T> values) {
  std::optional<Fault> infinite;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    if (std::isnan(values[i])) return Fault{static_cast<std::int64_t>(i), true};
    if (!infinite) infinite = Fault{static_cast<std::int64_t>(i), false};
  }
  return infinite;
}

std::optional<Fault> first_fault(const Tensor& t) {
  if (!is_floating(t.dtype())) return {};
  const Tensor d = dense(t);
  return d.dtype() == DType::f32 ? first_fault(d.data<float>()) : first_fault(d.data<double>());
}

std::string index_text(const Shape& shape, std::int64_t at) {
  std::string text;
  for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
    text = fmt::format("{}{}{}", at % shape[axis], text.empty() ? "" : ", ", text);
    at /= shape[axis];
  }
  return fmt::format("[{}]", text);
}

std::string range_text(const Tensor& t) {
  if (!is_floating(t.dtype()) || t.size() == 0) return t.text();
  const Tensor d = dense(t);
  double low = std::numeric_limits<double>::infinity(), high = -low;
  const auto look = [&](auto values) {
    for (const auto v : values) {
      low = std::min<double>(low, v);
      high = std::max<double>(high, v);
    }
  };
  d.dtype() == DType::f32 ? look(d.data<float>()) : look(d.data<double>());
  return fmt::format("{} in [{:.6g}, {:.6g}]", t.text(), low, high);
}

}  // namespace

void check_finite_result(const OpDef& op, std::span<const Tensor> in, std::span<const Tensor> out) {
  bool was_infinite = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::optional<Fault> fault = first_fault(in[i]);
    if (fault && fault->nan)
      throw FitError(op.name,
                     fmt::format("its input {} holds NaN at {} of {} before any operation made one", i + 1,
                                 index_text(in[i].shape(), fault->at), in[i].text()),
                     "Look at the data and the parameters.");
    was_infinite = was_infinite || fault;
  }
  for (const Tensor& t : out) {
    const std::optional<Fault> fault = first_fault(t);
    if (!fault || (was_infinite && !fault->nan)) continue;
    std::string inputs;
    for (const Tensor& i : in) inputs += (inputs.empty() ? "" : "; ") + range_text(i);
    throw FitError(op.name, fmt::format("made {} at {} of {} out of {}", fault->nan ? "NaN" : "infinity",
                                        index_text(t.shape(), fault->at), t.text(), inputs));
  }
}

}  // namespace cairn
