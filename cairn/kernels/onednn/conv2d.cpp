// Convolutions through oneDNN. The batch is cut into parts whose sizes depend on the shapes alone; each part
// is one call on one thread; the parts of a weight gradient are added in their order. So the same bytes come
// out for any number of threads.
#if CAIRN_ONEDNN
#include <cstring>
#include <memory>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/kernels/onednn/onednn_internal.h"
#include "cairn/kernels/onednn/primitive_internal.h"
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
  Move arrange;                      // weights, from O Kh Kw I; of a weight gradient, to it
  Move round_images, round_results;  // to bf16, of what is read
};

// Sizes of the shape, of the part of the batch, what is fused, and the numbers that are multiplied.
std::vector<std::int64_t> key_of(Kind kind, const Conv2dShape& s, std::int64_t images, bool bias, bool relu,
                                 Type type) {
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
          relu,
          static_cast<std::int64_t>(type)};
}

Desc images_desc(std::int64_t n, std::int64_t rows, std::int64_t columns, std::int64_t channels,
                 Type type) {  // N C H W, as N H W C
  return plain({n, channels, rows, columns}, {rows * columns * channels, 1, columns * channels, channels},
               type);
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

// What is read is of `type`; what comes out is f32.
Prepared prepare(Kind kind, const Conv2dShape& s, std::int64_t n, bool with_bias, bool relu, Type type) {
  Prepared p;
  const auto images_of = [&](Type t) { return images_desc(n, s.rows.input, s.columns.input, s.channels, t); };
  const auto results_of = [&](Type t) { return images_desc(n, s.out_rows(), s.out_columns(), s.filters, t); };
  p.images = images_of(kind == Kind::data ? Type::f32 : type);
  p.results = results_of(kind == Kind::forward ? Type::f32 : type);
  p.bias = plain({s.filters}, {1});
  const Desc weights = any(weight_dims(s), kind == Kind::weights ? Type::f32 : type);
  const Geometry g{{s.rows.stride, s.columns.stride},
                   {s.rows.dilation - 1, s.columns.dilation - 1},
                   {s.rows.before, s.columns.before},
                   {s.rows.after, s.columns.after}};
  // A gradient is made with the forward pass in view.
  const auto forward_desc = forward(images_of(type), any(weight_dims(s), type), with_bias ? &p.bias : nullptr,
                                    results_of(Type::f32), g, relu);
  const auto keep = [&](const auto& desc, const Desc& chosen) {
    p.weights = chosen;
    p.scratchpad = desc.scratchpad_desc();
  };
  if (kind == Kind::forward) {
    keep(forward_desc, forward_desc.weights_desc());
    p.primitive = dnnl::convolution_forward(forward_desc);
  } else if (kind == Kind::data) {
    const auto desc =
        backward<dnnl::convolution_backward_data>(p.images, weights, p.results, g, forward_desc);
    keep(desc, desc.weights_desc());
    p.primitive = dnnl::convolution_backward_data(desc);
  } else {
    const auto desc =
        backward<dnnl::convolution_backward_weights>(p.images, weights, p.results, g, forward_desc);
    keep(desc, desc.diff_weights_desc());
    p.primitive = dnnl::convolution_backward_weights(desc);
  }
  const Desc ours = plain_weights(s);
  p.arrange = kind == Kind::weights ? Move(p.weights, ours) : Move(ours, p.weights);
  if (kind != Kind::data) p.round_images = Move(images_of(Type::f32), p.images);
  if (kind != Kind::forward) p.round_results = Move(results_of(Type::f32), p.results);
  return p;
}

std::shared_ptr<const Prepared> prepared(Kind kind, const Conv2dShape& s, std::int64_t n, bool bias,
                                         bool relu, Type type) {
  static Cache<Prepared> cache;
  return cache.find(key_of(kind, s, n, bias, relu, type),
                    [&] { return prepare(kind, s, n, bias, relu, type); });
}

// Images in one call: eight parts keep eight threads busy, and small work stays in one piece.
std::int64_t images_a_part(const Conv2dShape& s) {
  const std::int64_t least = (1 << 18) / std::max<std::int64_t>(1, s.multiply_adds() / s.images) + 1;
  return std::clamp<std::int64_t>((s.images + 7) / 8, std::min(least, s.images), s.images);
}

Parts<Prepared> parts_of(Kind kind, const Conv2dShape& s, bool bias, bool relu, Type type) {
  return {s.images, images_a_part(s),
          [&](std::int64_t images) { return prepared(kind, s, images, bias, relu, type); }};
}

bool usable(const KernelArgs& a, Kind kind, const Conv2dShape& s, bool bias, bool relu, Type type) {
  for (const Tensor& t : a.in)
    if (t.dtype() != DType::f32) return false;
  if (a.out[0].size() == 0 || a.in[0].size() == 0 || a.in[1].size() == 0) return false;
  return parts_of(kind, s, bias, relu, type).usable(&Prepared::weights);
}

bool relu_of(const KernelArgs& a) { return a.attributes.as<Conv2dAttributes>().relu; }

// Few numbers are multiplied for each that is rounded: f32 is faster.
bool pays_in_bf16(const Conv2dShape& s) {
  constexpr std::int64_t kLeast = 32;
  return s.group_channels() * s.rows.kernel * s.columns.kernel >= kLeast &&
         s.filters / s.groups >= kLeast / 2;
}

void forward_pass(const KernelArgs& a, Type type) {
  const Conv2dShape s = conv2d_shape(a);
  const Tensor images = dense(a.in[0]), weight = dense(a.in[1]);
  const Tensor bias = a.in.size() == 3 ? dense(a.in[2]) : Tensor();
  const bool relu = relu_of(a);
  Buffer space(0);
  const Parts<Prepared> parts = parts_of(Kind::forward, s, bias.defined(), relu, type);
  const void* w = parts.whole->arrange.moved(weight.raw(), space);  // the same for every part
  const std::int64_t in = images.size() / s.images, out = a.out[0].size() / s.images;
  parts.run([&](const Prepared& p, std::int64_t first, std::int64_t) {
    Buffer rounded(0);
    Arguments arguments{
        {DNNL_ARG_SRC, memory_at(p.images, p.round_images.moved(floats(images) + first * in, rounded))},
        {DNNL_ARG_WEIGHTS, memory_at(p.weights, w)},
        {DNNL_ARG_DST, memory_at(p.results, floats(a.out[0]) + first * out)}};
    if (bias.defined()) arguments.emplace(DNNL_ARG_BIAS, memory_at(p.bias, bias.raw()));
    execute(p.primitive, std::move(arguments), p.scratchpad);
  });
}

void data_gradient(const KernelArgs& a, Type type) {
  const Conv2dShape s = conv2d_data_gradient_shape(a);
  const Tensor gradient = dense(a.in[0]), weight = dense(a.in[1]);
  Buffer space(0);
  const Parts<Prepared> parts = parts_of(Kind::data, s, false, false, type);
  const void* w = parts.whole->arrange.moved(weight.raw(), space);
  const std::int64_t in = a.out[0].size() / s.images, out = gradient.size() / s.images;
  parts.run([&](const Prepared& p, std::int64_t first, std::int64_t) {
    Buffer rounded(0);
    execute(p.primitive,
            {{DNNL_ARG_DIFF_DST,
              memory_at(p.results, p.round_results.moved(floats(gradient) + first * out, rounded))},
             {DNNL_ARG_WEIGHTS, memory_at(p.weights, w)},
             {DNNL_ARG_DIFF_SRC, memory_at(p.images, floats(a.out[0]) + first * in)}},
            p.scratchpad);
  });
}

void weight_gradient(const KernelArgs& a, Type type) {
  const Conv2dShape s = conv2d_weight_gradient_shape(a);
  const Tensor images = dense(a.in[0]), gradient = dense(a.in[1]);
  const Parts<Prepared> cut = parts_of(Kind::weights, s, false, false, type);
  const std::int64_t in = images.size() / s.images, out = gradient.size() / s.images;
  const std::int64_t parts = (cut.count + cut.part - 1) / cut.part;
  const auto part_into = [&](const Prepared& p, std::int64_t first, float* to) {
    Buffer rounded(0), rounded_gradient(0);
    execute(p.primitive,
            {{DNNL_ARG_SRC, memory_at(p.images, p.round_images.moved(floats(images) + first * in, rounded))},
             {DNNL_ARG_DIFF_DST,
              memory_at(p.results, p.round_results.moved(floats(gradient) + first * out, rounded_gradient))},
             {DNNL_ARG_DIFF_WEIGHTS, memory_at(p.weights, to)}},
            p.scratchpad);
  };
  if (parts == 1 && !cut.whole->arrange.needed()) return part_into(*cut.whole, 0, floats_of(a.out[0]));
  const auto size = static_cast<std::int64_t>(cut.whole->weights.get_size() / sizeof(float));
  const Tensor sums = Tensor::empty({parts, size}, DType::f32);
  float* const total = floats_of(sums);
  cut.run([&](const Prepared& p, std::int64_t first, std::int64_t) {
    part_into(p, first, total + first / cut.part * size);
  });
  parallel_for(size, 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = 1; k < parts; ++k) {
      const float* more = total + k * size;
      for (std::int64_t i = begin; i < end; ++i) total[i] += more[i];
    }
  });
  if (cut.whole->arrange.needed())
    cut.whole->arrange.run(total, floats_of(a.out[0]));
  else
    std::memcpy(floats_of(a.out[0]), total, static_cast<std::size_t>(size) * sizeof(float));
}

