// The network as it begins: its first pass, its structure, what flows through its layers, its first loss.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/check/examination_internal.h"
#include "cairn/tensor/backward.h"

namespace cairn {
namespace {

// Where an activation's results lie.
struct Range {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool limited() const { return std::isfinite(low) || std::isfinite(high); }
};
Range range_of(std::string_view op) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (op == "relu" || op == "softplus") return {0, kInfinity};
  if (op == "relu6") return {0, 6};
  if (op == "sigmoid" || op == "hard_sigmoid" || op == "softmax") return {0, 1};
  if (op == "tanh" || op == "hard_tanh") return {-1, 1};
  return {};
}

std::int64_t outputs_a_row(const Tensor& output) {
  return output.size(0) == 0 ? 0 : output.size() / output.size(0);
}

bool rows_are_probabilities(const Tensor& output) {
  const std::vector<double> v = as_numbers(output);
  const auto k = static_cast<std::size_t>(outputs_a_row(output));
  if (k < 2) return false;
  for (std::size_t r = 0; r < v.size(); r += k) {
    double total = 0;
    for (std::size_t j = 0; j < k; ++j) {
      if (v[r + j] < 0) return false;
      total += v[r + j];
    }
    if (std::abs(total - 1) > 1e-6) return false;
  }
  return true;
}

void look_at_classes(Examination& e) {
  const std::int64_t k = outputs_a_row(e.sample_output);
  std::vector<double> targets = as_numbers(e.y);
  std::ranges::sort(targets);
  const double low = targets.front(), high = targets.back();
  if (low < 0 || high >= static_cast<double>(k)) {
    e.find("labels_out_of_range", "",
           fmt::format(
               "the network has {} outputs and the classes run from {:g} to {:g}; they must run from 0 to {}",
               k, low, high, k - 1),
           low >= 1 && high <= static_cast<double>(k) ? "Classes are counted from 0: subtract 1."
                                                      : "Give the network an output a class.");
    e.hopeless = true;
    return;
  }
  const auto distinct = std::ssize(targets) - std::ranges::ssize(std::ranges::unique(targets));
  if (distinct > 1 && 2 * distinct <= k && e.rows() >= 20 * k)
    e.find("classes_unseen", "",
           fmt::format("the network has {} outputs; {} examples show {} classes", k, e.rows(), distinct),
           "Give the network as many outputs as there are classes.");
}

void look_at_output(Examination& e) {
  const std::string& op = e.trace.last;
  if (e.classes() && e.known_loss() && rows_are_probabilities(e.sample_output)) {
    const auto k = static_cast<double>(outputs_a_row(e.sample_output));
    e.find("softmax_twice", "",
           fmt::format(
               "every row of the output adds up to 1, and cross-entropy takes logits: the loss cannot fall "
               "below {:.4f}",
               std::log(1 + (k - 1) * std::exp(-1.0))),
           "Let the network end in its last linear layer; softmax is part of the loss.");
    return;
  }
  const Range range = range_of(op);
  if (!range.limited() || !e.known_loss()) return;
  if (e.classes()) {
    e.find("output_limited", "",
           fmt::format("the network ends in {}, which gives [{:g}, {:g}]; logits range over all numbers", op,
                       range.low, range.high),
           "Let the network end in its last linear layer.");
    return;
  }
  const std::vector<double> targets = as_numbers(e.y);
  const auto [low, high] = std::ranges::minmax(targets);
  if (low < range.low || high > range.high)
    e.find("output_limited", "",
           fmt::format("the network ends in {}, which gives [{:g}, {:g}]; targets lie in [{:.4g}, {:.4g}]",
                       op, range.low, range.high, low, high),
           "Let the network end in its last linear layer, or scale the targets.");
}

std::string first_bad_layer(const std::vector<LayerStatistics>& layers) {
  for (const LayerStatistics& s : layers)
    if (!s.finite) return s.layer;
  return {};
}

void look_at_dead_and_saturated(Examination& e) {
  constexpr double kDead = 0.3, kSaturated = 0.5;
  for (const LayerStatistics& s : e.result.layers) {
    if (s.units > 1 && static_cast<double>(s.dead) > kDead * static_cast<double>(s.units))
      e.find("dead_units", s.layer,
             fmt::format("{} of {} units give 0 for all {} examples", s.dead, s.units, e.sample_x.size(0)),
             "Start from smaller or He's weights and biases of 0, scale the inputs, lower the learning rate, "
             "or use "
             "leaky_relu.");
    if (s.saturated > kSaturated)
      e.find("saturated_units", s.layer,
             fmt::format(
                 "{:.0f} % of its numbers lie within 1 % of the ends of {}, where hardly any gradient passes",
                 100 * s.saturated, s.operation),
             "Start from Xavier's weights, scale the inputs, or normalise before the activation.");
  }
}

// Only layers that scale: the first that is far off is named.
void look_at_flow(Examination& e) {
  constexpr double kFades = 0.01, kGrows = 100, kGradientFades = 1e-4, kGradientGrows = 1e4;
  const auto& layers = e.result.layers;
  if (layers.size() < 3) return;
  const double before = std::max(statistics_of(e.sample_x.to(DType::f64), "").stddev, 1e-12);
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    const LayerStatistics& s = layers[i];
    if (s.units < 2 || s.operation == "softmax") continue;
    const bool grown = s.stddev > kGrows * std::max(1.0, before);
    if (!grown && !(s.stddev < kFades * std::min(1.0, before))) continue;
    e.find(grown ? "activations_explode" : "activations_vanish", s.layer,
           fmt::format("its numbers have standard deviation {:.3g}; what goes into the network has {:.3g}",
                       s.stddev, before),
           "Draw weights by Xavier's rule before tanh and sigmoid, by He's before rectifiers, or normalise.");
    break;
  }
  const LayerStatistics *first = nullptr, *last = nullptr;
  for (const LayerStatistics& s : layers) {
    if (std::isnan(s.gradient)) continue;
    if (!first) first = &s;
    last = &s;
  }
  if (!first || first == last || !(last->gradient > 0) || !(first->gradient > 0)) return;
  const double ratio = first->gradient / last->gradient;
  if (ratio < kGradientFades || ratio > kGradientGrows)
    e.find(ratio < 1 ? "gradients_vanish" : "gradients_explode", first->layer,
           fmt::format("the gradient by what it gives is {:.3g}, by what {} gives {:.3g}: {:.2g} times",
                       first->gradient, last->layer, last->gradient, ratio),
           ratio < 1 ? "Use rectifiers and He's weights, normalisation, or connections around layers."
                     : "Draw smaller weights, normalise, and clip the gradient's length (clip_norm).");
}

}  // namespace

