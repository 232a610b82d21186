#include "cairn/doctor/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace cairn {
namespace {

constexpr double kConfidence = 0.8;
constexpr std::int64_t kProbeNumbers = 2'000'000;  // of a wider probe, on small data
constexpr std::int64_t kProbeRows = 20'000;        // a probe compares settings; more rows only slow it
constexpr std::int64_t kWidestPolynomial = 60;     // features; their products are at most about 1900 columns
constexpr double kFactor = 10;                     // the step of a probe of flexibility

// Everything a probe compares with: the shipped learner on the probe's own rows and folds.
struct Probing {
  const DiagnosisInput& in;
  const FitContext& context;
  Dataset data;
  CrossValidation shipped;
};

std::string on_same_folds(const Probing& p, double other, double shipped) {
  return fmt::format("on the same {} folds {} is {:.4g} instead of {:.4g}", p.in.selection->folds,
                     p.in.metric->name, other, shipped);
}

double improvement(const Metric& metric, double change) { return metric.higher_is_better ? change : -change; }

Advice advice_from(const Probing& p, const CrossValidation& other, std::string action, std::string evidence,
                   std::string cost, std::string command) {
  const PairedDifference d = paired_difference(p.shipped, other, kConfidence);
  Advice a{.action = std::move(action),
           .evidence = std::move(evidence),
           .cost = std::move(cost),
           .change = d.value,
           .low = d.low,
           .high = d.high,
           .measured = true,
           .command = std::move(command)};
  const Metric& m = *p.in.metric;
  // Worth proposing: better on average, and the interval does not allow an equal loss.
  const double gain = improvement(m, d.value),
               worst = std::min(improvement(m, d.low), improvement(m, d.high));
  a.better = gain > 0 && worst > -gain;
  return a;
}

void file_advice(Diagnosis& diagnosis, Advice a) {
  (a.better ? diagnosis.next : diagnosis.not_worth).push_back(std::move(a));
}

CrossValidation measure(const Probing& p, const Learner& learner, const Dataset& data) {
  return cross_validate(learner, data, *p.in.metric,
                        {.folds = p.in.selection->folds, .seed = p.in.options.seed},
                        {.stop = p.context.stop});
}

void probe_rows(const Probing& p, Diagnosis& diagnosis) {
  LearningCurve curve = learning_curve(p.in, p.data, p.context);
  if (curve.points.empty()) {
    diagnosis.could_not_examine.push_back(
        {"more rows", "an eighth of the data is too little to train on", ""});
    return;
  }
  const Metric& m = *p.in.metric;
  const double now = curve.points.back().error.value;
  const Estimate& twice = curve.forecast[0].error;
  const double sign =
      as_error(m, 1.0) < as_error(m, 0.0) ? -1 : 1;  // an error that falls is a score that grows
  Advice a{.action = "Collect more rows of the same kind",
           .cost = fmt::format("{} more rows", p.in.train->num_rows()),
           .change = sign * (twice.value - now),
           .measured = true};
  a.low = sign * (twice.low - now);
  a.high = sign * (twice.high - now);
  if (a.low > a.high) std::swap(a.low, a.high);
  a.evidence = fmt::format(
      "learning curve: error {:.4g} at {} rows, {:.4g} at {}; the fitted curve levels off at {:.4g}",
      curve.points[0].error.value, curve.points[0].rows, now, curve.points.back().rows, curve.a);
  constexpr double kNoticeable =
      0.01;  // a forecast drop below 1 % of the error is not worth a person's collecting
  a.better = now - twice.value > kNoticeable * now && now - twice.high > 0;
  file_advice(diagnosis, std::move(a));
  diagnosis.learning_curve = std::move(curve);
}

void probe_flexibility(const Probing& p, Diagnosis& diagnosis) {
  const Candidate& shipped = p.in.selection->single();
  const LearnerEntry& entry = *shipped.entry;
  if (entry.flexibility[0] == '\0') {
    diagnosis.could_not_examine.push_back(
        {"flexibility", fmt::format("{} has no parameter for it", entry.name), ""});
    return;
  }
  const ParamsView params = shipped.pipeline->params();
  const auto param = std::ranges::find(*params.list, entry.flexibility, &Param::name);
  CAIRN_ASSERT(param != params.list->end());
  const ParamValue value = get_param(params, entry.flexibility);
  for (const bool more : {true, false}) {
    const bool up = more == entry.flexibility_grows;
    std::string text;
    if (const auto* number = std::get_if<double>(&value))
      text = to_text(up ? *number * kFactor : *number / kFactor);
    else {
      const auto whole = std::get<std::int64_t>(value);
      text = to_text(up ? whole * 2 : std::max<std::int64_t>(1, whole / 2));
      if (text == to_text(value)) continue;
    }
    const auto changed = shipped.pipeline->clone();
    try {
      set_param(changed->params(), entry.flexibility, text);
    } catch (const ParamError&) {
      continue;  // the edge of the parameter's range
    }
    const CrossValidation other = measure(p, *changed, p.data);
    file_advice(
        diagnosis,
        advice_from(p, other,
                    fmt::format("{} flexibility: {} = {}", more ? "More" : "Less", entry.flexibility, text),
                    on_same_folds(p, other.mean(), p.shipped.mean()), "one more fit",
                    fmt::format("--learner {} --set {}={}", entry.name, entry.flexibility, text)));
  }
}

void probe_features(const Probing& p, Diagnosis& diagnosis) {
  const Candidate& shipped = p.in.selection->single();
  std::int64_t numbers = 0;
  const Table features = p.data.features();
  for (const Column& c : features.columns())
    numbers += c.kind() == ColumnKind::number || c.kind() == ColumnKind::integer;
  if (p.in.options.pipeline.polynomial > 1 || numbers < 2) return;
  if (const auto& by_hand = p.in.options.pipeline.by_hand) {
    if (!by_hand->rest) return;  // nothing is added to the steps
    for (const auto& step : by_hand->steps)
      if (step->name() == "polynomial" || step->name() == "interactions")
        return;  // products are there already
  }
  if (numbers > kWidestPolynomial) {
    diagnosis.could_not_examine.push_back({"products of features",
                                           fmt::format("{} number columns make too many", numbers),
                                           "--polynomial 2 tries it all the same"});
    return;
  }
  // The products take no more memory than half the training rows do, or little.
  const std::int64_t products = numbers * (numbers + 3) / 2;
  const std::int64_t room = std::max(kProbeNumbers, p.in.train->num_rows() * numbers / 2);
  Probing q = p;
  if (p.data.num_rows() * products > room) {
    q.data = sample_rows(p.data, room / products, p.in.options.seed);
    q.shipped = measure(q, *shipped.pipeline, q.data);
  }
  PipelineOptions wider = p.in.options.pipeline;
  wider.polynomial = 2;
  Settings settings = p.in.options.settings;
  const auto changed = configured(*shipped.entry, settings, q.data, *p.in.registry, wider);
  params_from_json(changed->params(), params_to_json(shipped.pipeline->params()));
  const CrossValidation other = measure(q, *changed, q.data);
  file_advice(diagnosis, advice_from(q, other, "Better features: squares and products of the number columns",
                                     on_same_folds(q, other.mean(), q.shipped.mean()), "one more fit",
                                     fmt::format("--learner {} --polynomial 2", shipped.entry->name)));
}

// The best other learner that the selection has already measured costs nothing to report.
void compare_families(const Probing& p, Diagnosis& diagnosis) {
  const auto& candidates = p.in.selection->candidates;
  const auto other = std::ranges::find_if(candidates, [&](const Candidate& c) {
    return c.learner != candidates[0].learner && c.entry->make && c.failure.empty() && !std::isnan(c.mean);
  });
  if (other == candidates.end()) {
    diagnosis.could_not_examine.push_back(
        {"another learner", "this run tried one only", "--learner auto compares them"});
    return;
  }
  const PairedDifference d =
      paired_difference(candidates[0].cross_validation, other->cross_validation, kConfidence);
  Advice a{.action = fmt::format("Another learner: {}{}{}", other->learner,
                                 other->settings.empty() ? "" : " with ", other->settings),
           .evidence = on_same_folds(p, other->mean, candidates[0].mean),
           .cost = "one more fit",
           .change = d.value,
           .low = d.low,
           .high = d.high,
           .measured = true,
           .command = fmt::format("--learner {}", other->learner)};
  diagnosis.not_worth.push_back(std::move(a));  // the selection chose the better one
}

// The shipped learner with its settings, prepared for data that lack a column.
std::unique_ptr<Pipeline> prepared_again(const Probing& p, const Dataset& data) {
  const Candidate& shipped = p.in.selection->single();
  PipelineOptions options = p.in.options.pipeline;
  options.kinds_after_hand.reset();  // they are of the data with the column
  auto pipeline = configured(*shipped.entry, p.in.options.settings, data, *p.in.registry, options);
  params_from_json(pipeline->params(), params_to_json(shipped.pipeline->params()));
  return pipeline;
}

// Without a suspected column the estimate falls; what it falls to is the honest one.
void probe_leaks(const Probing& p, Diagnosis& diagnosis) {
  constexpr int kMost = 2;
  int probed = 0;
  for (const Warning& w : p.in.warnings) {
    if (w.code != "leak_suspect" || !p.data.table().find(w.column) || probed++ == kMost) continue;
    const std::vector<std::string> column{w.column};
    const Dataset without = p.data.with_features(p.data.features().without(column));
    CrossValidation other;
    try {
      other = measure(p, *prepared_again(p, without), without);
    } catch (const UsageError&) {  // a step that was written by hand names the column
      diagnosis.could_not_examine.push_back({fmt::format("what '{}' gives away", w.column),
                                             "the preparation names the column", "leave it out there"});
      continue;
    } catch (const DataError& e) {  // too little is left for a step or for the learner
      diagnosis.could_not_examine.push_back(
          {fmt::format("what '{}' gives away", w.column),
           fmt::format("without it the learner cannot be fitted: {}", e.what()), ""});
      continue;
    }
    Advice a = advice_from(
        p, other,
        fmt::format("Find out whether '{}' is known before the prediction is needed; if not, leave it out",
                    w.column),
        fmt::format(
            "alone it almost tells the target; without it {} is {:.4g} instead of {:.4g}: the honest figure",
            p.in.metric->name, other.mean(), p.shipped.mean()),
        "a person's minute", fmt::format("--ignore '{}'", w.column));
    diagnosis.next.insert(diagnosis.next.begin(), std::move(a));
  }
}

}  // namespace

