// Losses written as expressions: values and derivatives against differences and the built-in objectives, bad
// text.
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/model/archive.h"
#include "cairn/tree/objective/expression_internal.h"
#include "tests/support/numeric_dataset.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;
using cairn::tree::Expression;

namespace {

using P = GradientBoostingParams;

Dataset made_rows(int n, bool counts) {
  MadeNumbers made(6);
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int i = 0; i < n; ++i) {
    x.push_back({made.normal(), made.normal(), made.normal()});
    const double v = x.back()[0] + x.back()[1] * x.back()[2] + 0.3 * made.normal();
    y.push_back(counts ? std::floor(std::exp(0.5 * v) + made.uniform()) : v);
  }
  return regression_data(x, y);
}

}  // namespace

TEST_CASE("expression: values by hand") {
  const auto value = [](const char* text) { return Expression(text).at(2, 3).v; };
  CHECK(value("score - y") == 1);
  CHECK(value("2 + 3 * score ^ 2 / y") == 15.5);
  CHECK(value("-score^2") == -9);
  CHECK(value("2^-score") == 0.125);
  CHECK(value("2^y^score") == 256);
  CHECK(value("2**y**score") == 256);
  CHECK(value("score - y - 1") == 0);
  CHECK(value("score / y / 2") == 0.75);
  CHECK(value(" ( score-y )*+1e1 ") == 10);
  CHECK(value("max(score, y) - min(score, y)") == 1);
  CHECK(value("cos(pi) * score") == -3);
  CHECK(value("--score") == 3);
}

TEST_CASE("expression: both derivatives against central differences") {
  const char* texts[] = {"(score - y)^2 / 2",
                         "log(cosh(score - y))",
                         "log_cosh(score - y)",
                         "exp(score) - y * score",
                         "y * exp(-score) + score",
                         "softplus(score) - y * score",
                         "sqrt((score - y)^2 + 1)",
                         "max(0.9 * (y - score), 0.1 * (score - y))",
                         "abs(score - y) ^ 1.5",
                         "log(1 + (y - score)^2)",
                         "log1p((y - score)^2) + expm1(score / 3)",
                         "sigmoid(score) ^ y / tanh(score + 5)",
                         "(1 + score^2) ^ (score / 4)",
                         "sin(score) * cos(2 * score) + sinh(score / y)",
                         "min(score^2, y) + y / (2 + score)"};
  for (const char* text : texts) {
    CAPTURE(std::string(text));
    const Expression e(text);
    for (const double y : {0.7, 1.9})
      for (const double score : {-1.3, 0.4, 2.6}) {
        constexpr double kStep = 1e-5;
        const auto up = e.at(y, score + kStep), down = e.at(y, score - kStep), j = e.at(y, score);
        CHECK(j.d == doctest::Approx((up.v - down.v) / (2 * kStep)).epsilon(1e-7).scale(1));
        CHECK(j.dd == doctest::Approx((up.d - down.d) / (2 * kStep)).epsilon(1e-7).scale(1));
      }
  }
  CHECK(Expression("log_cosh(score)").at(0, 1000).v == doctest::Approx(1000 - std::log(2)));
  CHECK(Expression("score^2").at(0, 0).dd == 2);
  CHECK(Expression("abs(score)").at(0, 0).d == 0);
}

TEST_CASE("expression: what says the same as a built-in objective gives the same model") {
  const auto same = [](P built_in, P own, const Dataset& data, double tolerance) {
    built_in.trees = own.trees = 30;
    own.objective = "expression";
    const Table a = fit_boosting(built_in, data)->predict(data.features()),
                b = fit_boosting(own, data)->predict(data.features());
    double worst = 0;
    for (std::int64_t r = 0; r < a.num_rows(); ++r)
      worst = std::max(worst,
                       std::abs(a.column("prediction").number_at(r) - b.column("prediction").number_at(r)));
    CHECK(worst <= tolerance);
  };
  const Dataset values = made_rows(2000, false), counts = made_rows(2000, true);
  same({.objective = "squared"}, {.expression = "(score - y)^2 / 2"}, values, 1e-9);
  same({.objective = "poisson"}, {.expression = "exp(score) - y * score", .expression_output = "exponential"},
       counts, 1e-6);
  same({.objective = "tweedie"},
       {.expression = "2 * y * exp(-score / 2) + 2 * exp(score / 2)", .expression_output = "exponential"},
       counts, 1e-6);
}

TEST_CASE("expression: the same bytes for any number of threads") {
  const Dataset data = made_rows(20000, false);
  const int before = num_threads();
  std::string bytes;
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    const std::string now = to_bytes(
        *fit_boosting({.objective = "expression", .trees = 3, .expression = "log(cosh(score - y))"}, data));
    if (bytes.empty()) bytes = now;
    CHECK(now == bytes);
  }
  set_num_threads(before);
}

