#include "cairn/optim/step_simd_internal.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "cairn/base/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/optim/step_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::step_kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The rules, as their papers write them. s holds the states; g is the gradient with its penalties; what is
// returned is taken off the parameter. Multiplications and additions stay apart, as the recorded trajectories
// have them.
template <class D, class V = hn::Vec<D>>
struct Momentum {
  Momentum(D d, const Coefficients& c, double rate)
      : rate_(hn::Set(d, static_cast<hn::TFromD<D>>(rate))),
        momentum_(hn::Set(d, static_cast<hn::TFromD<D>>(c.a))),
        share_(hn::Set(d, static_cast<hn::TFromD<D>>(c.b))),
        nesterov_(c.flag),
        states_(c.a > 0 ? 1 : 0) {}
  V operator()(D, V g, V, V* s) const {
    if (states_ == 0) return hn::Mul(rate_, g);
    s[0] = hn::Add(hn::Mul(momentum_, s[0]), hn::Mul(share_, g));
    return hn::Mul(rate_, nesterov_ ? hn::Add(hn::Mul(share_, g), hn::Mul(momentum_, s[0])) : s[0]);
  }
  int states() const { return states_; }
  V rate_, momentum_, share_;
  bool nesterov_;
  int states_;
};

template <class D, class V = hn::Vec<D>>
struct AdaGrad {
  AdaGrad(D d, const Coefficients& c, double rate)
      : rate_(hn::Set(d, static_cast<hn::TFromD<D>>(rate))),
        epsilon_(hn::Set(d, static_cast<hn::TFromD<D>>(c.a))) {}
  V operator()(D, V g, V, V* s) const {
    s[0] = hn::Add(s[0], hn::Mul(g, g));
    return hn::Mul(rate_, hn::Div(g, hn::Add(hn::Sqrt(s[0]), epsilon_)));
  }
  int states() const { return 1; }
  V rate_, epsilon_;
};

template <class D, class V = hn::Vec<D>>
struct RmsProp {
  RmsProp(D d, const Coefficients& c, double rate)
      : rate_(hn::Set(d, static_cast<hn::TFromD<D>>(rate))),
        decay_(hn::Set(d, static_cast<hn::TFromD<D>>(c.a))),
        rest_(hn::Set(d, static_cast<hn::TFromD<D>>(1 - c.a))),
        epsilon_(hn::Set(d, static_cast<hn::TFromD<D>>(c.b))),
        momentum_(hn::Set(d, static_cast<hn::TFromD<D>>(c.c))),
        centered_(c.flag) {}
  V operator()(D d, V g, V, V* s) const {
    s[0] = hn::Add(hn::Mul(decay_, s[0]), hn::Mul(rest_, hn::Mul(g, g)));
    V square = s[0];
    if (centered_) {
      s[2] = hn::Add(s[2], hn::Mul(rest_, hn::Sub(g, s[2])));
      square = hn::Max(hn::Sub(square, hn::Mul(s[2], s[2])), hn::Zero(d));
    }
    s[1] = hn::Add(hn::Mul(momentum_, s[1]), hn::Div(g, hn::Add(hn::Sqrt(square), epsilon_)));
    return hn::Mul(rate_, s[1]);
  }
  int states() const { return centered_ ? 3 : 2; }
  V rate_, decay_, rest_, epsilon_, momentum_;
  bool centered_;
};

// e is of the gradient's own share (NAdam), f of the momentum.
template <class D, class V = hn::Vec<D>, bool Nesterov = false>
struct AdamRule {
  AdamRule(D d, const Coefficients& c, double rate)
      : beta1_(hn::Set(d, static_cast<hn::TFromD<D>>(c.a))),
        rest1_(hn::Set(d, static_cast<hn::TFromD<D>>(1 - c.a))),
        beta2_(hn::Set(d, static_cast<hn::TFromD<D>>(c.b))),
        rest2_(hn::Set(d, static_cast<hn::TFromD<D>>(1 - c.b))),
        epsilon_(hn::Set(d, static_cast<hn::TFromD<D>>(c.c))),
        root_(hn::Set(d, static_cast<hn::TFromD<D>>(c.d))),
        gradient_rate_(hn::Set(d, static_cast<hn::TFromD<D>>(rate * c.e))),
        momentum_rate_(hn::Set(d, static_cast<hn::TFromD<D>>(rate * c.f))),
        largest_(c.flag) {}
  V operator()(D, V g, V, V* s) const {
    s[0] = hn::Add(hn::Mul(beta1_, s[0]), hn::Mul(rest1_, g));
    s[1] = hn::Add(hn::Mul(beta2_, s[1]), hn::Mul(rest2_, hn::Mul(g, g)));
    V square = s[1];
    if (largest_) square = s[2] = hn::Max(s[2], s[1]);
    const V below = hn::Add(hn::Mul(hn::Sqrt(square), root_), epsilon_);
    V above = hn::Mul(momentum_rate_, s[0]);
    if constexpr (Nesterov) above = hn::Add(above, hn::Mul(gradient_rate_, g));
    return hn::Div(above, below);
  }
  int states() const { return largest_ ? 3 : 2; }
  V beta1_, rest1_, beta2_, rest2_, epsilon_, root_, gradient_rate_, momentum_rate_;
  bool largest_;
};

