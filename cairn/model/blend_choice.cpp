#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "cairn/model/blend.h"
#include "cairn/model/blend_choice_internal.h"

namespace cairn {
namespace {

constexpr std::size_t kMostTried = 10, kMostMembers = 4;
constexpr double kLeastWeight = 0.05;  // a member that says less is not worth its fit
constexpr double kLeastGain = 0.02;    // of the loss: less is a hair
constexpr std::size_t kLeastRows = 100;
constexpr double k95 = 1.96;

using Members = std::vector<std::size_t>;

// What each candidate said of every row, by a model that had not seen it.
struct OutOfFold {
  std::vector<Judged> judged;             // [candidates], rows in order
  std::vector<std::vector<double>> said;  // [candidates][n]: a value, or the probability of the true class
  std::vector<std::size_t> fold;          // [n]
  std::vector<double> truth;              // [n] of a quantity; empty for classes
  std::size_t folds = 0;
  std::size_t size() const { return fold.size(); }
  std::span<const double> weights() const { return judged[0].weights; }
};

struct Blending {
  Members members;
  std::vector<double> weights;
};

bool can_blend(const Candidate& c, int folds) {
  return c.failure.empty() && !std::isnan(c.mean) && std::ssize(c.cross_validation.folds) == folds &&
         !c.cross_validation.cut_short && !c.entry->takes_minutes() &&
         c.pipeline->predicts() == Predicts::value;  // a score that orders rows adds up with nothing
}

OutOfFold out_of_fold(const std::vector<const Candidate*>& candidates) {
  OutOfFold all;
  std::map<std::int64_t, std::size_t> fold_of;
  const auto& folds = candidates[0]->cross_validation.folds;
  for (std::size_t f = 0; f < folds.size(); ++f)
    for (const std::int64_t row : folds[f].rows) fold_of[row] = f;
  all.folds = folds.size();
  for (const auto& [row, f] : fold_of) all.fold.push_back(f);
  for (const Candidate* c : candidates) {
    Judged j = c->cross_validation.pooled();
    std::vector<double> said = j.predicted;
    if (j.task != Task::regression) {
      const auto k = static_cast<std::size_t>(j.num_classes);
      said.resize(j.labels.size());
      for (std::size_t i = 0; i < said.size(); ++i)
        said[i] =
            j.probabilities.empty() ? 0 : j.probabilities[i * k + static_cast<std::size_t>(j.labels[i])];
    }
    all.truth = j.truth;
    all.said.push_back(std::move(said));
    all.judged.push_back(std::move(j));
  }
  return all;
}

// Weights from the rows outside fold `without` (folds: from all rows): the few largest, fitted again alone.
Blending fit_blend(const OutOfFold& all, std::size_t without) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all.fold[i] != without) rows.push_back(i);
  const auto part = [&](std::span<const double> values) {
    std::vector<double> kept;
    if (!values.empty())
      for (const std::size_t i : rows) kept.push_back(values[i]);
    return kept;
  };
  const auto truth = part(all.truth), row_weights = part(all.weights());
  const auto weights_of = [&](const Members& members) {
    std::vector<std::vector<double>> said;
    for (const std::size_t m : members) said.push_back(part(all.said[m]));
    return blend_weights(said, truth, row_weights);
  };
  Blending b;
  b.members.resize(all.said.size());
  std::iota(b.members.begin(), b.members.end(), std::size_t{0});
  b.weights = weights_of(b.members);
  for (;;) {
    Members kept = b.members;
    std::erase_if(kept, [&](std::size_t m) {
      const auto at = static_cast<std::size_t>(std::ranges::find(b.members, m) - b.members.begin());
      return b.weights[at] < kLeastWeight;
    });
    if (kept.size() > kMostMembers) {
      Members order = kept;
      std::ranges::stable_sort(order, std::greater{}, [&](std::size_t m) {
        return b.weights[static_cast<std::size_t>(std::ranges::find(b.members, m) - b.members.begin())];
      });
      order.resize(kMostMembers);
      std::ranges::sort(order);
      kept = order;
    }
    if (kept.size() == b.members.size()) return b;
    b.members = kept;
    b.weights = weights_of(kept);
  }
}

