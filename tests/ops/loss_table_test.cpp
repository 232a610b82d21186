// The table of losses: each is a finite number whose gradient is the central difference's.
#include "cairn/ops/loss_table.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>

#include "cairn/tensor/backward.h"

using namespace cairn;

TEST_CASE("losses: the table's examples are finite, and their gradients those of central differences") {
  std::set<std::string> names;
  for (const LossFunction& loss : loss_functions()) {
    CAPTURE(loss.name);
    CHECK(names.insert(loss.name).second);
    CHECK(std::string(loss.call).starts_with(loss.name + std::string("(")));
    Tensors in = loss.example();
    const Tensor start = in[0].contiguous();
    const Tensor x = watched(start);
    in[0] = x;
    const Tensor value = loss.mean(in);
    REQUIRE(value.size() == 1);
    CHECK(std::isfinite(value.item()));
    const Tensor gradient = backward(value).of(x).contiguous();
    for (std::size_t i = 0; i < static_cast<std::size_t>(start.size()); ++i) {
      constexpr double kStep = 1e-6;
      double at[2];
      for (const int side : {0, 1}) {
        std::vector<double> moved(start.data<double>().begin(), start.data<double>().end());
        moved[i] += side == 0 ? -kStep : kStep;
        in[0] = Tensor::from(moved).reshape(start.shape());
        at[side] = loss.mean(in).item();
      }
      CHECK(gradient.data<double>()[i] == doctest::Approx((at[1] - at[0]) / (2 * kStep)).epsilon(1e-5));
    }
  }
  CHECK(names.size() == 12);
}
