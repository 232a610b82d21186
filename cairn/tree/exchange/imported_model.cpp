#include "cairn/tree/exchange/imported_model.h"

#include <fmt/format.h>

#include <limits>

#include "cairn/base/atomic_file.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/exchange/import_internal.h"
#include "cairn/tree/exchange/onnx_file_internal.h"
#include "cairn/tree/tree_model.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostUnnamed = 1'000'000;  // features that only a number in the file speaks of
constexpr std::size_t kHeaderBytes = 8;  // of a model file of ours: the length of its header, then '{'

Task task_of(const TreeEnsemble& trees) {
  switch (trees.options().output) {
    case TreeOutput::identity:
    case TreeOutput::exponential:
      return Task::regression;
    case TreeOutput::logistic:
      return Task::binary;
    case TreeOutput::softmax:
    case TreeOutput::share:
      break;
  }
  return trees.options().output == TreeOutput::share && trees.num_outputs() == 2 ? Task::binary
                                                                                 : Task::multiclass;
}

}  // namespace

bool begins_like_other_trees(std::string_view first_bytes) {
  if (first_bytes.size() > kHeaderBytes && first_bytes[kHeaderBytes] == '{' &&
      first_bytes.substr(4, 4) == std::string_view("\0\0\0\0", 4))
    return false;
  if (import_detail::begins_like_onnx(first_bytes)) return true;
  const auto first = first_bytes.find_first_not_of(" \t\r\n");
  return first_bytes.starts_with("tree\n") || first_bytes.starts_with("tree\r\n") ||
         (first != std::string_view::npos && first_bytes[first] == '{');
}

ImportedTrees parse_other_trees(std::string_view contents, const std::string& path) {
  if (import_detail::begins_like_onnx(contents)) return import_detail::onnx_trees(contents, path);
  return contents.starts_with("tree") ? import_detail::lightgbm_trees(contents, path)
                                      : import_detail::xgboost_trees(contents, path);
}

std::unique_ptr<PipelineModel> import_model(const std::string& path) {
  ImportedTrees imported = parse_other_trees(read_file(path), path);
  const TreeEnsemble& trees = imported.trees;
  if (imported.feature_names.empty() && trees.num_features() > kMostUnnamed)
    throw ModelFileError(path, fmt::format("claims {} features without a name; at most {} are read",
                                           trees.num_features(), kMostUnnamed));
  TreeModelParts parts;
  parts.task = task_of(trees);
  for (std::int64_t c = 0; parts.task != Task::regression && c < trees.num_predicted(); ++c)
    parts.classes.push_back(imported.classes.empty() ? fmt::format("{}", c)
                                                     : imported.classes[static_cast<std::size_t>(c)]);
  Schema schema;
  std::vector<TreeFeature> features;
  for (std::int64_t f = 0; f < trees.num_features(); ++f) {
    const std::string name = imported.feature_names.empty()
                                 ? fmt::format("f{}", f)
                                 : imported.feature_names[static_cast<std::size_t>(f)];
    features.push_back({name, false, {}});
    schema.columns.push_back({.name = name,
                              .kind = ColumnKind::number,
                              .reason = "a feature of " + imported.program,
                              .low = -std::numeric_limits<double>::infinity(),
                              .high = std::numeric_limits<double>::infinity()});
  }
  parts.features = TreeFeatures(std::move(features));
  parts.objective = imported.objective;
  parts.notes = {fmt::format("read from a file of {}, objective {}", imported.program, imported.objective)};
  parts.trees = std::move(imported.trees);
  ModelCard card{.task = name_of(parts.task), .classes = parts.classes, .learner = imported.program};
  auto model =
      std::make_unique<PipelineModel>(std::move(schema), std::vector<std::unique_ptr<FittedTransform>>{},
                                      std::make_unique<TreeModel>(std::move(parts)));
  model->set_card(std::move(card));
  return model;
}

}  // namespace cairn
