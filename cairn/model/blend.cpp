#include "cairn/model/blend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/model/contributions.h"
#include "cairn/model/numeric.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostMembers = 64;
constexpr double kLeastProbability = 1e-15;  // as the metric log_loss cuts it
constexpr int kSteps = 200;
constexpr double kSettled = 1e-4;  // weights are told to three decimals at most

// E[m] sum to one, so y - sum w f = sum w (y - f): the loss is w' G w with G the means of products of errors.
// Each step moves weight between two members to where the loss along that line is least.
std::vector<double> least_squares_weights(std::span<const std::vector<double>> said,
                                          std::span<const double> truth,
                                          std::span<const double> row_weights) {
  const std::size_t k = said.size(), n = truth.size();
  std::vector<double> g(k * k), w(k, 1.0 / static_cast<double>(k));
  for (std::size_t i = 0; i < n; ++i) {
    const double weight = row_weights.empty() ? 1 : row_weights[i];
    for (std::size_t a = 0; a < k; ++a)
      for (std::size_t b = 0; b <= a; ++b)
        g[a * k + b] += weight * (truth[i] - said[a][i]) * (truth[i] - said[b][i]);
  }
  for (std::size_t a = 0; a < k; ++a)
    for (std::size_t b = 0; b < a; ++b) g[b * k + a] = g[a * k + b];
  const auto slope = [&](std::size_t a) {
    double sum = 0;
    for (std::size_t b = 0; b < k; ++b) sum += g[a * k + b] * w[b];
    return sum;
  };
  for (int step = 0; step < kSteps; ++step) {
    double moved = 0;
    for (std::size_t a = 0; a < k; ++a)
      for (std::size_t b = 0; b < a; ++b) {
        const double curve = g[a * k + a] + g[b * k + b] - 2 * g[a * k + b];
        if (!(curve > 0)) continue;
        const double t = std::clamp((slope(b) - slope(a)) / curve, -w[a], w[b]);
        w[a] += t;
        w[b] -= t;
        moved = std::max(moved, std::abs(t));
      }
    if (moved < kSettled) break;
  }
  return w;
}

// Expectation-maximisation of the weights of a mixture: each step raises the likelihood and keeps the weights
// where they may be (Dempster, Laird and Rubin 1977).
std::vector<double> likelihood_weights(std::span<const std::vector<double>> said,
                                       std::span<const double> row_weights) {
  const std::size_t k = said.size(), n = said[0].size();
  std::vector<double> w(k, 1.0 / static_cast<double>(k)), next(k);
  for (int step = 0; step < kSteps; ++step) {
    std::ranges::fill(next, 0.0);
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double weight = row_weights.empty() ? 1 : row_weights[i];
      double mixed = kLeastProbability;
      for (std::size_t a = 0; a < k; ++a) mixed += w[a] * said[a][i];
      for (std::size_t a = 0; a < k; ++a) next[a] += weight * w[a] * (said[a][i] + kLeastProbability) / mixed;
      total += weight;
    }
    double moved = 0;
    const double sum = std::accumulate(next.begin(), next.end(), 0.0);
    for (std::size_t a = 0; a < k; ++a) {
      moved = std::max(moved, std::abs(next[a] / sum - w[a]));
      w[a] = next[a] / sum;
    }
    if (!(total > 0) || moved < kSettled) break;
  }
  return w;
}

}  // namespace

std::vector<double> blend_weights(std::span<const std::vector<double>> said, std::span<const double> truth,
                                  std::span<const double> row_weights) {
  CAIRN_ASSERT(!said.empty());
  return truth.empty() ? likelihood_weights(said, row_weights)
                       : least_squares_weights(said, truth, row_weights);
}

BlendModel::BlendModel(std::vector<std::unique_ptr<PipelineModel>> members, std::vector<double> weights,
                       std::vector<std::string> names)
    : members_(std::move(members)), weights_(std::move(weights)), names_(std::move(names)) {
  check();
}

void BlendModel::check() const {
  if (members_.empty() || members_.size() != weights_.size() || members_.size() != names_.size())
    throw ModelFileError("model", fmt::format("blends {} models with {} weights and {} names",
                                              members_.size(), weights_.size(), names_.size()));
  double sum = 0;
  for (const double w : weights_) {
    if (!(w >= 0 && w <= 1)) throw ModelFileError("model", fmt::format("has a weight of {} in its blend", w));
    sum += w;
  }
  if (!(std::abs(sum - 1) < 1e-9))
    throw ModelFileError("model", fmt::format("has a blend whose weights sum to {}", sum));
  for (const auto& m : members_)
    if (m->task() != task() || m->classes() != classes())
      throw ModelFileError("model", "blends models of different tasks or classes");
}

