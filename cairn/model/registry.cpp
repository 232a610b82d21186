#include "cairn/model/registry.h"

#include <fmt/format.h>

#include "cairn/base/suggest.h"
#include "cairn/model/blend.h"

namespace cairn {
namespace {

template <class Entry>
const Entry& find(const std::vector<Entry>& entries, std::string_view name, const char* what) {
  std::vector<std::string> names;
  for (const Entry& e : entries) {
    if (name == e.name) return e;
    names.emplace_back(e.name);
  }
  throw UsageError(what, fmt::format("there is no {} '{}'", what, name), suggestion(name, names));
}

}  // namespace

const LearnerEntry& Registry::learner(std::string_view name) const { return find(learners, name, "learner"); }
const TransformEntry& Registry::transform(std::string_view name) const {
  return find(transforms, name, "transform");
}
const Reader& Registry::reader(std::string_view name) const { return find(readers, name, "reader"); }

std::unique_ptr<Model> Registry::blank_model(std::string_view kind) const {
  for (const LearnerEntry& e : learners)
    if (kind == e.model_kind) return e.blank();
  if (kind == BlendModel::kKind) return std::make_unique<BlendModel>(this);
  throw ModelFileError("model", fmt::format("holds a '{}', which this build does not know", kind),
                       "A newer cairn wrote it; update this one.");
}

std::unique_ptr<FittedTransform> Registry::blank_transform(std::string_view kind) const {
  for (const TransformEntry& e : transforms)
    if (kind == e.name) return e.blank();
  throw ModelFileError("model", fmt::format("holds a transform '{}', which this build does not know", kind),
                       "A newer cairn wrote it; update this one.");
}

}  // namespace cairn
