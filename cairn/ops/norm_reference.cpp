#include <cmath>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/ops/norm_internal.h"

namespace cairn {
namespace {

using Sums = std::vector<double>;

template <class T>
double f64(T v) {
  return static_cast<double>(v);
}

// out 0, the mean and variance of each channel being known; `residual` may be undefined.
void normalise_reference(const KernelArgs& a, const Tensor& means, const Tensor& variances,
                         const Tensor& residual) {
  const auto at = a.attributes.as<NormAttributes>();
  const Tensor input = dense(a.in[0]), scale = dense(a.in[1]), shift = dense(a.in[2]);
  with_floating(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *x = input.data<T>().data(), *gamma = scale.data<T>().data(), *beta = shift.data<T>().data();
    const T *mean = means.data<T>().data(), *variance = variances.data<T>().data();
    const T* more = residual.defined() ? residual.data<T>().data() : nullptr;
    T* y = a.out[0].mutable_data<T>().data();
    const std::int64_t channels = scale.size(), size = input.size();
    for (std::int64_t c = 0; c < channels; ++c) {
      const double factor = f64(gamma[c]) / std::sqrt(f64(variance[c]) + at.epsilon);
      for (std::int64_t i = c; i < size; i += channels) {
        const double v = (f64(x[i]) - f64(mean[c])) * factor + f64(beta[c]) + (more ? f64(more[i]) : 0.0);
        y[i] = static_cast<T>(at.relu && v < 0 ? 0.0 : v);
      }
    }
  });
}

}  // namespace

void batch_norm_reference(const KernelArgs& a) {
  const Tensor input = dense(a.in[0]);
  with_floating(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* x = input.data<T>().data();
    T *mean_out = a.out[1].mutable_data<T>().data(), *variance_out = a.out[2].mutable_data<T>().data();
    const std::int64_t channels = a.out[1].size(), rows = input.size() / std::max<std::int64_t>(1, channels);
    for (std::int64_t c = 0; c < channels; ++c) {
      double mean = 0, variance = 0;
      for (std::int64_t r = 0; r < rows; ++r) mean += f64(x[r * channels + c]);
      mean /= f64(rows);
      for (std::int64_t r = 0; r < rows; ++r) {
        const double d = f64(x[r * channels + c]) - mean;
        variance += d * d;
      }
      variance /= f64(rows);
      mean_out[c] = static_cast<T>(mean);
      variance_out[c] = static_cast<T>(variance);
    }
  });
  normalise_reference(a, a.out[1], a.out[2], a.in.size() == 4 ? dense(a.in[3]) : Tensor());
}

void batch_norm_inference_reference(const KernelArgs& a) {
  normalise_reference(a, dense(a.in[3]), dense(a.in[4]), a.in.size() == 6 ? dense(a.in[5]) : Tensor());
}

void batch_norm_gradient_reference(const KernelArgs& a) {
  const double epsilon = a.attributes.as<NormAttributes>().epsilon;
  const Tensor gradient = dense(a.in[0]), input = dense(a.in[1]), scale = dense(a.in[2]),
               means = dense(a.in[3]), variances = dense(a.in[4]);
  with_floating(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *g = gradient.data<T>().data(), *x = input.data<T>().data(), *gamma = scale.data<T>().data();
    const T *mean = means.data<T>().data(), *variance = variances.data<T>().data();
    T* dx = a.out[0].mutable_data<T>().data();
    T *dgamma = a.out[1].mutable_data<T>().data(), *dbeta = a.out[2].mutable_data<T>().data();
    const std::int64_t channels = scale.size(), size = input.size();
    const double rows = f64(size / std::max<std::int64_t>(1, channels));
    for (std::int64_t c = 0; c < channels; ++c) {
      const double root = 1 / std::sqrt(f64(variance[c]) + epsilon);
      double sum = 0, product = 0;
      for (std::int64_t i = c; i < size; i += channels) {
        sum += f64(g[i]);
        product += f64(g[i]) * (f64(x[i]) - f64(mean[c])) * root;
      }
      dbeta[c] = static_cast<T>(sum);
      dgamma[c] = static_cast<T>(product);
      for (std::int64_t i = c; i < size; i += channels) {
        const double normal = (f64(x[i]) - f64(mean[c])) * root;
        dx[i] = static_cast<T>(f64(gamma[c]) * root * (f64(g[i]) - (sum + normal * product) / rows));
      }
    }
  });
}

