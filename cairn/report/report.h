// From result.json to what a person reads. Pure functions: the same JSON gives the same bytes, nothing else
// is looked at.
#pragma once

#include <string>
#include <string_view>

#include "cairn/base/json.h"

namespace cairn {

// One page that opens offline: text, style, chart library and figures in a single file. Works without scripts
// (tables stand behind the charts), on a phone, in dark mode and on paper. Fields that are absent leave their
// section out.
std::string report_html(const Json& result);

// What the terminal prints after `train`: the result in a sentence, metrics with intervals beside the
// baseline, the ledger, what to do next, warnings, and where the report is. Lines are at most `width` columns
// wide (40 or more).
std::string report_text(const Json& result, bool colour, int width);

// The page of `evaluate`, from fields of result.json; what only training knows is absent.
std::string evaluation_html(const Json& evaluation);

// The page of `explain`, from the JSON of cairn/run/explain.h.
std::string explanation_html(const Json& explanation);

// The table of "inference" of result.json for a terminal; empty without one.
std::string inference_text(const Json& inference);

// What `describe` shows of the JSON of cairn/data/describe.h, with "name", "warnings" and "guesses" beside it
// where the caller knows them: a line a column with its distribution in block characters, and a page with a
// chart a column; "pictures" are those of cairn/run/pictures.h, for the page alone.
std::string describe_text(const Json& description, bool colour, int width);
std::string describe_html(const Json& description);

// What `recipe run` shows of a recipe's JSON (recipes/recipe.h): its numbers beside the course's, and its
// pictures, on a page or drawn in characters.
std::string recipe_html(const Json& recipe);
std::string recipe_text(const Json& recipe, bool colour, int width);

// The JSON Schema (draft 2020-12) that result.json follows, docs/reference/result.schema.json.
std::string_view result_schema();

}  // namespace cairn
