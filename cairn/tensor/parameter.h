// What a module learns: a tensor that a gradient is wanted for. It is drawn when it is first looked at, so a
// network that is only described takes no memory. A copy is a leaf of its own: gradients of one never reach
// the other.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cairn/base/random.h"
#include "cairn/tensor/tensor.h"

namespace cairn {

class Parameter {
 public:
  using Draw = std::function<Tensor(const Shape& shape, DType dtype, Random& random)>;

  Parameter() = default;  // none: a layer without a bias
  Parameter(const Shape& shape, Draw draw, DType dtype = DType::f32);
  explicit Parameter(const Tensor& value);
  Parameter(const Parameter& other);
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(const Parameter& other);
  Parameter& operator=(Parameter&&) noexcept = default;
  ~Parameter() = default;

  bool defined() const { return draw_ != nullptr || value_.defined(); }
  const Shape& shape() const { return value_.defined() ? value_.shape() : shape_; }
  DType dtype() const { return dtype_; }
  std::int64_t size() const { return defined() ? shape().size() : 0; }
  const std::string& name() const { return name_; }  // "encoder.fc1.weight"; empty until a walk has named it

  // The values, watched unless frozen. The first look draws them: it must not be made by two threads at once.
  const Tensor& value() const;
  operator const Tensor&() const {
    return value();
  }  // NOLINT(google-explicit-constructor): matmul(x, weight_)
  bool drawn() const { return value_.defined(); }
  // Another number, of the process, after everything that may have changed the values: a span of
  // mutable_data() is not written to after somebody else has looked at them.
  std::uint64_t version() const { return version_; }

  void set(const Tensor& value);  // ShapeError, DTypeError: not of this shape and element type
  template <class T>
  std::span<T> mutable_data() {
    value();
    changed();
    return value_.mutable_data<T>();
  }
  // Drawn anew, from `seed` and the name, at the next look.
  void draw_from(std::uint64_t seed);
  void rename(std::string name);
  void convert(DType dtype);  // f32 or f64
  bool frozen() const { return frozen_; }
  void freeze(bool frozen);  // true: no gradient is computed for it

 private:
  void hold(const Tensor& value) const;
  void changed() const;
  mutable Tensor value_;
  mutable std::uint64_t version_ = 0;
  Shape shape_;
  DType dtype_ = DType::f32;
  bool frozen_ = false;
  std::uint64_t seed_ = 0;
  std::string name_;
  std::shared_ptr<const Draw> draw_;
};

}  // namespace cairn
