// Private to optim/: tensors as the step kernels take them.
#pragma once

#include "cairn/optim/optimizer.h"
#include "cairn/optim/step_simd_internal.h"

namespace cairn {

template <class T>
void* writable(Tensor& t) {
  return t.mutable_data<T>().data();
}
inline void* writable(Tensor& t) {
  return t.dtype() == DType::f32 ? writable<float>(t) : writable<double>(t);
}

inline step_kernels::Piece gradient_piece(const Tensor& gradient) {
  step_kernels::Piece piece;
  piece.g = gradient.raw();
  piece.n = gradient.size();
  piece.is_f32 = gradient.dtype() == DType::f32;
  return piece;
}

// Everything a rule needs of one parameter. `Moved` is protected in Optimizer, so its type is deduced.
template <class Moved>
step_kernels::Piece step_piece(const Moved& m, double clip_value) {
  step_kernels::Piece piece = gradient_piece(m.gradient);
  Parameter& p = *m.of->parameter;
  piece.p =
      piece.is_f32 ? static_cast<void*>(p.mutable_data<float>().data()) : p.mutable_data<double>().data();
  for (std::size_t i = 0; i < m.of->state.size(); ++i) piece.state[i] = writable(m.of->state[i]);
  piece.rate = m.rate;
  piece.l2 = m.l2;
  piece.l1 = m.l1;
  piece.decay = m.decay;
  piece.scale = m.scale;
  piece.clip = clip_value;
  return piece;
}

// One rule over all parameters at once.
template <class Moved>
void step_all(const step_kernels::Coefficients& c, std::span<Moved> moved, double clip_value) {
  std::vector<step_kernels::Piece> pieces;
  pieces.reserve(moved.size());
  for (const Moved& m : moved) pieces.push_back(step_piece(m, clip_value));
  step_kernels::step(c, pieces);
}

// The gradient as the other rules see it, in f64: scaled, clipped, with its penalties.
template <class Moved>
std::vector<double> whole_gradient(const Moved& m, double clip_value) {
  const auto n = static_cast<std::size_t>(m.gradient.size());
  std::vector<double> g(n);
  const auto fill = [&](auto zero) {
    using T = decltype(zero);
    const T* from = m.gradient.template data<T>().data();
    const T* p = m.of->parameter->value().template data<T>().data();
    for (std::size_t i = 0; i < n; ++i) {
      double v = static_cast<double>(from[i]) * m.scale;
      const double w = static_cast<double>(p[i]);
      if (clip_value > 0) v = v < -clip_value ? -clip_value : v > clip_value ? clip_value : v;
      g[i] = v + m.l2 * w + (w > 0 ? m.l1 : w < 0 ? -m.l1 : 0);
    }
  };
  m.gradient.dtype() == DType::f32 ? fill(float{}) : fill(double{});
  return g;
}

// p (1 - rate decay) - update.
template <class Moved>
void take_off(const Moved& m, const std::vector<double>& update, double factor) {
  const auto apply = [&](auto zero) {
    using T = decltype(zero);
    auto p = m.of->parameter->template mutable_data<T>();
    for (std::size_t i = 0; i < p.size(); ++i)
      p[i] = static_cast<T>(static_cast<double>(p[i]) * (1 - m.rate * m.decay) - factor * update[i]);
  };
  m.gradient.dtype() == DType::f32 ? apply(float{}) : apply(double{});
}

}  // namespace cairn
