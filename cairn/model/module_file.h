// The weights of a network as a file of their own, in the container of model files.
//
//   save(net, "net.safetensors");
//   load(net, "net.safetensors");
#pragma once

#include <string>

#include "cairn/nn/module.h"

namespace cairn {

void save(ModuleRef net, const std::string& path);  // whole or not at all

// Files of other programs are read too, by the names of their tensors. ModelFileError tells all differences
// at once and changes nothing then: `load into 'net.safetensors' failed: fc1.weight is [8, 4] here, [8, 5] in
// the file; missing in file: ...`.
void load(ModuleRef net, const std::string& path);

}  // namespace cairn
