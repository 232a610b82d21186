// Any module, its type forgotten, still a value: copying a Layer copies the module in it.
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/params.h"
#include "cairn/nn/module.h"

namespace cairn {

// What may follow a layer in the same pass over memory: the sum with a tensor of its shape, then a rectifier.
// The numbers are those of separate passes, to the last bit.
struct Finish {
  Tensor residual;  // undefined: none
  bool relu = false;
};

namespace layer_detail {

// The library's own modules say more of themselves than a user's needs to.
template <class M>
concept Described = requires(M m, const Shape& s) {
  { M::kName } -> std::convertible_to<const char*>;
  typename M::Params;
  { m.params() } -> std::same_as<typename M::Params>;
  { m.multiply_adds(s) } -> std::same_as<std::int64_t>;
};
template <class M>
concept TakesMany = requires(const M m, std::span<const Tensor> x) {
  { m(x) } -> std::same_as<Tensor>;
};
// Modules that can take a Finish, or some: `finishes` is asked with a residual that need not be defined yet.
template <class M>
concept Finishing = requires(const M m, const Tensor& x, const Finish& f, bool with_residual) {
  { m.finishes(with_residual) } -> std::same_as<bool>;
  { m(x, f) } -> std::same_as<Tensor>;
};

class AnyModule {
 public:
  virtual ~AnyModule() = default;
  virtual std::unique_ptr<AnyModule> clone() const = 0;
  virtual Tensor forward(std::span<const Tensor> x) const = 0;
  virtual bool finishes(bool with_residual) const = 0;
  virtual Tensor forward(const Tensor& x, const Finish& finish) const = 0;
  virtual void visit(Visitor& v) = 0;
  virtual const char* kind() const = 0;
  virtual std::string params() const = 0;
  virtual Shape output_shape(std::span<const Shape> samples) const = 0;
  virtual std::int64_t multiply_adds(std::span<const Shape> samples) const = 0;
};
[[noreturn]] void refuse_inputs(const char* kind, std::size_t given);
[[noreturn]] void refuse_to_describe(const char* kind);
Tensor finished(Tensor y, const Finish& finish);
std::string json_text(const char* owner, void* params, const ParamList& list);

}  // namespace layer_detail

class Layer {
 public:
  template <class M>
    requires(!std::is_same_v<M, Layer> && requires(M& m, Visitor& v) { m.visit(v); })
  Layer(M module)  // NOLINT(google-explicit-constructor): Sequential{Linear(...), Relu()}
      : module_(std::make_unique<Held<M>>(std::move(module))) {}
  Layer(const Layer& other) : module_(other.module_->clone()) {}
  Layer(Layer&&) noexcept = default;
  Layer& operator=(const Layer& other) {
    if (this != &other) module_ = other.module_->clone();
    return *this;
  }
  Layer& operator=(Layer&&) noexcept = default;
  ~Layer() = default;

  Tensor operator()(const Tensor& x) const { return module_->forward({&x, 1}); }
  Tensor operator()(std::span<const Tensor> x) const { return module_->forward(x); }
  // Whether the layer does it in one pass.
  bool finishes(bool with_residual) const { return module_->finishes(with_residual); }
  Tensor operator()(const Tensor& x, const Finish& finish) const { return module_->forward(x, finish); }
  void visit(Visitor& v) { module_->visit(v); }

  const char* kind() const { return module_->kind(); }  // "linear"; "module" for a user's own class
  // As JSON text. NotSupported for a user's own class.
  std::string params() const { return module_->params(); }
  // Of samples, without the batch's axis. ShapeError; NotSupported for a user's own class.
  Shape output_shape(std::span<const Shape> samples) const { return module_->output_shape(samples); }
  std::int64_t multiply_adds(std::span<const Shape> samples) const { return module_->multiply_adds(samples); }

 private:
  template <class M>
  class Held;
  std::unique_ptr<layer_detail::AnyModule> module_;
};

template <class M>
class Layer::Held final : public layer_detail::AnyModule {
 public:
  explicit Held(M module) : module_(std::move(module)) {}
  std::unique_ptr<AnyModule> clone() const override { return std::make_unique<Held>(module_); }
  Tensor forward(std::span<const Tensor> x) const override {
    if constexpr (layer_detail::TakesMany<M>) {
      return module_(x);
    } else {
      if (x.size() != 1) layer_detail::refuse_inputs(kind(), x.size());
      return module_(x[0]);
    }
  }
  bool finishes(bool with_residual) const override {
    if constexpr (layer_detail::Finishing<M>)
      return module_.finishes(with_residual);
    else
      return false;
  }
  Tensor forward(const Tensor& x, const Finish& finish) const override {
    if constexpr (layer_detail::Finishing<M>)
      if (module_.finishes(finish.residual.defined())) return module_(x, finish);
    return layer_detail::finished(forward({&x, 1}), finish);
  }
  void visit(Visitor& v) override { module_.visit(v); }
  const char* kind() const override {
    if constexpr (layer_detail::Described<M>)
      return M::kName;
    else
      return "module";
  }
  std::string params() const override {
    if constexpr (layer_detail::Described<M>) {
      typename M::Params params = module_.params();
      return layer_detail::json_text(kind(), &params, M::Params::list());
    } else {
      layer_detail::refuse_to_describe(kind());
    }
  }
  Shape output_shape(std::span<const Shape> samples) const override {
    if constexpr (!layer_detail::Described<M>) {
      layer_detail::refuse_to_describe(kind());
    } else if constexpr (layer_detail::TakesMany<M>) {
      return module_.output_shape(samples);
    } else {
      if (samples.size() != 1) layer_detail::refuse_inputs(kind(), samples.size());
      return module_.output_shape(samples[0]);
    }
  }
  std::int64_t multiply_adds(std::span<const Shape> samples) const override {
    if constexpr (layer_detail::Described<M>)
      return module_.multiply_adds(samples[0]);
    else
      return 0;
  }

 private:
  M module_;
};

}  // namespace cairn
