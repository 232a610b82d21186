// What was guessed and what a person should know, in the form that result.json gives them.
#pragma once

#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/json.h"

namespace cairn {

Json warnings_to_json(const std::vector<Warning>& warnings);  // [{code, column?, message}]
Json guesses_to_json(
    const std::vector<std::string>& guesses);  // "separator: tab" -> {what: "separator", guess: "tab"}

}  // namespace cairn
