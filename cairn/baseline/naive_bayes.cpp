#include "cairn/baseline/naive_bayes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"

namespace cairn {
namespace {

constexpr const char* kDistributionNames[] = {"gaussian", "multinomial", "bernoulli", "mixed"};
constexpr std::int64_t kTileRows = 64;
constexpr std::int64_t kBlockRows = 4096;
constexpr std::int64_t kMostBlocks = 16;  // of a sum over rows: bounds the memory for partial sums
constexpr double kLeastAlpha = 1e-10;     // as scikit-learn: alpha = 0 means "nearly none", never log 0

std::int64_t block_rows(std::int64_t n) { return std::max(kBlockRows, (n + kMostBlocks - 1) / kMostBlocks); }

void add(std::vector<double>& into, const std::vector<double>& other) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] += other[i];
}

// Calls use(row, cells) with every row of [begin, end) written out.
template <class F>
void for_each_row(const Matrix& x, std::int64_t begin, std::int64_t end, F&& use) {
  const std::int64_t d = x.columns();
  std::vector<double> tile(static_cast<std::size_t>(kTileRows * d));
  for (std::int64_t first = begin; first < end; first += kTileRows) {
    const std::int64_t last = std::min(end, first + kTileRows);
    x.tile(first, last, tile.data());
    for (std::int64_t r = first; r < last; ++r) use(r, tile.data() + (r - first) * d);
  }
}

// Calls use(row, column, value) for every cell of [begin, end) that is not 0.
template <class F>
void for_each_nonzero(const Matrix& x, std::int64_t begin, std::int64_t end, F&& use) {
  if (!x.is_sparse()) {
    for_each_row(x, begin, end, [&](std::int64_t r, const double* row) {
      for (std::int64_t c = 0; c < x.columns(); ++c)
        if (row[c] != 0) use(r, static_cast<std::size_t>(c), row[c]);
    });
    return;
  }
  const auto starts = x.indptr();
  const auto columns = x.indices();
  const auto walk = [&](const auto values) {
    for (std::int64_t r = begin; r < end; ++r)
      for (auto i = static_cast<std::size_t>(starts[static_cast<std::size_t>(r)]);
           i < static_cast<std::size_t>(starts[static_cast<std::size_t>(r) + 1]); ++i)
        use(r, static_cast<std::size_t>(columns[i]), static_cast<double>(values[i]));
  };
  if (x.values().dtype() == DType::f32)
    walk(x.values().data<float>());
  else
    walk(x.values().data<double>());
}

double weight_of(const NumericData& data, std::int64_t row) {
  return data.weights.empty() ? 1 : data.weights[static_cast<std::size_t>(row)];
}

bool all_at_least_zero(const Matrix& x) {
  bool fine = true;
  for_each_nonzero(x, 0, x.rows(), [&](std::int64_t, std::size_t, double v) { fine &= v >= 0; });
  return fine;
}

void check_counts(const NumericData& data) {
  for_each_nonzero(data.x, 0, data.x.rows(), [&](std::int64_t r, std::size_t c, double v) {
    if (v < 0)
      throw DataError(
          fmt::format("column '{}', row {}", data.feature_names[c], r + 1),
          fmt::format("is {}; naive_bayes with distribution = multinomial takes counts of at least 0", v),
          "Use distribution = gaussian.");
  });
}

// What decides how a feature is taken.
struct FeatureForm {
  bool indicator = true;     // 0 or 1 in every row
  std::int64_t nonzero = 0;  // rows in which it is not 0
};

std::vector<FeatureForm> feature_forms(const Matrix& x) {
  std::vector<FeatureForm> forms(static_cast<std::size_t>(x.columns()));
  for_each_nonzero(x, 0, x.rows(), [&](std::int64_t, std::size_t j, double v) {
    forms[j].indicator &= v == 1;
    ++forms[j].nonzero;
  });
  return forms;
}

// The columns `chosen` of rows [begin, end), row after row.
void gather(const Matrix& x, std::int64_t begin, std::int64_t end, std::span<const std::int32_t> slot,
            std::span<double> out) {
  const auto width = out.size() / static_cast<std::size_t>(end - begin);
  std::ranges::fill(out, 0.0);
  for_each_nonzero(x, begin, end, [&](std::int64_t r, std::size_t j, double v) {
    if (slot[j] >= 0)
      out[static_cast<std::size_t>(r - begin) * width + static_cast<std::size_t>(slot[j])] = v;
  });
}