bool usable_forward(const KernelArgs& a, const Conv2dShape& s, Type type) {
  return usable(a, Kind::forward, s, a.in.size() == 3, relu_of(a), type);
}

}  // namespace

bool onednn_conv2d_supports(const KernelArgs& a) { return usable_forward(a, conv2d_shape(a), Type::f32); }
void onednn_conv2d(const KernelArgs& a) { forward_pass(a, Type::f32); }
bool onednn_bf16_conv2d_supports(const KernelArgs& a) {
  const Conv2dShape s = conv2d_shape(a);
  return pays_in_bf16(s) && usable_forward(a, s, Type::bf16);
}
void onednn_bf16_conv2d(const KernelArgs& a) { forward_pass(a, Type::bf16); }

bool onednn_conv2d_data_gradient_supports(const KernelArgs& a) {
  return usable(a, Kind::data, conv2d_data_gradient_shape(a), false, false, Type::f32);
}
void onednn_conv2d_data_gradient(const KernelArgs& a) { data_gradient(a, Type::f32); }
bool onednn_bf16_conv2d_data_gradient_supports(const KernelArgs& a) {
  const Conv2dShape s = conv2d_data_gradient_shape(a);
  return pays_in_bf16(s) && usable(a, Kind::data, s, false, false, Type::bf16);
}
void onednn_bf16_conv2d_data_gradient(const KernelArgs& a) { data_gradient(a, Type::bf16); }

bool onednn_conv2d_weight_gradient_supports(const KernelArgs& a) {
  return usable(a, Kind::weights, conv2d_weight_gradient_shape(a), false, false, Type::f32);
}
void onednn_conv2d_weight_gradient(const KernelArgs& a) { weight_gradient(a, Type::f32); }
bool onednn_bf16_conv2d_weight_gradient_supports(const KernelArgs& a) {
  const Conv2dShape s = conv2d_weight_gradient_shape(a);
  return pays_in_bf16(s) && usable(a, Kind::weights, s, false, false, Type::bf16);
}
void onednn_bf16_conv2d_weight_gradient(const KernelArgs& a) { weight_gradient(a, Type::bf16); }

}  // namespace cairn::kernels
#endif