void look_at_start(Examination& e) {
  constexpr std::int64_t kSample = 256;
  const auto rows = e.some_rows(kSample, "sample");
  e.restart(DType::f64, true);
  e.sample_x = e.rows_of_x(rows);
  e.sample_y = e.rows_of_y(rows);
  LayerProbe probe;
  e.sample_output = e.forward(e.sample_x);
  probe.stop();
  e.result.layers = probe.statistics();
  const std::string bad = first_bad_layer(e.result.layers);
  if (!bad.empty() || !statistics_of(e.sample_output, "").finite) {
    e.find("not_finite", bad, fmt::format("it gives NaN or infinity for {} examples", e.sample_x.size(0)),
           "Look at its weights and inputs; logarithms, divisions and roots want arguments above 0.");
    e.hopeless = true;
    return;
  }
  if (e.classes() && e.known_loss()) look_at_classes(e);
  if (e.hopeless) return;
  const Tensor loss = e.loss(e.sample_output, e.sample_y);
  if (!loss.on_tape()) {
    e.find("no_gradient", "", "no parameter leads to the loss: nothing can be learned",
           "Look for detach(), NoGrad, item(), or an operation without a gradient between them.");
    e.hopeless = true;
    return;
  }
  backward(loss, {.on_operation = probe.gradients()});
  e.result.layers = probe.statistics();
  e.restart(true);
  e.trace = trace_of(e.net, [&] { return e.forward(e.sample_x); });
}