std::vector<std::int32_t> slots(std::span<const std::int64_t> chosen, std::size_t d) {
  std::vector<std::int32_t> slot(d, -1);
  for (std::size_t i = 0; i < chosen.size(); ++i)
    slot[static_cast<std::size_t>(chosen[i])] = static_cast<std::int32_t>(i);
  return slot;
}

std::vector<double> class_weights(const NumericData& data) {
  std::vector<double> sums(data.classes.size(), 0.0);
  for (std::size_t r = 0; r < data.labels.size(); ++r)
    sums[static_cast<std::size_t>(data.labels[r])] += weight_of(data, static_cast<std::int64_t>(r));
  return sums;
}

Tensor log_shares(const std::vector<double>& sums) {
  double total = 0;
  for (const double s : sums) total += s;
  std::vector<double> logs;
  for (const double s : sums) logs.push_back(std::log(s / total));
  return Tensor::take(std::move(logs));
}

// From joint log likelihoods to probabilities, in place; `fallback` are log shares.
void normalize(std::span<double> joint, std::span<const double> fallback) {
  double largest = *std::ranges::max_element(joint);
  if (!std::isfinite(largest) || std::ranges::any_of(joint, [](double v) { return std::isnan(v); })) {
    std::ranges::copy(fallback, joint.begin());
    largest = *std::ranges::max_element(joint);
  }
  double sum = 0;
  for (double& v : joint) sum += v = std::exp(v - largest);
  for (double& v : joint) v /= sum;
}

}  // namespace

const char* name_of(FeatureDistribution distribution) {
  return kDistributionNames[static_cast<std::size_t>(distribution)];
}

FeatureDistribution feature_distribution_from_name(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kDistributionNames); ++i)
    if (name == kDistributionNames[i]) return static_cast<FeatureDistribution>(i);
  const std::vector<std::string> known(std::begin(kDistributionNames), std::end(kDistributionNames));
  throw UsageError("distribution", fmt::format("there is no distribution '{}'", name),
                   suggestion(name, known));
}

const ParamList& NaiveBayesParams::list() {
  static const ParamList l{
      param<&NaiveBayesParams::distribution>("distribution",
                                             "of a feature within a class; auto is multinomial for bags of "
                                             "words, else mixed: bernoulli for 0/1, gaussian for numbers",
                                             one_of("auto", "gaussian", "multinomial", "bernoulli", "mixed")),
      param<&NaiveBayesParams::var_smoothing>(
          "var_smoothing", "gaussian: share of the largest feature variance added to every variance",
          at_least(0))
          .searched(1e-12, 1e-1, SearchScale::log),
      param<&NaiveBayesParams::alpha>("alpha",
                                      "multinomial and bernoulli: pseudo-counts added to every feature",
                                      at_least(0), {"smoothing", "laplace"})
          .searched(1e-3, 10, SearchScale::log),
      param<&NaiveBayesParams::binarize>("binarize", "bernoulli: a feature is present above this value",
                                         at_least(0))};
  return l;
}

std::unique_ptr<Model> NaiveBayes::fit(const Dataset& data, const FitContext& context) const {
  context.stop.throw_if_requested("training");
  if (data.task() == Task::regression)
    throw NotSupported(kName, "serves classes; the task is a regression", "Choose another learner.");
  const NumericData numeric = numeric_data(data, kName);
  const auto forms = feature_forms(numeric.x);
  const std::int64_t half = numeric.x.rows() / 2;
  // A bag of words: sparse, nothing negative, no word in most of the rows.
  const bool counts = numeric.x.is_sparse() && all_at_least_zero(numeric.x);
  const bool words = counts && std::ranges::all_of(forms, [&](const auto& f) { return f.nonzero <= half; });
  auto distribution = params_.distribution != "auto" ? feature_distribution_from_name(params_.distribution)
                      : words                        ? FeatureDistribution::multinomial
                                                     : FeatureDistribution::mixed;
  if (distribution == FeatureDistribution::multinomial && !counts) check_counts(numeric);
  std::vector<std::int64_t> gaussian;
  if (distribution == FeatureDistribution::mixed)
    for (std::size_t j = 0; j < forms.size(); ++j)
      if (!forms[j].indicator && !(numeric.x.is_sparse() && forms[j].nonzero <= half))
        gaussian.push_back(static_cast<std::int64_t>(j));
  if (distribution == FeatureDistribution::mixed && gaussian.size() == forms.size())
    distribution = FeatureDistribution::gaussian;
  if (distribution == FeatureDistribution::mixed && gaussian.empty())
    distribution = FeatureDistribution::bernoulli;
  return std::make_unique<NaiveBayesModel>(numeric, params_, distribution, std::move(gaussian), context.stop);
}

