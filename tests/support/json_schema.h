// Whether a document follows a JSON Schema, by valijson.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cairn::test {

// One line a fault, "<root>[metrics]: ..."; empty when the document follows the schema.
std::vector<std::string> schema_faults(std::string_view schema, std::string_view document);

}  // namespace cairn::test
