#include "cairn/optim/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cairn/base/error.h"

namespace cairn {

std::span<const ScheduleEntry> schedules() {
  static constexpr ScheduleEntry kEntries[] = {
      {"constant", "1", ""},
      {"step", "factor to the power of the changes so far, one every `every` units", "factor, every"},
      {"exponential", "factor to the power of t", "factor"},
      {"inverse_time", "1 / (1 + decay k), k the changes so far, one every `every` units", "decay, every"},
      {"linear", "from 1 to `last` in a straight line", "total, last"},
      {"cosine", "from 1 to `last` along half a cosine (Loshchilov, Hutter: SGDR; 2017)", "total, last"},
      {"one_cycle", "up from 1/25 to 1, then down to 1/250000 (Smith: Super-convergence; 2018)",
       "total, rise"},
      {"plateau", "times factor when more than `patience` epochs in a row brought no gain of `threshold`",
       "factor, patience, threshold, lowest", true}};
  return kEntries;
}

namespace {

ParamRule any_kind() {
  ParamRule rule;
  for (const ScheduleEntry& e : schedules())
    if (!e.by_loss) rule.choices.emplace_back(e.name);
  return rule;
}

}  // namespace

const ParamList& ScheduleParams::list() {
  using P = ScheduleParams;
  static const ParamList l{
      param<&P::kind>("kind", "how the learning rate goes on", any_kind()),
      param<&P::total>("total", "units until the end: linear, cosine, one_cycle", at_least(0),
                       {"T_max", "total_steps"}),
      param<&P::warm_up>("warm_up", "units in which it rises linearly at first", at_least(0),
                         {"warmup_steps"}),
      param<&P::every>("every", "units between two changes: step, inverse_time", at_least(1),
                       {"step_size", "time_interval"}),
      param<&P::factor>("factor", "of each change: step, exponential", above_to(0, 1), {"gamma"}),
      param<&P::decay>("decay", "of inverse_time", at_least(0), {"decay_rate"}),
      param<&P::last>("last", "share that is left at the end: linear, cosine", between(0, 1), {"eta_min"}),
      param<&P::rise>("rise", "share of one_cycle in which it rises", between(0, 1), {"pct_start"}),
      param<&P::unit>("unit", "what is counted", one_of("step", "epoch")),
  };
  return l;
}

Schedule::Schedule(ScheduleParams params) : params_(std::move(params)) {
  validate({"schedule", &params_, &ScheduleParams::list()});
  const bool needs_total =
      params_.kind == "linear" || params_.kind == "cosine" || params_.kind == "one_cycle";
  if (needs_total && params_.total <= params_.warm_up)
    throw ParamError("schedule",
                     fmt::format("{} over total = {} with warm_up = {} has no room", params_.kind,
                                 params_.total, params_.warm_up),
                     "total is the number of steps or epochs until the end.");
}

namespace {

double cosine_between(double from, double to, double share) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * share));
}

double one_cycle(double t, double total, double rise) {
  constexpr double kFirst = 1.0 / 25, kLast = kFirst / 1e4;
  const double top = rise * total - 1, end = total - 1;
  if (t <= top) return cosine_between(kFirst, 1, top > 0 ? t / top : 1);
  return cosine_between(1, kLast, end > top ? (t - top) / (end - top) : 1);
}

}  // namespace

double Schedule::factor(std::int64_t t) const {
  const ScheduleParams& p = params_;
  if (t < p.warm_up) return static_cast<double>(t + 1) / static_cast<double>(p.warm_up);
  t -= p.warm_up;
  const auto total = static_cast<double>(p.total - p.warm_up);
  const std::int64_t whole_periods = t / p.every;
  const auto now = static_cast<double>(t), changes = static_cast<double>(whole_periods);
  const double share = total > 1 ? std::min(1.0, now / (total - 1)) : 1;
  if (p.kind == "step") return std::pow(p.factor, changes);
  if (p.kind == "exponential") return std::pow(p.factor, now);
  if (p.kind == "inverse_time") return 1 / (1 + p.decay * changes);
  if (p.kind == "linear") return 1 + (p.last - 1) * share;
  if (p.kind == "cosine") return cosine_between(1, p.last, share);
  if (p.kind == "one_cycle") return one_cycle(std::min(now, total - 1), total, p.rise);
  return 1;
}

const ParamList& PlateauParams::list() {
  using P = PlateauParams;
  static const ParamList l{
      param<&P::factor>("factor", "of each change",
                        ParamRule{.low = 0, .high = 1, .low_open = true, .high_open = true}),
      param<&P::patience>("patience", "values without gain that are borne", at_least(0)),
      param<&P::threshold>("threshold", "a smaller gain counts as none", at_least(0), {"min_delta"}),
      param<&P::lowest>("lowest", "learning rate that is not gone below", at_least(0), {"min_lr"}),
  };
  return l;
}

Plateau::Plateau(PlateauParams params) : params_(params) {
  validate({"plateau", &params_, &PlateauParams::list()});
}

double Plateau::next_rate(double value, double rate) {
  if (!any_ || value < best_ - params_.threshold) {
    best_ = value;
    any_ = true;
    without_gain_ = 0;
    return rate;
  }
  if (++without_gain_ <= params_.patience) return rate;
  without_gain_ = 0;
  return std::max(params_.lowest, rate * params_.factor);
}

void Plateau::visit(Visitor& v) {
  v.value("best", best_);
  v.value("any", any_);
  v.value("without_gain", without_gain_);
  if (v.loading())
    check_counter(without_gain_, fmt::format("its plateau has lasted {} values", without_gain_));
}

}  // namespace cairn
