// ARFF, the format of Weka (Witten, Frank, Hall: Data Mining): attributes with their types, then rows, dense
// or sparse.
//
//   @relation weather
//   @attribute outlook {sunny, overcast, rainy}
//   @attribute temperature numeric
//   @data
//   sunny, 85
//   {1 64}            % sparse: what is left out is 0, or the first value of its list
#pragma once

#include <string>
#include <string_view>

#include "cairn/data/reader.h"

namespace cairn {

// The reason for a column's kind that the header states.
inline constexpr const char* kArffStates = "the ARFF header";

// Numeric, nominal, string and date attributes; '?' is missing. A nominal one is a category, of true and
// false a boolean. Numeric attributes of sparse rows that are mostly zero become one sparse column
// `features`; `layout=sparse|columns` overrules the choice. DataError names the line.
ReadResult read_arff(const std::string& path, const ReadOptions& options = {});

// The same for text in memory; `name` stands for the file in messages.
ReadResult read_arff_text(std::string_view text, const std::string& name, const ReadOptions& options = {});

extern const Reader kArffReader;

}  // namespace cairn
