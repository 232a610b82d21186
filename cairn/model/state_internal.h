// Private to model/: the container shared by models and other state.
#pragma once

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn/model/archive_internal.h"
#include "cairn/model/state_file.h"

namespace cairn {

constexpr const char* kSeal = "cairn.sha256";
constexpr std::size_t kSealBytes = 32, kLargestFile = std::size_t{1} << 36;

std::string state_to_bytes(std::string_view kind, const VisitFunction& visit, Json card = Json::object());

struct StateFile {
  Json own;  // format, kind, card, values
  std::map<std::string, Tensor> tensors;
};
StateFile open_state(std::string_view bytes, const std::string& path);  // checksum and header are in order
void state_from_bytes(std::string_view bytes, const std::string& path, std::string_view kind,
                      const VisitFunction& visit);

Json walk_values(const VisitFunction& visit);  // the plain values that a walk sees
void fill_from(const Json& values, const std::map<std::string, Tensor>& tensors, const VisitFunction& visit);

// Whatever goes wrong while a file is read is told as the file's fault.
template <class F>
auto in_file(const std::string& path, F&& work) {
  try {
    return work();
  } catch (const ModelFileError& e) {
    if (e.where() == path) throw;
    throw ModelFileError(path, e.message(), e.hint());
  } catch (const Error& e) {  // a shape, a level or a name that cannot be: the file lies
    throw ModelFileError(path, fmt::format("cannot be read: {}", e.what()));
  } catch (const nlohmann::json::exception&) {
    throw ModelFileError(path, "has no readable cairn header");
  }
}

}  // namespace cairn