void layer_norm_reference(const KernelArgs& a) {
  const auto at = a.attributes.as<NormAttributes>();
  const Tensor input = dense(a.in[0]), scale = dense(a.in[1]), shift = dense(a.in[2]);
  with_floating(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *x = input.data<T>().data(), *gamma = scale.data<T>().data(), *beta = shift.data<T>().data();
    T* y = a.out[0].mutable_data<T>().data();
    T *mean_out = a.out[1].mutable_data<T>().data(), *variance_out = a.out[2].mutable_data<T>().data();
    const std::int64_t width = scale.size(), rows = a.out[1].size();
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* row = x + r * width;
      double mean = 0, variance = 0;
      for (std::int64_t i = 0; i < width; ++i) mean += f64(row[i]);
      mean /= f64(width);
      for (std::int64_t i = 0; i < width; ++i) variance += (f64(row[i]) - mean) * (f64(row[i]) - mean);
      variance /= f64(width);
      mean_out[r] = static_cast<T>(mean);
      variance_out[r] = static_cast<T>(variance);
      const double root = 1 / std::sqrt(variance + at.epsilon);
      for (std::int64_t i = 0; i < width; ++i) {
        const double v = (f64(row[i]) - mean) * root * f64(gamma[i]) + f64(beta[i]);
        y[r * width + i] = static_cast<T>(at.relu && v < 0 ? 0.0 : v);
      }
    }
  });
}

void layer_norm_gradient_reference(const KernelArgs& a) {
  const double epsilon = a.attributes.as<NormAttributes>().epsilon;
  const Tensor gradient = dense(a.in[0]), input = dense(a.in[1]), scale = dense(a.in[2]),
               means = dense(a.in[3]), variances = dense(a.in[4]);
  with_floating(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *g = gradient.data<T>().data(), *x = input.data<T>().data(), *gamma = scale.data<T>().data();
    const T *mean = means.data<T>().data(), *variance = variances.data<T>().data();
    T* dx = a.out[0].mutable_data<T>().data();
    T *dgamma = a.out[1].mutable_data<T>().data(), *dbeta = a.out[2].mutable_data<T>().data();
    const std::int64_t width = scale.size(), rows = means.size();
    Sums of_gamma(static_cast<std::size_t>(width)), of_beta(static_cast<std::size_t>(width));
    for (std::int64_t r = 0; r < rows; ++r) {
      const double m = f64(mean[r]), root = 1 / std::sqrt(f64(variance[r]) + epsilon);
      double sum = 0, product = 0;
      for (std::int64_t i = 0; i < width; ++i) {
        const double v = f64(g[r * width + i]), normal = (f64(x[r * width + i]) - m) * root;
        of_beta[static_cast<std::size_t>(i)] += v;
        of_gamma[static_cast<std::size_t>(i)] += v * normal;
        sum += v * f64(gamma[i]);
        product += v * f64(gamma[i]) * normal;
      }
      for (std::int64_t i = 0; i < width; ++i) {
        const double v = f64(g[r * width + i]), normal = (f64(x[r * width + i]) - m) * root;
        dx[r * width + i] =
            static_cast<T>(root * (v * f64(gamma[i]) - (sum + normal * product) / f64(width)));
      }
    }
    for (std::int64_t i = 0; i < width; ++i) {
      dgamma[i] = static_cast<T>(of_gamma[static_cast<std::size_t>(i)]);
      dbeta[i] = static_cast<T>(of_beta[static_cast<std::size_t>(i)]);
    }
  });
}

}  // namespace cairn
