#include "cairn/run/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/run/quantities.h"
#include "cairn/run/train_internal.h"
#include "cairn/run/trial_file.h"

namespace cairn {

const ParamList& TuneFlags::list() {
  using T = TuneFlags;
  static const ParamList l{
      param<&T::method>("method",
                        "grid: every combination; random: draws; halving: many short trials, of which a "
                        "third goes on each time with three times as much",
                        one_of("random", "grid", "halving")),
      param<&T::trials>("trials",
                        "draws, or most points of a grid; 0: 30 draws, 27 of halving, 5 points a range of a "
                        "grid",
                        between(0, 1e6)),
      param<&T::space>("space",
                       "what to search instead of all that the learner declares: name, name=lo..hi[:log] or "
                       "name=a,b,c; may stand several times"),
      param<&T::budget>("budget",
                        "halving: short trials have fewer rows or fewer steps (epochs, rounds); auto: steps "
                        "where the learner has them",
                        one_of("auto", "rows", "steps")),
      param<&T::all_trials>("all_trials",
                            "go on where the next trials may be expected to bring less than the noise"),
  };
  return l;
}

namespace {

ParamsView view(const TuneFlags& f) { return {"tune", const_cast<TuneFlags*>(&f), &TuneFlags::list()}; }

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json space_to_json(const SearchSpace& space) {
  Json list = Json::array();
  for (const SearchAxis& axis : space) {
    Json json{{"name", axis.name}, {"range", axis.range.text()}};
    if (axis.range.values.empty()) {
      json["low"] = axis.range.low;
      json["high"] = axis.range.high;
      json["scale"] = name_of(axis.range.scale);
    } else {
      json["values"] = axis.range.values;
    }
    list.push_back(std::move(json));
  }
  return list;
}

Json trials_to_json(const Tuning& tuning) {
  Json list = Json::array();
  for (std::size_t i = 0; i < tuning.trials.size(); ++i) {
    const Trial& t = tuning.trials[i];
    Json settings = Json::object();
    for (const auto& [name, value] : t.settings) settings[name] = value;
    const double half = 1.96 * t.standard_error;
    Json json{{"number", t.number},           {"settings", settings},          {"metric", number(t.mean)},
              {"low", number(t.mean - half)}, {"high", number(t.mean + half)}, {"share", t.share},
              {"chosen", i == tuning.best},   {"seconds", t.seconds}};
    if (t.repeat > 0) json["repeat"] = t.repeat;
    if (!t.failure.empty()) json["note"] = t.failure;
    list.push_back(std::move(json));
  }
  return list;
}

class TuneStep final : public SettleStep {
 public:
  TuneStep(const TuneRequest& request, const Registry& registry, const RunContext& context)
      : request_(request), registry_(registry), context_(context) {}
  const char* verb() const override { return "tune"; }
  Json config() const override {
    Json json = params_to_json(view(request_.tune));
    json["set"] = request_.train.set;  // what the person fixed; train's own list has the winner's too
    json["time_limit"] = request_.train.time_limit;
    return json;
  }
  TrainOptions settle(const PreparedData& data, const std::string& folder, FoldMemory* memory) override;
  void add_to(Json& result) const override;

