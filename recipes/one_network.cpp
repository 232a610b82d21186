#include "recipes/one_network.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cairn/nn/activation.h"
#include "cairn/nn/dropout.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/norm.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/optimizer_table.h"
#include "cairn/train/loader.h"

namespace cairn::recipes {
namespace {

// Dropout whose mask somebody else has drawn.
class GivenDropout : public Module {
 public:
  explicit GivenDropout(Tensor factors) : Module("GivenDropout"), factors_(std::move(factors)) {}
  Tensor operator()(const Tensor& x) const { return training() ? x * factors_ : x; }
  void visit(Visitor& v) { v.module(*this); }

 private:
  Tensor factors_;
};

// The lab's mask of a layer [units, examples], from the stream of all layers: 0, or 1 / keep.
Tensor course_factors(numpy::RandomState& random, std::int64_t units, std::int64_t examples, double keep) {
  const Tensor drawn = Tensor::from(random.rand(units * examples)).reshape({units, examples});
  const Tensor kept = less(drawn, Tensor::full({units, examples}, keep, DType::f64)).to(DType::f64);
  return (kept / keep).transpose().contiguous();
}

Sequential built(const OneNetworkOptions& o, std::int64_t examples) {
  Sequential net;
  numpy::RandomState masks(1);
  for (std::size_t i = 1; i < o.sizes.size(); ++i) {
    const std::int64_t in = o.sizes[i - 1], out = o.sizes[i];
    const bool hidden = i + 1 < o.sizes.size();
    net.push_back(Linear({.in = in, .out = out, .bias = !(hidden && o.batch_norm), .init = "he_normal"}));
    if (!hidden) break;
    if (o.batch_norm) net.push_back(BatchNorm({.channels = out}));
    net.push_back(Relu());
    if (o.course_masks)
      net.push_back(GivenDropout(course_factors(masks, out, examples, o.keep)));
    else if (o.keep < 1)
      net.push_back(Dropout({.rate = 1 - o.keep, .seed = static_cast<std::int64_t>(o.seed)}));
  }
  convert(net, DType::f64);
  if (o.scale == nullptr)
    initialise(net, o.seed);
  else
    draw(net, 3, o.scale);
  return net;
}

}  // namespace

OneNetwork::OneNetwork(const OneNetworkOptions& options, Planar data)
    : options_(options), data_(std::move(data)), net_(built(options, data_.x.size(0))) {
  Json params = Json::parse(options.optimizer_params);
  params["learning_rate"] = options.learning_rate;
  // lambda / m times a weight is what the penalty adds to its gradient; biases and normalisations have none.
  StepOptions step{.l2 = options.penalty / static_cast<double>(data_.x.size(0)),
                   .groups = {{.match = "*.bias", .penalty = 0}}};
  if (options.batch_norm)
    for (const char* name : {"*.gamma", "*.beta"}) step.groups.push_back({.match = name, .penalty = 0});
  optimizer_ = optimizer_named(options.optimizer).make(net_, params, step);
}

double OneNetwork::penalty_part() {
  if (options_.penalty == 0) return 0;
  double squares = 0;
  for (const NamedParameter& p : parameters(net_))
    if (p.name.ends_with("weight")) squares += sum(square(p.parameter->value().detach())).item();
  return options_.penalty / (2 * static_cast<double>(data_.x.size(0))) * squares;
}

double OneNetwork::pass(std::uint32_t number) {
  const std::int64_t m = data_.x.size(0);
  const bool whole = options_.batch_size == 0;
  const Planar now = whole ? data_ : in_order_of(11 + number, data_);
  double total = 0;
  for (auto& [x, y] : Loader(now.x, now.y, {.batch_size = whole ? m : options_.batch_size})) {
    const Tensor cost = bce_with_logits(net_(x), y);
    total += (cost.item() + penalty_part()) * static_cast<double>(x.size(0));
    optimizer_->step(backward(cost, net_));
  }
  if (options_.decay) optimizer_->set_learning_rate(options_.learning_rate * options_.decay->factor(number));
  return total / static_cast<double>(m);
}

std::vector<double> OneNetwork::train(std::uint32_t passes, std::uint32_t every) {
  std::vector<double> costs;
  for (std::uint32_t i = 0; i < passes; ++i) {
    const double cost = pass(i);
    if (i % every == 0) costs.push_back(cost);
  }
  return costs;
}

Tensor OneNetwork::logits(const Tensor& x) const {
  Sequential judged = net_;
  const EvaluationScope evaluation(judged);
  return judged(x);
}

double OneNetwork::accuracy(const Planar& points) const {
  return recipes::accuracy(net_, {points.x, points.y});
}

Chart OneNetwork::picture(const std::string& title) const {
  return boundary(title, [this](const Tensor& x) { return logits(x); }, data_);
}

}  // namespace cairn::recipes
