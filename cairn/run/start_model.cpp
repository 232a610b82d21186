#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "cairn/model/archive.h"
#include "cairn/run/apply.h"
#include "cairn/run/start_model_internal.h"
#include "cairn/run/train_internal.h"
#include "cairn/tree/gradient_boosting.h"

namespace cairn {
namespace {

constexpr const char *kContinue = "--continue-from", *kRefit = "--refit-leaves";

std::string what_it_is(const PipelineModel& model) {
  return model.card().learner.empty() ? std::string(model.model().kind()) : model.card().learner;
}

// The learner that made the model; trees of another program are taken for those of boosting.
const LearnerEntry& entry_of(const StartModel& start, const Registry& registry) {
  const std::string name = what_it_is(*start.model);
  const auto own = std::ranges::find_if(registry.learners, [&](const auto& e) { return e.name == name; });
  const bool other_program = own == registry.learners.end() && start.model->card().params_json.empty() &&
                             dynamic_cast<const TreeModel*>(&start.model->model()) != nullptr;
  const LearnerEntry* entry = other_program                    ? &registry.learner(GradientBoosting::kName)
                              : own != registry.learners.end() ? &*own
                                                               : nullptr;
  if (entry && (start.refit ? entry->refits : entry->continues)) return *entry;
  std::vector<std::string> able;
  for (const LearnerEntry& e : registry.learners)
    if (start.refit ? e.refits : e.continues) able.emplace_back(e.name);
  throw UsageError(start.flag,
                   fmt::format("the model is one of {}, {}", name,
                               start.refit ? "which has no leaves to learn anew"
                                           : "which cannot go on from where it ended"),
                   fmt::format("Models of {} can.", fmt::join(able, ", ")));
}

// Flags that say what the model has settled.
void refuse_what_is_settled(const TrainOptions& o, const StartModel& start, const LearnerEntry& entry) {
  const ModelCard& card = start.model->card();
  const auto idle = [&](bool said, const char* flag) {
    if (said)
      throw UsageError(flag,
                       fmt::format("would do nothing: with {} the steps before the learner are those "
                                   "of the model",
                                   start.flag),
                       "Leave it out.");
  };
  idle(o.scale != "auto", "--scale");
  idle(o.missing != "auto" && o.missing != "drop", "--missing");
  idle(o.polynomial > 1, "--polynomial");
  idle(!o.prepare.empty() && o.prepare != card.prepare_json, "--prepare");
  const auto differs = [&](const std::string& said, const std::string& settled, const char* flag) {
    if (!said.empty() && !settled.empty() && said != settled)
      throw UsageError(flag, fmt::format("is {}; the model of {} has {}", said, start.flag, settled),
                       fmt::format("Leave out {}, or train from the beginning.", flag));
  };
  for (const std::string& learner : o.learner)
    differs(learner == "auto" ? "" : learner, entry.name, "--learner");
  differs(o.target, card.target, "--target");
  differs(o.task, name_of(start.model->task()), "--task");
  differs(o.event, card.event, "--event");
  differs(o.group, card.group, "--group");
}

// The value that was typed last for a parameter, as `name` or `learner.name`.
std::optional<std::string> said_of(const std::vector<std::string>& settings, const LearnerEntry& entry,
                                   const std::string& name) {
  std::optional<std::string> said;
  for (const std::string& text : settings)
    for (const std::string& key : {name, fmt::format("{}.{}", entry.name, name)})
      if (text.starts_with(key + "=")) said = text.substr(key.size() + 1);
  return said;
}

// The model's parameters become settings, but for those that were said otherwise; how many steps are to come
// is always said anew.
void take_parameters(TrainOptions& o, StartModel& start, const LearnerEntry& entry) {
  const auto learner = entry.make(), defaults = entry.make();
  if (const std::string& json = start.model->card().params_json; !json.empty())
    params_from_json(learner->params(), Json::parse(json));
  std::vector<std::string> taken;
  for (const Param& p : entry.params()) {
    const std::optional<std::string> said = said_of(o.set, entry, p.name);
    if (p.steps) {
      start.counts_steps = p.name;
      if (said) set_param(defaults->params(), p.name, *said);
      start.further = std::get<std::int64_t>(get_param(defaults->params(), p.name));
      continue;
    }
    const ParamValue value = get_param(learner->params(), p.name);
    if (value == get_param(defaults->params(), p.name) || said) continue;
    const auto take = [&](const std::string& text) {
      taken.push_back(fmt::format("{}.{}={}", entry.name, p.name, text));
    };
    if (const auto* list = std::get_if<std::vector<std::string>>(&value))
      for (const std::string& one : *list) take(one);
    else
      take(to_text(value));
  }
  o.set.insert(o.set.begin(), taken.begin(), taken.end());
  if (start.refit)
    start.further = 0;
  else if (start.further == 0)
    throw UsageError(start.flag, "how far to go on is not said",
                     fmt::format("Such as --set {}=50.", start.counts_steps));
}

}  // namespace

void StartModel::add_to(FitContext& context) const {
  context.start_model = model.get();
  context.refit = refit;
}

std::shared_ptr<StartModel> open_start(TrainOptions& o, const Registry& registry) {
  if (o.continue_from.empty() && o.refit_leaves.empty()) return nullptr;
  if (!o.continue_from.empty() && !o.refit_leaves.empty())
    throw UsageError(kRefit,
                     fmt::format("a model is either continued or its leaves are learned anew, and {} "
                                 "is given too",
                                 kContinue),
                     "Leave out one of them.");
  auto start = std::make_shared<StartModel>();
  start->refit = o.continue_from.empty();
  start->flag = start->refit ? kRefit : kContinue;
  start->model = open_model(start->refit ? o.refit_leaves : o.continue_from, registry);
  const PipelineModel& model = *start->model;
  const ModelCard& card = model.card();
  const LearnerEntry& entry = entry_of(*start, registry);
  if (!model.looks_back_on().empty())
    throw UsageError(start->flag,
                     fmt::format("the model predicts from earlier rows ({}), whose past is not "
                                 "kept",
                                 fmt::join(model.looks_back_on(), ", ")),
                     "Train it on all rows from the beginning.");
  refuse_what_is_settled(o, *start, entry);
  start->sha256 = sha256_hex(to_bytes(model));
  const auto* trees = dynamic_cast<const TreeModel*>(&model.model());
  start->steps = trees ? trees->rounds() : std::ssize(model.loss_history());
  take_parameters(o, *start, entry);
  o.learner = {entry.name};
  o.task = name_of(model.task());
  o.prepare = card.prepare_json;
  for (const auto& [said, settled] : {std::pair{&o.target, card.target},
                                      {&o.group, card.group},
                                      {&o.event, card.event},
                                      {&o.positive, card.positive}})
    if (said->empty()) *said = settled;
  return start;
}

void check_same_steps(const StartModel& start, const Pipeline& from_the_beginning) {
  std::vector<std::string> own, fresh;
  for (const auto& step : start.model->transforms()) own.emplace_back(step->kind());
  for (const auto& step : from_the_beginning.transforms()) fresh.emplace_back(step->name());
  const auto told = [](const std::vector<std::string>& steps) {
    return steps.empty() ? "none" : fmt::format("{}", fmt::join(steps, ", "));
  };
  if (start.saw_rows && own != fresh)
    throw UsageError(
        start.flag,
        fmt::format("the model has learned from these rows, so folds are fitted from the beginning; "
                    "its steps before the learner are {}, and would then be {}",
                    told(own), told(fresh)),
        "A model trained without --scale, --missing and --polynomial can be continued on its rows.");
}

std::string what_it_learned_from(const StartModel& start) {
  const std::string& told = start.model->card().trained_on;
  return told.empty() ? "rows it does not tell" : told;
}

void meet_rows(StartModel& start, PreparedData& data, const TrainOptions& o) {
  const ModelCard& card = start.model->card();
  const auto warn = [&](std::string message) {
    data.warnings.push_back({"start_model", "", std::move(message)});
  };
  if (!data.test_sha256.empty() && data.test_sha256 == card.data_sha256)
    throw UsageError(
        "--test",
        fmt::format("the model of {} has learned from {}, which these are", start.flag, card.trained_on),
        "Rows that judge must be new to it.");
  if (card.data_sha256 != data.sha256) {
    warn(
        fmt::format("The model of {} learned from {}. Where rows of that are among these, the figures here "
                    "are too good.",
                    start.flag, what_it_learned_from(start)));
    return;
  }
  if (start.refit)
    throw UsageError(start.flag,
                     fmt::format("the model has learned from {}, which these are", card.trained_on),
                     "It is for rows that are new to the model.");
  const bool dealt = data.test && o.test.empty() && data.test_rows_given == 0;
  if (dealt && card.trained_rows_sha256 != data.trained_rows_sha256)
    throw UsageError(
        start.flag,
        fmt::format("the model learned from {}, other rows than would be learned from here: some of those "
                    "kept back to judge on are known to it",
                    card.trained_on),
        fmt::format("Split as it was: its seed is {}, and --holdout, --split, --group and --time decide too. "
                    "Or judge by --test FILE.",
                    card.seed));
  for (const auto& step : start.model->transforms())
    if (step->tells_own_target())
      throw UsageError(start.flag,
                       fmt::format("the model has learned from these rows, and its step '{}' would now tell "
                                   "each its own target",
                                   step->kind()),
                       "Give rows that are new to it, or train from the beginning.");
  start.saw_rows = true;
  warn(
      fmt::format("The model of {} has learned from these rows. Figures of cross-validation are those of {} "
                  "{} from the beginning.",
                  start.flag, start.steps + start.further, start.counts_steps));
}

}  // namespace cairn
