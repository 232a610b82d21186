// The sparse text of libsvm, svmlight and XGBoost: a label, then `index:value` pairs that are not zero.
//
//   1 qid:3 4:0.5 17:1   # what follows is a comment
#pragma once

#include <string>
#include <string_view>

#include "cairn/data/reader.h"

namespace cairn {

// The columns `label` (the target), `qid` (the query a row belongs to, where the file states it) and the
// features, named by their index in the file: f4, f17. A feature that stands nowhere in the file has no
// column. Mostly zeros they are one sparse column `features`; where at least half of the values are stated,
// one column of numbers each. Arguments: `base=1` counts the features from 1, so that index 1 is f0;
// `layout=sparse|columns` overrules the choice. DataError names the line.
ReadResult read_libsvm(const std::string& path, const ReadOptions& options = {});

extern const Reader kLibsvmReader;

}  // namespace cairn
