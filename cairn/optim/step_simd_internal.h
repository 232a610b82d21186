// Private to optim/: the element-wise steps of all optimisers, whole parameter sets at once, the instruction
// set chosen at run time. Each reads gradient, parameter and state once and writes parameter and state once.
#pragma once

#include <cstdint>
#include <span>

namespace cairn::step_kernels {

constexpr int kMaxStates = 3;

enum class Rule : std::uint8_t {
  momentum,  // a: momentum, b: share of the gradient in the velocity, flag: Nesterov; first: velocity =
             // gradient share
  adagrad,   // a: epsilon
  rmsprop,   // a: decay of squares, b: epsilon, c: momentum, flag: centered
  adam,   // a: beta1, b: beta2, c: epsilon, d: 1 / sqrt(1 - beta2^t), e: rate factor 1 / (1 - beta1^t); flag:
          // AMSGrad
  nadam,  // as adam, e: of the gradient, f: of the momentum
  lion,   // a: beta1, b: beta2
};

struct Coefficients {
  Rule rule = Rule::momentum;
  double a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
  bool flag = false, first = false;
};

// One parameter; rate is already the whole learning rate. Pointers to float or double, as is_f32 says.
struct Piece {
  void* p = nullptr;
  const void* g = nullptr;
  void* state[kMaxStates] = {};
  std::int64_t n = 0;
  bool is_f32 = true;
  double rate = 0, l2 = 0, l1 = 0, decay = 0, scale = 1, clip = 0;
};

constexpr std::int64_t kBlock = 1 << 14;  // elements a parallel chunk: its five streams fit the second cache

// Blocks of all pieces in one parallel loop.
void step(const Coefficients& c, std::span<const Piece> pieces);

// The sum of squares of all gradients in f64, in an order that depends on their sizes alone. Not finite as
// soon as one is.
double sum_of_squares(std::span<const Piece> pieces);

}  // namespace cairn::step_kernels
