#include "cairn/optim/optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/name_pattern.h"
#include "cairn/base/parallel.h"
#include "cairn/optim/pieces_internal.h"

namespace cairn {

const ParamList& StepOptions::list() {
  using P = StepOptions;
  static const ParamList l{
      param<&P::l2>("l2", "times the weight is added to its gradient", at_least(0)),
      param<&P::l1>("l1", "times the weight's sign is added to its gradient", at_least(0)),
      param<&P::decay>("decay", "share of a weight taken off before a step, times the learning rate",
                       at_least(0), {"weight_decay"}),
      param<&P::clip_value>("clip_value", "largest number of a gradient; 0: any", at_least(0), {"clipvalue"}),
      param<&P::clip_norm>("clip_norm", "largest length of the whole gradient; 0: any", at_least(0),
                           {"clipnorm", "max_grad_norm"}),
      param<&P::max_norm>("max_norm", "largest length of a row of weights; 0: any", at_least(0)),
  };
  return l;
}

Optimizer::Optimizer(ModuleRef net, double learning_rate, StepOptions options, std::size_t num_states)
    : options_(std::move(options)), learning_rate_(learning_rate) {
  validate({"step", &options_, &StepOptions::list()});
  std::vector<bool> used(options_.groups.size());
  for (const NamedParameter& p : cairn::parameters(net)) {
    OptimizedParameter o{.name = p.name, .parameter = p.parameter, .state = {}};
    for (std::size_t i = 0; i < options_.groups.size(); ++i) {
      const ParameterGroup& group = options_.groups[i];
      if (!name_matches(group.match, p.name)) continue;
      used[i] = true;
      o.rate_factor = group.learning_rate;
      o.penalty_factor = group.penalty;
    }
    const Tensor& value = p.parameter->value();  // drawn now, by one thread
    for (std::size_t i = 0; i < num_states; ++i)
      o.state.push_back(Tensor::zeros(value.shape(), value.dtype()));
    parameters_.push_back(std::move(o));
  }
  if (parameters_.empty()) throw UsageError("optimizer", "the network has no parameters");
  for (std::size_t i = 0; i < used.size(); ++i)
    if (!used[i])
      throw UsageError("optimizer", fmt::format("no parameter is called '{}'", options_.groups[i].match),
                       fmt::format("The first is '{}'.", parameters_[0].name));
}

void Optimizer::set_learning_rate(double rate) {
  if (!(rate >= 0) || !std::isfinite(rate))
    throw ParamError("", fmt::format("{}.learning_rate = {} is outside [0, inf)", name(), rate));
  learning_rate_ = rate;
}

std::vector<Optimizer::Moved> Optimizer::gather(const Gradients& gradients) {
  std::vector<Moved> moved;
  for (OptimizedParameter& p : parameters_) {
    if (p.parameter->frozen()) continue;
    const Tensor& gradient = gradients.of(p.parameter->value());
    if (!gradient.defined()) continue;
    moved.push_back({.of = &p,
                     .gradient = gradient.detach().contiguous(),
                     .rate = learning_rate_ * p.rate_factor,
                     .l2 = options_.l2 * p.penalty_factor,
                     .l1 = options_.l1 * p.penalty_factor,
                     .decay = options_.decay * p.penalty_factor});
  }
  return moved;
}

void Optimizer::step(const Gradients& gradients) {
  std::vector<Moved> moved = gather(gradients);
  if (moved.empty())
    throw UsageError(std::string(name()), "no gradient here belongs to a parameter of its network",
                     "Compute it by backward(loss, net), with the network this optimizer was made for, since "
                     "the last step.");
  std::vector<step_kernels::Piece> pieces;
  for (const Moved& m : moved) pieces.push_back(gradient_piece(m.gradient));
  gradient_norm_ = std::sqrt(step_kernels::sum_of_squares(pieces));
  if (!std::isfinite(gradient_norm_)) {
    for (std::size_t i = 0; i < moved.size(); ++i)
      if (!std::isfinite(step_kernels::sum_of_squares({&pieces[i], 1})))
        throw FitError(
            std::string(name()),
            fmt::format("the gradient of '{}' is not finite in step {}", moved[i].of->name, steps_ + 1),
            "Lower the learning rate, or set clip_norm; CAIRN_CHECK_FINITE=1 names the operation.");
    throw FitError(std::string(name()),
                   fmt::format("the gradient is beyond the range of numbers in step {}", steps_ + 1),
                   "Lower the learning rate, or scale the loss.");
  }
  if (options_.clip_norm > 0 && gradient_norm_ > options_.clip_norm)
    for (Moved& m : moved) m.scale = options_.clip_norm / (gradient_norm_ + 1e-6);  // as torch has it
  ++steps_;
  move(moved);
  if (options_.max_norm > 0) limit_norms(moved);
}

void Optimizer::limit_norms(std::span<const Moved> moved) {
  for (const Moved& m : moved) {
    Parameter& p = *m.of->parameter;
    if (p.shape().ndim() < 2 || p.size() == 0) continue;
    const std::int64_t rows = p.shape()[0], d = p.size() / rows;
    const auto limit = [&](auto zero) {
      using T = decltype(zero);
      T* values = p.mutable_data<T>().data();
      parallel_for(rows, std::max<std::int64_t>(1, 65536 / d), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r) {
          double sum = 0;
          for (std::int64_t c = r * d; c < (r + 1) * d; ++c)
            sum += static_cast<double>(values[c]) * static_cast<double>(values[c]);
          if (const double norm = std::sqrt(sum); norm > options_.max_norm)
            for (std::int64_t c = r * d; c < (r + 1) * d; ++c)
              values[c] = static_cast<T>(static_cast<double>(values[c]) * (options_.max_norm / norm));
        }
      });
    };
    p.dtype() == DType::f32 ? limit(float{}) : limit(double{});
  }
}

void Optimizer::visit(Visitor& v) {
  std::string kind(name());
  v.value("optimizer", kind);
  if (kind != name())
    throw ModelFileError("optimizer", fmt::format("the state is of '{}', this is '{}'", kind, name()));
  v.value("steps", steps_);
  v.value("learning_rate", learning_rate_);
  if (v.loading() && (steps_ < 0 || !(learning_rate_ >= 0) || !std::isfinite(learning_rate_)))
    throw ModelFileError("optimizer",
                         fmt::format("has {} steps at the learning rate {}", steps_, learning_rate_));
  for (OptimizedParameter& p : parameters_) {
    v.enter(p.name);
    for (std::size_t i = 0; i < p.state.size(); ++i) {
      const DType dtype = p.state[i].dtype();
      const Shape shape = p.state[i].shape();
      v.tensor(fmt::format("state{}", i), p.state[i], dtype, shape);
    }
    v.leave();
  }
  visit_more(v);
}

}  // namespace cairn
