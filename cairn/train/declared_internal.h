// Networks that a person declares for a learner, in place of the one that its settings describe.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cairn::train_detail {

// The declaration in `text`, a parameter's value, in its one spelling; empty: none. ParamError where it is no
// JSON object, such as a file's name; DataError as Network::parse throws it.
std::string declared_network(const std::string& parameter, const std::string& text);

// ParamError naming the first setting that says what the declaration says too: its name and whether it
// differs from its default.
void refuse_beside_declaration(const std::string& parameter,
                               const std::vector<std::pair<const char*, bool>>& settings);

}  // namespace cairn::train_detail
