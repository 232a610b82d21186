// Model files: the safetensors layout (8-byte length, JSON header, raw tensors), readable from every
// language, no code. Cairn's own header is one JSON string under __metadata__.cairn; the last tensor,
// cairn.sha256, covers every byte before it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cairn/base/json.h"
#include "cairn/model/learner.h"
#include "cairn/model/registry.h"

namespace cairn {

constexpr int kArchiveVersion = 1;

// The whole file in memory: same model, same bytes.
std::string to_bytes(const Model& model);
void save(const Model& model, const std::string& path);  // whole or not at all

// ModelFileError: cut short, a flipped bit, a header that claims more than there is, another program's file,
// a version from the future, an unknown kind. Memory taken is bounded by the size of the file.
std::unique_ptr<Model> model_from_bytes(std::string_view bytes, const std::string& path,
                                        const Registry& registry);
std::unique_ptr<Model> load(const std::string& path, const Registry& registry);

// What a file holds, without building the model: safe on any file, also on other programs' safetensors.
Json inspect(const std::string& path);

}  // namespace cairn
