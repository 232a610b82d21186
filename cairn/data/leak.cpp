#include "cairn/data/leak.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/data/summary.h"
#include "cairn/data/words.h"
#include "cairn/ops/linalg.h"

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
  const std::vector<double> ranks = mean_ranks(targets);
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

OneWordFit predict_class_from_word(const Column& text, std::span<const std::int32_t> classes,
                                   std::int32_t num_classes) {
  CAIRN_ASSERT(text.kind() == ColumnKind::text);
  const auto k = static_cast<std::size_t>(num_classes);
  std::unordered_map<std::string, std::vector<std::int32_t>> with_word;  // rows of each class
  std::vector<std::int32_t> all(k, 0);
  std::vector<std::string> words;
  for (std::int64_t r = 0; r < text.size(); ++r) {
    const auto c = static_cast<std::size_t>(classes[static_cast<std::size_t>(r)]);
    ++all[c];
    words.clear();
    if (!text.is_missing(r)) append_words(text.text_at(r), true, words);
    std::ranges::sort(words);
    const auto repeated = std::ranges::unique(words);
    words.erase(repeated.begin(), repeated.end());
    for (const std::string& word : words) {
      auto& counts = with_word[word];
      if (counts.empty()) counts.resize(k, 0);
      ++counts[c];
    }
  }
  OneWordFit best;
  best.rows = text.size();
  best.baseline_error = best.error = static_cast<double>(best.rows - *std::ranges::max_element(all));
  for (const auto& [word, counts] : with_word) {
    std::int64_t most_with = 0, most_without = 0;
    for (std::size_t c = 0; c < k; ++c) {
      most_with = std::max<std::int64_t>(most_with, counts[c]);
      most_without = std::max<std::int64_t>(most_without, all[c] - counts[c]);
    }
    const auto error = static_cast<double>(best.rows - most_with - most_without);
    if (error < best.error || (error == best.error && !best.word.empty() && word < best.word)) {
      best.error = error;
      best.word = word;
    }
  }
  return best;
}

std::vector<SummedColumn> exact_combination(std::span<const Column> columns,
                                            std::span<const double> targets) {
  constexpr std::size_t kMostRows = 2000, kRowsAColumn = 3;
  constexpr double kExact = 1e-9;  // of the variance, on rows that the weights have not seen
  constexpr double kNoShare = 1e-6, kTolerance = 1e-10;
  const std::size_t n = targets.size(), d = columns.size(), used = std::min(n, kMostRows);
  if (d < 2 || used < 2 * kRowsAColumn * (d + 1)) return {};
  // Every second of evenly spread rows fits, the others judge. Columns in units of their spread.
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < used; ++i) rows.push_back(static_cast<std::int64_t>(i * n / used));
  const std::size_t m = used / 2;
  std::vector<Moments> scale;
  std::vector<double> a, b, target(used);
  for (std::size_t i = 0; i < used; ++i) target[i] = targets[static_cast<std::size_t>(rows[i])];
  const Moments y = moments(target);
  std::vector<std::vector<double>> x;
  for (const Column& c : columns) {
    std::vector<double> values;
    for (const std::int64_t r : rows) values.push_back(c.number_at(r));
    if (std::ranges::any_of(values, [](double v) { return !std::isfinite(v); })) return {};
    scale.push_back(moments(values));
    if (scale.back().is_constant()) scale.back().deviation = 1;
    for (double& v : values) v = (v - scale.back().mean) / scale.back().deviation;
    x.push_back(std::move(values));
  }
  if (y.is_constant()) return {};
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t c = 0; c < d; ++c) a.push_back(x[c][2 * i]);
    a.push_back(1);
    b.push_back((target[2 * i] - y.mean) / y.deviation);
  }
  const auto fit = linalg::least_squares_qr(a, static_cast<std::int64_t>(m), static_cast<std::int64_t>(d + 1),
                                            b, 1, kTolerance);
  double error = 0;
  for (std::size_t i = 0; i < m; ++i) {
    double told = fit.solution[d];
    for (std::size_t c = 0; c < d; ++c) told += fit.solution[c] * x[c][2 * i + 1];
    const double off = (target[2 * i + 1] - y.mean) / y.deviation - told;
    error += off * off;
  }
  if (!(error <= kExact * static_cast<double>(m))) return {};
  std::vector<SummedColumn> shares;
  for (std::size_t c = 0; c < d; ++c)
    if (std::abs(fit.solution[c]) > kNoShare)
      shares.push_back({columns[c].name(), fit.solution[c] * y.deviation / scale[c].deviation});
  return shares;
}

}  // namespace cairn