NaiveBayesModel::NaiveBayesModel(const NumericData& data, const NaiveBayesParams& params,
                                 FeatureDistribution distribution, std::vector<std::int64_t> gaussian,
                                 const StopToken& stop)
    : NumericModel(data),
      distribution_(distribution),
      binarize_(params.binarize),
      gaussian_(std::move(gaussian)),
      log_prior_(log_shares(class_weights(data))) {
  if (!counts_features()) {
    gaussian_.resize(data.feature_names.size());
    std::iota(gaussian_.begin(), gaussian_.end(), 0);
  }
  if (!gaussian_.empty()) fit_gaussian(data, params.var_smoothing, stop);
  if (counts_features()) fit_counts(data, std::max(params.alpha, kLeastAlpha), stop);
  if (params.distribution == "auto" || params.distribution == "mixed")
    notes_.push_back(distribution_ == FeatureDistribution::mixed
                         ? fmt::format("distribution: gaussian for {} features, bernoulli for {}",
                                       gaussian_.size(), data.feature_names.size() - gaussian_.size())
                         : fmt::format("distribution: {}", name_of(distribution_)));
  prepare_terms();
}

void NaiveBayesModel::fit_gaussian(const NumericData& data, double var_smoothing, const StopToken& stop) {
  const std::int64_t n = data.x.rows();
  const auto d = gaussian_.size(), k = static_cast<std::size_t>(num_outputs());
  const auto slot = slots(gaussian_, data.feature_names.size());
  const auto totals = class_weights(data);
  const auto sum_rows = [&](auto&& term) {
    return parallel_reduce<std::vector<double>>(
        n, block_rows(n),
        [&](std::int64_t begin, std::int64_t end) {
          std::vector<double> sums(k * d, 0.0);
          const auto add_row = [&](std::int64_t r, const double* row) {
            const double w = weight_of(data, r);
            if (w == 0) return;
            const std::size_t at = static_cast<std::size_t>(data.labels[static_cast<std::size_t>(r)]) * d;
            for (std::size_t j = 0; j < d; ++j) sums[at + j] += w * term(row[j], at + j);
          };
          if (d == slot.size()) {
            for_each_row(data.x, begin, end, add_row);
          } else {
            std::vector<double> tile(static_cast<std::size_t>(kTileRows) * d);
            for (std::int64_t first = begin; first < end; first += kTileRows) {
              const std::int64_t last = std::min(end, first + kTileRows);
              gather(data.x, first, last, slot,
                     std::span(tile).first(static_cast<std::size_t>(last - first) * d));
              for (std::int64_t r = first; r < last; ++r)
                add_row(r, tile.data() + static_cast<std::size_t>(r - first) * d);
            }
          }
          return sums;
        },
        add, stop);
  };
  const auto divide = [&](std::vector<double>& sums) {
    for (std::size_t i = 0; i < sums.size(); ++i)
      if (totals[i / d] > 0) sums[i] /= totals[i / d];
  };
  std::vector<double> mean = sum_rows([](double v, std::size_t) { return v; });
  divide(mean);
  std::vector<double> variance =
      sum_rows([&](double v, std::size_t i) { return (v - mean[i]) * (v - mean[i]); });
  divide(variance);

  // The largest variance of a feature over all rows, from the parts within and between classes.
  double total = 0, largest = 0;
  for (const double t : totals) total += t;
  for (std::size_t j = 0; j < d; ++j) {
    double grand_mean = 0, spread = 0;
    for (std::size_t c = 0; c < k; ++c) grand_mean += totals[c] / total * mean[c * d + j];
    for (std::size_t c = 0; c < k; ++c)
      spread += totals[c] / total *
                (variance[c * d + j] + (mean[c * d + j] - grand_mean) * (mean[c * d + j] - grand_mean));
    largest = std::max(largest, spread);
  }
  // When no feature varies at all, every variance serves: the classes differ by their shares alone.
  const double smoothing = largest > 0 ? var_smoothing * largest : 1;
  for (std::size_t i = 0; i < variance.size(); ++i) {
    variance[i] += totals[i / d] > 0 ? smoothing : 1;
    if (!(variance[i] > 0))
      throw FitError(
          "naive_bayes",
          fmt::format("feature '{}' does not vary within class '{}', so its variance is 0",
                      data.feature_names[static_cast<std::size_t>(gaussian_[i % d])], data.classes[i / d]),
          "Raise var_smoothing above 0, or leave the feature out.");
    if (!std::isfinite(variance[i]))
      throw FitError("naive_bayes",
                     fmt::format("feature '{}' is too large for its variance to be a number",
                                 data.feature_names[static_cast<std::size_t>(gaussian_[i % d])]),
                     "Scale it first: --scale standard.");
  }
  const Shape shape{num_outputs(), static_cast<std::int64_t>(d)};
  mean_ = Tensor::take(std::move(mean)).reshape(shape);
  variance_ = Tensor::take(std::move(variance)).reshape(shape);
}

