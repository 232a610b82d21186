#include "cairn/data/leak.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "cairn/base/error.h"

namespace cairn {
namespace {

// Rows in the order of the column's values, missing ones last, and where each run of equal values begins.
struct Runs {
  std::vector<std::int64_t> order, begin;  // run i is order[begin[i]] .. order[begin[i + 1]]
  std::vector<double> value;               // of each run
  bool ordered = true;                     // neighbours in `order` are near each other
};

Runs runs_of(const Column& c) {
  CAIRN_ASSERT(c.kind() != ColumnKind::text && c.kind() != ColumnKind::tensor);
  Runs runs;
  runs.ordered = c.kind() != ColumnKind::category && c.kind() != ColumnKind::boolean;
  std::vector<double> key;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    if (c.is_missing(r))
      key.push_back(std::numeric_limits<double>::infinity());
    else if (c.kind() == ColumnKind::category)
      key.push_back(c.codes()[static_cast<std::size_t>(r)]);
    else
      key.push_back(c.number_at(r));
  }
  runs.order.resize(key.size());
  std::iota(runs.order.begin(), runs.order.end(), 0);
  const auto key_of = [&](std::int64_t r) { return key[static_cast<std::size_t>(r)]; };
  std::ranges::sort(runs.order, {}, [&](std::int64_t r) { return std::pair(key_of(r), r); });
  for (std::size_t i = 0; i < key.size(); ++i)
    if (i == 0 || key_of(runs.order[i]) != key_of(runs.order[i - 1])) {
      runs.begin.push_back(static_cast<std::int64_t>(i));
      runs.value.push_back(key_of(runs.order[i]));
    }
  runs.begin.push_back(static_cast<std::int64_t>(key.size()));
  return runs;
}

// Mean rank a row, equal targets sharing theirs.
std::vector<double> ranks_of(std::span<const double> targets) {
  std::vector<std::size_t> order(targets.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t r) { return std::pair(targets[r], r); });
  std::vector<double> ranks(targets.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && targets[order[end]] == targets[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) ranks[order[k]] = static_cast<double>(i + end - 1) / 2;
    i = end;
  }
  return ranks;
}

// The nearer of the runs before and after; the one before on a tie.
std::size_t nearer_run(const Runs& runs, std::size_t run) {
  if (run == 0) return 1;
  if (run + 1 == runs.value.size()) return run - 1;
  return runs.value[run] - runs.value[run - 1] <= runs.value[run + 1] - runs.value[run] ? run - 1 : run + 1;
}

}  // namespace

OneColumnFit predict_class_from(const Column& column, std::span<const std::int32_t> classes,
                                std::int32_t num_classes) {
  const Runs runs = runs_of(column);
  const std::size_t num_runs = runs.value.size();
  std::vector<std::int64_t> counts(static_cast<std::size_t>(num_classes), 0), all(counts);
  for (const std::int32_t c : classes) ++all[static_cast<std::size_t>(c)];
  const auto majority = static_cast<std::int32_t>(std::ranges::max_element(all) - all.begin());
  OneColumnFit fit{.rows = static_cast<std::int64_t>(classes.size())};
  if (classes.empty()) return fit;
  fit.baseline_error = static_cast<double>(fit.rows - all[static_cast<std::size_t>(majority)]);
  std::vector<std::int32_t> top(num_runs);  // the most frequent class of each run
  std::int64_t right = 0;
  const auto class_at = [&](std::int64_t place) {
    return classes[static_cast<std::size_t>(runs.order[static_cast<std::size_t>(place)])];
  };
  for (std::size_t i = 0; i < num_runs; ++i) {
    std::int64_t most = 0, second = 0;
    for (std::int64_t k = runs.begin[i]; k < runs.begin[i + 1]; ++k)
      ++counts[static_cast<std::size_t>(class_at(k))];
    for (std::int64_t k = runs.begin[i]; k < runs.begin[i + 1]; ++k) {
      auto& count = counts[static_cast<std::size_t>(class_at(k))];
      if (count > most) {
        second = most;
        most = count;
        top[i] = class_at(k);
      } else {
        second = std::max(second, count);
      }
      count = 0;  // each class is looked at once, and the counts are clean for the next run
    }
    // Without the row itself its class has one vote less: only the most frequent class can still win.
    if (most - 1 > second) right += most;
  }
  for (std::size_t i = 0; i < num_runs; ++i) {
    if (runs.begin[i + 1] - runs.begin[i] > 1) continue;
    right += class_at(runs.begin[i]) == (runs.ordered && num_runs > 1 ? top[nearer_run(runs, i)] : majority);
  }
  fit.error = static_cast<double>(fit.rows - right);
  return fit;
}

OneColumnFit predict_rank_from(const Column& column, std::span<const double> targets) {
  const Runs runs = runs_of(column);
  const std::vector<double> ranks = ranks_of(targets);
  OneColumnFit fit{.rows = static_cast<std::int64_t>(targets.size())};
  const double mean = static_cast<double>(fit.rows - 1) / 2;
  std::vector<double> sum(runs.value.size(), 0);
  const auto rank_at = [&](std::int64_t place) {
    return ranks[static_cast<std::size_t>(runs.order[static_cast<std::size_t>(place)])];
  };
  const auto size_of_run = [&](std::size_t i) {
    return static_cast<double>(runs.begin[i + 1] - runs.begin[i]);
  };
  for (std::size_t i = 0; i < sum.size(); ++i)
    for (std::int64_t k = runs.begin[i]; k < runs.begin[i + 1]; ++k) sum[i] += rank_at(k);
  for (std::size_t i = 0; i < sum.size(); ++i)
    for (std::int64_t k = runs.begin[i]; k < runs.begin[i + 1]; ++k) {
      double told = mean;
      if (size_of_run(i) > 1) {
        told = (sum[i] - rank_at(k)) / (size_of_run(i) - 1);
      } else if (runs.ordered && sum.size() > 1) {
        const double before = i > 0 ? sum[i - 1] / size_of_run(i - 1) : sum[1] / size_of_run(1);
        told = i + 1 < sum.size() ? (before + sum[i + 1] / size_of_run(i + 1)) / 2 : before;
      }
      fit.error += (rank_at(k) - told) * (rank_at(k) - told);
      fit.baseline_error += (rank_at(k) - mean) * (rank_at(k) - mean);
    }
  return fit;
}

}  // namespace cairn
