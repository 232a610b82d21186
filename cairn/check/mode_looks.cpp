// Training against evaluation, and examples against their neighbours in a batch.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/check/examination_internal.h"
#include "cairn/ops/shape_ops.h"

namespace cairn {
namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
  const std::vector<double> u = as_numbers(a), v = as_numbers(b);
  double largest = 0;
  for (std::size_t i = 0; i < std::min(u.size(), v.size()); ++i)
    largest = std::max(largest, std::abs(u[i] - v[i]));
  return largest;
}
double size_of_numbers(const Tensor& t) {
  const LayerStatistics s = statistics_of(t, "");
  return std::max(std::sqrt(s.stddev * s.stddev + s.mean * s.mean), 1e-12);
}

std::vector<Tensor> outputs_of_layers(Examination& e, std::vector<std::string>& names) {
  LayerProbe probe;
  e.forward(e.sample_x);
  probe.stop();
  std::vector<Tensor> all;
  names.clear();
  const auto statistics = probe.statistics();
  for (std::size_t i = 0; i < probe.size(); ++i) {
    all.push_back(probe.output(i));
    names.push_back(statistics[i].layer);
  }
  return all;
}

// The mean over many masks, at the first layer that training changes, against evaluation there.
void look_at_dropout(Examination& e) {
  constexpr int kMasks = 30;
  constexpr double kOff = 0.1;
  e.restart(false);
  std::vector<std::string> names, names_now;
  const std::vector<Tensor> evaluated = outputs_of_layers(e, names);
  e.restart(true);
  std::vector<double> mean;
  std::string place;
  for (int k = 0; k < kMasks; ++k) {
    const std::vector<Tensor> trained = outputs_of_layers(e, names_now);
    if (place.empty()) {
      std::size_t i = 0;
      while (
          i < trained.size() &&
          (std::ranges::find(names, names_now[i]) == names.end() ||
           largest_difference(
               trained[i],
               evaluated[static_cast<std::size_t>(std::ranges::find(names, names_now[i]) - names.begin())]) ==
               0))
        ++i;
      // A layer that runs in training alone is the one that drops; its result goes into the next.
      if (i == trained.size()) return;
      place = names_now[i];
    }
    const std::size_t at = static_cast<std::size_t>(std::ranges::find(names_now, place) - names_now.begin());
    const std::vector<double> v = as_numbers(trained[at]);
    mean.resize(v.size());
    for (std::size_t i = 0; i < v.size(); ++i) mean[i] += v[i] / kMasks;
  }
  const std::vector<double> rest =
      as_numbers(evaluated[static_cast<std::size_t>(std::ranges::find(names, place) - names.begin())]);
  if (rest.size() != mean.size()) return;
  double product = 0, square = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    product += rest[i] * mean[i];
    square += rest[i] * rest[i];
  }
  if (square == 0) return;
  const double scale = product / square;
  e.measure("training against evaluation",
            fmt::format("at {}, the mean of {} passes is {:.3f} times evaluation", place, kMasks, scale));
  if (std::abs(scale - 1) > kOff)
    e.find("dropout_not_rescaled", place,
           fmt::format("over {} passes in training its numbers are {:.3f} times those of evaluation", kMasks,
                       scale),
           "Divide what is kept by the share that is kept, in training (inverted dropout).");
}

void look_at_running_statistics(Examination& e) {
  constexpr int kPasses = 100;
  constexpr double kOff = 0.3;
  e.restart(true);
  Tensor trained;
  for (int i = 0; i < kPasses; ++i) trained = e.forward(e.sample_x).detach();
  const Snapshot after(e.net);
  e.restart(false);
  after.put_back(e.net);
  const double off = largest_difference(trained, e.forward(e.sample_x)) / size_of_numbers(trained);
  e.measure("batch normalisation",
            fmt::format("after {} passes evaluation differs from training by {:.3g} of the "
                        "output's size",
                        kPasses, off));
  if (off > kOff)
    e.find(
        "running_statistics_stuck", "",
        fmt::format("after {} passes over the same batch, evaluation differs from training by {:.3g} of the "
                    "output's size",
                    kPasses, off),
        "Move the running mean and variance in training, by a momentum above 0.");
}

}  // namespace

void look_at_modes(Examination& e) {
  e.restart(false);
  const NoGrad no_grad;
  const Snapshot before(e.net);
  const Tensor once = e.forward(e.sample_x);
  const std::string changed = before.first_change(e.net);
  if (!changed.empty())
    e.find("evaluation_changes_state", changed, "a pass in evaluation has changed it",
           "Change state in training alone: ask training().");
  const double off = largest_difference(once, e.forward(e.sample_x));
  if (off > 0) {
    e.find("evaluation_random", "", fmt::format("two passes over the same batch differ by up to {:.3g}", off),
           "Dropout and noise belong to training: ask training().");
    return;
  }
  if (e.trace.has("batch_norm")) {
    if (!e.trace.has("dropout")) look_at_running_statistics(e);
  } else {
    look_at_dropout(e);
  }
}

void look_at_mixing(Examination& e) {
  if (e.found("evaluation_random")) return;
  const NoGrad no_grad;
  const std::int64_t n = std::min<std::int64_t>(e.sample_x.size(0), 16);
  const Tensor x = e.sample_x.slice(0, 0, n);
  std::vector<std::int64_t> other_rows = e.some_rows(n, "mixing");
  const Tensor other = e.rows_of_x(other_rows);
  constexpr double kSame = 1e-9;
  // Examples from the second on are replaced; the first one's output must not notice.
  std::vector<Tensor> parts{x.slice(0, 0, 1), other.slice(0, 1, n)};
  const auto first_row = [&](const Tensor& batch, bool training) {
    e.restart(training);
    return e.forward(batch).slice(0, 0, 1).contiguous();
  };
  const Tensor replaced = concatenate(std::span<const Tensor>(parts));
  const Tensor before = first_row(x, false);
  const double size = std::max(size_of_numbers(before), 1e-6);
  const double evaluation = largest_difference(before, first_row(replaced, false)) / size;
  const double training = largest_difference(first_row(x, true), first_row(replaced, true)) / size;
  e.measure("other examples of a batch",
            fmt::format("change an example's output by {:.2g} of its size in evaluation, "
                        "{:.2g} in training",
                        evaluation, training));
  if (evaluation > kSame)
    e.find("samples_mixed_in_evaluation", "",
           fmt::format("with other examples beside it, an example's output changes by {:.2g} of its size",
                       evaluation),
           "Look for a reshape, transpose, softmax or mean over the axis of examples, the first.");
  else if (training > kSame && !e.trace.has("batch_norm"))
    e.find(
        "samples_mixed", "",
        fmt::format(
            "in training, with other examples beside it, an example's output changes by {:.2g} of its size",
            training),
        "Look for a statistic over the axis of examples, the first.");
  e.restart(false);
  const Tensor output = e.forward(e.sample_x);
  const Tensor first = output.slice(0, 0, 1);
  double spread = 0;
  for (std::int64_t i = 1; i < std::min<std::int64_t>(output.size(0), 64); ++i)
    spread = std::max(spread, largest_difference(first, output.slice(0, i, i + 1)));
  if (spread <= 1e-12 * size_of_numbers(output) &&
      largest_difference(e.sample_x.slice(0, 0, 1), e.sample_x.slice(0, 1, 2)) > 0)
    e.find("output_ignores_input", "",
           fmt::format("the output is the same for all of {} examples", output.size(0)),
           "Look for dead units, weights of 0, or an input that is not used.");
}

}  // namespace cairn
