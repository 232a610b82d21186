#include "cairn/run/export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/run/apply.h"
#include "cairn/tree/exchange/export.h"
#include "cairn/tree/exchange/import.h"

namespace cairn {
namespace {

struct Format {
  const char *name, *ending;
};
constexpr std::array<Format, 4> kFormats{
    {{"xgboost", ".json"}, {"xgboost-ubj", ".ubj"}, {"lightgbm", ".txt"}, {"cpp", ".h"}}};

std::string format_of(const ExportOptions& options) {
  const std::string ending = std::filesystem::path(options.out).extension().string();
  std::vector<std::string> names;
  std::string known;
  for (const Format& f : kFormats) {
    if (options.to == f.name || (options.to.empty() && ending == f.ending)) return f.name;
    names.emplace_back(f.name);
    known += fmt::format("{}{} for {}", known.empty() ? "" : ", ", f.ending, f.name);
  }
  if (options.to.empty())
    throw UsageError(
        "export", fmt::format("the ending '{}' of {} names no format; known: {}", ending, options.out, known),
        "--to names one.");
  throw UsageError("--to",
                   fmt::format("there is no format '{}'; known: {}", options.to, fmt::join(names, ", ")),
                   suggestion(options.to, names));
}

std::string contents_of(const TreeModel& model, const std::string& format, const std::string& name) {
  if (format == "xgboost") return xgboost_json(model);
  if (format == "xgboost-ubj") return xgboost_ubjson(model);
  if (format == "lightgbm") return lightgbm_text(model);
  return cpp_header(model, name);
}

// Reads the file back under another name, which asks its rows for their scores, before it gets its own.
void write_checked(const std::string& path, const std::string& contents, const std::string& format) {
  if (format != "cpp") {
    const std::string unchecked = path + ".unchecked";
    write_file(unchecked, contents);
    try {
      format == "lightgbm" ? read_lightgbm(unchecked) : read_xgboost(unchecked);
    } catch (...) {
      std::filesystem::remove(unchecked);
      throw;
    }
    std::filesystem::remove(unchecked);
  }
  write_file(path, contents);
}

}  // namespace

Json export_model(const ExportOptions& options, const Registry& registry) {
  const std::string format = format_of(options);
  const std::unique_ptr<PipelineModel> pipeline = open_model(options.model, registry);
  const auto* model = dynamic_cast<const TreeModel*>(&pipeline->model());
  if (!model)
    throw NotSupported("export",
                       fmt::format("{} is a {}; only models of trees can be written for other programs",
                                   options.model, pipeline->model().kind()),
                       "Train with --learner gradient_boosting, random_forest or decision_tree.");
  if (const FittedTransform* target = pipeline->target_transform())
    throw NotSupported(
        "export",
        fmt::format("the model learned the {} of its target, which other programs would not turn back",
                    target->kind()),
        "Train without \"target\" in the preparation.");
  const std::string contents = contents_of(*model, format, options.name);
  write_checked(options.out, contents, format);
  Json features = Json::array();
  for (const TreeFeature& f : model->features().list()) {
    Json one{{"name", f.name}};
    if (f.category) one["levels"] = f.levels;
    features.push_back(std::move(one));
  }
  return {{"model", options.model},
          {"out", options.out},
          {"to", format},
          {"bytes", contents.size()},
          {"trees", model->trees().num_trees()},
          {"features", std::move(features)},
          {"classes", model->classes()},
          {"prepared", !pipeline->transforms().empty()}};
}

}  // namespace cairn
