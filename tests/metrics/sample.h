// Made-up predictions for the tests of metrics; owns the memory that Scored looks at.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/metrics/metric.h"

namespace cairn::metric_tests {

struct Sample {
  Task task = Task::regression;
  std::vector<double> truth, predicted, probabilities, weights;
  std::vector<std::int32_t> labels, decisions;
  std::vector<std::int64_t> groups;
  std::vector<std::uint8_t> events;
  std::int64_t num_classes = 0;

  Scored rows() const {
    return {.task = task,
            .truth = truth,
            .predicted = predicted,
            .labels = labels,
            .decisions = decisions,
            .probabilities = probabilities,
            .weights = weights,
            .groups = groups,
            .events = events,
            .num_classes = num_classes,
            .positive = 1};
  }
  // These rows in this order, each as often as it is named.
  Sample select(std::span<const std::int64_t> chosen) const {
    Sample s{.task = task, .num_classes = num_classes};
    const auto take = [&](const auto& from, auto& to, std::int64_t width) {
      if (from.empty()) return;
      for (const std::int64_t i : chosen)
        to.insert(to.end(), from.begin() + i * width, from.begin() + (i + 1) * width);
    };
    take(truth, s.truth, 1), take(predicted, s.predicted, 1), take(labels, s.labels, 1),
        take(weights, s.weights, 1);
    take(decisions, s.decisions, 1), take(groups, s.groups, 1), take(events, s.events, 1),
        take(probabilities, s.probabilities, num_classes);
    return s;
  }
};

// `skill`: how far the classes' logits, or the predictions from chance, stand apart.
inline Sample make_sample(Task task, std::int64_t n, double skill, std::uint64_t seed,
                          std::uint64_t index = 0) {
  Random random(seed, "sample", index);
  Sample s{.task = task, .num_classes = task == Task::regression ? 0 : task == Task::binary ? 2 : 4};
  for (std::int64_t i = 0; i < n; ++i) {
    if (task == Task::regression) {
      const double truth = 20 + 5 * random.normal();
      s.truth.push_back(truth);
      s.predicted.push_back(truth + random.normal());
      continue;
    }
    const double u = random.uniform();
    const std::int32_t label = task == Task::binary ? (u < 0.3) : u < 0.4 ? 0 : u < 0.7 ? 1 : u < 0.9 ? 2 : 3;
    std::vector<double> p(static_cast<std::size_t>(s.num_classes));
    double sum = 0;
    for (std::size_t c = 0; c < p.size(); ++c)
      sum += p[c] = std::exp((static_cast<std::int32_t>(c) == label ? skill : 0.0) + random.normal());
    std::size_t top = 0;
    for (std::size_t c = 0; c < p.size(); ++c) {
      s.probabilities.push_back(p[c] / sum);
      if (p[c] > p[top]) top = c;
    }
    s.labels.push_back(label);
    s.decisions.push_back(static_cast<std::int32_t>(top));
  }
  return s;
}

// The same; for metrics of an order relevances in groups of five, of which the scores know something.
inline Sample sample_for(const Metric& m, Task task, std::int64_t n, double skill, std::uint64_t seed,
                         std::uint64_t index = 0) {
  Sample s = make_sample(task, n, skill, seed, index);
  if (task != Task::regression || m.judges != Judges::order) return s;
  for (std::size_t i = 0; i < s.truth.size(); ++i) {
    const double relevance = std::floor(std::min(std::abs(s.truth[i] - 20) / 2.5, 4.0));
    s.predicted[i] += relevance - s.truth[i];
    s.truth[i] = relevance;
    s.groups.push_back(static_cast<std::int64_t>(i / 5));
  }
  return s;
}

inline constexpr Task kTasks[] = {Task::regression, Task::binary, Task::multiclass};

}  // namespace cairn::metric_tests
