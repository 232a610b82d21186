// A loss written by a person: an expression of y and score, with its first and second derivative by score.
//
//   log(cosh(score - y))        max(0.9 * (y - score), 0.1 * (score - y))        exp(score) - y * score
//
// + - * / ^ (or **, to the right), numbers, y, score, pi, parentheses, and the functions of
// expression_functions(). Derivatives are exact: values are carried through the expression with both of them
// (forward differentiation to the second order). At a kink they are those of one side; of abs they are 0.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::tree {

// A value with its first and second derivative by score.
struct Jet {
  double v, d, dd;
};

class Expression {
 public:
  enum class Op : std::uint8_t { number, y, score, add, subtract, multiply, divide, power, minus, call };
  struct Step {  // on a stack of values
    Op op;
    double number = 0;
    std::uint8_t function = 0;
  };

  // UsageError with the position in the text: a sign that cannot stand there, a name that is not known (with
  // the nearest), a wrong number of arguments, more than 1000 characters or 60 parentheses, signs and powers
  // one in another, no score.
  explicit Expression(std::string_view text);
  Jet at(double y, double score) const;

 private:
  static constexpr std::size_t kMostValues =
      256;  // on the stack at a time: each of 60 depths leaves 3 waiting
  std::vector<Step> steps_;
};

struct ExpressionFunction {
  const char* name;
  int arguments;
  Jet (*of_one)(const Jet& a);
  Jet (*of_two)(const Jet& a, const Jet& b);
};
std::span<const ExpressionFunction> expression_functions();
Jet power(const Jet& a, const Jet& b);

}  // namespace cairn::tree
