#include "cairn/optim/ema.h"

#include <fmt/format.h>

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

template <class T>
void average(Parameter& into, const Parameter& from, double decay) {
  T* to = into.mutable_data<T>().data();
  const T* other = from.value().data<T>().data();
  const auto keep = static_cast<T>(decay), take = static_cast<T>(1 - decay);
  parallel_for(into.size(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = keep * to[i] + take * other[i];
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

}  // namespace cairn
