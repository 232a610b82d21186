#include "cairn/nn/init.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "cairn/base/error.h"
#include "cairn/tensor/apply.h"

namespace cairn {

Fans fans_of(const Shape& weight) {
  if (weight.ndim() < 2)
    return {std::max<std::int64_t>(1, weight.size()), std::max<std::int64_t>(1, weight.size())};
  std::int64_t window = 1;
  for (int i = 1; i + 1 < weight.ndim(); ++i) window *= weight[i];
  return {weight[weight.ndim() - 1] * window, weight[0] * window};
}

namespace {

// Every element by itself, computed in f64.
template <class F>
Tensor filled(const Shape& shape, DType dtype, F&& next) {
  Tensor t = Tensor::empty(shape, dtype);
  const auto fill = [&](auto zero) {
    using T = decltype(zero);
    for (T& v : t.mutable_data<T>()) v = static_cast<T>(next());
  };
  dtype == DType::f32 ? fill(float{}) : fill(double{});
  return t;
}

Tensor normal_values(const Shape& shape, DType dtype, double mean, double stddev, Random& random) {
  return filled(shape, dtype, [&] { return mean + stddev * random.normal(); });
}
Tensor uniform_values(const Shape& shape, DType dtype, double low, double high, Random& random) {
  return filled(shape, dtype, [&] { return low + (high - low) * random.uniform(); });
}

// The rows of a [n, d], n <= d, made orthonormal by Gram and Schmidt, each projection twice.
void orthonormalise(std::vector<double>& a, std::size_t n, std::size_t d) {
  for (std::size_t i = 0; i < n; ++i) {
    double* row = &a[i * d];
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t j = 0; j < i; ++j) {
        const double* other = &a[j * d];
        double dot = 0;
        for (std::size_t c = 0; c < d; ++c) dot += row[c] * other[c];
        for (std::size_t c = 0; c < d; ++c) row[c] -= dot * other[c];
      }
    double norm = 0;
    for (std::size_t c = 0; c < d; ++c) norm += row[c] * row[c];
    norm = std::sqrt(norm);
    for (std::size_t c = 0; c < d; ++c) row[c] /= norm;
  }
}

Tensor orthogonal_values(const Shape& shape, DType dtype, double gain, Random& random) {
  if (shape.ndim() < 2) return normal_values(shape, dtype, 0, gain, random);
  if (shape.size() == 0) return Tensor::empty(shape, dtype);
  const auto rows = static_cast<std::size_t>(shape[0]),
             columns = static_cast<std::size_t>(shape.size() / shape[0]);
  const std::size_t n = std::min(rows, columns), d = std::max(rows, columns);
  std::vector<double> a(n * d);
  for (double& v : a) v = random.normal();
  orthonormalise(a, n, d);
  std::size_t at = 0;
  return filled(shape, dtype, [&] {
    const std::size_t r = at / columns, c = at % columns;
    ++at;
    return gain * (rows <= columns ? a[r * d + c] : a[c * d + r]);
  });
}

}  // namespace

