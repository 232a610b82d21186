// Convolutions through oneDNN. The batch is cut into parts whose sizes depend on the shapes alone; each part
// is one call on one thread; the parts of a weight gradient are added in their order. So the same bytes come
// out for any number of threads.
#if CAIRN_ONEDNN
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/kernels/onednn/onednn_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/conv2d.h"
#include "cairn/tensor/strided.h"

namespace cairn::kernels {
namespace {

using namespace onednn;

enum class Kind : std::int8_t { forward, data, weights };

// A convolution that was prepared once: what runs, and how its memory lies.
struct Prepared {
  dnnl::primitive primitive;
  Desc images, weights, bias, results, scratchpad;
  Desc weights_plain;  // as Cairn's lie: O Kh Kw I
  dnnl::primitive reorder;
  Desc reorder_scratchpad;
  bool has_reorder = false;
};

// Sizes of the shape, of the part of the batch and of what is fused.
using Key = std::array<std::int64_t, 19>;

Key key_of(Kind kind, const Conv2dShape& s, std::int64_t images, bool bias, bool relu) {
  const WindowAxis &r = s.rows, &c = s.columns;
  return {static_cast<std::int64_t>(kind),
          images,
          s.channels,
          s.filters,
          s.groups,
          r.input,
          r.kernel,
          r.stride,
          r.dilation,
          r.before,
          r.after,
          c.input,
          c.kernel,
          c.stride,
          c.dilation,
          c.before,
          c.after,
          bias,
          relu};
}

Desc images_desc(std::int64_t n, std::int64_t rows, std::int64_t columns,
                 std::int64_t channels) {  // N C H W, as N H W C
  return plain({n, channels, rows, columns}, {rows * columns * channels, 1, columns * channels, channels});
}

// Weights O Kh Kw I as oneDNN names their axes: [groups,] O, I, Kh, Kw.
Dims weight_dims(const Conv2dShape& s) {
  Dims dims{s.filters / s.groups, s.group_channels(), s.rows.kernel, s.columns.kernel};
  if (s.groups > 1) dims.insert(dims.begin(), s.groups);
  return dims;
}
Desc plain_weights(const Conv2dShape& s) {
  const std::int64_t each = s.rows.kernel * s.columns.kernel * s.group_channels();
  Dims strides{each, 1, s.columns.kernel * s.group_channels(), s.group_channels()};
  if (s.groups > 1) strides.insert(strides.begin(), s.filters / s.groups * each);
  return plain(weight_dims(s), strides);
}

std::shared_ptr<const Prepared> prepare(Kind kind, const Conv2dShape& s, std::int64_t n, bool with_bias,
                                        bool relu) {
  const OneThread one_thread;
  auto p = std::make_shared<Prepared>();
  const Desc images = images_desc(n, s.rows.input, s.columns.input, s.channels);
  const Desc results = images_desc(n, s.out_rows(), s.out_columns(), s.filters);
  const Desc weights = any(weight_dims(s));
  const Desc bias = plain({s.filters}, {1});
  const Geometry g{{s.rows.stride, s.columns.stride},
                   {s.rows.dilation - 1, s.columns.dilation - 1},
                   {s.rows.before, s.columns.before},
                   {s.rows.after, s.columns.after}};
  const auto forward_desc = forward(images, weights, with_bias ? &bias : nullptr, results, g, relu);
  p->images = images;
  p->results = results;
  p->bias = bias;
  p->weights_plain = plain_weights(s);
  const auto keep = [&](const auto& desc, const Desc& chosen) {
    p->weights = chosen;
    p->scratchpad = desc.scratchpad_desc();
  };
  if (kind == Kind::forward) {
    keep(forward_desc, forward_desc.weights_desc());
    p->primitive = dnnl::convolution_forward(forward_desc);
  } else if (kind == Kind::data) {
    const auto desc = backward<dnnl::convolution_backward_data>(images, weights, results, g, forward_desc);
    keep(desc, desc.weights_desc());
    p->primitive = dnnl::convolution_backward_data(desc);
  } else {
    const auto desc = backward<dnnl::convolution_backward_weights>(images, weights, results, g, forward_desc);
    keep(desc, desc.diff_weights_desc());
    p->primitive = dnnl::convolution_backward_weights(desc);
  }
  if (p->weights != p->weights_plain) {
    const bool out = kind == Kind::weights;
    const dnnl::reorder::primitive_desc desc(engine(), out ? p->weights : p->weights_plain, engine(),
                                             out ? p->weights_plain : p->weights, attributes(false));
    p->reorder = dnnl::reorder(desc);
    p->reorder_scratchpad = desc.scratchpad_desc();
    p->has_reorder = true;
  }
  return p;
}

// Null: oneDNN has nothing for this shape.
std::shared_ptr<const Prepared> prepared(Kind kind, const Conv2dShape& s, std::int64_t n, bool bias,
                                         bool relu) {
  constexpr std::size_t kMost = 512;  // nets have tens; shapes that change for ever do not fill memory
  static std::mutex guard;
  static std::map<Key, std::shared_ptr<const Prepared>> cache;
  const Key key = key_of(kind, s, n, bias, relu);
  const std::lock_guard lock(guard);
  if (const auto at = cache.find(key); at != cache.end()) return at->second;
  if (cache.size() >= kMost) cache.clear();
  std::shared_ptr<const Prepared> p;
  try {
    p = prepare(kind, s, n, bias, relu);
  } catch (const dnnl::error&) {
    p = nullptr;  // unimplemented; the next kernel of the row takes it
  }
  cache.emplace(key, p);
  return p;
}

// Memory from the library's own cache of blocks.
struct Buffer {
  explicit Buffer(std::size_t bytes) : storage(bytes ? Storage::allocate(bytes) : nullptr) {}
  void* data() const { return storage ? storage->data() : nullptr; }
  std::shared_ptr<Storage> storage;
};
dnnl::memory memory_at(const Desc& desc, const void* data) {
  return {desc, engine(), const_cast<void*>(data)};
}

template <class Primitive>
void execute(const Primitive& primitive, std::unordered_map<int, dnnl::memory> arguments,
             const Desc& scratchpad) {
  const OneThread one_thread;
  const Buffer space(scratchpad.get_size());
  if (space.data()) arguments.emplace(DNNL_ARG_SCRATCHPAD, memory_at(scratchpad, space.data()));
  primitive.execute(stream(), arguments);
  stream().wait();
}
void reorder(const Prepared& p, const Desc& from_desc, const void* from, const Desc& to_desc, void* to) {
  execute(p.reorder, {{DNNL_ARG_FROM, memory_at(from_desc, from)}, {DNNL_ARG_TO, memory_at(to_desc, to)}},
          p.reorder_scratchpad);
}

// Images in one call: eight parts keep eight threads busy, and small work stays in one piece.
std::int64_t images_a_part(const Conv2dShape& s) {
  const std::int64_t least = (1 << 18) / std::max<std::int64_t>(1, s.multiply_adds() / s.images) + 1;
  return std::clamp<std::int64_t>((s.images + 7) / 8, std::min(least, s.images), s.images);
}

const float* floats(const Tensor& t) { return reinterpret_cast<const float*>(t.raw()); }
float* floats_of(const Tensor& t) { return reinterpret_cast<float*>(const_cast<std::byte*>(t.raw())); }

// The weights as oneDNN wants them, which is the same for every part.
const void* arranged_weights(const Prepared& p, const Tensor& weight, Buffer& space) {
  if (!p.has_reorder) return weight.raw();
  space = Buffer(p.weights.get_size());
  reorder(p, p.weights_plain, weight.raw(), p.weights, space.data());
  return space.data();
}

// Calls f(prepared, first image, number of the part) for each part of the batch.
template <class F>
void each_part(Kind kind, const Conv2dShape& s, bool bias, bool relu, F&& f) {
  const std::int64_t part = images_a_part(s), last = s.images % part;
  const auto whole = prepared(kind, s, part, bias, relu);
  const auto rest = last ? prepared(kind, s, last, bias, relu) : whole;
  parallel_for(s.images, part, [&](std::int64_t begin, std::int64_t end) {
    f(*(end - begin == part ? whole : rest), begin, begin / part);
  });
}

bool usable(const KernelArgs& a, Kind kind, const Conv2dShape& s, bool bias, bool relu) {
  for (const Tensor& t : a.in)
    if (t.dtype() != DType::f32) return false;
  if (a.out[0].size() == 0 || a.in[0].size() == 0 || a.in[1].size() == 0) return false;
  const std::int64_t part = images_a_part(s), last = s.images % part;
  const auto whole = prepared(kind, s, part, bias, relu);
  if (!whole) return false;
  if (last == 0) return true;
  const auto rest = prepared(kind, s, last, bias, relu);  // the weights are arranged once, for all parts
  return rest && rest->weights == whole->weights;
}

bool relu_of(const KernelArgs& a) { return a.attributes.as<Conv2dAttributes>().relu; }

}  // namespace

bool onednn_conv2d_supports(const KernelArgs& a) {
  return usable(a, Kind::forward, conv2d_shape(a), a.in.size() == 3, relu_of(a));
}
void onednn_conv2d(const KernelArgs& a) {
  const Conv2dShape s = conv2d_shape(a);
  const Tensor images = dense(a.in[0]), weight = dense(a.in[1]);
  const Tensor bias = a.in.size() == 3 ? dense(a.in[2]) : Tensor();
  Buffer space(0);
  const void* w = arranged_weights(*prepared(Kind::forward, s, images_a_part(s), bias.defined(), relu_of(a)),
                                   weight, space);
  const std::int64_t in = images.size() / s.images, out = a.out[0].size() / s.images;
  each_part(Kind::forward, s, bias.defined(), relu_of(a),
            [&](const Prepared& p, std::int64_t first, std::int64_t) {
              std::unordered_map<int, dnnl::memory> arguments{
                  {DNNL_ARG_SRC, memory_at(p.images, floats(images) + first * in)},
                  {DNNL_ARG_WEIGHTS, memory_at(p.weights, w)},
                  {DNNL_ARG_DST, memory_at(p.results, floats(a.out[0]) + first * out)}};
              if (bias.defined()) arguments.emplace(DNNL_ARG_BIAS, memory_at(p.bias, bias.raw()));
              execute(p.primitive, std::move(arguments), p.scratchpad);
            });
}

bool onednn_conv2d_data_gradient_supports(const KernelArgs& a) {
  return usable(a, Kind::data, conv2d_data_gradient_shape(a), false, false);
}
void onednn_conv2d_data_gradient(const KernelArgs& a) {
  const Conv2dShape s = conv2d_data_gradient_shape(a);
  const Tensor gradient = dense(a.in[0]), weight = dense(a.in[1]);
  Buffer space(0);
  const void* w = arranged_weights(*prepared(Kind::data, s, images_a_part(s), false, false), weight, space);
  const std::int64_t in = a.out[0].size() / s.images, out = gradient.size() / s.images;
  each_part(Kind::data, s, false, false, [&](const Prepared& p, std::int64_t first, std::int64_t) {
    execute(p.primitive,
            {{DNNL_ARG_DIFF_DST, memory_at(p.results, floats(gradient) + first * out)},
             {DNNL_ARG_WEIGHTS, memory_at(p.weights, w)},
             {DNNL_ARG_DIFF_SRC, memory_at(p.images, floats(a.out[0]) + first * in)}},
            p.scratchpad);
  });
}

bool onednn_conv2d_weight_gradient_supports(const KernelArgs& a) {
  return usable(a, Kind::weights, conv2d_weight_gradient_shape(a), false, false);
}
void onednn_conv2d_weight_gradient(const KernelArgs& a) {
  const Conv2dShape s = conv2d_weight_gradient_shape(a);
  const Tensor images = dense(a.in[0]), gradient = dense(a.in[1]);
  const auto prototype = prepared(Kind::weights, s, images_a_part(s), false, false);
  const std::int64_t in = images.size() / s.images, out = gradient.size() / s.images;
  const std::int64_t part = images_a_part(s), parts = (s.images + part - 1) / part;
  const auto size = static_cast<std::int64_t>(prototype->weights.get_size() / sizeof(float));
  if (parts == 1 && !prototype->has_reorder) {
    each_part(Kind::weights, s, false, false, [&](const Prepared& p, std::int64_t, std::int64_t) {
      execute(p.primitive,
              {{DNNL_ARG_SRC, memory_at(p.images, images.raw())},
               {DNNL_ARG_DIFF_DST, memory_at(p.results, gradient.raw())},
               {DNNL_ARG_DIFF_WEIGHTS, memory_at(p.weights, a.out[0].raw())}},
              p.scratchpad);
    });
    return;
  }
  const Tensor sums = Tensor::empty({parts, size}, DType::f32);
  each_part(Kind::weights, s, false, false, [&](const Prepared& p, std::int64_t first, std::int64_t number) {
    execute(p.primitive,
            {{DNNL_ARG_SRC, memory_at(p.images, floats(images) + first * in)},
             {DNNL_ARG_DIFF_DST, memory_at(p.results, floats(gradient) + first * out)},
             {DNNL_ARG_DIFF_WEIGHTS, memory_at(p.weights, floats(sums) + number * size)}},
            p.scratchpad);
  });
  float* const total = floats_of(sums);
  parallel_for(size, 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = 1; k < parts; ++k) {
      const float* more = total + k * size;
      for (std::int64_t i = begin; i < end; ++i) total[i] += more[i];
    }
  });
  if (prototype->has_reorder)
    reorder(*prototype, prototype->weights, total, prototype->weights_plain, floats_of(a.out[0]));
  else
    std::memcpy(floats_of(a.out[0]), total, static_cast<std::size_t>(size) * sizeof(float));
}

}  // namespace cairn::kernels
#endif
