#include "cairn/model/blend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/model/numeric.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostMembers = 64;
constexpr int kSweeps = 1000, kNewtonSteps = 50, kHalvings = 30;
constexpr double kSettled = 1e-9;

using Weights = std::vector<double>;

// Least of w' H w / 2 + c' w with w >= 0 and the sum of w as it comes: each step moves weight between two
// members to where the value along that line is least.
Weights simplex_minimum(const std::vector<double>& h, const std::vector<double>& c, Weights w) {
  const std::size_t k = w.size();
  const auto slope = [&](std::size_t a) {
    double sum = c[a];
    for (std::size_t b = 0; b < k; ++b) sum += h[a * k + b] * w[b];
    return sum;
  };
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double moved = 0;
    for (std::size_t a = 0; a < k; ++a)
      for (std::size_t b = 0; b < a; ++b) {
        const double curve = h[a * k + a] + h[b * k + b] - 2 * h[a * k + b];
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

// h += weight * v v'.
void add_square(std::vector<double>& h, std::span<const double> v, double weight) {
  for (std::size_t a = 0; a < v.size(); ++a)
    for (std::size_t b = 0; b < v.size(); ++b) h[a * v.size() + b] += weight * v[a] * v[b];
}

// The weights sum to one, so y - sum w f = sum w (y - f): the loss is w' H w with H the sums of products of
// errors.
Weights least_squares_weights(std::span<const std::vector<double>> said, std::span<const double> truth,
                              std::span<const double> row_weights) {
  const std::size_t k = said.size();
  std::vector<double> h(k * k), error(k);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    for (std::size_t a = 0; a < k; ++a) error[a] = truth[i] - said[a][i];
    add_square(h, error, row_weights.empty() ? 1 : row_weights[i]);
  }
  return simplex_minimum(h, Weights(k), Weights(k, 1.0 / static_cast<double>(k)));
}

// Newton's method where each step is the least of the quadratic on the simplex, halved until the loss falls.
Weights likelihood_weights(std::span<const std::vector<double>> said, std::span<const double> row_weights) {
  const std::size_t k = said.size(), n = said[0].size();
  const auto weight = [&](std::size_t i) { return row_weights.empty() ? 1 : row_weights[i]; };
  const auto mixed = [&](const Weights& w, std::size_t i) {
    double sum = kLeastProbability;
    for (std::size_t a = 0; a < k; ++a) sum += w[a] * said[a][i];
    return sum;
  };
  const auto loss = [&](const Weights& w) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum -= weight(i) * std::log(mixed(w, i));
    return sum;
  };
  Weights w(k, 1.0 / static_cast<double>(k)), next(k), ratio(k);
  double now = loss(w);
  for (int step = 0; step < kNewtonSteps; ++step) {
    std::vector<double> h(k * k);
    Weights c(k);
    for (std::size_t i = 0; i < n; ++i) {
      const double mix = mixed(w, i);
      for (std::size_t a = 0; a < k; ++a) {
        ratio[a] = said[a][i] / mix;
        c[a] -= weight(i) * ratio[a];
      }
      add_square(h, ratio, weight(i));
    }
    for (std::size_t a = 0; a < k; ++a)
      for (std::size_t b = 0; b < k; ++b) c[a] -= h[a * k + b] * w[b];
    const Weights aim = simplex_minimum(h, c, w);
    double share = 1, then = now;
    for (int half = 0; half < kHalvings; ++half, share /= 2) {
      for (std::size_t a = 0; a < k; ++a) next[a] = w[a] + share * (aim[a] - w[a]);
      then = loss(next);
      if (then < now) break;
    }
    if (!(then < now)) break;
    const bool settled = now - then < kSettled * std::abs(now);
    w = next;
    now = then;
    if (settled) break;
  }
  return w;
}

bool counts_from_intercept(const Model& model) { return model.explains_from() == ExplainsFrom::intercept; }

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
  if (is_classification(task())) return;
  for (const auto& m : members_)
    if (const Tensor& means = m->mean_contributions();
        means.defined() ? means.size(0) != 1 : counts_from_intercept(*m))
      throw ModelFileError("model",
                           "has a blend without what the contributions of a member are counted from");
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

std::vector<std::string> BlendModel::looks_back_on() const {
  std::vector<std::string> names;
  for (const auto& m : members_) add_names(names, m->looks_back_on());
  return names;
}

bool BlendModel::looks_at_past_of(const std::string& column) const {
  return std::ranges::any_of(members_, [&](const auto& m) { return m->looks_at_past_of(column); });
}

ExplainsFrom BlendModel::explains_from() const {
  const bool all = std::ranges::all_of(members_, [](const auto& m) {
    return !m->target_transform() &&
           (m->explains_from() == ExplainsFrom::mean || m->mean_contributions().defined());
  });
  return all && !is_classification(task()) ? ExplainsFrom::mean : ExplainsFrom::nothing;
}

template <class Of>
Contributions BlendModel::weighted_sum(const Table& table, const ColumnShares& shares, Of&& of_member) const {
  const auto c = static_cast<std::size_t>(shares.num_columns);
  Contributions sum{.outputs = {""}, .columns = {}, .base = {0}, .parts = {}};
  sum.parts.resize(static_cast<std::size_t>(table.num_rows()) * c);
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const Contributions one = of_member(*members_[m]);
    CAIRN_ASSERT(one.parts.size() == sum.parts.size());
    sum.base[0] += weights_[m] * one.base[0];
    for (std::size_t i = 0; i < sum.parts.size(); ++i) sum.parts[i] += weights_[m] * one.parts[i];
  }
  return sum;
}

Contributions BlendModel::contributions(const Table& table, const ColumnShares& shares) const {
  return weighted_sum(table, shares,
                      [&](const PipelineModel& member) { return cairn::contributions(member, table); });
}

Contributions BlendModel::contributions_against(const Table& table, const Table& background,
                                                const ColumnShares& shares) const {
  return weighted_sum(table, shares, [&](const PipelineModel& member) {
    return cairn::contributions_against(member, table, background);
  });
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
    if (counts_from_intercept(one) && !is_classification(data.task()))
      one.set_mean_contributions(mean_contributions_of_sample(one, data));
  }
  return std::make_unique<BlendModel>(std::move(fitted), weights_, names_);
}

std::vector<std::string> Blend::looks_back_on(const Dataset& data) const {
  std::vector<std::string> names;
  for (const auto& m : members_) add_names(names, m->looks_back_on(data));
  return names;
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
