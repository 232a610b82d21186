#include "cairn/run/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cairn/base/random.h"
#include "cairn/base/version.h"
#include "cairn/data/time_order.h"
#include "cairn/model/contributions.h"
#include "cairn/model/selection.h"
#include "cairn/run/apply.h"
#include "cairn/run/apply_internal.h"
#include "cairn/run/explain_internal.h"
#include "cairn/run/findings.h"
#include "cairn/run/measure.h"
#include "cairn/tree/proximity.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostPairs = 1000, kMostSeeds = 1000;
constexpr std::int64_t kMostNeighbors = 1000;

// Some of the rows: the latest where they are each other's past, which is told by the card's column of time.
std::vector<std::int64_t> rows_drawn(const PipelineModel& model, const Table& rows, std::int64_t most,
                                     std::uint64_t seed) {
  const std::string& time = model.card().time;
  if (!model.looks_back_on().empty() && rows.find(time)) return latest_rows(rows.column(time), most);
  auto order = Random(seed, "background rows").permutation(rows.num_rows());
  order.resize(static_cast<std::size_t>(most));
  std::ranges::sort(order);
  return order;
}

// The rows that a prediction is compared with, at most so many.
Table background_rows(const ExplainOptions& o, const PipelineModel& model, const Registry& registry,
                      Json& told, std::vector<Warning>& warnings, const StopToken& stop) {
  constexpr std::int64_t kMostRows = 1000;
  ReadResult read = read_data(o.background, o.read, registry, &model.schema(), stop);
  warnings.insert(warnings.end(), read.warnings.begin(), read.warnings.end());
  model.conformed(read.table, &warnings);
  const std::int64_t n = read.table.num_rows();
  told = {{"data", data_name(o.background)}, {"rows", std::min(n, kMostRows)}, {"rows_given", n}};
  Table rows =
      n <= kMostRows
          ? read.table
          : read.table.select(rows_drawn(model, read.table, kMostRows, static_cast<std::uint64_t>(o.seed)));
  for (Warning& w : model.remarks(rows)) warnings.push_back(std::move(w));
  return rows;
}

Json row_to_json(const PipelineModel& model, const Table& rows, std::int64_t number,
                 const std::optional<Table>& background) {
  // A row whose past is in other rows is predicted among them.
  const bool alone = model.looks_back_on().empty();
  const Table one = rows.slice(number - 1, number), asked = alone ? one : rows;
  const std::int64_t at = alone ? 0 : number - 1;
  const Table said = model.predict(asked);
  const Contributions all =
      background ? contributions_against(model, asked, *background) : contributions(model, asked);
  const std::string decided = said.column("prediction").cell(at);
  const std::size_t which = outputs_predicted(model, all, said)[static_cast<std::size_t>(at)];
  const std::size_t first = (static_cast<std::size_t>(at) * all.outputs.size() + which) * all.columns.size();
  struct Part {
    std::string column;
    double value;
  };
  std::vector<Part> parts;
  for (std::size_t j = 0; j < all.columns.size(); ++j)
    parts.push_back({all.columns[j], all.parts[first + j]});
  std::ranges::stable_sort(parts, std::greater{}, [](const Part& p) { return std::abs(p.value); });
  Json list = Json::array();
  for (const Part& p : parts) {
    const Column* column = one.find(p.column);
    list.push_back({{"column", p.column},
                    {"cell", !column || column->is_missing(0) ? Json(nullptr) : Json(column->cell(0))},
                    {"value", p.value}});
  }
  Json row{{"number", number},
           {"prediction", decided},
           {"score_of", model.target_transform()           ? "the transformed target"
                        : !is_classification(model.task()) ? "the prediction"
                        : all.of_probabilities             ? "the probability"
                                                           : "the log-odds"},
           {"base", all.base[which]},
           {"score", all.score(at, which)},
           {"contributions", std::move(list)}};
  if (const TreeModel* trees = trees_of(model); trees && trees->trees().num_trees() == 1)
    row["path"] = trees->decision_path(model.transformed(asked), at);
  return row;
}

const TreeModel& forest_of(const PipelineModel& model) {
  const TreeModel* trees = trees_of(model);
  if (!trees || !(trees->trees().options().average || trees->trees().options().output == TreeOutput::share))
    throw NotSupported(
        "--neighbors",
        fmt::format("'{}' is no forest; proximity is the share of its trees in which two rows "
                    "fall into one leaf",
                    model.card().learner.empty() ? std::string(model.model().kind()) : model.card().learner),
        "--learner random_forest, extra_trees and quantile_forest make one.");
  return *trees;
}

Json neighbors_to_json(const PipelineModel& model, const Table& rows, std::int64_t k, const StopToken& stop) {
  const TreeModel& forest = forest_of(model);
  const Proximities found =
      proximities(forest.trees(), forest.features().matrix(model.transformed(rows)), k, stop);
  Json list = Json::array();
  for (std::int64_t r = 0; r < found.rows; ++r) {
    Json others = Json::array(), share = Json::array();
    for (std::int64_t j = 0; j < found.k; ++j) {
      const auto i = static_cast<std::size_t>(r * found.k + j);
      others.push_back(found.neighbors[i] + 1);
      share.push_back(std::round(1e4 * static_cast<double>(found.proximity[i])) / 1e4);
    }
    list.push_back({{"rows", std::move(others)}, {"proximity", std::move(share)}});
  }
  return list;
}

