#include "cairn/optim/ema.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"

namespace cairn {
namespace {

class Members : public ModuleWalk {
 public:
  std::vector<std::pair<std::string, Parameter*>> parameters;
  std::vector<std::pair<std::string, Tensor*>> tensors;

 protected:
  void on_parameter(const std::string& path, Parameter& p) override {
    if (p.defined()) parameters.emplace_back(path, &p);
  }
  void on_tensor(const std::string& path, Tensor& t) override { tensors.emplace_back(path, &t); }
};

// into: a Parameter or a Tensor.
template <class T, class Into>
void average(Into& into, const Parameter& from, double decay) {
  T* to = into.template mutable_data<T>().data();
  const T* other = from.value().data<T>().data();
  // The difference is taken: in f32 two shares of one number would not add up to it.
  const auto take = static_cast<T>(1 - decay);
  parallel_for(from.size(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      to[i] = take == 1 ? other[i] : to[i] + take * (other[i] - to[i]);
  });
}

}  // namespace

void move_average(ModuleRef into, ModuleRef from, double decay) {
  if (!(decay >= 0 && decay <= 1))
    throw ParamError("", fmt::format("ema.decay = {} is outside [0, 1]", decay));
  Members a, b;
  into.visit(a);
  from.visit(b);
  if (a.parameters.size() != b.parameters.size() || a.tensors.size() != b.tensors.size())
    throw ShapeError("ema", fmt::format("one network has {} parameters, the other {}", a.parameters.size(),
                                        b.parameters.size()));
  for (std::size_t i = 0; i < a.parameters.size(); ++i) {
    Parameter& mine = *a.parameters[i].second;
    const Parameter& other = *b.parameters[i].second;
    if (a.parameters[i].first != b.parameters[i].first || !(mine.shape() == other.shape()) ||
        mine.dtype() != other.dtype())
      throw ShapeError("ema", fmt::format("'{}' stands where the other network has '{}'",
                                          a.parameters[i].first, b.parameters[i].first));
    mine.dtype() == DType::f32 ? average<float>(mine, other, decay) : average<double>(mine, other, decay);
  }
  for (std::size_t i = 0; i < a.tensors.size(); ++i) *a.tensors[i].second = *b.tensors[i].second;
}

WeightAverage::WeightAverage(ModuleRef net, double decay) : decay_(decay) {
  if (!(decay > 0 && decay < 1)) throw ParamError("", fmt::format("ema = {} is outside (0, 1)", decay));
  for (const NamedParameter& p : parameters(net)) {
    if (!p.parameter->defined()) continue;
    parameters_.push_back(p.parameter);
    means_.push_back(p.parameter->value().detach());
  }
}

void WeightAverage::update() {
  const auto t = static_cast<double>(++updates_);
  const double decay = std::min(decay_, (1 + t) / (10 + t));
  for (std::size_t i = 0; i < means_.size(); ++i)
    means_[i].dtype() == DType::f32 ? average<float>(means_[i], *parameters_[i], decay)
                                    : average<double>(means_[i], *parameters_[i], decay);
}

void WeightAverage::exchange() {
  for (std::size_t i = 0; i < means_.size(); ++i) {
    Tensor weights = parameters_[i]->value().detach();
    parameters_[i]->set(means_[i]);
    means_[i] = std::move(weights);
  }
}

void WeightAverage::visit(Visitor& v) {
  v.value("updates", updates_);
  if (v.loading()) check_counter(updates_, fmt::format("its mean weights are of {} steps", updates_));
  for (std::size_t i = 0; i < means_.size(); ++i) {
    const DType dtype = means_[i].dtype();
    const Shape shape = means_[i].shape();
    v.tensor(std::to_string(i), means_[i], dtype, shape);
  }
}

}  // namespace cairn
