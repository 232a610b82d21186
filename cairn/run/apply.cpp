#include "cairn/run/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "cairn/base/suggest.h"
#include "cairn/model/archive.h"
#include "cairn/model/contributions.h"
#include "cairn/model/evaluate.h"
#include "cairn/model/quantile_model.h"
#include "cairn/run/apply_internal.h"
#include "cairn/run/findings.h"
#include "cairn/run/measure.h"
#include "cairn/run/read.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/exchange/imported_model.h"

namespace cairn {

void check_columns(const Table& table, const std::vector<std::string>& names, const char* flag) {
  for (const std::string& name : names)
    if (!table.find(name))
      throw UsageError(flag, fmt::format("there is no column '{}'", name), suggestion(name, table.names()));
}

ReadResult unseen_rows(ReadResult read) {
  if (!read.test) return read;
  read.warnings.push_back(
      {"test_part", "",
       fmt::format("The data bring a test part of {} rows; the {} training rows were left out.",
                   read.test->num_rows(), read.table.num_rows())});
  read.table = *std::exchange(read.test, std::nullopt);
  return read;
}

Dataset dataset_for(const PipelineModel& model, Table table) {
  const ModelCard& card = model.card();
  if (card.target.empty())
    throw ModelFileError("model", "does not say what it predicts; it was not made by `cairn train`");
  if (!table.find(card.target))
    throw DataError("data", fmt::format("there is no column '{}', which holds the truth", card.target),
                    suggestion(card.target, table.names()));
  // A stand-in with the training classes, so that labels are matched as for a test file.
  std::vector<std::optional<std::string>> labels(card.classes.begin(), card.classes.end());
  Table stand_in;
  // Rows of a model that looks back are taken by time; whoever asks has heard if its column is absent.
  const std::string time = model.looks_back_on().empty() ? "" : card.time;
  for (const std::string& needed : {card.group, card.event, time})
    if (!needed.empty() && !table.find(needed))
      throw DataError("data", fmt::format("there is no column '{}', which judging this model needs", needed),
                      suggestion(needed, table.names()));
  DatasetOptions options{
      .roles = {.target = card.target, .group = card.group, .time = time, .event = card.event},
      .task = model.task(),
      .positive = card.positive,
      .classes = card.classes};
  if (is_classification(model.task()))
    stand_in = Table({Column::category_of(card.target, labels)});
  else
    stand_in = Table({Column::number(card.target, Tensor::from(std::vector<double>{0, 1}))});
  for (const std::string& needed : {card.group, card.event, time})
    if (!needed.empty())
      stand_in = stand_in.with(Column::number(needed, Tensor::from(std::vector<double>{0, 1})));
  return Dataset(stand_in, options).with_table(std::move(table));
}

std::vector<std::size_t> outputs_predicted(const PipelineModel& model, const Contributions& all,
                                           const Table& predicted) {
  const Column& prediction = predicted.column("prediction");
  std::vector<std::size_t> which(static_cast<std::size_t>(predicted.num_rows()), 0);
  if (all.outputs.size() <= 1) return which;
  for (std::size_t r = 0; r < which.size(); ++r) {
    const auto row = static_cast<std::int64_t>(r);
    if (is_classification(model.task())) {
      const auto at = std::ranges::find(all.outputs, prediction.cell(row));
      CAIRN_ASSERT(at != all.outputs.end());
      which[r] = static_cast<std::size_t>(at - all.outputs.begin());
      continue;
    }
    const auto off = [&](std::size_t o) { return std::abs(all.score(row, o) - prediction.number_at(row)); };
    for (std::size_t o = 1; o < all.outputs.size(); ++o)
      if (off(o) < off(which[r])) which[r] = o;
  }
  return which;
}

namespace {

// base, score and a contribution_<column> each: of the class that is predicted where there are several
// scores.
Table with_contributions(const PipelineModel& model, const Table& rows, Table predicted) {
  const Contributions all = contributions(model, rows);
  const auto n = static_cast<std::size_t>(predicted.num_rows());
  const std::size_t k = all.outputs.size(), c = all.columns.size();
  const std::vector<std::size_t> which = outputs_predicted(model, all, predicted);
  std::vector<double> base(n), score(n);
  std::vector<std::vector<double>> parts(c, std::vector<double>(n));
  for (std::size_t r = 0; r < n; ++r) {
    base[r] = all.base[which[r]];
    score[r] = all.score(static_cast<std::int64_t>(r), which[r]);
    for (std::size_t j = 0; j < c; ++j) parts[j][r] = all.parts[(r * k + which[r]) * c + j];
  }
  predicted = predicted.with(Column::number("base", Tensor::take(std::move(base))));
  if (is_classification(model.task()) || model.target_transform())
    predicted = predicted.with(Column::number("score", Tensor::take(std::move(score))));
  for (std::size_t j = 0; j < c; ++j)
    predicted =
        predicted.with(Column::number("contribution_" + all.columns[j], Tensor::take(std::move(parts[j]))));
  return predicted;
}

Table with_quantiles(const PipelineModel& model, const Table& rows, Table predicted,
                     const std::vector<double>& levels) {
  const auto* quantiles = dynamic_cast<const QuantileModel*>(&model.model());
  if (!quantiles && model.predicts() == Predicts::quantiles) {
    std::string own;
    for (const std::string& name : predicted.names())
      if (name.starts_with("q_")) own += (own.empty() ? "" : ", ") + name;
    throw NotSupported("--quantiles",
                       fmt::format("this model was trained for its own levels, whose columns come by "
                                   "themselves: {}",
                                   own),
                       "For other levels train it with --set quantiles=..., or a quantile_forest.");
  }
  if (!quantiles)
    throw NotSupported(
        "--quantiles",
        fmt::format("{} predicts one number a row; quantile_forest knows quantiles",
                    model.card().learner.empty() ? std::string(model.model().kind()) : model.card().learner),
        "--interval 0.9 works with every model that `cairn train` made.");
  const Table told = model.turned_back(quantiles->quantiles(model.transformed(rows), levels));
  for (const Column& c : told.columns()) predicted = predicted.with(c);
  return predicted;
}

std::string slice_of(const Column& column, std::int64_t row, const std::vector<double>& cuts) {
  if (column.is_missing(row)) return "(missing)";
  if (cuts.empty()) return column.cell(row);
  const double v = column.number_at(row);
  const auto at = static_cast<std::size_t>(std::upper_bound(cuts.begin(), cuts.end(), v) - cuts.begin());
  if (at == 0) return fmt::format("below {:.6g}", cuts.front());
  if (at == cuts.size()) return fmt::format("{:.6g} and above", cuts.back());
  return fmt::format("{:.6g} to {:.6g}", cuts[at - 1], cuts[at]);
}

// Quarters of a number column with many values; each value of any other column.
std::vector<double> quarter_cuts(const Column& column) {
  const bool numeric = column.kind() == ColumnKind::number || column.kind() == ColumnKind::integer ||
                       column.kind() == ColumnKind::date;
  if (!numeric) return {};
  std::vector<double> values;
  for (std::int64_t r = 0; r < column.size(); ++r)
    if (!column.is_missing(r)) values.push_back(column.number_at(r));
  std::sort(values.begin(), values.end());
  std::vector<double> distinct = values;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  constexpr std::size_t kFew = 8;
  if (distinct.size() <= kFew) return {};
  std::vector<double> cuts{values[values.size() / 4], values[values.size() / 2],
                           values[values.size() * 3 / 4]};
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

Json slices_to_json(const Judged& judged, const Column& column, const std::vector<std::string>& metrics,
                    std::uint64_t seed) {
  constexpr std::size_t kMost = 50;
  const auto cuts = quarter_cuts(column);
  std::map<std::string, std::vector<std::int64_t>> rows_of;
  for (std::int64_t r = 0; r < column.size(); ++r) rows_of[slice_of(column, r, cuts)].push_back(r);
  if (rows_of.size() > kMost)
    throw UsageError("--slice", fmt::format("'{}' has {} distinct values; at most {} slices can be shown",
                                            column.name(), rows_of.size(), kMost));
  Json list = Json::array();
  for (const auto& [name, rows] : rows_of)
    list.push_back({{"slice", name},
                    {"rows", rows.size()},
                    {"metrics", metrics_to_json(evaluate(judged.select(rows), seed, metrics))}});
  return list;
}

// Enough to tell one kind of model file from another.
std::string first_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(16, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

std::unique_ptr<PipelineModel> open_model(const std::string& model, const Registry& registry) {
  std::error_code error;
  std::string path = model;
  if (std::filesystem::is_directory(model, error)) {
    path = model + "/model.cairn";
    if (!std::filesystem::exists(path, error))
      throw ModelFileError(model, "is a folder without a model.cairn; it holds no finished run");
  } else if (!std::filesystem::exists(model, error)) {
    throw ModelFileError(model, "there is no such model file or run folder");
  }
  if (begins_like_other_trees(first_bytes(path))) return import_model(path);
  auto loaded = load(path, registry);
  std::unique_ptr<PipelineModel> pipeline(dynamic_cast<PipelineModel*>(loaded.get()));
  if (!pipeline)
    throw ModelFileError(path, "holds a bare learner's model without its preparation",
                         "Use it from C++, or train it with `cairn train`.");
  std::ignore = loaded.release();  // owned through `pipeline` from here on
  return pipeline;
}

Predictions predict(const PredictOptions& options, const Registry& registry, const StopToken& stop) {
  const auto model = open_model(options.model, registry);
  const ReadResult read =
      unseen_rows(read_data(options.data, options.read, registry, &model->schema(), stop));
  check_columns(read.table, options.id, "--id");
  const std::vector<std::string>& id = options.id.empty() ? read.id : options.id;
  Predictions result;
  result.warnings = read.warnings;
  model->conformed(read.table, &result.warnings);
  for (Warning& w : model->remarks(read.table)) result.warnings.push_back(std::move(w));
  if (const Predicts p = model->predicts();
      options.interval != 0 && p != Predicts::value && p != Predicts::quantiles)
    throw NotSupported(
        "--interval",
        p == Predicts::rank_score
            ? "this model's score only orders the rows of a query; it has no distance from the truth"
            : "this model learned from times that were not lived to see; their distance from a "
              "prediction is not known");
  Table said = model->predict(read.table);
  std::vector<std::string> hidden;
  if (!options.probabilities)
    for (const std::string& name : model->classes()) hidden.push_back("p_" + name);
  if (options.interval != 0) said = model->with_coverage(read.table, said, options.interval);
  if (!options.quantiles.empty()) said = with_quantiles(*model, read.table, said, options.quantiles);
  if (options.explain) said = with_contributions(*model, read.table, said);
  Table table = Table::with_rows(said.num_rows());
  for (const std::string& name : id) table = table.with(read.table.column(name));
  for (const Column& c : said.columns()) {
    if (std::ranges::find(hidden, c.name()) != hidden.end()) continue;
    if (table.find(c.name()))
      throw UsageError("--id", fmt::format("a column '{}' stands in the predictions already", c.name()),
                       "Rename it in the data.");
    table = table.with(c);
  }
  result.table = std::move(table);
  return result;
}

Json evaluate_file(const EvaluateOptions& options, const Registry& registry, const StopToken& stop) {
  const auto model = open_model(options.model, registry);
  ReadResult read = unseen_rows(read_data(options.data, options.read, registry, &model->schema(), stop));
  std::vector<Warning> warnings = std::move(read.warnings);
  model->conformed(read.table, &warnings);
  for (Warning& w : model->remarks(read.table)) warnings.push_back(std::move(w));
  const Dataset data = dataset_for(*model, std::move(read.table));
  warnings.insert(warnings.end(), data.warnings().begin(), data.warnings().end());
  const Judged judged = judge(*model, data);
  const auto seed = static_cast<std::uint64_t>(options.seed);
  const Evaluation e = evaluate(judged, seed, options.metric);
  Json result{{"model", options.model},         {"data", data_name(options.data)},
              {"rows", data.num_rows()},        {"task", name_of(data.task())},
              {"target", model->card().target}, {"learner", model->card().learner},
              {"classes", data.classes()}};
  result["positive"] = data.task() == Task::binary
                           ? Json(data.classes()[static_cast<std::size_t>(data.positive())])
                           : Json(nullptr);
  result["metrics"] = metrics_to_json(e);
  result["metric_info"] = metric_info();
  result["confusion"] = confusion_to_json(judged, data.classes());
  result["per_class"] = per_class_to_json(judged, data.classes());
  result["curves"] = curves_to_json(judged);
  if (!options.slice.empty()) {
    check_columns(data.table(), {options.slice}, "--slice");
    result["slice"] = options.slice;
    result["slices"] = slices_to_json(judged, data.table().column(options.slice), options.metric, seed);
  }
  result["warnings"] = warnings_to_json(warnings);
  return result;
}

}  // namespace cairn