template <class D, class V = hn::Vec<D>>
struct Lion {
  Lion(D d, const Coefficients& c, double rate)
      : rate_(hn::Set(d, static_cast<hn::TFromD<D>>(rate))),
        beta1_(hn::Set(d, static_cast<hn::TFromD<D>>(c.a))),
        rest1_(hn::Set(d, static_cast<hn::TFromD<D>>(1 - c.a))),
        beta2_(hn::Set(d, static_cast<hn::TFromD<D>>(c.b))),
        rest2_(hn::Set(d, static_cast<hn::TFromD<D>>(1 - c.b))) {}
  V operator()(D d, V g, V, V* s) const {
    const V update = hn::Add(hn::Mul(beta1_, s[0]), hn::Mul(rest1_, g)), zero = hn::Zero(d);
    s[0] = hn::Add(hn::Mul(beta2_, s[0]), hn::Mul(rest2_, g));
    const V plus = hn::IfThenElse(hn::Gt(update, zero), rate_, zero);
    return hn::Sub(plus, hn::IfThenElse(hn::Lt(update, zero), rate_, zero));
  }
  int states() const { return 1; }
  V rate_, beta1_, rest1_, beta2_, rest2_;
};

// [begin, end) of one piece: the gradient scaled and clipped, its penalties added, the decay taken off, the
// rule applied.
template <class RuleOf, class D, class T = hn::TFromD<D>>
void run_rule(D d, const Coefficients& c, const Piece& piece, std::int64_t begin, std::int64_t end) {
  using V = hn::Vec<D>;
  const RuleOf rule(d, c, piece.rate);
  const int states = rule.states();
  T* p = static_cast<T*>(piece.p);
  const T* g = static_cast<const T*>(piece.g);
  T* s[kMaxStates];
  for (int k = 0; k < kMaxStates; ++k) s[k] = static_cast<T*>(piece.state[k]);
  const V scale = hn::Set(d, static_cast<T>(piece.scale)), clip = hn::Set(d, static_cast<T>(piece.clip));
  const V l2 = hn::Set(d, static_cast<T>(piece.l2)), l1 = hn::Set(d, static_cast<T>(piece.l1));
  const V keep = hn::Set(d, static_cast<T>(1 - piece.rate * piece.decay)), zero = hn::Zero(d);
  const bool clips = piece.clip > 0, has_l1 = piece.l1 != 0, has_l2 = piece.l2 != 0,
             decays = piece.decay != 0;
  const bool scales = piece.scale != 1;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto one_vector = [&](T* at, const T* slope, T* const* states_at) {
    V value = hn::LoadU(d, at), gradient = hn::LoadU(d, slope), state[kMaxStates];
    for (int k = 0; k < states; ++k) state[k] = hn::LoadU(d, states_at[k]);
    if (scales) gradient = hn::Mul(gradient, scale);
    if (clips) gradient = hn::Min(hn::Max(gradient, hn::Neg(clip)), clip);
    if (has_l2) gradient = hn::Add(gradient, hn::Mul(l2, value));
    if (has_l1) {
      gradient = hn::Add(gradient, hn::IfThenElse(hn::Gt(value, zero), l1, zero));
      gradient = hn::Sub(gradient, hn::IfThenElse(hn::Lt(value, zero), l1, zero));
    }
    if (decays) value = hn::Mul(value, keep);
    hn::StoreU(hn::Sub(value, rule(d, gradient, value, state)), d, at);
    for (int k = 0; k < states; ++k) hn::StoreU(state[k], d, states_at[k]);
  };
  std::int64_t i = begin;
  for (; i + lanes <= end; i += lanes) {
    T* at[kMaxStates] = {};
    for (int k = 0; k < states; ++k) at[k] = s[k] + i;
    one_vector(p + i, g + i, at);
  }
  if (i == end) return;
  // The last few in a full vector of their own: the same operations, the same bits.
  constexpr std::size_t kMost = HWY_MAX_BYTES / sizeof(T);
  T room[kMaxStates + 2][kMost] = {};
  const auto rest = static_cast<std::size_t>(end - i);
  T* at[kMaxStates] = {};
  std::copy_n(p + i, rest, room[0]);
  std::copy_n(g + i, rest, room[1]);
  for (int k = 0; k < states; ++k) std::copy_n(s[k] + i, rest, at[k] = room[k + 2]);
  one_vector(room[0], room[1], at);
  std::copy_n(room[0], rest, p + i);
  for (int k = 0; k < states; ++k) std::copy_n(at[k], rest, s[k] + i);
}

