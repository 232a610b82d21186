// Small problems that a sound network solves, for tests of the network check.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/check/network_check.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/sequential.h"
#include "cairn/tensor/samples.h"

namespace cairn::check_problems {

struct Problem {
  Tensor x, y;
};

// Three clouds of points in four dimensions, mean about 0, standard deviation about 1.
inline Problem blobs(std::int64_t n = 300) {
  Random random(5, "blobs");
  std::vector<float> x;
  std::vector<std::int64_t> y;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto c = static_cast<std::int64_t>(random.below(3));
    for (int j = 0; j < 4; ++j)
      x.push_back(static_cast<float>((c == j % 3 ? 1.2 : -0.6) + 0.4 * random.normal()));
    y.push_back(c);
  }
  return {Tensor::from(x).reshape({n, 4}), Tensor::from(y)};
}

// A smooth function of four numbers; targets of mean about 0 and variance about 1.
inline Problem smooth(std::int64_t n = 300) {
  Random random(6, "smooth");
  std::vector<float> x, y;
  for (std::int64_t i = 0; i < n; ++i) {
    double total = 0;
    for (int j = 0; j < 4; ++j) {
      const double v = random.normal();
      x.push_back(static_cast<float>(v));
      total += v;
    }
    y.push_back(static_cast<float>(1.4 * std::sin(0.7 * total)));
  }
  return {Tensor::from(x).reshape({n, 4}), Tensor::from(y).reshape({n, 1})};
}

// Pictures [8, 8, 1] with a bright bar, upright or lying.
inline Problem pictures(std::int64_t n = 120) {
  Random random(7, "pictures");
  std::vector<float> x;
  std::vector<std::int64_t> y;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto c = static_cast<std::int64_t>(random.below(2)),
               at = static_cast<std::int64_t>(random.below(8));
    for (std::int64_t r = 0; r < 8; ++r)
      for (std::int64_t k = 0; k < 8; ++k)
        x.push_back(static_cast<float>(((c == 0 ? r : k) == at ? 2.0 : -0.3) + 0.2 * random.normal()));
    y.push_back(c);
  }
  return {Tensor::from(x).reshape({n, 8, 8, 1}), Tensor::from(y)};
}

inline Sequential classifier(std::uint64_t seed = 1) {
  Sequential net{{"fc1", Linear({.in = 4, .out = 16, .init = "he_uniform"})},
                 {"act1", Relu()},
                 {"fc2", Linear({.in = 16, .out = 16, .init = "he_uniform"})},
                 {"act2", Relu()},
                 {"out", Linear({.in = 16, .out = 3})}};
  initialise(net, seed);
  return net;
}

inline std::vector<std::string> names_of(const NetworkCheck& c) {
  std::vector<std::string> names;
  for (const Finding& f : c.findings) names.push_back(f.name);
  return names;
}

}  // namespace cairn::check_problems
