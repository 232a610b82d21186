// Advice and gaps in words, the same on the page and in the terminal.
#pragma once

#include <string>
#include <vector>

#include "cairn/base/json.h"

namespace cairn::report {

// With a capital and a point: "the curve is flat" -> "The curve is flat."
std::string as_sentence(std::string text);

// What an action is expected to bring: "+0.011 ROC AUC" and "80 %: +0.002 to +0.021"; empty when it brings no
// figure.
struct Gain {
  std::string change, interval;
  bool proven = false;
};
Gain gain_of(const Json& advice);

std::string evidence_and_cost(const Json& advice);
std::string not_worth_words(const Json& advice);  // gain, evidence and cost in one line
std::string unexamined_words(const Json& entry);

bool is_proven(const Json& gap);         // its interval does not hold zero
std::string gap_words(const Json& gap);  // "variance +0.010 (−0.031 to +0.051), unproven"

std::string blend_members(const Json& blend);  // "ridge (25 %) and random forest (75 %)"
std::string blend_words(const Json& blend);    // what came of it, with the figures that decided

// What other splits would have said, and whether test rows differ: a sentence each.
std::vector<std::string> split_words(const Json& result);

// Of a result with "tuning": what was found, why the search ended, how far its score is to be believed.
std::vector<std::string> tuning_words(const Json& result);

}  // namespace cairn::report
