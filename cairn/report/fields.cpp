#include "cairn/report/fields_internal.h"

#include <cmath>

namespace cairn::report {

const Json& field(const Json& object, std::string_view key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(std::string(key));
  return found == object.end() ? kNull : *found;
}

bool has(const Json& object, std::string_view key) {
  const Json& value = field(object, key);
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.is_null() && !value.empty();
}

std::optional<double> number_at(const Json& object, std::string_view key) {
  const Json& value = field(object, key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) return std::nullopt;
  return value.get<double>();
}

std::string text_at(const Json& object, std::string_view key, std::string_view otherwise) {
  const Json& value = field(object, key);
  return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

bool flag_at(const Json& object, std::string_view key) {
  const Json& value = field(object, key);
  return value.is_boolean() && value.get<bool>();
}

Figure figure_of(const Json& object, std::string_view value_key) {
  return {number_at(object, value_key), number_at(object, "low"), number_at(object, "high")};
}

}  // namespace cairn::report