void NaiveBayesModel::fit_counts(const NumericData& data, double alpha, const StopToken& stop) {
  const std::int64_t n = data.x.rows();
  const auto d = static_cast<std::size_t>(num_features()), k = static_cast<std::size_t>(num_outputs());
  const bool presence = distribution_ != FeatureDistribution::multinomial;
  auto counts = parallel_reduce<std::vector<double>>(
      n, block_rows(n),
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> sums(k * d, 0.0);
        for_each_nonzero(data.x, begin, end, [&](std::int64_t r, std::size_t j, double v) {
          const double amount = presence ? (v > binarize_ ? 1 : 0) : v;
          sums[static_cast<std::size_t>(data.labels[static_cast<std::size_t>(r)]) * d + j] +=
              weight_of(data, r) * amount;
        });
        return sums;
      },
      add, stop);
  const auto rows = class_weights(data);
  for (std::size_t c = 0; c < k; ++c) {
    double all = 0;
    for (std::size_t j = 0; j < d; ++j) all += counts[c * d + j] + alpha;
    if (!std::isfinite(all))
      throw FitError("naive_bayes",
                     fmt::format("the counts of class '{}' are too large to be summed", data.classes[c]));
    if (presence) all = rows[c] + 2 * alpha;
    for (std::size_t j = 0; j < d; ++j)
      counts[c * d + j] = std::log(counts[c * d + j] + alpha) - std::log(all);
  }
  log_probability_ = Tensor::take(std::move(counts)).reshape(Shape{num_outputs(), num_features()});
}

void NaiveBayesModel::prepare_terms() {
  const auto prior = log_prior_.data<double>();
  const auto d = static_cast<std::size_t>(num_features());
  start_.assign(prior.begin(), prior.end());
  slot_ = slots(gaussian_, d);
  if (!gaussian_.empty()) {
    const auto variance = variance_.data<double>();
    for (std::size_t i = 0; i < variance.size(); ++i)
      start_[i / gaussian_.size()] -= 0.5 * std::log(2 * std::numbers::pi * variance[i]);
  }
  if (distribution_ != FeatureDistribution::bernoulli && distribution_ != FeatureDistribution::mixed) return;
  const auto log_p = log_probability_.data<double>();
  log_odds_.assign(log_p.size(), 0.0);
  for (std::size_t i = 0; i < log_p.size(); ++i) {
    if (slot_[i % d] >= 0) continue;
    const double log_absent = std::log1p(-std::exp(log_p[i]));
    start_[i / d] += log_absent;
    log_odds_[i] = log_p[i] - log_absent;
  }
}

// values: of the gaussian features.
void NaiveBayesModel::add_gaussian(const double* values, std::span<double> joint) const {
  const auto mean = mean_.data<double>(), variance = variance_.data<double>();
  const std::size_t g = gaussian_.size();
  for (std::size_t c = 0; c < joint.size(); ++c) {
    double squares = 0;
    for (std::size_t j = 0; j < g; ++j) {
      const double away = values[j] - mean[c * g + j];
      squares += away * away / variance[c * g + j];
    }
    joint[c] -= 0.5 * squares;
  }
}

