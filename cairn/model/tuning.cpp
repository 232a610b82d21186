#include "cairn/model/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "cairn/base/random.h"

namespace cairn {
namespace {

constexpr std::int64_t kRandomTrials = 30, kHalvingTrials = 27, kGridPoints = 5, kMostInGrid = 1000;
constexpr std::int64_t kBeforeOutlook = 12, kBetweenOutlooks = 4;  // draws
constexpr std::int64_t kNoiseSeeds = 5, kDevParts = 5;
constexpr std::int64_t kThird = 3;  // halving keeps one of so many, and gives it so many times the budget
constexpr std::int64_t kLeastRows = 200, kLeastSteps = 3;
constexpr int kAttempts = 200;  // of a draw to be a new one

using Clock = std::chrono::steady_clock;

double mean_of(const std::vector<double>& values) {
  return values.empty()
             ? std::nan("")
             : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

const Param* steps_of(const LearnerEntry& entry) {
  for (const Param& p : entry.params())
    if (p.steps) return &p;
  return nullptr;
}

// The budgets of successive halving: a third of the trials goes on, with three times as much.
struct Ladder {
  std::string steps;  // the parameter that counts them; "": the budget is rows
  std::int64_t full = 0;
  int rungs = 0;  // above the first
  double share(int rung) const {
    return rung == rungs ? 1 : std::pow(static_cast<double>(kThird), rung - rungs);
  }
  Settings more(int rung) const {
    if (steps.empty() || rung == rungs) return {};
    return {{steps, std::to_string(std::llround(share(rung) * static_cast<double>(full)))}};
  }
};

// Parts of the rows that judge, dealt out at random: neither time nor groups tear them from what learned.
// Where the order within groups is judged, groups stay whole.
std::vector<Split> parts_of(const Dataset& dev, const Metric& metric, std::uint64_t seed) {
  Roles roles = dev.roles();
  roles.time.clear();
  std::int64_t units = dev.num_rows();
  if (metric.judges == Judges::order) {
    const auto groups = dev.groups();
    units = std::ssize(std::set(groups.begin(), groups.end()));
  } else {
    roles.group.clear();
  }
  if (units < 2) return {};
  return k_fold(dev.with_roles(std::move(roles)), static_cast<int>(std::min(kDevParts, units)), seed, 0,
                Copies::apart);
}

class Search {
 public:
  Search(const Dataset& train, const Dataset* dev, const LearnerEntry& entry, const Registry& registry,
         const SelectionOptions& selection, const TuneOptions& options, TrialJournal* journal,
         const FitContext& context)
      : dev_(dev),
        entry_(entry),
        registry_(registry),
        selection_(selection),
        options_(options),
        journal_(journal),
        context_(context),
        rows_(selection_rows(train, selection)) {
    if (dev) dev_parts_ = parts_of(*dev, *selection.metric, selection.seed);
  }

  Tuning run() {
    tuning_.rows = rows_.data.num_rows();
    tuning_.judged_by = dev_                     ? fmt::format("{} dev rows", dev_->num_rows())
                        : entry_.takes_minutes() ? fmt::format("one of {} folds", rows_.folds)
                                                 : fmt::format("{}-fold cross-validation", rows_.folds);
    if (options_.method == TuneMethod::halving)
      halve();
    else
      draw_all();
    if (context_.progress) context_.progress->end();
    finish();
    return std::move(tuning_);
  }

 private:
  const Metric& metric() const { return *selection_.metric; }
  double sign() const { return metric().higher_is_better ? 1 : -1; }
  double score(const Trial& t) const { return std::isnan(t.mean) ? -INFINITY : sign() * t.mean; }
  std::int64_t rows_of_a_fit() const {
    return dev_ ? rows_.data.num_rows() : rows_.data.num_rows() * (rows_.folds - 1) / rows_.folds;
  }
  double seconds_left() const {
    return options_.time_limit - used_ - std::chrono::duration<double>(Clock::now() - start_).count();
  }

  void draw_all();
  void halve();
  Ladder ladder() const;
  void say_why();
  void finish();
  bool enough(std::int64_t drawn, double share, const Settings& more);
  bool make(Trial trial, const Settings& more);
  Trial measured(Trial trial, const Settings& more, const FitContext& context) const;
  void judge_on_dev(Trial& trial, const Pipeline& pipeline, std::int64_t rows, std::uint64_t seed,
                    const FitContext& context) const;
  std::optional<Settings> draw(std::int64_t number);
  std::vector<Settings> grid() const;
  std::string used_up() const;
  void told(const Trial& trial) const;

  const Dataset* dev_;
  const LearnerEntry& entry_;
  const Registry& registry_;
  SelectionOptions selection_;
  const TuneOptions& options_;
  TrialJournal* journal_;
  const FitContext& context_;
  SelectionRows rows_;
  std::vector<Split> dev_parts_;
  Tuning tuning_;
  std::set<Settings> tried_;
  double used_ = 0;  // seconds of trials that the journal brought
  Clock::time_point start_ = Clock::now();
};

// The metric on fixed parts of the rows that judge, so that trials can be compared in pairs.
void Search::judge_on_dev(Trial& trial, const Pipeline& pipeline, std::int64_t rows, std::uint64_t seed,
                          const FitContext& context) const {
  FitContext inner = context;
  inner.seed = seed;
  const Dataset train = rows > 0 ? sample_rows(rows_.data, rows, seed) : rows_.data;
  const Judged judged = judge(*pipeline.fit(train, inner), *dev_);
  trial.mean = metric().compute(judged.view()).value_or(std::nan(""));
  trial.standard_error = std::nan("");
  for (const Split& part : dev_parts_)
    trial.parts.push_back(metric().compute(judged.select(part.test).view()).value_or(std::nan("")));
  if (const auto estimate = cairn::estimate(metric(), judged.view(), selection_.seed))
    trial.standard_error = (estimate->high - estimate->low) / (2 * 1.96);
}

Trial Search::measured(Trial trial, const Settings& more, const FitContext& context) const {
  SelectionOptions selection = selection_;
  if (trial.repeat > 0)
    selection.seed = derive_seed(selection_.seed, "tune again", static_cast<std::uint64_t>(trial.repeat));
  Settings settings = trial.settings;
  settings.insert(settings.end(), more.begin(), more.end());
  const bool of_rows = options_.method == TuneMethod::halving && more.empty() && trial.share < 1;
  const auto rows =
      of_rows ? static_cast<std::int64_t>(std::llround(trial.share * static_cast<double>(rows_of_a_fit())))
              : 0;
  const auto start = Clock::now();
  if (dev_) {
    Settings whole = selection.settings;
    whole.insert(whole.end(), settings.begin(), settings.end());
    const auto pipeline = configured(entry_, whole, rows_.data, registry_, selection.pipeline);
    try {
      judge_on_dev(trial, *pipeline, rows, selection.seed, context);
    } catch (const Error& e) {
      if (ends_the_run(e)) throw;
      trial.failure = e.what();
      trial.mean = trial.standard_error = std::nan("");
    }
  } else {
    const Candidate c =
        measure_candidate(entry_, settings, rows_.data, registry_, selection,
                          {.folds = rows_.folds, .train_rows = rows, .must_work = false}, context);
    for (const FoldResult& f : c.cross_validation.folds) trial.parts.push_back(f.value);
    trial.mean = c.mean;
    trial.standard_error = c.standard_error;
    trial.failure = c.failure;
  }
  trial.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return trial;
}

// False when the time limit came before its end: half a measurement is none.
bool Search::make(Trial trial, const Settings& more) {
  context_.stop.throw_if_requested("tuning");
  if (journal_ && journal_->recall(trial)) {
    used_ += trial.seconds;
    if (context_.progress && trial.repeat == 0) context_.progress->advance(1);
    tuning_.trials.push_back(std::move(trial));
    return true;
  }
  FitContext inner = context_;
  inner.progress = nullptr;  // fits would begin bars of their own
  const bool limited = options_.time_limit > 0 && !tuning_.trials.empty();  // the first is always made
  const double left = limited ? seconds_left() : 0;
  if (limited && left <= 0) {
    tuning_.cut_short = true;
    return false;
  }
  if (limited) inner.stop = context_.stop.within(left, left);
  trial = measured(std::move(trial), more, inner);
  if (limited && (inner.stop.requested() || inner.stop.limit_changed_something())) {
    context_.stop.throw_if_requested("tuning");
    tuning_.cut_short = true;
    return false;
  }
  if (journal_) journal_->keep(trial);
  told(trial);
  tuning_.trials.push_back(std::move(trial));
  return true;
}

void Search::told(const Trial& trial) const {
  if (!context_.progress) return;
  context_.progress->remark(fmt::format("{}{}{}: {} {:.5g}", entry_.name, trial.settings.empty() ? "" : " ",
                                        to_text(trial.settings), metric().name, trial.mean));
  if (trial.repeat == 0) context_.progress->advance(1);
}

std::string Search::used_up() const {
  double combinations = 1;
  for (const SearchAxis& axis : options_.space) combinations *= num_values(axis);
  const auto tried = static_cast<double>(tried_.size());
  return tried == combinations ? fmt::format("all {} combinations were tried", tried_.size())
                               : fmt::format("no new combination came in {} draws; {} {} tried", kAttempts,
                                             tried_.size(), tried_.size() == 1 ? "was" : "were");
}

// A draw that has not been made yet; nothing when the space has been seen whole.
std::optional<Settings> Search::draw(std::int64_t number) {
  Random random(selection_.seed, "tune", static_cast<std::uint64_t>(number));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Settings settings;
    for (const SearchAxis& axis : options_.space)
      settings.emplace_back(axis.name, value_at(axis, random.uniform()));
    if (tried_.insert(settings).second) return settings;
  }
  return std::nullopt;
}

// Every combination, in a drawn order: what has been seen after any number of them is a fair sample.
std::vector<Settings> Search::grid() const {
  const auto product = [&](std::int64_t points) {
    double n = 1;
    for (const SearchAxis& axis : options_.space) n *= static_cast<double>(grid_of(axis, points).size());
    return n;
  };
  std::int64_t points = kGridPoints;
  if (options_.trials > 0)
    for (points = 1; points < options_.trials && product(points + 1) <= static_cast<double>(options_.trials);)
      ++points;
  const double n = product(points);
  const double most =
      options_.trials > 0 ? static_cast<double>(options_.trials) : static_cast<double>(kMostInGrid);
  if (n > most || points < 2)
    throw UsageError(
        "--method grid",
        fmt::format("{} parameters have {:.0f} combinations at {} points a range; at most {:.0f} are tried",
                    options_.space.size(), n > most ? n : product(2), n > most ? points : 2, most),
        "Narrow it with --space NAME=LOW..HIGH, raise --trials, or take --method random.");
  std::vector<Settings> all{{}};
  for (const SearchAxis& axis : options_.space) {
    std::vector<Settings> longer;
    for (const Settings& s : all)
      for (const std::string& value : grid_of(axis, points)) {
        longer.push_back(s);
        longer.back().emplace_back(axis.name, value);
      }
    all = std::move(longer);
  }
  Random(selection_.seed, "tune grid").shuffle(std::span(all));
  return all;
}

// Whether n more draws may be expected to bring less than the noise. Settings beyond the first seeds are
// measured once, when it first matters.
bool Search::enough(std::int64_t drawn, double share, const Settings& more) {
  if (drawn < kBeforeOutlook || (drawn % kBetweenOutlooks != 0 && drawn != tuning_.asked)) return false;
  std::vector<double> scores;
  double floor = -INFINITY;  // what there was without a search
  const Trial* best = nullptr;
  for (const Trial& t : tuning_.trials) {
    if (t.repeat > 0 || t.share != share) continue;
    if (t.number == 0)
      floor = score(t);
    else
      scores.push_back(score(t));
    if (!best || score(t) > score(*best)) best = &t;
  }
  if (!best || std::isnan(best->mean)) return false;
  const double worst =
      *std::ranges::min_element(scores, {}, [](double s) { return std::isinf(s) ? INFINITY : s; });
  for (double& s : scores) s = std::max({s, floor, worst});  // a failed trial gains nothing
  TuneOutlook& outlook = tuning_.outlook;
  outlook.after = drawn;
  outlook.gain = expected_best(scores, drawn) - expected_best(scores, drawn / 2);
  if (outlook.seeds == 0) {
    std::vector<double> again{best->mean};
    Trial repeat = *best;
    for (repeat.repeat = 1; repeat.repeat < kNoiseSeeds; ++repeat.repeat) {
      Trial fresh{.number = repeat.number,
                  .rung = repeat.rung,
                  .repeat = repeat.repeat,
                  .share = repeat.share,
                  .settings = repeat.settings};
      if (!make(std::move(fresh), more)) return true;  // the time is up
      if (!std::isnan(tuning_.trials.back().mean)) again.push_back(tuning_.trials.back().mean);
    }
    const double mean = mean_of(again);
    double squares = 0;
    for (const double v : again) squares += (v - mean) * (v - mean);
    outlook.seeds = std::ssize(again);
    outlook.noise =
        again.size() > 1 ? std::sqrt(squares / static_cast<double>(again.size() - 1)) : std::nan("");
  }
  if (options_.all_trials || !(outlook.gain < outlook.noise) || drawn == tuning_.asked) return false;
  tuning_.stopped = fmt::format(
      "stopped after {} of {} trials: {} more may be expected to better {} by {:.2g}, less than the {:.2g} "
      "by which the same settings differ from seed to seed",
      drawn, tuning_.asked, drawn, metric().name, outlook.gain, outlook.noise);
  return true;
}

void Search::draw_all() {
  const bool on_grid = options_.method == TuneMethod::grid;
  const std::vector<Settings> points = on_grid ? grid() : std::vector<Settings>{};
  tuning_.asked = on_grid ? std::ssize(points) : options_.trials > 0 ? options_.trials : kRandomTrials;
  if (context_.progress) context_.progress->begin("tuning", tuning_.asked + 1);
  if (!make({.number = 0}, {})) return;
  for (std::int64_t i = 1; i <= tuning_.asked; ++i) {
    const std::optional<Settings> settings = on_grid ? points[static_cast<std::size_t>(i - 1)] : draw(i);
    if (!settings) {
      tuning_.stopped = used_up();
      return;
    }
    if (!make({.number = i, .settings = *settings}, {})) return;
    if (enough(i, 1, {})) return;
  }
  tuning_.stopped = fmt::format("all {} trials were made", tuning_.asked);
}

// What a full budget is, steps as they are set or the rows of a fit, and how often it can be cut to a third.
Ladder Search::ladder() const {
  const Param* steps = steps_of(entry_);
  std::int64_t full_steps = 0;
  if (steps) {
    const auto as_set = configured(entry_, selection_.settings, rows_.data, registry_, selection_.pipeline);
    full_steps = std::get<std::int64_t>(get_param(as_set->params(), steps->name));
    for (const SearchAxis& axis : options_.space)
      if (axis.name == steps->name) full_steps = 0;  // it is searched itself
  }
  const bool by_steps = options_.budget != "rows" && full_steps > 0;
  if (options_.budget == "steps" && !by_steps)
    throw UsageError("--budget steps",
                     steps
                         ? fmt::format("{}.{} is searched, or left to the learner", entry_.name, steps->name)
                         : fmt::format("{} has no parameter that counts steps", entry_.name),
                     "--budget rows gives less promising trials fewer rows.");
  const std::int64_t full = by_steps ? full_steps : rows_of_a_fit(),
                     least = by_steps ? kLeastSteps : kLeastRows;
  Ladder ladder{.steps = by_steps ? steps->name : "", .full = full};
  for (std::int64_t left = full / kThird, trials = tuning_.asked; left >= least && trials >= kThird;
       left /= kThird, trials /= kThird)
    ++ladder.rungs;
  if (ladder.rungs == 0)
    throw UsageError(
        "--method halving",
        fmt::format("{} trials with {} {} each leave nothing to halve: a third of them is fewer than {}",
                    tuning_.asked, full, by_steps ? steps->name : "rows", least),
        "--method random gives every trial all of it.");
  return ladder;
}

void Search::halve() {
  tuning_.asked = options_.trials > 0 ? options_.trials : kHalvingTrials;
  const Ladder ladder = this->ladder();
  tuning_.budget = ladder.steps.empty() ? "rows" : ladder.steps;
  std::int64_t trials = tuning_.asked + 1;
  for (std::int64_t rung = 0, left = tuning_.asked; rung < ladder.rungs; ++rung)
    trials += left = (left + kThird - 1) / kThird;
  if (context_.progress) context_.progress->begin("tuning", trials);
  if (!make({.rung = ladder.rungs}, {})) return;
  std::vector<Trial> here;
  for (std::int64_t i = 1; i <= tuning_.asked; ++i) {
    const std::optional<Settings> settings = draw(i);
    if (!settings) {
      tuning_.stopped = used_up();
      break;
    }
    if (!make({.number = i, .share = ladder.share(0), .settings = *settings}, ladder.more(0))) return;
    here.push_back(tuning_.trials.back());
    if (enough(i, ladder.share(0), ladder.more(0))) break;
  }
  for (int rung = 1; rung <= ladder.rungs; ++rung) {
    std::ranges::stable_sort(here, [&](const Trial& a, const Trial& b) { return score(a) > score(b); });
    here.resize(static_cast<std::size_t>((std::ssize(here) + kThird - 1) / kThird));
    std::vector<Trial> next;
    for (const Trial& t : here) {
      if (!make({.number = t.number, .rung = rung, .share = ladder.share(rung), .settings = t.settings},
                ladder.more(rung)))
        return;
      next.push_back(tuning_.trials.back());
    }
    here = std::move(next);
  }
  if (tuning_.stopped.empty()) tuning_.stopped = fmt::format("all {} trials were made", tuning_.asked);
}

// Why it ended, in words and numbers.
void Search::say_why() {
  const TuneOutlook& o = tuning_.outlook;
  if (tuning_.cut_short) {
    const auto made = std::ranges::count_if(
        tuning_.trials, [](const Trial& t) { return t.number > 0 && t.repeat == 0 && t.rung == 0; });
    tuning_.stopped =
        fmt::format("the time limit of {:g} s ended it after {} of {} trials; another run may make others",
                    options_.time_limit, made, tuning_.asked);
  } else if (o.seeds > 0 && !tuning_.stopped.starts_with("stopped")) {
    tuning_.stopped += fmt::format(
        "; {} more may be expected to better {} by {:.2g}, and the same settings differ by {:.2g} from seed "
        "to seed",
        o.after, metric().name, o.gain, o.noise);
  }
}

void Search::finish() {
  const auto finished = [](const Trial& t) { return t.share == 1 && t.repeat == 0; };
  for (std::size_t i = 1; i < tuning_.trials.size(); ++i)
    if (finished(tuning_.trials[i]) && score(tuning_.trials[i]) > score(tuning_.trials[tuning_.best]))
      tuning_.best = i;
  const Trial& best = tuning_.trials[tuning_.best];
  if (std::isnan(best.mean))
    throw FitError("tune", fmt::format("no trial could be fitted; the first said: {}",
                                       best.failure.empty() ? fmt::format("{} is undefined", metric().name)
                                                            : best.failure));
  say_why();
  const auto as_folds = [&](const Trial& t) {
    CrossValidation cv;
    for (const double v : t.parts)
      cv.folds.push_back({.value = as_error(metric(), v), .rows = {}, .judged = {}});
    return cv;
  };
  tuning_.gain = paired_difference(as_folds(best), as_folds(tuning_.trials[0]), 0.95);
  std::vector<std::vector<double>> parts;
  for (const Trial& t : tuning_.trials)
    if (finished(t) && t.parts.size() == best.parts.size()) {
      parts.emplace_back();
      for (const double v : t.parts) parts.back().push_back(sign() * v);
    }
  const double without = score_without_peeking(parts);
  tuning_.corrected = sign() * without;
  tuning_.optimism = mean_of(best.parts) * sign() - without;
}

}  // namespace

Tuning tune(const Dataset& train, const Dataset* dev, const LearnerEntry& entry, const Registry& registry,
            const SelectionOptions& selection, const TuneOptions& options, TrialJournal* journal,
            const FitContext& context) {
  CAIRN_ASSERT(!options.space.empty());
  Search search(train, dev, entry, registry, selection, options, journal, context);
  return search.run();
}

}  // namespace cairn