Diagnosis diagnose(const DiagnosisInput& in, const FitContext& context) {
  Diagnosis diagnosis;
  diagnosis.ledger = error_ledger(in);
  if (!in.human_error)
    diagnosis.could_not_examine.push_back({"avoidable bias", "no human or target level is known",
                                           "let two people label the same 200 rows, or state --human-error"});
  if (!in.probe) return diagnosis;
  Probing p{in, context, sample_rows(*in.train, kProbeRows, in.options.seed), {}};
  if (in.selection->blend.shipped)
    diagnosis.ledger_notes.push_back(
        fmt::format("What the probes tried was tried on {}, the best single learner of the blend.",
                    in.selection->single().learner));
  const bool same_rows = p.data.num_rows() == in.selection->rows;
  p.shipped = same_rows ? in.selection->single().cross_validation
                        : measure(p, *in.selection->single().pipeline, p.data);
  probe_rows(p, diagnosis);
  probe_flexibility(p, diagnosis);
  probe_features(p, diagnosis);
  compare_families(p, diagnosis);
  std::ranges::stable_sort(diagnosis.next, [&](const Advice& a, const Advice& b) {
    return improvement(*in.metric, a.change) > improvement(*in.metric, b.change);
  });
  probe_leaks(p, diagnosis);
  if (diagnosis.next.empty())
    diagnosis.next.push_back(
        {.action = "Stop: nothing tried here moves the metric beyond its noise",
         .evidence = fmt::format("{} probes on the same folds", diagnosis.not_worth.size()),
         .cost = "none"});
  if (!in.on_dev)
    diagnosis.could_not_examine.push_back({"data mismatch",
                                           "every row comes from the same source as the training rows",
                                           "--dev FILE with rows like those the model will meet"});
  return diagnosis;
}