template <class D>
void run_typed(D d, const Coefficients& c, const Piece& piece, std::int64_t begin, std::int64_t end) {
  using V = hn::Vec<D>;
  switch (c.rule) {
    case Rule::momentum:
      return run_rule<Momentum<D>>(d, c, piece, begin, end);
    case Rule::adagrad:
      return run_rule<AdaGrad<D>>(d, c, piece, begin, end);
    case Rule::rmsprop:
      return run_rule<RmsProp<D>>(d, c, piece, begin, end);
    case Rule::adam:
      return run_rule<AdamRule<D>>(d, c, piece, begin, end);
    case Rule::nadam:
      return run_rule<AdamRule<D, V, true>>(d, c, piece, begin, end);
    case Rule::lion:
      return run_rule<Lion<D>>(d, c, piece, begin, end);
  }
}

void run_block(const Coefficients& c, const Piece& piece, std::int64_t begin, std::int64_t end) {
  if (piece.is_f32)
    run_typed(hn::ScalableTag<float>(), c, piece, begin, end);
  else
    run_typed(hn::ScalableTag<double>(), c, piece, begin, end);
}

// Eight running sums whatever the lanes: the same bits on every instruction set.
double squares_of_block(const Piece& piece, std::int64_t begin, std::int64_t end) {
  const hn::CappedTag<double, 8> d;
  constexpr std::size_t kLanes = hn::MaxLanes(d), kVectors = 8 / kLanes;
  double sums[8];
  const auto add = [&](const auto* g) {
    using T = std::remove_cvref_t<decltype(*g)>;
    hn::Vec<decltype(d)> running[kVectors];
    for (auto& r : running) r = hn::Zero(d);
    std::int64_t i = begin;
    for (; i + 8 <= end; i += 8)
      for (std::size_t k = 0; k < kVectors; ++k) {
        const T* at = g + i + k * kLanes;
        hn::Vec<decltype(d)> v;
        if constexpr (std::is_same_v<T, float>)
          v = hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, decltype(d)>(), at));
        else
          v = hn::LoadU(d, at);
        running[k] = hn::Add(running[k], hn::Mul(v, v));
      }
    for (std::size_t k = 0; k < kVectors; ++k) hn::StoreU(running[k], d, sums + k * kLanes);
    for (std::size_t k = 0; i < end; ++i, ++k)
      sums[k] += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  };
  piece.is_f32 ? add(static_cast<const float*>(piece.g)) : add(static_cast<const double*>(piece.g));
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

}  // namespace cairn::step_kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::step_kernels {
HWY_EXPORT(run_block);
HWY_EXPORT(squares_of_block);

namespace {

struct Block {
  const Piece* piece;
  std::int64_t begin, end;
};
std::vector<Block> blocks_of(std::span<const Piece> pieces) {
  std::vector<Block> blocks;
  for (const Piece& p : pieces)
    for (std::int64_t begin = 0; begin < p.n; begin += kBlock)
      blocks.push_back({&p, begin, std::min(p.n, begin + kBlock)});
  return blocks;
}
// Small networks are one chunk: a parallel loop costs more than they take.
std::int64_t blocks_a_chunk(std::span<const Piece> pieces, std::size_t blocks) {
  std::int64_t total = 0;
  for (const Piece& p : pieces) total += p.n;
  return total < 2 * kBlock ? static_cast<std::int64_t>(blocks) : 1;
}

}  // namespace

void step(const Coefficients& c, std::span<const Piece> pieces) {
  const std::vector<Block> blocks = blocks_of(pieces);
  parallel_for(std::ssize(blocks), blocks_a_chunk(pieces, blocks.size()),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const Block& b = blocks[static_cast<std::size_t>(i)];
                   HWY_DYNAMIC_DISPATCH(run_block)(c, *b.piece, b.begin, b.end);
                 }
               });
}

double sum_of_squares(std::span<const Piece> pieces) {
  const std::vector<Block> blocks = blocks_of(pieces);
  std::vector<double> parts(blocks.size());
  parallel_for(std::ssize(blocks), blocks_a_chunk(pieces, blocks.size()),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const Block& b = blocks[static_cast<std::size_t>(i)];
                   parts[static_cast<std::size_t>(i)] =
                       HWY_DYNAMIC_DISPATCH(squares_of_block)(*b.piece, b.begin, b.end);
                 }
               });
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

}  // namespace cairn::step_kernels
#endif
