// What the verbs that take a finished model to new data share.
#pragma once

#include <string>
#include <vector>

#include "cairn/data/dataset.h"
#include "cairn/model/pipeline.h"
#include "cairn/run/read.h"

namespace cairn {

// Wanted columns that are in the table; UsageError names the nearest for one that is not.
void check_columns(const Table& table, const std::vector<std::string>& names, const char* flag);
// Where data bring a test part of their own, a finished model is shown that.
ReadResult unseen_rows(ReadResult read);
// The data as the model's task sees them: its target, its classes, its positive class.
Dataset dataset_for(const PipelineModel& model, Table table);

}  // namespace cairn
