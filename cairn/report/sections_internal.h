// The sections of a report, in the order in which they are read. Each leaves itself out when its fields are
// absent.
#pragma once

#include "cairn/base/json.h"
#include "cairn/report/page_internal.h"

namespace cairn::report {

// Beyond this many names a table or chart shows the first ones and says how many there are.
inline constexpr std::size_t kShownRows = 20;

void add_masthead(Page& page, std::string_view kind, const Json& result);
void add_verdict(Page& page, const Json& result);
void add_metrics(Page& page, const Json& result);
void add_calibration_map(Page& page, const Json& result);  // what --calibrate did
void add_intervals(Page& page, const Json& result);        // what `predict --interval` would hold
void add_quantiles(Page& page, const Json& result);        // how those of `predict --quantiles` hold
void add_advice(Page& page, const Json& result);
void add_candidates(Page& page, const Json& result);
void add_split(Page& page, const Json& result);   // inflated and corrected estimates, shift
void add_tuning(Page& page, const Json& result);  // trials of `tune`, parameters against score
void add_curves(Page& page, const Json& result);
void add_confusion(Page& page, const Json& result);
// A picture that stands in the page itself: base64 of a PNG file; anything else is left out.
std::string inline_picture(const std::string& png, const std::string& words);
void add_pictures(Page& page, const Json& result);  // samples, worst errors, first-layer filters
void add_slices(Page& page, const Json& evaluation);
void add_explanation(Page& page, const Json& result);  // permutation importance and coefficients
void add_inference(Page& page, const Json& result);    // standard errors, tests, influence of a linear model
void add_partial_dependence(Page& page, const Json& result);
void add_stability(Page& page, const Json& result);     // importance with other seeds
void add_interactions(Page& page, const Json& result);  // pairs of columns
void add_trees(Page& page, const Json& result);         // the first tree of a model of trees
void add_penalty_path(Page& page, const Json& result);  // how a linear model's strength was chosen
void add_ledger(Page& page, const Json& result);
void add_learning_curve(Page& page, const Json& result);
void add_loss_history(Page& page, const Json& result);
void add_data_remarks(Page& page, const Json& result);  // warnings and guesses
void add_commands(Page& page, const Json& result);
void add_details(Page& page, const Json& result);

}  // namespace cairn::report
