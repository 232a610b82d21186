#include <cmath>

#include "cairn/linear/glm_family_internal.h"

namespace cairn::glm {

Term log_link_term(double power, double y, double eta) {
  if (power == 1) {
    const double mu = std::exp(eta);
    return {mu - y * eta, mu - y, mu};
  }
  if (power == 2) {
    const double ratio = y * std::exp(-eta);
    return {ratio + eta, 1 - ratio, ratio};
  }
  const double a = y * std::exp((1 - power) * eta), b = std::exp((2 - power) * eta);
  return {a / (power - 1) + b / (2 - power), b - a, (2 - power) * b + (power - 1) * a};
}

double unit_deviance(double power, double y, double mu) {
  if (power == 1) return 2 * ((y > 0 ? y * std::log(y / mu) : 0) - (y - mu));
  if (power == 2) return 2 * (std::log(mu / y) + y / mu - 1);
  return 2 * ((y > 0 ? std::pow(y, 2 - power) / ((1 - power) * (2 - power)) : 0) -
              y * std::pow(mu, 1 - power) / (1 - power) + std::pow(mu, 2 - power) / (2 - power));
}

}  // namespace cairn::glm
