#include "cairn/run/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/data/split.h"
#include "cairn/metrics/paired.h"
#include "cairn/run/apply.h"
#include "cairn/run/apply_internal.h"
#include "cairn/run/explain_internal.h"
#include "cairn/run/findings.h"
#include "cairn/run/measure.h"
#include "cairn/run/read.h"
#include "cairn/run/require.h"

namespace cairn {
namespace {

constexpr double kAlpha = 0.05;

using Models = std::vector<std::unique_ptr<PipelineModel>>;

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Models open_all(const CompareOptions& o, const Registry& registry) {
  if (o.models.size() < 2)
    throw UsageError("compare",
                     fmt::format("{} model is named; two or more can be compared", o.models.size()),
                     "Such as: cairn compare runs/a runs/b --data test.csv");
  Models models;
  for (const std::string& path : o.models) {
    models.push_back(open_model(path, registry));
    const PipelineModel& first = *models.front();
    const PipelineModel& model = *models.back();
    if (model.task() != first.task() || model.card().target != first.card().target)
      throw UsageError(
          "compare",
          fmt::format("{} predicts '{}' ({}), {} predicts '{}' ({})", o.models[0], first.card().target,
                      name_of(first.task()), path, model.card().target, name_of(model.task())),
          "Models of one target and task can be compared.");
    if (model.predicts() != first.predicts())
      throw UsageError("compare", fmt::format("{} and {} predict different things about the target, which no "
                                              "metric compares",
                                              o.models[0], path));
  }
  return models;
}

// One pair's gain in units of the metric, positive where the second is better.
struct Pair {
  std::size_t first = 0, second = 0;
  std::optional<PairedBootstrap> boot;
  std::optional<McNemar> decisions;
  std::optional<FiveByTwo> refitted;
};

std::vector<double> values_of_halves(const PipelineModel& model, const Dataset& data, const Metric& metric,
                                     const Registry& registry, std::uint64_t seed, const StopToken& stop) {
  constexpr int kRepeats = 5;
  const auto pipeline = learner_of(model, data, registry, "--refit");
  std::vector<double> values;
  for (int repeat = 0; repeat < kRepeats; ++repeat)
    for (const Split& half : k_fold(data, 2, seed, repeat)) {
      stop.throw_if_requested("compare");
      const auto fitted = pipeline->fit(data.select(half.train), {.seed = seed, .stop = stop});
      values.push_back(metric.compute(judge(*fitted, data.select(half.test)).view()).value_or(std::nan("")));
    }
  return values;
}

std::string significance(const Json& pair, std::size_t pairs) {
  const double p = pair["p_adjusted"].get<double>();
  const std::string how = pairs > 1 ? fmt::format(", adjusted for {} pairs", pairs) : "";
  return p < 0.001 ? fmt::format("p < 0.001{}", how) : fmt::format("p = {:.3f}{}", p, how);
}

std::string verdict_of(const Json& pair, const Json& models, const std::string& metric, std::size_t pairs) {
  const auto named = [&](const char* which) {
    const Json& m = models[pair[which].get<std::size_t>()];
    return std::pair{m["model"].get<std::string>(), m["value"].is_number() ? m["value"].get<double>() : NAN};
  };
  const auto [first, value_first] = named("first");
  const auto [second, value_second] = named("second");
  if (!pair["gain"].is_number() || !pair["p_adjusted"].is_number())
    return fmt::format("{} and {} cannot be compared: {} is not defined on these rows.", first, second,
                       metric);
  const double gain = pair["gain"], low = pair["low"], high = pair["high"];
  const std::string interval =
      fmt::format("gain {:.4g}, 95 % interval {:.4g} to {:.4g}, {}", std::abs(gain), gain > 0 ? low : -high,
                  gain > 0 ? high : -low, significance(pair, pairs));
  if (pair["p_adjusted"].get<double>() < kAlpha)
    return gain > 0 ? fmt::format("{} is better than {}: {} {:.4g} against {:.4g} ({}).", second, first,
                                  metric, value_second, value_first, interval)
                    : fmt::format("{} is better than {}: {} {:.4g} against {:.4g} ({}).", first, second,
                                  metric, value_first, value_second, interval);
  if (gain == 0 && low == 0 && high == 0)
    return fmt::format("{} and {} do the same: {} {:.4g}.", first, second, metric, value_first);
  return fmt::format("No difference between {} and {} can be told: {} {:.4g} against {:.4g} ({}).", first,
                     second, metric, value_first, value_second, interval);
}

Json pair_to_json(const Pair& pair, bool higher_is_better) {
  Json j{{"first", pair.first}, {"second", pair.second}};
  const double sign = higher_is_better ? 1 : -1;
  const double value = pair.boot ? sign * pair.boot->difference.value : NAN;
  const double low = pair.boot ? pair.boot->difference.low : NAN;
  const double high = pair.boot ? pair.boot->difference.high : NAN;
  j["gain"] = number(value == 0 ? 0.0 : value);
  j["low"] = number(higher_is_better ? low : -high);
  j["high"] = number(higher_is_better ? high : -low);
  j["p"] = number(pair.boot ? pair.boot->p : NAN);
  j["mcnemar"] = pair.decisions ? Json{{"first_only", pair.decisions->first_only},
                                       {"second_only", pair.decisions->second_only},
                                       {"p", pair.decisions->p}}
                                : Json(nullptr);
  j["five_by_two"] = pair.refitted ? Json{{"gain", number(sign * pair.refitted->mean)},
                                          {"f", number(pair.refitted->f)},
                                          {"p", number(pair.refitted->p)}}
                                   : Json(nullptr);
  return j;
}

void adjust(std::vector<Json>& pairs) {
  const auto adjusted = [&](const auto& p_of) {
    std::vector<double> p;
    for (const Json& pair : pairs) p.push_back(p_of(pair));
    return holm(p);
  };
  const auto value = [](const Json& v) { return v.is_number() ? v.get<double>() : NAN; };
  const auto of_metric = adjusted([&](const Json& pair) { return value(pair["p"]); });
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i]["p_adjusted"] = number(of_metric[i]);
  for (const char* test : {"mcnemar", "five_by_two"}) {
    const auto p =
        adjusted([&](const Json& pair) { return pair[test].is_null() ? NAN : value(pair[test]["p"]); });
    for (std::size_t i = 0; i < pairs.size(); ++i)
      if (!pairs[i][test].is_null()) pairs[i][test]["p_adjusted"] = number(p[i]);
  }
}

// "gain>=0.01", "low>0", "p<0.05": of the last model against the first.
Json requirement_to_json(const std::string& expression, const Json& pair) {
  constexpr const char* kHint = "gain, low and high (its interval) and p are: low>0, gain>=0.01.";
  const Requirement bar = parse_bar(expression, kHint);
  constexpr const char* kNames[] = {"gain", "low", "high", "p"};
  if (std::ranges::find(kNames, bar.metric) == std::end(kNames))
    throw UsageError("--require", fmt::format("'{}' is nothing that a comparison tells", bar.metric), kHint);
  const Json& found = pair[bar.metric == "p" ? "p_adjusted" : bar.metric];
  const double value = found.is_number() ? found.get<double>() : NAN;
  return {{"expression", expression}, {"value", number(value)}, {"met", is_met(bar, value)}};
}

}  // namespace

