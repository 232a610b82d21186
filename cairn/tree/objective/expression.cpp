#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "cairn/tree/objective/expression_internal.h"

namespace cairn::tree {
namespace {

// The chain rule: f(a) from f's value and derivatives at a.v.
Jet chain(const Jet& a, double f, double df, double ddf) {
  // 0 * infinity is no number; what does not move with score has no derivative by it.
  const auto times = [](double x, double y) { return y == 0 ? 0 : x * y; };
  return {f, times(df, a.d), times(ddf, a.d * a.d) + times(df, a.dd)};
}

Jet plus(const Jet& a, const Jet& b) { return {a.v + b.v, a.d + b.d, a.dd + b.dd}; }
Jet minus(const Jet& a, const Jet& b) { return {a.v - b.v, a.d - b.d, a.dd - b.dd}; }
Jet times(const Jet& a, const Jet& b) {
  return {a.v * b.v, a.d * b.v + a.v * b.d, a.dd * b.v + 2 * a.d * b.d + a.v * b.dd};
}
Jet inverse(const Jet& a) { return chain(a, 1 / a.v, -1 / (a.v * a.v), 2 / (a.v * a.v * a.v)); }
Jet over(const Jet& a, const Jet& b) {
  if (b.d == 0 && b.dd == 0) return {a.v / b.v, a.d / b.v, a.dd / b.v};
  return times(a, inverse(b));
}
Jet logarithm(const Jet& a) { return chain(a, std::log(a.v), 1 / a.v, -1 / (a.v * a.v)); }
Jet exponential(const Jet& a) {
  const double e = std::exp(a.v);
  return chain(a, e, e, e);
}
Jet hyperbolic_tangent(const Jet& a) {
  const double t = std::tanh(a.v);
  return chain(a, t, 1 - t * t, -2 * t * (1 - t * t));
}
// cosh overflows long before its logarithm is large, so log(cosh(x)) has a function of its own.
Jet log_cosh(const Jet& a) {
  const double t = std::tanh(a.v), size = std::abs(a.v);
  return chain(a, size + std::log1p(std::exp(-2 * size)) - std::numbers::ln2, t, 1 - t * t);
}
Jet sigmoid(const Jet& a) {
  const double small = std::exp(-std::abs(a.v)), p = (a.v >= 0 ? 1 : small) / (1 + small);
  const double slope = small / ((1 + small) * (1 + small));
  return chain(a, p, slope, slope * (1 - 2 * p));
}
Jet softplus(const Jet& a) {
  const double small = std::exp(-std::abs(a.v)), p = (a.v >= 0 ? 1 : small) / (1 + small);
  return chain(a, std::max(a.v, 0.0) + std::log1p(small), p, small / ((1 + small) * (1 + small)));
}
Jet absolute(const Jet& a) {
  const double sign = a.v > 0 ? 1 : a.v < 0 ? -1 : 0;
  return chain(a, std::abs(a.v), sign, 0);
}

constexpr std::array kFunctions{
    ExpressionFunction{"abs", 1, absolute, nullptr},
    ExpressionFunction{"cos", 1,
                       [](const Jet& a) { return chain(a, std::cos(a.v), -std::sin(a.v), -std::cos(a.v)); },
                       nullptr},
    ExpressionFunction{"cosh", 1,
                       [](const Jet& a) { return chain(a, std::cosh(a.v), std::sinh(a.v), std::cosh(a.v)); },
                       nullptr},
    ExpressionFunction{"exp", 1, exponential, nullptr},
    ExpressionFunction{"expm1", 1,
                       [](const Jet& a) { return chain(a, std::expm1(a.v), std::exp(a.v), std::exp(a.v)); },
                       nullptr},
    ExpressionFunction{"log", 1, logarithm, nullptr},
    ExpressionFunction{"log1p", 1,
                       [](const Jet& a) {
                         const double one = 1 + a.v;
                         return chain(a, std::log1p(a.v), 1 / one, -1 / (one * one));
                       },
                       nullptr},
    ExpressionFunction{"log_cosh", 1, log_cosh, nullptr},
    ExpressionFunction{"max", 2, nullptr, [](const Jet& a, const Jet& b) { return b.v > a.v ? b : a; }},
    ExpressionFunction{"min", 2, nullptr, [](const Jet& a, const Jet& b) { return b.v < a.v ? b : a; }},
    ExpressionFunction{"sigmoid", 1, sigmoid, nullptr},
    ExpressionFunction{"sin", 1,
                       [](const Jet& a) { return chain(a, std::sin(a.v), std::cos(a.v), -std::sin(a.v)); },
                       nullptr},
    ExpressionFunction{"sinh", 1,
                       [](const Jet& a) { return chain(a, std::sinh(a.v), std::cosh(a.v), std::sinh(a.v)); },
                       nullptr},
    ExpressionFunction{"softplus", 1, softplus, nullptr},
    ExpressionFunction{"sqrt", 1,
                       [](const Jet& a) {
                         const double root = std::sqrt(a.v);
                         return chain(a, root, 0.5 / root, -0.25 / (root * a.v));
                       },
                       nullptr},
    ExpressionFunction{"tanh", 1, hyperbolic_tangent, nullptr},
};

}  // namespace

std::span<const ExpressionFunction> expression_functions() { return kFunctions; }

// A constant exponent needs no logarithm, so the base may be anything that has the power.
Jet power(const Jet& a, const Jet& b) {
  if (b.d != 0 || b.dd != 0) {
    const double v = std::pow(a.v, b.v);
    const Jet l = times(b, logarithm(a));
    return {v, v * l.d, v * (l.d * l.d + l.dd)};
  }
  const double p = b.v;
  const double slope = p == 0 ? 0 : p * std::pow(a.v, p - 1);
  const double curve = p == 0 || p == 1 ? 0 : p * (p - 1) * std::pow(a.v, p - 2);
  return chain(a, std::pow(a.v, p), slope, curve);
}

Jet Expression::at(double y, double score) const {
  std::array<Jet, kMostValues> stack;
  std::size_t top = 0;
  const auto two = [&](auto f) {
    --top;
    stack[top - 1] = f(stack[top - 1], stack[top]);
  };
  for (const Step& s : steps_) switch (s.op) {
      case Op::number:
        stack[top++] = {s.number, 0, 0};
        break;
      case Op::y:
        stack[top++] = {y, 0, 0};
        break;
      case Op::score:
        stack[top++] = {score, 1, 0};
        break;
      case Op::add:
        two(plus);
        break;
      case Op::subtract:
        two([](const Jet& a, const Jet& b) { return minus(a, b); });
        break;
      case Op::multiply:
        two(times);
        break;
      case Op::divide:
        two(over);
        break;
      case Op::power:
        two(power);
        break;
      case Op::minus:
        stack[top - 1] = {-stack[top - 1].v, -stack[top - 1].d, -stack[top - 1].dd};
        break;
      case Op::call: {
        const ExpressionFunction& f = kFunctions[s.function];
        if (f.arguments == 2)
          two(f.of_two);
        else
          stack[top - 1] = f.of_one(stack[top - 1]);
      }
    }
  return stack[0];
}

}  // namespace cairn::tree
