// Numbers and names as a person reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/report/fields_internal.h"

namespace cairn::report {

inline constexpr const char* kUnknown = "–";  // en dash: a figure that cannot be told

// How many decimals show `value` with three or four significant digits: 0.890, 12.35, 58,184; very small ones
// get more.
int decimals_for(double value);
int decimals_for(const Figure& figure);                 // one number of decimals for a value and its interval
std::string number(double value, int decimals);         // "58,184", "−0.013": thousands grouped, a true minus
std::string number(std::optional<double> value);        // with its own decimals, or kUnknown
std::string count(std::int64_t value);                  // "16,512"
std::string percent(double share, int decimals = 1);    // "81.0 %"
std::string bytes(double size);                         // "73.4 MB"
std::string duration(double seconds);                   // "0.61 s", "2 min 5 s"
std::string value_of(const Figure& figure);             // "0.890"
std::string interval_of(const Figure& figure);          // "0.838 to 0.937", or kUnknown
std::string signed_number(double value, int decimals);  // "+0.011"

// A metric's name as the field writes it: "ROC AUC", "RMSE", "log loss". An expression such as "1 - roc_auc"
// likewise.
std::string metric_label(std::string_view name);
std::string learner_label(std::string_view name);  // "logistic regression"
std::string capitalised(std::string text);

// Terminal columns a UTF-8 text takes; bytes that are no UTF-8 count one each.
int display_width(std::string_view text);
std::string padded(std::string_view text, int width, bool right = false);
std::string shortened(std::string_view text, int width);  // cut to `width` columns, with an ellipsis
std::vector<std::string> wrapped(std::string_view text,
                                 int width);  // lines of at most `width` columns where words allow

}  // namespace cairn::report
