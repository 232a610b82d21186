// `cairn export`: a finished model of trees as a file for another program.
#pragma once

#include <string>

#include "cairn/base/json.h"
#include "cairn/model/registry.h"

namespace cairn {

struct ExportOptions {
  std::string model;                 // a model file or a run folder
  std::string out;                   // the file to write
  std::string to;                    // xgboost, xgboost-ubj, lightgbm, cpp; "": by the ending of `out`
  std::string name = "cairn_model";  // cpp: the namespace
};

// Writes the file and reads it back where this program can. {"model", "out", "to", "bytes", "trees",
// "features": [{"name", "levels"}], "classes", "prepared"}: `prepared` tells that the features are not the
// data's own columns but what the model's transforms make of them. UsageError: an unknown format;
// NotSupported: a model without trees, or trees that the format cannot hold.
Json export_model(const ExportOptions& options, const Registry& registry);

}  // namespace cairn
