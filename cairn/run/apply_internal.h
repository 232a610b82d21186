// What the verbs that take a finished model to new data share.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cairn/data/dataset.h"
#include "cairn/model/contributions.h"
#include "cairn/model/pipeline.h"
#include "cairn/run/read.h"

namespace cairn {

// Wanted columns that are in the table; UsageError names the nearest for one that is not.
void check_columns(const Table& table, const std::vector<std::string>& names, const char* flag);
// Where data bring a test part of their own, a finished model is shown that.
ReadResult unseen_rows(ReadResult read);
// The data as the model's task sees them: its target, its classes, its positive class.
Dataset dataset_for(const PipelineModel& model, Table table);
// Of each row the score that is its prediction: the class decided for; of several quantiles the one that is
// predicted, which may have been another before they were put in order. 0 where there is one score.
std::vector<std::size_t> outputs_predicted(const PipelineModel& model, const Contributions& all,
                                           const Table& predicted);

}  // namespace cairn
