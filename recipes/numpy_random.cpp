#include "recipes/numpy_random.h"

#include <cmath>
#include <numeric>

namespace cairn::numpy {

double RandomState::rand() {
  const std::uint32_t a = engine_() >> 5, b = engine_() >> 6;
  return (a * 67108864.0 + b) / 9007199254740992.0;
}

std::vector<double> RandomState::rand(std::int64_t n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  for (double& v : values) v = rand();
  return values;
}

double RandomState::randn() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double x = 0, y = 0, r2 = 0;
  do {
    x = 2.0 * rand() - 1.0;
    y = 2.0 * rand() - 1.0;
    r2 = x * x + y * y;
  } while (r2 >= 1.0 || r2 == 0.0);
  const double f = std::sqrt(-2.0 * std::log(r2) / r2);
  spare_ = f * x;
  has_spare_ = true;
  return f * y;
}

std::vector<double> RandomState::randn(std::int64_t n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  for (double& v : values) v = randn();
  return values;
}

std::uint32_t RandomState::interval(std::uint32_t most) {
  std::uint32_t mask = most;
  for (int shift = 1; shift <= 16; shift *= 2) mask |= mask >> shift;
  std::uint32_t value = 0;
  do value = static_cast<std::uint32_t>(engine_()) & mask;
  while (value > most);
  return value;
}

std::vector<std::int64_t> RandomState::permutation(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t i = n - 1; i > 0; --i)
    std::swap(order[static_cast<std::size_t>(i)], order[interval(static_cast<std::uint32_t>(i))]);
  return order;
}

TrainTest train_test_split(std::int64_t n, double test_size, std::uint32_t random_state) {
  const auto order = RandomState(random_state).permutation(n);
  const auto num_test = static_cast<std::ptrdiff_t>(std::ceil(test_size * static_cast<double>(n)));
  return {{order.begin() + num_test, order.end()}, {order.begin(), order.begin() + num_test}};
}

}  // namespace cairn::numpy
