// Anything that has visit(), kept in the container of model files: checkpoints of a training run, weights of
// a network.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cairn/tensor/visitor.h"

namespace cairn {

using VisitFunction = std::function<void(Visitor& v)>;  // [&](Visitor& v) { v.child("net", net); ... }

void save_state(const std::string& path, std::string_view kind,
                const VisitFunction& visit);  // whole or not at all
// ModelFileError: as for models, another kind, members that are missing or of another form. What was visited
// before the error keeps what it was given.
void load_state(const std::string& path, std::string_view kind, const VisitFunction& visit);

}  // namespace cairn
