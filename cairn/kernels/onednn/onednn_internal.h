// Private to kernels/onednn/: oneDNN as Cairn calls it. Every difference between its versions 2 and 3 stands
// here and nowhere else. It runs on one thread inside our own parallel loops: with other numbers of threads
// it adds in another order.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <cstdint>

extern "C" {  // libgomp, on which Debian's oneDNN is built
int omp_get_max_threads();
void omp_set_num_threads(int n);
}

namespace cairn::onednn {

using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;

// In its scope this thread's calls to oneDNN use this thread alone; the setting of whoever called us comes
// back.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  ~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }

 private:
  int before_;
};

inline const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}
inline dnnl::stream& stream() {
  thread_local dnnl::stream of_this_thread(engine());
  return of_this_thread;
}

using Type = dnnl::memory::data_type;

inline Desc plain(const Dims& dims, const Dims& strides, Type type = Type::f32) {
  return {dims, type, strides};
}
inline Desc any(const Dims& dims, Type type = Type::f32) {
  return {dims, type, dnnl::memory::format_tag::any};
}

// What a convolution is about, apart from memory.
struct Geometry {
  Dims strides, dilations, before, after;
};

inline dnnl::primitive_attr attributes(bool relu) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // primitives are shared by threads
  if (relu) {
    dnnl::post_ops ops;
#if DNNL_VERSION_MAJOR >= 3
    ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0.f, 0.f);
#else
    ops.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f);
#endif
    attr.set_post_ops(ops);
  }
  return attr;
}

inline dnnl::convolution_forward::primitive_desc forward(const Desc& src, const Desc& weights,
                                                         const Desc* bias, const Desc& dst, const Geometry& g,
                                                         bool relu) {
  using Forward = dnnl::convolution_forward;
  const auto kind = dnnl::prop_kind::forward_training;
  const auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  if (bias)
    return {engine(), kind,      direct,      src,      weights, *bias,
            dst,      g.strides, g.dilations, g.before, g.after, attributes(relu)};
  return {engine(),  kind,        direct,   src,     weights,         dst,
          g.strides, g.dilations, g.before, g.after, attributes(relu)};
#else
  if (bias)
    return {Forward::desc(kind, direct, src, weights, *bias, dst, g.strides, g.dilations, g.before, g.after),
            attributes(relu), engine()};
  return {Forward::desc(kind, direct, src, weights, dst, g.strides, g.dilations, g.before, g.after),
          attributes(relu), engine()};
#endif
}

// Backward: dnnl::convolution_backward_data or dnnl::convolution_backward_weights.
template <class Backward>
typename Backward::primitive_desc backward(const Desc& src, const Desc& weights, const Desc& dst,
                                           const Geometry& g,
                                           const dnnl::convolution_forward::primitive_desc& hint) {
  const auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), direct,  src,  weights,          dst, g.strides, g.dilations,
          g.before, g.after, hint, attributes(false)};
#else
  return {typename Backward::desc(direct, src, weights, dst, g.strides, g.dilations, g.before, g.after),
          attributes(false), engine(), hint};
#endif
}

// [m, k] [k, n], and a bias [1, n] where there is one.
inline dnnl::matmul::primitive_desc product(const Desc& left, const Desc& right, const Desc* bias,
                                            const Desc& result) {
#if DNNL_VERSION_MAJOR >= 3
  if (bias) return {engine(), left, right, *bias, result, attributes(false)};
  return {engine(), left, right, result, attributes(false)};
#else
  if (bias) return {dnnl::matmul::desc(left, right, *bias, result), attributes(false), engine()};
  return {dnnl::matmul::desc(left, right, result), attributes(false), engine()};
#endif
}

}  // namespace cairn::onednn
