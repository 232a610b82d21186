// M2W2-L4, L5: derivatives by differences, by rules, and backwards through a graph.
#include <fmt/format.h>

#include "cairn/ops/elementwise.h"
#include "cairn/tensor/backward.h"
#include "recipes/list.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

using Function = Tensor (*)(const Tensor& w);

double by_difference(Function f, double at, double step) {
  return (f(of({at + step})).item() - f(of({at})).item()) / step;
}
double by_tape(Function f, double at) {
  const Tensor w = watched(of({at}));
  return backward(f(w)).of(w).item();
}

Tensor squared(const Tensor& w) { return square(w); }
Tensor doubled(const Tensor& w) { return w * 2.0; }
Tensor cubed(const Tensor& w) { return power(w, 3); }
Tensor inverse(const Tensor& w) { return 1.0 / w; }
Tensor inverse_square(const Tensor& w) { return 1.0 / (w * w); }

Outcome run_derivatives(const DataFolder&) {
  struct Row {
    const char* name;
    Function f;
    double at, step;
    const char *difference, *exact;
  };
  // What the lab prints of a difference ends in the rounding of its subtraction; 1e-9 leaves 7 digits.
  const std::vector<Row> rows{{"w^2 at 3", squared, 3, 1e-3, "6.001000", "6"},
                              {"w^2 at 3, steps of 1e-9", squared, 3, 1e-9, "6.000000496442226", "6"},
                              {"2 w at 2", doubled, 2, 1e-3, "2.000000", "2"},
                              {"w^3 at 2", cubed, 2, 1e-3, "12.006000999997823", "12"},
                              {"1 / w at 2", inverse, 2, 1e-3, "-0.2498750624687629", "-0.25"},
                              {"1 / w^2 at 4", inverse_square, 4, 1e-3, "-0.031238285155041345", "-0.03125"}};
  Outcome o;
  for (const Row& r : rows) {
    o.checks.push_back(
        printed(fmt::format("{}: by difference", r.name), by_difference(r.f, r.at, r.step), r.difference));
    o.checks.push_back(printed(fmt::format("{}: by the tape", r.name), by_tape(r.f, r.at), r.exact));
  }
  Series error{.name = "error of w^3 at 2"};
  for (double step = 1e-1; step > 1e-13; step /= 10)
    error.points.emplace_back(step, std::max(1e-16, std::abs(by_difference(cubed, 2, step) - 12)));
  o.charts.push_back({.title = "A difference's error against its step",
                      .x = "step",
                      .y = "error",
                      .series = {error},
                      .log_x = true,
                      .log_y = true});
  o.remarks = {"Large steps miss the curve, small ones lose digits; the tape has neither error."};
  return o;
}

Outcome run_graphs(const DataFolder&) {
  constexpr double kStep = 0.001;
  Outcome o;
  {  // a = 2 + 3 w, J = a^2 at w = 3
    const auto a_of = [](double w) { return 2 + 3 * w; };
    const auto cost_of = [](double a) { return a * a; };
    const Tensor w = watched(of({3})), a = 2.0 + w * 3.0, cost = square(a);
    const Tensor free_a = watched(a.detach());
    o.checks = {
        printed("a", a.item(), "11"),
        printed("J = a^2", cost.item(), "121"),
        printed("dJ/da by difference", (cost_of(11 + kStep) - cost_of(11)) / kStep, "22.001"),
        printed("da/dw by difference", (a_of(3 + kStep) - a_of(3)) / kStep, "3.000"),
        printed("dJ/dw by difference", (cost_of(a_of(3 + kStep)) - cost_of(a_of(3))) / kStep, "66.009"),
        printed("dJ/da by the tape", backward(square(free_a)).of(free_a).item(), "22"),
        printed("dJ/dw by the tape", backward(cost).of(w).item(), "66")};
  }
  // c = w x, a = c + b, d = a - y, J = d^2 / 2
  const double x = 2, y = 1, w0 = -2, b0 = 8;
  const auto cost_of = [](double d) { return d * d / 2; };
  const auto d_of = [&](double w) { return w * x + b0 - y; };
  const Tensor w = watched(of({w0})), b = watched(of({b0}));
  const Tensor c = w * x, a = c + b, d = a - y, cost = square(d) / 2.0;
  const Gradients g = backward(cost);
  const Tensor free_d = watched(d.detach()), free_a = watched(a.detach());
  const std::vector<Check> more{
      printed("net: c", c.item(), "-4"),
      printed("net: a", a.item(), "4"),
      printed("net: d", d.item(), "3"),
      printed("net: J", cost.item(), "4.5"),
      printed("net: dJ/dd by difference", (cost_of(3 + kStep) - cost_of(3)) / kStep, "3.0005"),
      printed("net: dJ/da by difference", (cost_of(4 + kStep - y) - cost_of(4 - y)) / kStep, "3.0005"),
      printed("net: dJ/dw by difference", (cost_of(d_of(w0 + kStep)) - cost_of(d_of(w0))) / kStep, "6.002"),
      printed("net: dJ/dd by the tape", backward(square(free_d) / 2.0).of(free_d).item(), "3"),
      printed("net: dJ/da by the tape", backward(square(free_a - y) / 2.0).of(free_a).item(), "3"),
      printed("net: dJ/dw by the tape", g.of(w).item(), "6"),
      printed("net: dJ/db by the tape", g.of(b).item(), "3")};
  o.checks.insert(o.checks.end(), more.begin(), more.end());
  return o;
}

}  // namespace

const Recipe kDerivatives{"derivatives",
                          "M2W2-L4",
                          "Derivatives by differences and by the tape",
                          "How much a cost moves when its parameter moves a little, measured and computed.",
                          "",
                          run_derivatives};
const Recipe kBackPropagation{
    "back-propagation",
    "M2W2-L5",
    "Back-propagation through two graphs",
    "Each node multiplies what comes back by its own derivative; one walk gives the "
    "derivative of the cost by every parameter.",
    "",
    run_graphs};

}  // namespace cairn::recipes