Json compare_models(const CompareOptions& o, const Registry& registry, const StopToken& stop) {
  const Json nothing{{"gain", nullptr}, {"low", nullptr}, {"high", nullptr}, {"p_adjusted", nullptr}};
  for (const std::string& bar : o.require) requirement_to_json(bar, nothing);  // a typing error is told first
  const Models models = open_all(o, registry);
  const PipelineModel& reference = *models.front();
  ReadResult read = unseen_rows(read_data(o.data, o.read, registry, &reference.schema(), stop));
  std::vector<Warning> warnings = std::move(read.warnings);
  for (const auto& model : models) model->schema().conform(read.table, &warnings);
  const Dataset data = dataset_for(reference, std::move(read.table));
  warnings.insert(warnings.end(), data.warnings().begin(), data.warnings().end());
  const Metric& metric = asked_metric(o.metric, data, reference.predicts());
  const auto seed = static_cast<std::uint64_t>(o.seed);

  // What cannot be done is said before the work.
  for (const auto& model : models)
    if (o.refit) learner_of(*model, data, registry, "--refit");

  Json told = Json::array();
  std::vector<Judged> judged;
  std::vector<std::vector<double>> halves;
  for (std::size_t i = 0; i < models.size(); ++i) {
    judged.push_back(judge(*models[i], data));
    const auto e = estimate(metric, judged[i].view(), seed);
    told.push_back({{"model", o.models[i]},
                    {"learner", models[i]->card().learner},
                    {"value", number(e ? e->value : NAN)},
                    {"low", number(e ? e->low : NAN)},
                    {"high", number(e ? e->high : NAN)}});
    if (o.refit) halves.push_back(values_of_halves(*models[i], data, metric, registry, seed, stop));
  }
  std::vector<Json> pairs;
  for (std::size_t a = 0; a < models.size(); ++a)
    for (std::size_t b = a + 1; b < models.size(); ++b) {
      stop.throw_if_requested("compare");
      Pair pair{.first = a, .second = b};
      pair.boot = paired_bootstrap(metric, judged[a].view(), judged[b].view(), seed);
      pair.decisions = mcnemar(judged[a].view(), judged[b].view());
      if (o.refit) {
        std::vector<double> differences;
        for (std::size_t i = 0; i < halves[a].size(); ++i) differences.push_back(halves[b][i] - halves[a][i]);
        pair.refitted = five_by_two(differences);
      }
      pairs.push_back(pair_to_json(pair, metric.higher_is_better));
    }
  adjust(pairs);
  for (Json& pair : pairs) pair["verdict"] = verdict_of(pair, told, metric.name, pairs.size());

  const Json& last = pairs[models.size() - 2];  // the first model and the last
  Json result{{"data", data_name(o.data)},    {"rows", data.num_rows()},
              {"task", name_of(data.task())}, {"target", reference.card().target},
              {"metric", metric.name},        {"higher_is_better", metric.higher_is_better},
              {"models", std::move(told)},    {"verdict", last["verdict"]}};
  result["requirements"] = Json::array();
  for (const std::string& bar : o.require) result["requirements"].push_back(requirement_to_json(bar, last));
  result["pairs"] = std::move(pairs);
  result["warnings"] = warnings_to_json(warnings);
  return result;
}

}  // namespace cairn
