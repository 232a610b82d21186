// Support vector machines with kernels: curved boundaries from a few rows of the training data.
//
//   auto model = KernelSvm({.C = 1, .gamma = 0.5}).fit(data);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/model/numeric.h"
#include "cairn/model/registry.h"

namespace cairn {

struct KernelSvmParams {
  double C = 1.0;
  std::string kernel = "rbf";
  double gamma = 0;
  int degree = 3;
  double coef0 = 0;
  std::string class_weight = "none";
  double tol = 1e-3;
  std::int64_t max_iter = 10'000'000;
  int cache_mb = 200;
  static const ParamList& list();
};

// min 1/2 |w|^2 + sum C s max(0, 1 - y (w . phi(x) + b)) in the space of the kernel (Cortes, Vapnik:
// Support-vector networks; 1995). More than two classes: one against the rest. Probabilities are sigmoids
// fitted to margins out of fold. DataError: rows of one class only.
class KernelSvm final : public LearnerWith<KernelSvm, KernelSvmParams> {
 public:
  static constexpr const char* kName = "kernel_svm";
  explicit KernelSvm(Params params) : LearnerWith(std::move(params)) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

// K(a, b) by a . b and the squares of both.
struct Kernel {
  std::string name = "rbf";  // exp(-gamma |a - b|^2), poly: (gamma a . b + coef0)^degree, linear: a . b
  double gamma = 1, coef0 = 0;
  std::int64_t degree = 3;
  double of(double product, double square_a, double square_b) const;
  void visit(Visitor& v);
};

class KernelSvmModel final : public NumericModel {
 public:
  static constexpr std::string_view kKind = "kernel_svm_model";
  KernelSvmModel() = default;
  // support [s, d], the training rows that hold a boundary up; for machine k (one for two classes, else one a
  // class) margin = sum_i coefficients[k, i] K(support_i, x) + intercepts[k], p = sigmoid(slope margin +
  // offset).
  struct Parts {
    Kernel kernel;
    Tensor support, coefficients;
    std::vector<double> intercepts, slopes, offsets;
    std::vector<std::string> notes;
  };
  KernelSvmModel(const NumericData& data, Parts parts);
  std::string_view kind() const override { return kKind; }
  void compute(const Matrix& x, std::span<double> outputs) const override;
  std::vector<double> margins(const Matrix& x) const;  // [n, machines]
  std::int64_t num_support() const { return parts_.support.size(0); }

 private:
  void visit_members(Visitor& v) override;
  Parts parts_;
};

LearnerEntry kernel_svm_entry();

}  // namespace cairn
