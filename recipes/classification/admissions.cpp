// M1W3-A1a: admissions to a university by two exam scores.
#include <fmt/format.h>

#include <cmath>

#include "cairn/linear/cost.h"
#include "recipes/columns.h"
#include "recipes/list.h"
#include "recipes/numpy_random.h"

namespace cairn::recipes {
namespace {

Outcome run(const DataFolder& data) {
  const auto columns = read_columns(data.file("course_ml/ex2data1.txt"));
  const Cost cost(CostKind::logistic, matrix_of({columns[0], columns[1]}), columns[2]);
  const CostGradient zero = cost.gradient(Values{0, 0}, 0), other = cost.gradient(Values{0.2, -0.5}, -24);
  Outcome o;
  o.checks = {printed("J(0)", zero.cost, "0.6931471806"),
              printed("J(w (.2, .2), b -24)", cost.value(Values{0.2, 0.2}, -24), "0.21833019"),
              printed("dJ/db at 0", zero.db, "-0.1"),
              printed("dJ/dw0 at 0", zero.dw[0], "-12.00921658929115"),
              printed("dJ/dw1 at 0", zero.dw[1], "-11.262842205513591"),
              printed("dJ/db at w (.2, -.5), b -24", other.db, "-0.5999999999991071"),
              printed("dJ/dw0 there", other.dw[0], "-44.831353617873795"),
              printed("dJ/dw1 there", other.dw[1], "-44.37384124953978")};
  numpy::RandomState random(1);
  Values start = random.rand(2);
  for (double& w : start) w = 0.01 * (w - 0.5);
  const Descent walk = gradient_descent(cost, start, -8, {.learning_rate = 0.001, .num_iterations = 10000});
  const char* costs[] = {"0.31", "0.30"};
  for (std::size_t i = 0; i < std::size(costs); ++i)
    o.checks.push_back(
        printed(fmt::format("J after iteration {}", 1000 * (i + 1)), walk.history[1000 * (i + 1)], costs[i]));
  o.remarks.push_back(
      fmt::format("After the first step the course prints 1.01; with the start it states, NumPy and this "
                  "library give {:.4f}. "
                  "Every later figure agrees.",
                  walk.history[0]));
  double right = 0;
  Series in{.name = "admitted", .kind = "points"}, out{.name = "not admitted", .kind = "points"},
      line{.name = "boundary"};
  for (std::size_t i = 0; i < columns[2].size(); ++i) {
    const bool yes = sigmoid(walk.w[0] * columns[0][i] + walk.w[1] * columns[1][i] + walk.b) >= 0.5;
    right += yes == (columns[2][i] == 1);
    (columns[2][i] == 1 ? in : out).points.emplace_back(columns[0][i], columns[1][i]);
  }
  for (const double x : {30.0, 100.0}) line.points.emplace_back(x, -(walk.b + walk.w[0] * x) / walk.w[1]);
  o.checks.push_back(printed("w0", walk.w[0], "0.07125355"));
  o.checks.push_back(printed("w1", walk.w[1], "0.06482888"));
  o.checks.push_back(printed("b", walk.b, "-8.18862291"));
  o.checks.push_back(printed("J at the end", walk.history.back(), "0.30186807"));
  o.checks.push_back(printed("accuracy on the training rows, %", right, "92.00"));
  o.charts.push_back(
      {.title = "Admissions by two exams", .x = "exam 1", .y = "exam 2", .series = {in, out, line}});
  return o;
}

}  // namespace

const Recipe kAdmissions{"admissions",
                         "M1W3-A1a",
                         "Practice lab: logistic regression",
                         "A straight boundary between 100 applicants.",
                         "course_ml",
                         run};

}  // namespace cairn::recipes
