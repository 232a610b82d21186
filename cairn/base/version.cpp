#include "cairn/base/version.h"

namespace cairn {

const char* version() { return CAIRN_VERSION; }
const char* build() { return CAIRN_BUILD; }

std::string scheduler() { return CAIRN_TBB ? "oneTBB" : "std::thread"; }

}  // namespace cairn