 private:
  void check_values(const LearnerEntry& entry, const SelectionOptions& selection, const Dataset& train) const;
  const TuneRequest& request_;
  const Registry& registry_;
  const RunContext& context_;
  Tuning tuning_;
  SearchSpace space_;
};

// Values that change what is predicted cannot be compared with the others.
void TuneStep::check_values(const LearnerEntry& entry, const SelectionOptions& selection,
                            const Dataset& train) const {
  const auto predicts = [&](const Settings& settings) {
    return configured(entry, settings, train, registry_, selection.pipeline)->predicts();
  };
  const Predicts as_set = predicts(selection.settings);
  for (const SearchAxis& axis : space_)
    for (const std::string& value : axis.range.values) {
      Settings settings = selection.settings;
      settings.emplace_back(axis.name, value);
      if (predicts(settings) != as_set)
        throw UsageError(
            "--space " + axis.name,
            fmt::format("{}={} predicts something else than the other trials, which no metric compares",
                        axis.name, value),
            "Leave it out, or set it for all with --set.");
    }
}

TrainOptions TuneStep::settle(const PreparedData& data, const std::string& folder, FoldMemory* memory) {
  const TrainOptions& o = request_.train;
  const TuneFlags& flags = request_.tune;
  SelectionOptions selection = prepare_selection(o, data, registry_);
  const LearnerEntry& entry = *chosen_entries(registry_, selection, *data.train).at(0);
  check_settings(selection.settings, {&entry}, registry_);
  space_ = search_space(entry, registry_, selection.settings, flags.space);
  check_values(entry, selection, *data.train);
  selection.memory = memory;
  TuneOptions options{.method = flags.method == "grid"      ? TuneMethod::grid
                                : flags.method == "halving" ? TuneMethod::halving
                                                            : TuneMethod::random,
                      .trials = flags.trials,
                      .space = space_,
                      .budget = flags.budget,
                      .all_trials = flags.all_trials,
                      .time_limit = selection.time_limit};
  Json key = config();
  key.erase("time_limit");  // it may be another when a search is taken up again
  key["learner"] = entry.name;
  key["set"] = selection.settings;  // a network that stands in a file is what the file says
  TrialFile journal(folder + "/trials.jsonl", selection.data_key + key.dump());
  if (journal.size() > 0 && context_.progress)
    context_.progress->remark(fmt::format("{} trials are kept in {}", journal.size(), folder));
  tuning_ = cairn::tune(
      *data.train, data.dev ? &*data.dev : nullptr, entry, registry_, selection, options, &journal,
      {.seed = static_cast<std::uint64_t>(o.seed), .stop = context_.stop, .progress = context_.progress});
  TrainOptions chosen = o;
  chosen.time_limit = "none";  // it was the search's
  for (const auto& [name, value] : tuning_.trials[tuning_.best].settings)
    chosen.set.push_back(fmt::format("{}={}", name, value));
  return chosen;
}

void TuneStep::add_to(Json& result) const {
  const Trial& best = tuning_.trials[tuning_.best];
  const TuneOutlook& outlook = tuning_.outlook;
  Json json{{"method", request_.tune.method},
            {"learner", request_.train.learner.at(0)},
            {"space", space_to_json(space_)},
            {"trials", trials_to_json(tuning_)},
            {"asked", tuning_.asked},
            {"rows", tuning_.rows},
            {"judged_by", tuning_.judged_by},
            {"stopped", tuning_.stopped},
            {"settings", to_text(best.settings)},
            {"best", number(best.mean)},
            {"defaults", number(tuning_.trials[0].mean)},
            {"gain",
             {{"value", number(tuning_.gain.value)},
              {"low", number(tuning_.gain.low)},
              {"high", number(tuning_.gain.high)}}},
            {"corrected", number(tuning_.corrected)},
            {"optimism", number(tuning_.optimism)}};
  if (!tuning_.budget.empty()) json["budget"] = tuning_.budget;
  if (outlook.seeds > 0)
    json["outlook"] = {{"after", outlook.after},
                       {"gain", number(outlook.gain)},
                       {"noise", number(outlook.noise)},
                       {"seeds", outlook.seeds}};
  result["tuning"] = std::move(json);
  if (!tuning_.cut_short) return;
  result["deterministic"] = false;
  result["warnings"].push_back(
      {{"code", "time_limit"}, {"message", fmt::format("Tuning: {}.", tuning_.stopped)}});
}

}  // namespace

Json to_json(const TuneRequest& request) {
  Json config = to_json(request.train);
  config["tune"] = params_to_json(view(request.tune));
  return config;
}

TuneRequest tune_request_from_json(const Json& config) {
  TuneRequest request{.train = train_options_from_json(config), .tune = {}};
  if (!config.contains("tune") || !config["tune"].is_object())
    throw UsageError("--config", "is not of a run of cairn tune: tune is missing",
                     "cairn train --config repeats a training.");
  Json tune = config["tune"];
  if (tune.contains("set")) {
    if (!tune["set"].is_array() ||
        !std::ranges::all_of(tune["set"], [](const Json& text) { return text.is_string(); }))
      throw UsageError("--config", fmt::format("tune.set is {}; it is a list of texts", tune["set"].dump()),
                       "Such as [\"alpha=10\"].");
    request.train.set = tune["set"].get<std::vector<std::string>>();
    tune.erase("set");
  }
  if (tune.contains("time_limit")) {
    request.train.time_limit = tune["time_limit"].is_string() ? tune["time_limit"].get<std::string>() : "";
    tune.erase("time_limit");
  }
  params_from_json(view(request.tune), tune);
  return request;
}

TuneRequest overlaid(TuneRequest base, const TuneRequest& said) {
  base.train = overlaid(std::move(base.train), said.train);
  const TuneFlags defaults;
  for (const Param& p : TuneFlags::list())
    if (const ParamValue value = p.get(&said.tune); value != p.get(&defaults)) p.set(&base.tune, value);
  return base;
}

TrainOutcome tune(const TuneRequest& request, const Registry& registry, const RunContext& context) {
  validate(view(request.tune));
  const auto& learners = request.train.learner;
  if (learners.size() != 1 || learners[0] == "auto")
    throw UsageError("--learner",
                     learners.empty() ? "tune needs to know which learner"
                                      : "tune looks for the settings of one learner at a time",
                     "Such as --learner gradient_boosting; cairn list learners shows them.");
  if (request.tune.budget != "auto" && request.tune.method != "halving")
    throw UsageError("--budget", fmt::format("is for --method halving, not {}", request.tune.method));
  TuneStep step(request, registry, context);
  return train_settled(request.train, registry, context, &step);
}

}  // namespace cairn