Table BlendModel::predict(const Table& table) const {
  const std::size_t k = is_classification(task()) ? classes().size() : 1;
  std::vector<double> mixed(static_cast<std::size_t>(table.num_rows()) * k);
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const Table said = members_[m]->predict(table);
    for (std::size_t o = 0; o < k; ++o) {
      const Tensor numbers =
          said.column(is_classification(task()) ? "p_" + classes()[o] : "prediction").numbers();
      const auto values = numbers.data<double>();
      for (std::size_t r = 0; r < values.size(); ++r) mixed[r * k + o] += weights_[m] * values[r];
    }
  }
  return prediction_table(task(), classes(), std::move(mixed));
}

void BlendModel::visit(Visitor& v) {
  v.value("weights", weights_);
  v.value("names", names_);
  auto count = std::ssize(members_);
  v.value("count", count);
  if (v.loading()) {
    if (count < 1 || count > kMostMembers)
      throw ModelFileError("model", fmt::format("claims to blend {} models", count));
    members_.clear();
  }
  for (std::int64_t i = 0; i < count; ++i) {
    v.enter(fmt::format("member.{}", i));
    if (v.loading()) {
      // A blend in a blend is never written; a file that nests them without end is refused here.
      std::string kind;
      v.enter("model");
      v.value("kind", kind);
      v.leave();
      if (kind == kKind) throw ModelFileError("model", "holds a blend in a blend");
      members_.push_back(std::make_unique<PipelineModel>());
      members_.back()->set_registry(registry_);
    }
    members_[static_cast<std::size_t>(i)]->visit(v);
    v.leave();
  }
  if (v.loading()) check();
}

std::vector<std::string> BlendModel::notes() const {
  std::vector<std::string> notes;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    notes.push_back(fmt::format("{:.3f} of the prediction is {}'s", weights_[m], names_[m]));
    for (const std::string& note : members_[m]->notes())
      notes.push_back(fmt::format("{}: {}", names_[m], note));
  }
  return notes;
}

ExplainsFrom BlendModel::explains_from() const {
  const bool all = std::ranges::all_of(members_, [](const auto& m) {
    return m->explains_from() == ExplainsFrom::mean || m->mean_contributions().defined();
  });
  return all && !is_classification(task()) ? ExplainsFrom::mean : ExplainsFrom::nothing;
}

Contributions BlendModel::contributions(const Table& table, const ColumnShares& shares) const {
  const auto c = static_cast<std::size_t>(shares.num_columns);
  Contributions sum{.outputs = {""}, .columns = {}, .base = {0}, .parts = {}};
  sum.parts.resize(static_cast<std::size_t>(table.num_rows()) * c);
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const Contributions one = cairn::contributions(*members_[m], table);
    CAIRN_ASSERT(one.parts.size() == sum.parts.size());
    sum.base[0] += weights_[m] * one.base[0];
    for (std::size_t i = 0; i < sum.parts.size(); ++i) sum.parts[i] += weights_[m] * one.parts[i];
  }
  return sum;
}

const ParamList& BlendParams::list() {
  static const ParamList l{param<&BlendParams::members>("members", "what is blended, each with its weight")};
  return l;
}

Blend::Blend(std::vector<std::shared_ptr<const Pipeline>> members, std::vector<double> weights,
             std::vector<std::string> names)
    : members_(std::move(members)), weights_(std::move(weights)), names_(std::move(names)) {
  for (std::size_t m = 0; m < names_.size(); ++m)
    params_.members.push_back(fmt::format("{:.3f} {}", weights_[m], names_[m]));
}

std::unique_ptr<Model> Blend::fit(const Dataset& data, const FitContext& context) const {
  std::vector<std::unique_ptr<PipelineModel>> fitted;
  for (const auto& member : members_) {
    context.stop.throw_if_requested("training");
    auto model = member->fit(data, context);
    fitted.emplace_back(dynamic_cast<PipelineModel*>(model.release()));
    PipelineModel& one = *fitted.back();
    if (one.explains_from() == ExplainsFrom::intercept)
      one.set_mean_contributions(mean_contributions_of_sample(one, data));
  }
  return std::make_unique<BlendModel>(std::move(fitted), weights_, names_);
}

const LearnerEntry& blend_entry() {
  static const LearnerEntry entry = [] {
    LearnerEntry e{};
    e.name = Blend::kName;
    e.doc = "The weighted mean of several learners' predictions.";
    e.regression = e.binary = e.multiclass = true;
    e.params = &BlendParams::list;
    e.model_kind = BlendModel::kKind.data();
    e.example_regression = e.example_classification = "";
    e.auto_settings = nullptr;
    return e;
  }();
  return entry;
}

}  // namespace cairn
