#include "cairn/model/archive.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/hash.h"
#include "cairn/model/archive_internal.h"
#include "cairn/model/pipeline.h"
#include "cairn/model/state_internal.h"

namespace cairn {

std::string to_bytes(const Model& model) {
  // visit() serves reading and writing and is therefore not const; saving changes nothing.
  auto& walked = const_cast<Model&>(model);
  ModelCard card = model.card();
  return state_to_bytes(
      model.kind(), [&](Visitor& v) { walked.visit(v); }, walk_values([&](Visitor& v) { card.visit(v); }));
}

void save(const Model& model, const std::string& path) { write_file(path, to_bytes(model)); }

std::unique_ptr<Model> model_from_bytes(std::string_view bytes, const std::string& path,
                                        const Registry& registry) {
  return in_file(path, [&] {
    const StateFile file = open_state(bytes, path);
    const auto kind = file.own["kind"].get<std::string>();
    std::unique_ptr<Model> model;
    if (kind == "pipeline") {
      auto pipeline = std::make_unique<PipelineModel>();
      pipeline->set_registry(&registry);
      model = std::move(pipeline);
    } else {
      model = registry.blank_model(kind);
    }
    fill_from(file.own["values"], file.tensors, [&](Visitor& v) { model->visit(v); });
    ModelCard card;
    fill_from(file.own["card"], {}, [&](Visitor& v) { card.visit(v); });
    model->set_card(std::move(card));
    return model;
  });
}

std::unique_ptr<Model> load(const std::string& path, const Registry& registry) {
  return model_from_bytes(read_file(path, kLargestFile), path, registry);
}

Json inspect(const std::string& path) {
  const std::string bytes = read_file(path, kLargestFile);
  const SafetensorsFile file = parse_safetensors(bytes, path);
  Json tensors = Json::array();
  for (const auto& name : file.order) {
    const SafetensorsEntry& e = file.tensors.at(name);
    tensors.push_back({{"name", name}, {"dtype", e.dtype}, {"shape", e.shape}, {"bytes", e.bytes.size()}});
  }
  Json result{{"path", path},
              {"bytes", bytes.size()},
              {"writer", file.cairn.is_null() ? "another program" : "cairn"}};
  if (file.cairn.is_object()) {
    for (const char* key : {"format", "kind", "card", "values"})
      if (file.cairn.contains(key)) result[key] = file.cairn[key];
    Sha256 hash;
    const bool long_enough = bytes.size() > kSealBytes;
    if (long_enough) hash.update(std::string_view(bytes).substr(0, bytes.size() - kSealBytes));
    const auto digest = hash.finish();
    result["intact"] =
        long_enough && std::memcmp(digest.data(), bytes.data() + bytes.size() - kSealBytes, kSealBytes) == 0;
  }
  result["metadata"] = file.metadata;
  result["tensors"] = std::move(tensors);
  return result;
}

}  // namespace cairn