namespace {

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json interval(const Estimate& e, const char* value_name) {
  return {{value_name, number(e.value)}, {"low", number(e.low)}, {"high", number(e.high)}};
}

Json advice_list(const std::vector<Advice>& advice, const Metric& metric) {
  Json list = Json::array();
  for (const Advice& a : advice) {
    Json json{{"action", a.action}, {"expected", nullptr}, {"evidence", a.evidence}, {"cost", a.cost}};
    if (a.measured)
      json["expected"] = {{"metric", metric.name},
                          {"change", number(a.change)},
                          {"low", number(a.low)},
                          {"high", number(a.high)},
                          {"confidence", kConfidence}};
    if (!a.command.empty()) json["command"] = a.command;
    list.push_back(std::move(json));
  }
  return list;
}

Json ledger_to_json(const std::vector<LedgerLine>& ledger) {
  Json list = Json::array();
  for (const LedgerLine& line : ledger) {
    Json json{{"line", line.line}};
    json["measured_on"] = line.measured_on;
    json["error"] = line.error ? number(line.error->value) : Json(nullptr);
    if (line.error) {
      json["low"] = number(line.error->low);
      json["high"] = number(line.error->high);
      json["n"] = line.error->n;
    } else {
      json["note"] = line.measured_on;
      json.erase("measured_on");
    }
    if (line.gap) {
      Json gap{{"name", line.gap_name}};
      gap.update(interval(*line.gap, "value"));
      gap["proven"] = line.gap_proven;
      json["gap"] = std::move(gap);
    }
    list.push_back(std::move(json));
  }
  return list;
}

void add_learning_curve(Json& result, const LearningCurve& curve) {
  Json measured = Json::array(), ahead = Json::array();
  for (const LearningPoint& p : curve.points) {
    Json point{{"rows", p.rows}};
    point.update(interval(p.error, "error"));
    point["train_error"] = number(p.training_error);
    point["draws"] = p.error.n;
    measured.push_back(std::move(point));
  }
  for (const LearningPoint& p : curve.forecast) {
    Json point{{"rows", p.rows}};
    point.update(interval(p.error, "error"));
    ahead.push_back(std::move(point));
  }
  result["learning_curve"] = std::move(measured);
  result["forecast"] = {{"a", curve.a}, {"b", curve.b}, {"c", curve.c}, {"points", std::move(ahead)}};
}

}  // namespace

Json to_json(const Diagnosis& d, const Metric& metric) {
  Json result{{"ledger", ledger_to_json(d.ledger)}};
  const bool turned = as_error(metric, 1.0) < as_error(metric, 0.0);
  result["ledger_metric"] = turned ? fmt::format("1 - {}", metric.name) : metric.name;
  result["ledger_notes"] = d.ledger_notes;
  result["learning_curve"] = Json::array();
  if (d.learning_curve) add_learning_curve(result, *d.learning_curve);
  result["next"] = advice_list(d.next, metric);
  result["not_worth"] = advice_list(d.not_worth, metric);
  Json unexamined = Json::array();
  for (const Unexamined& u : d.could_not_examine) {
    Json json{{"what", u.what}, {"why", u.why}};
    if (!u.how.empty()) json["how"] = u.how;
    unexamined.push_back(std::move(json));
  }
  result["could_not_examine"] = std::move(unexamined);
  return result;
}

}  // namespace cairn