TEST_CASE("expression: every mistake is shown where it stands") {
  const auto refused = [](const std::string& text, const std::string& words) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(Expression{text}, doctest::Contains(words.c_str()), UsageError);
  };
  refused("log(cosh(scoer - y))",
          "gradient_boosting.expression: at character 10 of 'log(cosh(scoer - y))': there is no name "
          "'scoer'. Did "
          "you mean 'score'?");
  refused("lgo(score)", "at character 1 of 'lgo(score)': there is no function 'lgo'. Did you mean 'log'?");
  refused("(y_pred - y)^2", "there is no name 'y_pred'. Did you mean 'score'?");
  refused("(score - y", "at character 1 of '(score - y': this '(' is not closed");
  refused("exp(score", "at character 1 of 'exp(score': the '(' of exp is not closed");
  refused("score - ", "at character 9 of 'score - ': ends where a number, a name or '(' should stand");
  refused("score y", "at character 7 of 'score y': 'y' cannot stand here");
  refused("score - * y",
          "at character 9 of 'score - * y': '*' cannot stand here; a number, a name or '(' can");
  refused("max(score)", "at character 1 of 'max(score)': max takes 2 arguments, not 1");
  refused("exp(score, y)", "exp takes 1 argument, not 2");
  refused("exp * score", "at character 1 of 'exp * score': exp is a function. exp(score - y)");
  refused("(y - 1)^2", "does not speak of score, so there is nothing to learn");
  refused("", "at character 1 of '': ends where");
  refused("score; system(1)", "at character 6 of 'score; system(1)': ';' cannot stand here");
  refused(std::string(2000, '1') + "+score", "has 2006 characters; at most 1000 are read");
  refused(std::string(61, '(') + "score" + std::string(61, ')'), "at character 62 of");
  refused(std::string(61, '(') + "score" + std::string(61, ')'), "is more than 60 deep");
  refused(std::string(200, '-') + "score", "is more than 60 deep");
  refused("1e999 * score", "at character 1 of '1e999 * score': is no number that can be held");
  refused(std::string("score\0y", 7), "cannot stand here");
}

TEST_CASE("expression: any text gives an expression or a message, and every expression a value") {
  const char* pieces[] = {"score", "y",    "(", ")", "+",   "-", "*", "/",  "^",    "**", ",",    "max(",
                          "log(",  "exp(", "2", " ", "1e3", ".", "e", "pi", "abs(", "_",  "\xff", "\t"};
  MadeNumbers made(7);
  int good = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::string text = made.uniform() < 0.3 ? "score" : "";
    for (int i = 0, n = 1 + trial % 6; i < n; ++i)
      text += pieces[static_cast<std::size_t>(made.uniform() * std::size(pieces))];
    try {
      const auto j = Expression(text).at(1.5, 0.5);
      good += std::isfinite(j.v) ? 1 : 0;
    } catch (const UsageError& e) {
      CHECK(std::string(e.what()).starts_with("gradient_boosting.expression: at character "));
    }
  }
  CHECK(good > 20);
  // As deep as a text may be, with as much waiting at each level as there can be.
  std::string deep, tail;
  for (int i = 0; i < 60; ++i) deep += "1+.1*max(0,", tail += ")";
  CHECK(std::isfinite(Expression(deep + "6+2*score" + tail).at(1, 1).v));
  CHECK(Expression(std::string(60, '(') + "score" + std::string(60, ')')).at(1, 2).v == 2);
  CHECK(Expression(std::string(60, '-') + "score").at(1, 2).v == 2);
}

TEST_CASE("expression: losses that cannot be learned from") {
  const Dataset data = made_rows(50, false);
  const auto refused = [&](P p, const char* words) {
    CHECK_THROWS_WITH_AS(fit_boosting(p, data), doctest::Contains(words), Error);
  };
  refused({.objective = "expression"},
          "gradient_boosting.expression: objective=expression needs the loss itself");
  refused({.expression = "score"}, "gradient_boosting.expression: objective=squared has a loss of its own");
  refused({.objective = "expression", .expression = "log(y) * (score - y)^2"},
          "the loss is nan, its derivatives");
  refused({.objective = "expression", .expression = "abs(score - y)"},
          "in none of 50 rows the loss curves upwards");
  // The loss stays a number where its derivative does not.
  refused({.objective = "expression",
           .trees = 60,
           .learning_rate = 0.3,
           .expression = "(score - 4 * y)^2 + 1 / (1 + exp(exp(2 * score)))"},
          "the loss left the range of numbers in round");
  refused({.objective = "expression", .learning_rate = 500, .expression = "exp(score) - y * score"},
          "the loss left the range of numbers in round");
}
