#include "cairn/optim/rate_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"

namespace cairn {

RateTest rate_test(ModuleRef net, Optimizer& optimizer, const std::function<Tensor()>& loss,
                   const RateTestOptions& o) {
  if (!(o.low > 0 && o.high > o.low && o.steps >= 2 && o.give_up > 1))
    throw ParamError("rate_test",
                     fmt::format("{} rates from {:g} to {:g}, giving up at {:g} times the best", o.steps,
                                 o.low, o.high, o.give_up),
                     "Rates rise from above 0 in two steps or more.");
  std::vector<Tensor> before;
  for (const NamedParameter& p : parameters(net)) before.push_back(p.parameter->value().detach());
  RateTest result;
  constexpr double kSmooth = 0.9;
  double mean = 0, best = 0;
  for (int i = 0; i < o.steps; ++i) {
    const double rate = o.low * std::pow(o.high / o.low, static_cast<double>(i) / (o.steps - 1));
    const Tensor now = loss();
    const double value = now.item();
    if (i == 0 && !std::isfinite(value)) throw FitError("rate_test", "the first loss is not finite");
    if (!std::isfinite(value)) break;
    mean = kSmooth * mean + (1 - kSmooth) * value;
    const double smooth = mean / (1 - std::pow(kSmooth, i + 1));
    if (i == 0 || smooth < best) {
      best = smooth;
      result.suggestion = rate / 10;
    }
    result.rates.push_back(rate);
    result.losses.push_back(smooth);
    if (smooth > o.give_up * best && best > 0) break;
    optimizer.set_learning_rate(rate);
    try {
      optimizer.step(backward(now, net));
    } catch (const FitError&) {  // steps this long leave the range of numbers: the test is over
      break;
    }
  }
  std::size_t at = 0;
  for (const NamedParameter& p : parameters(net)) p.parameter->set(before[at++]);
  return result;
}

}  // namespace cairn