void NaiveBayesModel::add_count(std::size_t column, double value, std::span<double> joint) const {
  const auto d = static_cast<std::size_t>(num_features());
  if (distribution_ != FeatureDistribution::multinomial) {
    if (value > binarize_)
      for (std::size_t c = 0; c < joint.size(); ++c) joint[c] += log_odds_[c * d + column];
    return;
  }
  const auto log_p = log_probability_.data<double>();
  for (std::size_t c = 0; c < joint.size(); ++c) joint[c] += value * log_p[c * d + column];
}

void NaiveBayesModel::compute(const Matrix& x, std::span<double> outputs) const {
  const auto k = static_cast<std::size_t>(num_outputs());
  const auto prior = log_prior_.data<double>();
  const auto joint = [&](std::int64_t r) { return outputs.subspan(static_cast<std::size_t>(r) * k, k); };
  parallel_for(x.rows(), kTileRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) std::ranges::copy(start_, joint(r).begin());
    if (!counts_features()) {
      for_each_row(x, begin, end, [&](std::int64_t r, const double* row) { add_gaussian(row, joint(r)); });
    } else {
      for_each_nonzero(x, begin, end, [&](std::int64_t r, std::size_t j, double v) {
        if (slot_[j] < 0) add_count(j, v, joint(r));
      });
      const std::size_t g = gaussian_.size();
      std::vector<double> tile(static_cast<std::size_t>(end - begin) * g);
      if (g > 0) gather(x, begin, end, slot_, tile);
      for (std::int64_t r = begin; g > 0 && r < end; ++r)
        add_gaussian(tile.data() + static_cast<std::size_t>(r - begin) * g, joint(r));
    }
    for (std::int64_t r = begin; r < end; ++r) normalize(joint(r), prior);
  });
}

void NaiveBayesModel::visit_members(Visitor& v) {
  v.choice<FeatureDistribution>("distribution", distribution_, &name_of, &feature_distribution_from_name);
  v.value("binarize", binarize_);
  v.tensor("log_prior", log_prior_, DType::f64, Shape{num_outputs()});
  if (distribution_ == FeatureDistribution::mixed) v.value("gaussian_features", gaussian_);
  if (v.loading()) check_features();
  if (!gaussian_.empty()) {
    const Shape shape{num_outputs(), static_cast<std::int64_t>(gaussian_.size())};
    v.tensor("mean", mean_, DType::f64, shape);
    v.tensor("variance", variance_, DType::f64, shape);
  }
  if (counts_features())
    v.tensor("log_probability", log_probability_, DType::f64, Shape{num_outputs(), num_features()});
  if (!v.loading()) return;
  check_loaded();
  prepare_terms();
}

// The gaussian features of a model just read: all of them, none, or the ascending list that was stored.
void NaiveBayesModel::check_features() {
  if (distribution_ == FeatureDistribution::mixed) {
    const bool ascending = std::ranges::adjacent_find(gaussian_, std::greater_equal<>{}) == gaussian_.end();
    if (gaussian_.empty() || !ascending || gaussian_.front() < 0 || gaussian_.back() >= num_features())
      throw ModelFileError(
          "model", "naive_bayes: its list of gaussian features is not one of its features, ascending");
    return;
  }
  gaussian_.clear();
  if (counts_features()) return;
  gaussian_.resize(static_cast<std::size_t>(num_features()));
  std::iota(gaussian_.begin(), gaussian_.end(), 0);
}

void NaiveBayesModel::check_loaded() const {
  const auto all = [](const Tensor& t, auto fine) {
    return !t.defined() || std::ranges::all_of(t.data<double>(), fine);
  };
  const auto finite = [](double v) { return std::isfinite(v); };
  const auto log_share = [](double v) { return v <= 1e-6; };  // log 1, with room for rounding
  const auto prior = log_prior_.data<double>();
  const bool some_class = std::ranges::any_of(prior, finite);
  if (task() == Task::regression || !some_class || !all(log_prior_, log_share) || !(binarize_ >= 0) ||
      !all(mean_, finite) || !all(variance_, [](double v) { return std::isfinite(v) && v > 0; }) ||
      !all(log_probability_, log_share) || !all(log_probability_, finite))
    throw ModelFileError("model", "naive_bayes: it holds values that no training gives");
}

}  // namespace cairn