void check_options(const ExplainOptions& o, const PipelineModel& model, const Table& table) {
  const ModelCard& card = model.card();
  std::vector<Column> features = table.columns();
  std::erase_if(features, [&](const Column& c) {
    return c.name() == card.target || c.name() == card.group || c.name() == card.event;
  });
  check_columns(Table(std::move(features)), o.column, "--column");
  const auto back = model.looks_back_on();
  for (const std::string& name : o.column)
    if (std::ranges::find(back, name) != back.end())
      throw NotSupported("--column",
                         fmt::format("'{}' is looked back on; its past has no one value to set", name));
  if (o.row < 0 || o.row > table.num_rows())
    throw UsageError("--row", fmt::format("{} is outside the {} rows of the data", o.row, table.num_rows()),
                     "Rows count from 1.");
  if (!o.background.empty() && o.row == 0)
    throw UsageError("--background", "holds the rows that one prediction is compared with",
                     "Name it: --row 1.");
  if (o.neighbors < 0 || o.neighbors > kMostNeighbors)
    throw UsageError("--neighbors", fmt::format("{} is outside [0, {}]", o.neighbors, kMostNeighbors));
  if (o.interactions < 0 || o.interactions > kMostPairs)
    throw UsageError("--interactions", fmt::format("{} is outside [0, {}]", o.interactions, kMostPairs));
  if (o.seeds != 0 && (o.seeds < 2 || o.seeds > kMostSeeds))
    throw UsageError("--seeds", fmt::format("{} is outside [2, {}]", o.seeds, kMostSeeds),
                     "Fits are compared, so that two are needed.");
  constexpr std::int64_t kMostFits = 100'000;
  if (o.null < 0 || o.null > kMostFits)
    throw UsageError("--null", fmt::format("{} is outside [0, {}]", o.null, kMostFits));
  if (o.interactions > 0) trees_for_interactions(model);  // what cannot be done is said before the work
  if (o.neighbors > 0) forest_of(model);
}

// Without the truth: the positive class, or the first few.
std::vector<std::string> outputs_of(const PipelineModel& model, const std::optional<Dataset>& data) {
  constexpr std::size_t kMost = 4;
  if (data) return outputs_told(*data);
  if (!model.card().positive.empty()) return {model.card().positive};
  std::vector<std::string> classes = model.classes();
  classes.resize(std::min(classes.size(), kMost));
  return classes;
}

void add_importance(Json& result, const PipelineModel& model, const Dataset& data, const ExplainOptions& o,
                    const Registry& registry, const StopToken& stop) {
  const Metric& metric = asked_metric(o.metric, data, model.predicts());
  const auto seed = static_cast<std::uint64_t>(o.seed);
  result["metric"] = metric.name;
  // What cannot be done is said before the work.
  if (o.null > 0) learner_of(model, data, registry, "--null");
  if (o.seeds > 0) learner_of(model, data, registry, "--seeds");
  Json importance = permutation_importance(model, data, metric, {.seed = seed}, stop);
  if (o.null > 0) {
    const Json p = null_importance(model, data, metric, o.null, seed, registry, stop);
    for (Json& entry : importance) {
      const auto feature = entry["feature"].get<std::string>();
      entry["p"] = p.contains(feature) ? p.at(feature) : Json(nullptr);  // not defined on the judged third
    }
  }
  result["importance"] = std::move(importance);
  if (o.seeds > 0)
    result["stability"] = importance_stability(model, data, metric, o.seeds, seed, registry, stop);
  result["importance_note"] =
      fmt::format("By how much {} as an error grows when the column is shuffled.", metric.name);
}

// Targets shuffled among the rows that learn and among those that judge, so that each part keeps its classes;
// whether a time was lived to see goes with the time.
Dataset with_permuted_target(const Dataset& data, const Split& parts, std::uint64_t seed, std::int64_t fit) {
  Random random(seed, "permuted target", static_cast<std::uint64_t>(fit));
  std::vector<std::int64_t> from(static_cast<std::size_t>(data.num_rows()));
  for (const auto* rows : {&parts.train, &parts.test}) {
    const auto order = random.permutation(std::ssize(*rows));
    for (std::size_t i = 0; i < rows->size(); ++i)
      from[static_cast<std::size_t>((*rows)[i])] = (*rows)[static_cast<std::size_t>(order[i])];
  }
  Table table = data.table();
  for (const std::string& moved : {data.roles().target, data.roles().event})
    if (!moved.empty()) table = table.with(table.column(moved).select(from));
  return data.with_table(std::move(table));
}

}  // namespace

