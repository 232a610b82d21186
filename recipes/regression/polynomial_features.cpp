// M1W2-L4: powers of a feature let a straight line bend.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/linear/cost.h"
#include "recipes/columns.h"
#include "recipes/list.h"

namespace cairn::recipes {
namespace {

Values map(const Values& x, double (*f)(double)) {
  Values y;
  for (const double v : x) y.push_back(f(v));
  return y;
}

Values power(const Values& x, int p) {
  Values y;
  for (const double v : x) {
    double product = 1;
    for (int i = 0; i < p; ++i) product *= v;
    y.push_back(product);
  }
  return y;
}

Chart fit_chart(std::string title, const Values& x, const Values& y, const std::vector<Values>& columns,
                const Descent& walk) {
  Series actual{.name = "actual", .kind = "points"}, fitted{.name = "predicted"};
  for (std::size_t i = 0; i < x.size(); ++i) {
    double f = walk.b;
    for (std::size_t j = 0; j < columns.size(); ++j) f += walk.w[j] * columns[j][i];
    actual.points.emplace_back(x[i], y[i]);
    fitted.points.emplace_back(x[i], f);
  }
  return {.title = std::move(title), .x = "x", .y = "y", .series = {std::move(actual), std::move(fitted)}};
}

Descent walk_down(const std::vector<Values>& columns, const Values& y, double rate, std::int64_t steps) {
  const Cost cost(CostKind::squared, matrix_of(columns), y);
  return gradient_descent(cost, Values(columns.size(), 0.0), 0.0,
                          {.learning_rate = rate, .num_iterations = steps});
}

Outcome run(const DataFolder&) {
  const Values x = linspace(0, 19, 20);
  const Values square_plus_1 = map(x, [](double v) { return 1 + v * v; }), square = power(x, 2),
               wave = map(x, [](double v) { return std::cos(v / 2); });
  Outcome o;

  const Descent line = walk_down({x}, square_plus_1, 1e-2, 1000);
  o.checks = {printed("x alone: J after iteration 0", line.history[0], "1657.56"),
              printed("x alone: J after iteration 900", line.history[900], "442.411"),
              printed("x alone: w", line.w[0], "18.7"), printed("x alone: b", line.b, "-52.0834")};
  o.charts.push_back(fit_chart("A line through a parabola", x, square_plus_1, {x}, line));

  const Descent squared = walk_down({square}, square_plus_1, 1e-5, 10000);
  o.checks.push_back(printed("x^2: J after iteration 0", squared.history[0], "7329.22"));
  o.checks.push_back(printed("x^2: J after iteration 9000", squared.history[9000], "0.208962"));
  o.checks.push_back(printed("x^2: w", squared.w[0], "1.0"));
  o.checks.push_back(printed("x^2: b", squared.b, "0.0490"));
  o.charts.push_back(fit_chart("The square as the feature", x, square_plus_1, {square}, squared));

  const std::vector<Values> three{x, square, power(x, 3)};
  const Descent raw = walk_down(three, square, 1e-7, 10000);
  const char* raw_w[] = {"0.08", "0.54", "0.03"};
  o.checks.push_back(printed("x, x^2, x^3: J after iteration 0", raw.history[0], "1140.29"));
  o.checks.push_back(printed("x, x^2, x^3: J after iteration 9000", raw.history[9000], "92.6132"));
  for (std::size_t j = 0; j < 3; ++j)
    o.checks.push_back(printed(fmt::format("x, x^2, x^3: w{}", j), raw.w[j], raw_w[j]));
  o.checks.push_back(printed("x, x^2, x^3: b", raw.b, "0.0106"));

  const ZScore z = z_score(three);
  const Descent scaled = walk_down(z.columns, square, 1e-1, 100000);
  const char* peaks[] = {"3.30", "3.18", "3.28"};
  for (std::size_t j = 0; j < 3; ++j) {
    const auto [low, high] = std::minmax_element(z.columns[j].begin(), z.columns[j].end());
    o.checks.push_back(printed(fmt::format("scaled range of x^{}", j + 1), *high - *low, peaks[j]));
  }
  const char* scaled_w[] = {"5.27e-05", "113", "8.43e-05"};
  for (std::size_t j = 0; j < 3; ++j)
    o.checks.push_back(printed(fmt::format("scaled: w{}", j), scaled.w[j], scaled_w[j]));
  o.checks.push_back(printed("scaled: b", scaled.b, "123.5"));
  o.checks.push_back(printed("scaled: J after iteration 0", scaled.history[0], "9421.47"));
  o.checks.push_back(printed("scaled: J after iteration 90000", scaled.history[90000], "2.58497e-10"));
  o.charts.push_back(fit_chart("Scaled powers: x^2 is found out", x, square, z.columns, scaled));

  std::vector<Values> powers;
  for (int p = 1; p <= 13; ++p) powers.push_back(power(x, p));
  const ZScore many = z_score(powers);
  const Descent cosine = walk_down(many.columns, wave, 1e-1, 1'000'000);
  const char* cosine_w[] = {"-1.34", "-10", "24.78", "5.96", "-12.49", "-16.26", "-9.51",
                            "0.59",  "8.7", "11.94", "9.27", "0.79",   "-12.82"};
  for (std::size_t j = 0; j < 13; ++j)
    o.checks.push_back(printed(fmt::format("cosine: w{}", j), cosine.w[j], cosine_w[j]));
  o.checks.push_back(printed("cosine: b", cosine.b, "-0.0073"));
  o.checks.push_back(printed("cosine: J after iteration 0", cosine.history[0], "0.220188"));
  o.checks.push_back(printed("cosine: J after iteration 900000", cosine.history[900000], "3.10989e-3"));
  o.charts.push_back(fit_chart("A cosine out of 13 powers", x, wave, many.columns, cosine));
  return o;
}

}  // namespace

const Recipe kPolynomialFeatures{"polynomial-features",
                                 "M1W2-L4",
                                 "Feature engineering and polynomial regression",
                                 "Powers of x as features: gradient descent finds out which of them matter.",
                                 "",
                                 run};

}  // namespace cairn::recipes
