// NumPy's default_rng(seed): PCG64 seeded through SeedSequence, so that data the courses draw from it can be
// drawn again (O'Neill: PCG; 2014. numpy/random/bit_generator.pyx).
#pragma once

#include <cstdint>
#include <vector>

namespace cairn::numpy {

class DefaultRng {
 public:
  explicit DefaultRng(std::uint32_t seed);
  double random();  // [0, 1), 53 bits
  std::vector<double> random(std::int64_t n);

 private:
  __extension__ using U128 = unsigned __int128;
  std::uint64_t next64();
  U128 state_ = 0, increment_ = 0;
};

}  // namespace cairn::numpy
