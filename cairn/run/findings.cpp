#include "cairn/run/findings.h"

#include <nlohmann/json.hpp>

namespace cairn {

Json warnings_to_json(const std::vector<Warning>& warnings) {
  Json list = Json::array();
  for (const Warning& w : warnings) {
    Json json{{"code", w.code}};
    if (!w.column.empty()) json["column"] = w.column;
    json["message"] = w.message;
    list.push_back(std::move(json));
  }
  return list;
}

Json guesses_to_json(const std::vector<std::string>& guesses) {
  Json list = Json::array();
  for (const std::string& text : guesses) {
    const auto colon = text.find(": ");
    if (colon == std::string::npos)
      list.push_back({{"what", "reading"}, {"guess", text}});
    else
      list.push_back({{"what", text.substr(0, colon)}, {"guess", text.substr(colon + 2)}});
  }
  return list;
}

}  // namespace cairn