void look_at_structure(Examination& e) {
  look_at_output(e);
  for (const Trace::Pair& p : e.trace.linear_after_linear)
    e.find(
        "no_nonlinearity", p.second,
        fmt::format("it takes what {} gives, and both are linear: together they can do what one of them can",
                    p.first),
        "Put an activation between them, or take one away.");
  for (const Trace::Pair& p : e.trace.bias_before_norm) {
    e.find(
        "bias_before_norm", p.first,
        fmt::format("{} subtracts the mean right after it: its bias has no effect and no gradient", p.second),
        "Give the layer \"bias\": false.");
    e.useless_biases.insert(p.first.substr(0, p.first.find(' ')) + ".bias");
  }
  for (const std::string& place : e.trace.without_bias)
    e.find("bias_missing", place, "it has weights and no bias, and no normalisation follows",
           "Give it a bias; without one it gives 0 for 0.");
}

void look_at_layers(Examination& e) {
  look_at_dead_and_saturated(e);
  look_at_flow(e);
}

void look_at_loss(Examination& e) {
  const Tensor loss = e.loss(e.sample_output.detach(), e.sample_y);
  const double value = loss.item();
  if (!e.known_loss()) {
    e.measure("first loss", fmt::format("{:.6g}", value));
    const std::int64_t n = std::min<std::int64_t>(e.sample_x.size(0), 16);
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i)
      mean += e.loss(e.sample_output.slice(0, i, i + 1).detach(), e.sample_y.slice(0, i, i + 1)).item() /
              static_cast<double>(n);
    const double together = e.loss(e.sample_output.slice(0, 0, n).detach(), e.sample_y.slice(0, 0, n)).item();
    const double ratio = together / mean;
    e.measure("loss of a batch", fmt::format("{:.6g}; its {} examples' mean {:.6g}", together, n, mean));
    if (!(std::abs(ratio - 1) > 1e-3) || mean == 0) return;
    if (std::abs(ratio - static_cast<double>(n)) < 1e-3 * static_cast<double>(n))
      e.find("loss_is_a_sum", "",
             fmt::format("{} examples have the loss {:.6g}, alone they have {:.6g} on the mean", n, together,
                         mean),
             "Take the mean: the learning rate then means the same for every batch size.");
    else
      e.find("loss_mixes_samples", "",
             fmt::format("{} examples together have the loss {:.6g}, alone they have {:.6g} on the mean", n,
                         together, mean),
             fmt::format("Look for shapes that broadcast: the output is {} and the targets are {}.",
                         e.sample_output.shape().text(), e.sample_y.shape().text()));
    return;
  }
  double expected = 0;
  std::string theory;
  if (e.classes()) {
    const std::int64_t k = outputs_a_row(e.sample_output);
    expected = std::log(static_cast<double>(k));
    theory = fmt::format("ln {} = {:.4f}", k, expected);
  } else {
    const LayerStatistics s = statistics_of(e.sample_y.to(DType::f64), "");
    expected = s.stddev * s.stddev + s.mean * s.mean;
    theory = fmt::format("{:.4g}, the mean square of the targets", expected);
    e.measure("targets", fmt::format("mean {:.4g}, variance {:.4g}", s.mean, s.stddev * s.stddev));
  }
  e.measure("first loss", fmt::format("{:.4g}; a network that knows nothing has {}", value, theory));
  constexpr double kHigh = 3, kLow = 0.5, kSlack = 0.5;
  if (e.found("softmax_twice") || e.found("inputs_not_scaled")) return;  // they say why
  const bool high = value > kHigh * expected + (e.classes() ? kSlack : kSlack * expected);
  const bool low = value < kLow * expected;
  if (high || low)
    e.find("initial_loss", "",
           fmt::format("the first loss is {:.4g}; a network that knows nothing has {}", value, theory),
           high ? "Draw the last layer smaller; look at the loss and the scale of inputs and targets."
                : "Something tells the network the answers, or it does not begin anew: look for the target "
                  "among the "
                  "inputs.");
}

}  // namespace cairn
