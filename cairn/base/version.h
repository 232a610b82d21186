// Which library this is: what decides the bytes of a result beside data, seed and parameters.
#pragma once

#include <string>

namespace cairn {

const char* version();    // "0.1.0"
const char* build();      // compiler and build type
std::string scheduler();  // "oneTBB" or "std::thread"

}  // namespace cairn
