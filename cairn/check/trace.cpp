#include <algorithm>
#include <string_view>

#include "cairn/check/trace_internal.h"
#include "cairn/ops/conv2d.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/norm.h"

namespace cairn {
namespace {

std::string here() { return module_place() ? module_place()->text() : "network"; }

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}
bool is_weight_operation(std::string_view name) {
  return is_one_of(name, {"linear", "matmul", "conv2d", "conv_transpose2d"});
}
bool is_norm(std::string_view name) {
  return is_one_of(name, {"batch_norm", "batch_norm_inference", "layer_norm", "group_norm"});
}
// Affine in its tensors that are no parameters, without adding anything that matters here.
bool keeps_linear(std::string_view name) {
  return is_one_of(name, {"reshape", "permute", "slice", "contiguous", "to", "alias", "add", "subtract",
                          "multiply", "divide", "scale", "average_pool2d", "adaptive_average_pool2d",
                          "batch_norm", "batch_norm_inference", "dropout", "sum"});
}
bool only_moves(std::string_view name) {
  return is_one_of(name, {"reshape", "permute", "contiguous", "to", "alias"});
}

// A tensor is known by where its first element lies; everything is kept alive, so no memory is used twice.
class Watcher : public ApplyObserver {
 public:
  explicit Watcher(ModuleRef net) {
    for (const NamedParameter& p : parameters(net)) parameters_.insert(p.parameter->value().raw());
  }
  Trace trace;

  void begin(const OpDef&, std::span<const Tensor>, const Attributes&) override { ++depth_; }
  void end(const OpDef& op, std::span<const Tensor> in, std::span<const Tensor> out,
           const Attributes& attributes) override {
    if (--depth_ > 0) return;
    for (const Tensor& t : in) alive_.push_back(t.detach());
    for (const Tensor& t : out) alive_.push_back(t.detach());
    const std::string_view name = op.name;
    trace.operations.emplace_back(name);
    trace.last = name;
    std::vector<const std::byte*> data;
    bool has_weight = false;
    for (const Tensor& t : in) {
      const bool parameter = parameters_.contains(t.raw()) || transposed_.contains(t.raw());
      has_weight = has_weight || parameter;
      if (!parameter) data.push_back(t.raw());
    }
    const std::byte* result = out[0].raw();
    if (data.empty()) {  // a view of a parameter is one still
      if (only_moves(name)) transposed_.insert(result);
      return;
    }
    if (is_weight_operation(name) && has_weight) return weight_operation(op, in, data[0], result, attributes);
    const bool all_linear =
        std::ranges::all_of(data, [&](const std::byte* d) { return linear_from_.contains(d); });
    const std::byte* from = data[0];
    if (name.starts_with("batch_norm")) {
      if (const auto at = biased_.find(from); at != biased_.end())
        trace.bias_before_norm.push_back({at->second, here()});
    }
    if (is_norm(name) || (name == "add" && has_weight)) no_bias_.erase(from);
    if (only_moves(name)) {
      carry(biased_, from, result);
      carry(no_bias_, from, result);
    }
    if (name == "add" && has_weight && linear_from_.contains(from)) biased_[result] = here();
    // A product of two that both depend on the input is no linear map of it.
    const bool product = is_one_of(name, {"multiply", "divide"}) && data.size() > 1;
    const bool rectified =
        (&op == &kBatchNorm || &op == &kBatchNormInference) && attributes.as<NormAttributes>().relu;
    if (keeps_linear(name) && !product && !rectified && all_linear)
      carry(linear_from_, from, result);
    else if (result != from)
      linear_from_.erase(result);
  }

  Trace finish() {
    for (const auto& [at, place] : no_bias_)
      if (std::ranges::find(trace.without_bias, place) == trace.without_bias.end())
        trace.without_bias.push_back(place);
    std::ranges::sort(trace.without_bias);
    return std::move(trace);
  }

 private:
  using Places = std::map<const std::byte*, std::string>;

  void weight_operation(const OpDef& op, std::span<const Tensor> in, const std::byte* from,
                        const std::byte* result, const Attributes& attributes) {
    bool grouped = false, acts = false;
    if (&op == &kConv2d) {
      const auto a = attributes.as<Conv2dAttributes>();
      grouped = a.groups > 1;
      acts = a.relu;
    }
    if (&op == &kLinear) acts = attributes.as<LinearAttributes>().activation != 0;
    // A convolution of each channel by itself before one of all of them is meant so.
    if (const auto at = linear_from_.find(from); at != linear_from_.end() && !grouped_.contains(from))
      trace.linear_after_linear.push_back({at->second, here()});
    if (in.size() > 2)
      biased_[result] = here();
    else if (op.arity != 2 || &op == &kLinear)
      no_bias_[result] = here();
    if (!acts) linear_from_[result] = here();
    if (grouped) grouped_.insert(result);
  }
  static void carry(Places& places, const std::byte* from, const std::byte* to) {
    if (from == to) return;
    if (const auto at = places.find(from); at != places.end()) {
      std::string place = at->second;
      places[to] = std::move(place);
    }
  }
  int depth_ = 0;
  std::vector<Tensor> alive_;
  std::set<const std::byte*> parameters_, transposed_, grouped_;
  Places linear_from_, biased_, no_bias_;
};

}  // namespace

bool Trace::has(std::string_view operation) const {
  return std::ranges::find(operations, operation) != operations.end();
}

Trace trace_of(ModuleRef net, const std::function<Tensor()>& forward) {
  Watcher watcher(net);
  forward();
  return watcher.finish();
}

}  // namespace cairn
