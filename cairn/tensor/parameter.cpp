#include "cairn/tensor/parameter.h"

#include <fmt/format.h>

#include <atomic>

#include "cairn/base/error.h"
#include "cairn/tensor/backward.h"

namespace cairn {

Parameter::Parameter(const Shape& shape, Draw draw, DType dtype)
    : shape_(shape), dtype_(dtype), draw_(std::make_shared<const Draw>(std::move(draw))) {}

Parameter::Parameter(const Tensor& value) : shape_(value.shape()), dtype_(value.dtype()) { hold(value); }

Parameter::Parameter(const Parameter& other)
    : shape_(other.shape_),
      dtype_(other.dtype_),
      frozen_(other.frozen_),
      seed_(other.seed_),
      name_(other.name_),
      draw_(other.draw_) {
  if (other.drawn()) hold(other.value_);
}

Parameter& Parameter::operator=(const Parameter& other) {
  if (this != &other) *this = Parameter(other);
  return *this;
}

// `const`, because the first look draws.
void Parameter::hold(const Tensor& value) const {
  value_ = frozen_ ? value.detach() : watched(value, name_);
  changed();
}

void Parameter::changed() const {
  static std::atomic<std::uint64_t> last{0};
  version_ = ++last;
}

const Tensor& Parameter::value() const {
  if (!value_.defined() && draw_) {
    Random random(seed_, "initial:" + name_);
    hold((*draw_)(shape_, dtype_, random));
  }
  return value_;
}

void Parameter::set(const Tensor& value) {
  if (!defined()) throw ShapeError("parameter", "a layer made without it cannot be given a value for it");
  if (!value.defined() || !(value.shape() == shape()))
    throw ShapeError(name_.empty() ? "parameter" : name_,
                     fmt::format("is {} and cannot be set to {}", shape().text(),
                                 value.defined() ? value.text() : "an undefined tensor"));
  if (value.dtype() != dtype_)
    throw DTypeError(name_.empty() ? "parameter" : name_,
                     fmt::format("is {} and cannot be set to {}", name_of(dtype_), value.text()),
                     "Convert it with to(), or the network with convert().");
  hold(value);
}

void Parameter::draw_from(std::uint64_t seed) {
  seed_ = seed;
  if (draw_) value_ = Tensor();
}

void Parameter::rename(std::string name) {
  if (name == name_) return;
  name_ = std::move(name);
  if (drawn()) hold(value_);
}

void Parameter::convert(DType dtype) {
  if (!is_floating(dtype))
    throw DTypeError("convert", fmt::format("{} cannot be learned", name_of(dtype)), "f32 and f64 can.");
  dtype_ = dtype;
  if (drawn()) hold(value_.detach().to(dtype));
}

void Parameter::freeze(bool frozen) {
  if (frozen == frozen_) return;
  frozen_ = frozen;
  if (drawn()) hold(value_);
}

}  // namespace cairn