double loss_of(double said, std::span<const double> truth, std::size_t row) {
  if (truth.empty()) return -std::log(std::clamp(said, kLeastProbability, 1.0));
  return (truth[row] - said) * (truth[row] - said);
}

double mixed_said(const OutOfFold& all, const Blending& b, std::size_t row) {
  double sum = 0;
  for (std::size_t m = 0; m < b.members.size(); ++m) sum += b.weights[m] * all.said[b.members[m]][row];
  return sum;
}

// The rows of one fold, judged by the blend.
Judged mixed_judged(const OutOfFold& all, const Blending& b, const std::vector<std::int64_t>& rows) {
  Judged mixed = all.judged[0].select(rows);
  const std::size_t k = mixed.task == Task::regression ? 1 : static_cast<std::size_t>(mixed.num_classes);
  std::vector<double>& out = mixed.task == Task::regression ? mixed.predicted : mixed.probabilities;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t o = 0; o < k; ++o) {
      double sum = 0;
      for (std::size_t m = 0; m < b.members.size(); ++m) {
        const Judged& j = all.judged[b.members[m]];
        sum += b.weights[m] * (mixed.task == Task::regression
                                   ? j.predicted
                                   : j.probabilities)[static_cast<std::size_t>(rows[i]) * k + o];
      }
      out[i * k + o] = sum;
    }
  for (std::size_t i = 0; i < mixed.decisions.size(); ++i) {
    const auto row = std::span<const double>(out).subspan(i * k, k);
    mixed.decisions[i] = static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin());
  }
  return mixed;
}

// By how much the single candidate's loss of a row is larger than the blend's, in the mean with its interval;
// rows of one group count as one observation. From the losses at hand, by the variance of their sums:
// paired_difference() of metrics/paired.h would draw the rows a thousand times for the same answer.
PairedDifference gain_of(const OutOfFold& all, std::span<const double> single,
                         std::span<const double> mixed) {
  const auto& groups = all.judged[0].groups;
  struct Sum {
    double weight = 0, gain = 0;
  };
  std::map<std::int64_t, Sum> parts;
  double weight = 0, gain = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double w = all.weights().empty() ? 1 : all.weights()[i];
    Sum& s = parts[groups.empty() ? static_cast<std::int64_t>(i) : groups[i]];
    s.weight += w;
    s.gain += w * (single[i] - mixed[i]);
    weight += w;
    gain += w * (single[i] - mixed[i]);
  }
  const double mean = gain / weight, count = static_cast<double>(parts.size());
  double squares = 0;
  for (const auto& [group, s] : parts) {
    const double residual = s.gain - mean * s.weight;
    squares += residual * residual;
  }
  const double half = k95 * std::sqrt(squares * count / std::max(1.0, count - 1)) / weight;
  return {mean, mean - half, mean + half};
}

double mean_of(const OutOfFold& all, std::span<const double> losses) {
  double sum = 0, weight = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const double w = all.weights().empty() ? 1 : all.weights()[i];
    sum += w * losses[i];
    weight += w;
  }
  return sum / weight;
}

// Every fold's rows judged with weights from the other folds: what the blend would have been without them.
CrossValidation nested(const OutOfFold& all, const Candidate& first, const Metric& metric,
                       std::vector<double>& losses) {
  CrossValidation cv;
  losses.resize(all.size());
  for (std::size_t f = 0; f < all.folds; ++f) {
    const Blending b = fit_blend(all, f);
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all.fold[i] != f) continue;
      rows.push_back(static_cast<std::int64_t>(i));
      losses[i] = loss_of(mixed_said(all, b, i), all.truth, i);
    }
    FoldResult fold;
    fold.rows = first.cross_validation.folds[f].rows;
    std::ranges::sort(fold.rows);
    fold.judged = mixed_judged(all, b, rows);
    fold.value = metric.compute(fold.judged.view()).value_or(std::nan(""));
    fold.train_value = std::nan("");
    cv.folds.push_back(std::move(fold));
  }
  return cv;
}