namespace init {

Parameter::Draw zeros() { return constant(0); }
Parameter::Draw constant(double value) {
  return [=](const Shape& s, DType t, Random&) { return Tensor::full(s, value, t); };
}
Parameter::Draw normal(double stddev, double mean) {
  return [=](const Shape& s, DType t, Random& r) { return normal_values(s, t, mean, stddev, r); };
}
Parameter::Draw uniform(double low, double high) {
  return [=](const Shape& s, DType t, Random& r) { return uniform_values(s, t, low, high, r); };
}
Parameter::Draw xavier_normal(double gain) {
  return [=](const Shape& s, DType t, Random& r) {
    const Fans f = fans_of(s);
    return normal_values(s, t, 0, gain * std::sqrt(2.0 / static_cast<double>(f.in + f.out)), r);
  };
}
Parameter::Draw xavier_uniform(double gain) {
  return [=](const Shape& s, DType t, Random& r) {
    const Fans f = fans_of(s);
    const double bound = gain * std::sqrt(6.0 / static_cast<double>(f.in + f.out));
    return uniform_values(s, t, -bound, bound, r);
  };
}
Parameter::Draw he_normal() {
  return [](const Shape& s, DType t, Random& r) {
    return normal_values(s, t, 0, std::sqrt(2.0 / static_cast<double>(fans_of(s).in)), r);
  };
}
Parameter::Draw he_uniform() {
  return [](const Shape& s, DType t, Random& r) {
    const double bound = std::sqrt(6.0 / static_cast<double>(fans_of(s).in));
    return uniform_values(s, t, -bound, bound, r);
  };
}
Parameter::Draw orthogonal(double gain) {
  return [=](const Shape& s, DType t, Random& r) { return orthogonal_values(s, t, gain, r); };
}

ParamRule rule() {
  return one_of("xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "orthogonal", "normal",
                "uniform", "constant", "zeros");
}

Parameter::Draw named(const std::string& name, double scale) {
  if (name == "xavier_uniform") return xavier_uniform(scale);
  if (name == "xavier_normal") return xavier_normal(scale);
  if (name == "he_uniform") return he_uniform();
  if (name == "he_normal") return he_normal();
  if (name == "orthogonal") return orthogonal(scale);
  if (name == "normal") return normal(scale);
  if (name == "uniform") return uniform(-scale, scale);
  if (name == "constant") return constant(scale);
  CAIRN_ASSERT(name == "zeros");
  return zeros();
}

}  // namespace init

namespace {

// Keeps what the last operation of each module has given.
class OutputVariance : public ApplyObserver {
 public:
  explicit OutputVariance(const ModulePlace* place) : place_(place) {}
  void begin(const OpDef&, std::span<const Tensor>, const Attributes&) override {}
  void end(const OpDef&, std::span<const Tensor>, std::span<const Tensor> out, const Attributes&) override {
    if (module_place() == place_ && is_floating(out[0].dtype())) last_ = out[0];
  }
  double variance() const {  // 0: the module was not run
    if (!last_.defined() || last_.size() < 2) return 0;
    const Tensor values = last_.detach().contiguous().to(DType::f64);
    double mean = 0, squares = 0;
    for (const double v : values.data<double>()) mean += v;
    mean /= static_cast<double>(values.size());
    for (const double v : values.data<double>()) squares += (v - mean) * (v - mean);
    return squares / static_cast<double>(values.size());
  }

 private:
  const ModulePlace* place_;
  Tensor last_;
};

class WeightsOfModules : public ModuleWalk {
 public:
  std::vector<std::pair<Module*, Parameter*>> found;

 protected:
  void on_module(const std::string&, Module& self) override { module_ = &self; }
  void on_parameter(const std::string& path, Parameter& p) override {
    if (p.defined() && p.shape().ndim() >= 2 && path.ends_with("weight")) found.emplace_back(module_, &p);
  }

 private:
  Module* module_ = nullptr;
};

}  // namespace

void lsuv(ModuleRef net, const std::function<Tensor()>& forward, double tolerance, int max_iter) {
  parameters(net);  // names everything
  WeightsOfModules weights;
  net.visit(weights);
  const NoGrad no_grad;
  for (const auto& [module, weight] : weights.found) {
    if (!module || weight->frozen()) continue;
    Random random(0, "lsuv:" + weight->name());
    weight->set(init::orthogonal()(weight->shape(), weight->dtype(), random));
    for (int i = 0; i < max_iter; ++i) {
      double variance = 0;
      {
        const OutputVariance seen(module->place());
        forward();
        variance = seen.variance();
      }
      if (!(variance > 0) || !std::isfinite(variance) || std::abs(variance - 1) < tolerance) break;
      const double factor = 1 / std::sqrt(variance);
      const auto scale = [&](auto zero) {
        using T = decltype(zero);
        for (T& v : weight->mutable_data<T>()) v = static_cast<T>(static_cast<double>(v) * factor);
      };
      weight->dtype() == DType::f32 ? scale(float{}) : scale(double{});
    }
  }
}

}  // namespace cairn
