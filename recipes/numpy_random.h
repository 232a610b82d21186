// NumPy's legacy generator (np.random.seed, RandomState), so that numbers the courses print can be
// reproduced. It stays with tests and recipes: the library's own random numbers are cairn/base/random.h.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace cairn::numpy {

class RandomState {
 public:
  explicit RandomState(std::uint32_t seed) : engine_(seed) {}

  double rand();  // [0, 1), 53 bits
  std::vector<double> rand(std::int64_t n);
  double randn();  // Marsaglia's polar method; the second of a pair is kept
  std::vector<double> randn(std::int64_t n);
  std::vector<std::int64_t> permutation(std::int64_t n);

 private:
  std::uint32_t interval(std::uint32_t most);  // uniform on 0 .. most, by masked rejection
  std::mt19937 engine_;
  double spare_ = 0;
  bool has_spare_ = false;
};

// scikit-learn's train_test_split(test_size, random_state): row numbers of both parts, in its order.
struct TrainTest {
  std::vector<std::int64_t> train, test;
};
TrainTest train_test_split(std::int64_t n, double test_size, std::uint32_t random_state);

}  // namespace cairn::numpy
