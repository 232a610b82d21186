#include "cairn/run/train.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/hash.h"
#include "cairn/base/isa.h"
#include "cairn/base/parallel.h"
#include "cairn/base/version.h"
#include "cairn/model/archive.h"
#include "cairn/model/contributions.h"
#include "cairn/report/report.h"
#include "cairn/run/fold_memory.h"
#include "cairn/run/measure.h"
#include "cairn/run/quantities.h"
#include "cairn/run/train_internal.h"

namespace cairn {
namespace {

std::optional<double> parse_human_error(const std::string& text) {
  if (text.empty()) return std::nullopt;
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end || !(value >= 0))
    throw UsageError("--human-error", fmt::format("'{}' is not an error of at least 0", text),
                     "Such as --human-error 0.02.");
  return value;
}

ModelCard card_of(const TrainOptions& o, const PreparedData& data, const FittedRun& run, const Json& result) {
  ModelCard card{.task = result["task"],
                 .target = data.target,
                 .classes = data.train->classes(),
                 .learner = result["learner"],
                 .params_json = result["params"].dump(),
                 .data_sha256 = data.sha256,
                 .trained_on = data.trained_on,
                 .trained_rows_sha256 = data.trained_rows_sha256,
                 .metrics_json = result["metrics"].dump(),
                 .library_version = version(),
                 .seed = o.seed,
                 .num_rows = data.num_train_rows()};
  if (run.on_test.predicts == Predicts::rank_score) card.group = data.train->roles().group;
  card.event = o.event;
  if (!run.model->looks_back_on().empty()) card.time = o.time;
  card.prepare_json = o.prepare;
  card.pipeline = run.model->described_steps();
  if (result.contains("inference")) {
    Json inference = result["inference"];  // what speaks of single rows stays in the report
    for (const char* of_rows : {"plots", "influence"}) inference.erase(of_rows);
    card.inference_json = inference.dump();
  }
  if (result["positive"].is_string()) card.positive = result["positive"];
  if (!run.selection.note.empty()) card.notes = run.selection.note + ". ";
  if (data.start)
    card.notes += fmt::format("{} a model that learned from {}. ",
                              data.start->refit ? "Leaves learned anew of" : "Continued from",
                              what_it_learned_from(*data.start));
  for (const Json& c : result["intervals"].is_object() ? result["intervals"]["coverage"] : Json::array())
    if (c["asked"] == 0.9 && c["held"].is_number())
      card.notes += fmt::format("--interval 0.9 held the truth for {:.1f} % of {} held-out rows. ",
                                100 * c["held"].get<double>(), c["n"].get<std::int64_t>());
  return card;
}

// The time of one named learner is used up: probes that fit it again have none.
bool single_limit_bit(const FittedRun& run) {
  return run.cut_short && run.selection_options.learners.size() == 1;
}

// After measuring: the same pipeline on every row. What was measured stays in the report, and the card says
// so.
void refit_on_all(const PreparedData& data, FittedRun& run, const FitContext& context) {
  auto fitted = final_pipeline(run, data)->fit(*data.all, context);
  ConformalScores scores = run.model->conformal();
  CvPlus folds = run.model->take_cv_plus();
  Calibration calibration = run.model->calibration();
  run.model.reset(dynamic_cast<PipelineModel*>(fitted.release()));
  run.model->set_conformal(std::move(scores));
  run.model->set_cv_plus(std::move(folds));
  run.model->set_calibration(std::move(calibration));
  if (run.model->explains_from() == ExplainsFrom::intercept)
    run.model->set_mean_contributions(mean_contributions_of_sample(*run.model, *data.all));
  const auto positive = static_cast<std::size_t>(data.all->positive());
  if (run.threshold >= 0) run.model->set_threshold(run.threshold, data.all->classes()[positive]);
}

// The command, resolved, and what it met: enough to repeat it and to see why a repetition differs.
Json config_of(const TrainOptions& o, const PreparedData& data, const SettleStep* step) {
  Json config = to_json(o);
  if (step) config[step->verb()] = step->config();
  config["made_with"] = {
      {"cairn", version()}, {"build", build()}, {"isa", instruction_set()}, {"data_sha256", data.sha256}};
  if (!data.test_sha256.empty()) config["made_with"]["test_sha256"] = data.test_sha256;
  if (!data.dev_sha256.empty()) config["made_with"]["dev_sha256"] = data.dev_sha256;
  return config;
}

std::string quoted(const std::string& word) {
  const bool plain =
      !word.empty() &&
      word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,-+@%") ==
          std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

void add_files(Json& result, const RunFolder& folder, const TrainOptions& o, const PreparedData& data,
               const std::string& model_bytes) {
  result["run"] = folder.path();
  result["model"] = folder.file("model.cairn");
  result["report"] = folder.file("report.html");
  result["model_sha256"] = sha256_hex(model_bytes);
  result["model_bytes"] = model_bytes.size();
  const std::string model = quoted(folder.file("model.cairn"));
  const std::string rows = o.test.empty() ? data.pictures ? "PICTURES" : "NEW.csv" : quoted(o.test);
  result["commands"] = {
      {"repeat", fmt::format("cairn train --config {}", quoted(folder.file("config.json")))},
      {"predict", fmt::format("cairn predict {} {} --out predictions.csv", model, rows)},
      {"evaluate", fmt::format("cairn evaluate {} {}", model, rows)},
      {"explain", fmt::format("cairn explain {} {} --row 1", model, rows)}};
  // The doctor names the flags; here they become a command that works when pasted.
  for (const char* list : {"next", "not_worth"})
    for (Json& advice : result[list])
      if (advice.contains("command"))
        advice["command"] = fmt::format("cairn train --config {} {}", quoted(folder.file("config.json")),
                                        advice["command"].get<std::string>());
}

// Everything after the folder is there: a stop from here on can be taken up again.
TrainOutcome fill_folder(const TrainOptions& asked, SettleStep* step, const PreparedData& data,
                         std::optional<double> human, const Registry& registry, const RunContext& context,
                         RunFolder& folder, Json seconds, Stopwatch& watch) {
  if (context.resumed) folder.event({{"phase", "resumed"}});
  folder.event(
      {{"phase", "read"}, {"rows", data.rows}, {"columns", data.columns}, {"seconds", seconds["read"]}});
  FoldFiles measured(folder.path());
  TrainOptions o = asked;
  if (step) {
    o = step->settle(data, folder.path(), &measured);
    write_file(folder.file("config.json"), config_of(o, data, step).dump(2) + "\n");
    seconds[step->verb()] = watch.lap();
  }
  FittedRun run = fit_run(o, data, registry, context, folder, &measured, seconds, watch);
  for (const Candidate& c : run.selection.candidates)
    folder.event({{"phase", "candidate"},
                  {"learner", c.learner},
                  {"settings", c.settings},
                  {run.metric->name, std::isfinite(c.mean) ? Json(c.mean) : Json(nullptr)},
                  {"seconds", c.seconds}});

  Storage::release_unused();
  const Judged* held_out = data.test ? &run.on_test : nullptr;
  const bool probe = !o.no_doctor && !data.start && !single_limit_bit(run) &&
                     !run.selection.candidates[0].entry->takes_minutes();
  const Diagnosis diagnosis = diagnose(
      {.train = &*data.train,
       .registry = &registry,
       .selection = &run.selection,
       .metric = run.metric,
       .on_train = &run.on_train,
       .on_dev = data.dev ? &run.on_dev : nullptr,
       .on_test = held_out,
       .human_error = human,
       .warnings = data.warnings,
       .options = run.selection_options,
       .probe = probe},
      {.seed = static_cast<std::uint64_t>(o.seed), .stop = context.stop, .progress = context.progress});
  Storage::release_unused();
  seconds["diagnose"] = watch.lap();
  Json result = describe_run(o, data, run, diagnosis, context);
  if (probe)
    add_split_checks(result, o, data, run, registry,
                     {.seed = static_cast<std::uint64_t>(o.seed), .stop = context.stop});
  if (step) step->add_to(result);
  seconds["measure"] = watch.lap();
  ModelCard card = card_of(o, data, run, result);
  if (o.refit_all && data.all) {
    FitContext refit{.seed = static_cast<std::uint64_t>(o.seed),
                     .stop = context.stop,
                     .progress = context.progress,
                     .log = [&](const Json& e) { folder.event(e); },
                     .folder = folder.path(),
                     .event_files = o.tensorboard};
    if (data.start) data.start->add_to(refit);
    card.trained_on = fmt::format("all {} rows of {}", data.all->num_rows(), data.name);
    card.trained_rows_sha256.clear();
    refit_on_all(data, run,
                 refit.named(fmt::format("{} refit", run.selection.candidates[0].pipeline->name())));
    card.notes +=
        "Refitted on all rows after measuring; the figures are those of the model that was measured before. ";
  }
  run.model->set_card(std::move(card));
  const std::string bytes = to_bytes(*run.model);
  add_files(result, folder, o, data, bytes);
  if (step)
    result["commands"][step->verb()] =
        fmt::format("cairn {} --config {}", step->verb(), quoted(folder.file("config.json")));
  write_file(folder.file("model.cairn"), bytes);

  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  result["peak_memory_bytes"] = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
  result["threads"] = num_threads();
  for (std::size_t i = 0; i < run.selection.candidates.size(); ++i)
    result["candidates"][i]["seconds"] = run.selection.candidates[i].seconds;
  seconds["total"] = watch.total();
  result["seconds"] = std::move(seconds);
  write_file(folder.file("report.html"), report_html(result));
  write_file(folder.file("result.json"), result.dump(2) + "\n");
  folder.event({{"phase", "done"}, {"seconds", result["seconds"]["total"]}});
  folder.finish();
  measured.clear();
  folder.remove("checkpoints");

  TrainOutcome outcome{.model = std::move(run.model)};
  if (result.contains("requirements"))
    for (const Json& r : result["requirements"])
      if (!r["met"].get<bool>())
        outcome.bars_not_met.push_back(
            fmt::format("{} (it is {})", r["expression"].get<std::string>(), r["value"].dump()));
  outcome.result = std::make_shared<const Json>(std::move(result));
  return outcome;
}

}  // namespace

TrainOutcome train_settled(const TrainOptions& given, const Registry& registry, const RunContext& context,
                           SettleStep* step) {
  TrainOptions o = given;
  o.prepare = prepare_text(given.prepare, registry);  // config.json holds what the file said
  const std::shared_ptr<StartModel> start = open_start(o, registry);
  if (start && step)
    throw UsageError(start->flag,
                     fmt::format("{} looks for settings of a training from the beginning", step->verb()),
                     "cairn train takes it.");
  validate({"train", &o, &TrainOptions::list()});
  const auto human = parse_human_error(o.human_error);
  if (!o.time_limit.empty()) parse_seconds("--time-limit", o.time_limit);  // a typing error is told at once
  Stopwatch watch;
  Json seconds = Json::object();
  PreparedData data = prepare_data(o, registry, context, start.get());
  if (start) meet_rows(*start, data, o);
  data.start = start;
  seconds["read"] = watch.lap();

  RunFolder folder(o.out, data.name, o.overwrite, context.resumed);
  write_file(folder.file("config.json"), config_of(o, data, step).dump(2) + "\n");
  try {
    return fill_folder(o, step, data, human, registry, context, folder, std::move(seconds), watch);
  } catch (const Interrupted&) {
    const char* verb = step ? step->verb() : "train";
    throw Interrupted(verb,
                      fmt::format("stopped; what was asked for and measured is kept in {}", folder.path()),
                      fmt::format("Finish it with: cairn {} --resume {}", verb, quoted(folder.path())));
  }
}

TrainOutcome train(const TrainOptions& options, const Registry& registry, const RunContext& context) {
  return train_settled(options, registry, context, nullptr);
}

}  // namespace cairn
