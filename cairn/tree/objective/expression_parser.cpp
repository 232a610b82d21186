// From the text to steps on a stack, by recursive descent:
//
//   sum = product {("+" | "-") product}      product = sign {("*" | "/") sign}      sign = ["+" | "-"] sign |
//   power power = one ["^" sign]      one = number | name | name "(" sum {"," sum} ")" | "(" sum ")"
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/tree/objective/expression_internal.h"

namespace cairn::tree {
namespace {

constexpr std::size_t kMostCharacters = 1000;
constexpr int kDeepest = 60;

using Op = Expression::Op;

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  Parser(std::string_view text, std::vector<Expression::Step>& steps) : text_(text), steps_(steps) {}
  void whole() {
    if (text_.size() > kMostCharacters)
      fail(kMostCharacters,
           fmt::format("has {} characters; at most {} are read", text_.size(), kMostCharacters));
    sum();
    if (at_ < text_.size())
      fail(at_, fmt::format("'{}' cannot stand here", text_[at_]), "An operator would go on.");
    if (std::ranges::find(steps_, Op::score, &Expression::Step::op) == steps_.end())
      fail(0, "does not speak of score, so there is nothing to learn", "Such as (score - y)^2.");
  }

 private:
  [[noreturn]] void fail(std::size_t where, const std::string& what, const std::string& hint = "") const {
    std::string said =
        fmt::format("at character {} of '{}': {}", where + 1, text_.substr(0, kMostCharacters), what);
    for (char& c : said)
      if (c >= 0 && c < ' ') c = '?';
    throw UsageError("gradient_boosting.expression", said, hint);
  }
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(std::string_view sign) {
    blanks();
    if (!text_.substr(at_).starts_with(sign)) return false;
    at_ += sign.size();
    blanks();
    return true;
  }
  void put(Op op) { steps_.push_back({op}); }

  // Every way down passes here: by a parenthesis, a sign or a power.
  void inner(void (Parser::*part)()) {
    if (++depth_ > kDeepest) fail(at_, fmt::format("is more than {} deep", kDeepest));
    (this->*part)();
    --depth_;
  }
  void sum() {
    product();
    for (;;) {
      if (take("+"))
        product(), put(Op::add);
      else if (take("-"))
        product(), put(Op::subtract);
      else
        break;
    }
  }
  void product() {
    sign();
    for (;;) {
      blanks();
      if (text_.substr(at_).starts_with("**")) break;
      if (take("*"))
        sign(), put(Op::multiply);
      else if (take("/"))
        sign(), put(Op::divide);
      else
        break;
    }
  }
  void sign() {
    if (take("-"))
      inner(&Parser::sign), put(Op::minus);
    else if (take("+"))
      inner(&Parser::sign);
    else
      power();
  }
  void power() {
    one();
    if (take("^") || take("**")) inner(&Parser::sign), put(Op::power);
  }
  void one() {
    blanks();
    if (at_ == text_.size()) fail(at_, "ends where a number, a name or '(' should stand");
    const char c = text_[at_];
    if (is_digit(c) || c == '.') return number();
    if (begins_name(c)) return name();
    const std::size_t open = at_;
    if (!take("(")) fail(at_, fmt::format("'{}' cannot stand here; a number, a name or '(' can", c));
    inner(&Parser::sum);
    if (!take(")")) fail(open, "this '(' is not closed");
  }
  void number() {
    double v = 0;
    const char* end = text_.data() + text_.size();
    const auto [last, error] = std::from_chars(text_.data() + at_, end, v);
    if (error != std::errc{}) fail(at_, "is no number that can be held");
    steps_.push_back({Op::number, v});
    at_ = static_cast<std::size_t>(last - text_.data());
  }
  void name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (begins_name(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const std::string word(text_.substr(begin, at_ - begin));
    const bool called = take("(");
    if (!called && (word == "y" || word == "score")) return put(word == "y" ? Op::y : Op::score);
    if (!called && word == "pi") return steps_.push_back({Op::number, std::numbers::pi});
    const auto functions = expression_functions();
    const auto f = std::ranges::find_if(functions, [&](const auto& one) { return word == one.name; });
    if (f == functions.end()) unknown(begin, word, called);
    if (!called) fail(begin, fmt::format("{} is a function", word), fmt::format("{}(score - y)", word));
    arguments(begin, *f);
    steps_.push_back({Op::call, 0, static_cast<std::uint8_t>(f - functions.begin())});
  }
  void arguments(std::size_t begin, const ExpressionFunction& f) {
    int given = 1;
    inner(&Parser::sum);
    for (; take(","); ++given) inner(&Parser::sum);
    if (!take(")")) fail(begin, fmt::format("the '(' of {} is not closed", f.name));
    if (given != f.arguments)
      fail(begin, fmt::format("{} takes {} argument{}, not {}", f.name, f.arguments,
                              f.arguments == 1 ? "" : "s", given));
  }
  [[noreturn]] void unknown(std::size_t begin, const std::string& word, bool called) const {
    std::vector<std::string> known;
    for (const auto& f : expression_functions()) known.emplace_back(f.name);
    if (!called) known.insert(known.begin(), {"y", "score", "pi"});
    const std::string peer =
        word == "x" || word == "f" || word == "pred" || word == "y_pred" || word == "preds" ||
                word == "prediction" || word == "yhat" || word == "y_hat" || word == "margin"
            ? "score"
        : word == "label" || word == "target" || word == "y_true" || word == "labels" ? "y"
        : word == "ln"                                                                ? "log"
                                                                                      : "";
    fail(begin, fmt::format("there is no {} '{}'", called ? "function" : "name", word),
         peer.empty() ? suggestion(word, known) : fmt::format("Did you mean '{}'?", peer));
  }

  std::string_view text_;
  std::vector<Expression::Step>& steps_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Expression::Expression(std::string_view text) { Parser(text, steps_).whole(); }

}  // namespace cairn::tree
