#include "tests/support/json_schema.h"

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace cairn::test {

std::vector<std::string> schema_faults(std::string_view schema, std::string_view document) {
  const auto schema_json = nlohmann::json::parse(schema), document_json = nlohmann::json::parse(document);
  valijson::Schema parsed;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json), parsed);
  valijson::Validator validator;
  valijson::ValidationResults results;
  std::vector<std::string> faults;
  if (validator.validate(parsed, valijson::adapters::NlohmannJsonAdapter(document_json), &results))
    return faults;
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    std::string place;
    for (const std::string& part : error.context) place += part;
    faults.push_back(place + ": " + error.description);
  }
  return faults;
}

}  // namespace cairn::test