std::string name_of_member(const Candidate& c) {
  std::string name = c.settings.empty() ? c.learner : c.learner + " " + c.settings;
  std::ranges::replace(name, ',', ' ');
  return name;
}

Candidate candidate_of(const Blending& b, const std::vector<const Candidate*>& candidates,
                       CrossValidation cv) {
  std::vector<std::shared_ptr<const Pipeline>> members;
  std::vector<std::string> names;
  Candidate blend;
  for (const std::size_t member : b.members) {
    const Candidate& c = *candidates[member];
    members.push_back(std::make_shared<const Pipeline>(*c.pipeline));
    names.push_back(name_of_member(c));
    blend.seconds += c.seconds;
  }
  blend.learner = Blend::kName;
  blend.entry = &blend_entry();
  blend.pipeline = std::make_unique<Pipeline>(std::vector<std::unique_ptr<Transform>>{},
                                              std::make_unique<Blend>(members, b.weights, names));
  blend.cross_validation = std::move(cv);
  blend.mean = blend.cross_validation.mean();
  blend.standard_error = blend.cross_validation.standard_error();
  return blend;
}

}  // namespace

void try_blend(Selection& selection, const SelectionOptions& options, const Dataset& data,
               double seconds_left) {
  BlendTrial& trial = selection.blend;
  std::vector<const Candidate*> candidates;
  for (const Candidate& c : selection.candidates)
    if (candidates.size() < kMostTried && can_blend(c, selection.folds)) candidates.push_back(&c);
  if (candidates.size() < 2 || candidates[0] != &selection.candidates[0]) return;
  if (static_cast<std::size_t>(data.num_rows()) < kLeastRows) {
    trial.why = fmt::format("{} rows are too few to fit weights on", data.num_rows());
    return;
  }
  const OutOfFold all = out_of_fold(candidates);
  if (is_classification(data.task()) &&
      std::ranges::any_of(all.judged, [](const Judged& j) { return j.probabilities.empty(); }))
    return;
  trial.tried = true;
  trial.loss = is_classification(data.task()) ? "log_loss" : "mse";
  std::vector<double> single(all.size()), mixed;
  for (std::size_t i = 0; i < all.size(); ++i) single[i] = loss_of(all.said[0][i], all.truth, i);
  CrossValidation cv = nested(all, *candidates[0], *options.metric, mixed);
  const Blending b = fit_blend(all, all.folds);
  for (std::size_t m = 0; m < b.members.size(); ++m) {
    const Candidate& c = *candidates[b.members[m]];
    trial.members.push_back({c.learner, c.settings, b.weights[m]});
  }
  trial.single = mean_of(all, single);
  trial.blended = mean_of(all, mixed);
  trial.gain = gain_of(all, single, mixed);
  Candidate blend = candidate_of(b, candidates, std::move(cv));
  const Metric& m = *options.metric;
  const bool metric_better = m.higher_is_better ? blend.mean > selection.candidates[0].mean
                                                : blend.mean < selection.candidates[0].mean;
  // A final fit sees all rows, a fold's most of them, on the sample that was chosen from.
  const double fit_seconds = blend.seconds / std::max(1, selection.folds - 1);
  if (b.members.size() < 2) {
    trial.why = fmt::format("all weight went to {}", trial.members[0].learner);
  } else if (!(trial.gain.low > 0)) {
    trial.why = "the interval of its gain holds zero";
  } else if (!(trial.gain.value >= kLeastGain * trial.single)) {
    trial.why = fmt::format("its gain is below {:g} % of the loss", 100 * kLeastGain);
  } else if (!metric_better) {
    trial.why = fmt::format("its {} is no better", m.name);
  } else if (fit_seconds > seconds_left) {
    trial.why = "the time limit leaves no room for its fits";
    selection.cut_short = true;
  } else {
    trial.shipped = true;
    trial.why = "its loss is lower on rows that neither members nor weights had seen";
    selection.candidates.insert(selection.candidates.begin(), std::move(blend));
  }
}

}  // namespace cairn