std::unique_ptr<Pipeline> learner_of(const PipelineModel& model, const Dataset& data,
                                     const Registry& registry, const char* flag) {
  const ModelCard& card = model.card();
  const bool known =
      std::ranges::any_of(registry.learners, [&](const LearnerEntry& e) { return card.learner == e.name; });
  if (!known || card.params_json.empty())
    throw UsageError(flag,
                     fmt::format("'{}' cannot be fitted again from its file",
                                 card.learner.empty() ? std::string(model.model().kind()) : card.learner),
                     card.learner == "blend" ? "cairn train --no-blend ships one learner." : "");
  PipelineOptions options;
  if (!card.prepare_json.empty())
    options.by_hand = std::make_shared<const Preparation>(
        read_preparation(card.prepare_json, "the model's preparation", registry));
  auto pipeline = configured(registry.learner(card.learner), {}, data, registry, options);
  params_from_json(pipeline->params(), Json::parse(card.params_json));
  return pipeline;
}

Json null_importance(const PipelineModel& model, const Dataset& given, const Metric& metric,
                     std::int64_t fits, std::uint64_t seed, const Registry& registry, const StopToken& stop) {
  const Dataset data = sample_rows(given, kRefitRows, seed);
  const auto pipeline = learner_of(model, data, registry, "--null");
  const Split parts = split(data, {.test = kJudgedShare, .seed = seed});
  const auto importance = [&](const Dataset& rows, std::uint64_t number) {
    const auto fitted = pipeline->fit(rows.select(parts.train), {.seed = seed, .stop = stop});
    std::map<std::string, double> found;
    for (const Json& entry :
         permutation_importance(*fitted, rows.select(parts.test), metric,
                                {.seed = derive_seed(seed, "null importance", number)}, stop))
      if (entry["value"].is_number()) found[entry["feature"]] = entry["value"];
    return found;
  };
  const auto observed = importance(data, 0);
  std::map<std::string, std::int64_t> as_large;
  for (std::int64_t f = 1; f <= fits; ++f) {
    stop.throw_if_requested("importance of permuted targets");
    const auto null = importance(with_permuted_target(data, parts, seed, f), static_cast<std::uint64_t>(f));
    for (const auto& [column, value] : null)
      if (const auto it = observed.find(column); it != observed.end() && value >= it->second)
        ++as_large[column];
  }
  Json p = Json::object();
  for (const auto& [column, value] : observed)
    p[column] = static_cast<double>(1 + as_large[column]) / static_cast<double>(1 + fits);
  return p;
}

Json explain_file(const ExplainOptions& options, const Registry& registry, const StopToken& stop) {
  const auto model = open_model(options.model, registry);
  ReadResult read = unseen_rows(read_data(options.data, options.read, registry, &model->schema(), stop));
  std::vector<Warning> warnings = std::move(read.warnings);
  const Table rows = read.table;
  check_options(options, *model, rows);
  model->conformed(rows, &warnings);
  for (Warning& w : model->remarks(rows)) warnings.push_back(std::move(w));
  const ModelCard& card = model->card();
  Json result{{"model", options.model},         {"data", data_name(options.data)}, {"rows", rows.num_rows()},
              {"task", name_of(model->task())}, {"target", card.target},           {"learner", card.learner},
              {"classes", model->classes()}};
  if (rows.num_rows() == 0) throw DataError("explain", "the data have no rows");
  Json importance = Json::array();
  std::optional<Dataset> data;
  if (!card.target.empty() && rows.find(card.target)) {
    data = dataset_for(*model, std::move(read.table));
    add_importance(result, *model, *data, options, registry, stop);
    importance = result["importance"];
  } else {
    const std::string why =
        card.target.empty() ? "the model does not say what it predicts"
                            : fmt::format("the data have no column '{}', which holds the truth", card.target);
    if (options.null > 0) throw DataError("--null", why);
    if (options.seeds > 0) throw DataError("--seeds", why);
    warnings.push_back({"no_truth", "", fmt::format("Importance cannot be measured: {}.", why)});
  }
  const Table features = data ? model->inputs(*data) : rows;
  result["partial_dependence"] = partial_dependence_to_json(
      *model, features,
      options.column.empty() ? leading_columns(features.without(model->looks_back_on()), importance)
                             : options.column,
      outputs_of(*model, data));
  if (options.interactions > 0)
    result["interactions"] = interactions_to_json(*model, rows, options.interactions,
                                                  static_cast<std::uint64_t>(options.seed), stop);
  if (const std::string& told = model->card().inference_json; !told.empty())
    result["inference"] = Json::parse(told, nullptr, false);
  if (options.row > 0) {
    std::optional<Table> background;
    if (!options.background.empty())
      background = background_rows(options, *model, registry, result["background"], warnings, stop);
    result["row"] = row_to_json(*model, rows, options.row, background);
  }
  if (options.neighbors > 0) result["neighbors"] = neighbors_to_json(*model, rows, options.neighbors, stop);
  if (Json trees = model->drawn_trees(); !trees.is_null()) result["trees"] = std::move(trees);
  result["warnings"] = warnings_to_json(warnings);
  result["versions"] = {{"cairn", version()}};
  return result;
}

}  // namespace cairn
