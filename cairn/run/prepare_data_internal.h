// What preparing data in memory and in parts share.
#pragma once

#include "cairn/run/train_internal.h"

namespace cairn {

Table drop_rows_with_missing(const Table& table, std::vector<Warning>& warnings);
// Roles, task and positive class as the person and the data say them; `start`: see prepare_data().
DatasetOptions dataset_options(const TrainOptions& o, const ReadResult& read, const Table& table,
                               const StartModel* start);
// An entry of PreparedData::guesses; empty texts are left out.
Json guess_to_json(std::string what, std::string value, std::string reason, std::string flag);
// The dataset with the copies that its splits keep together.
Dataset planned(Dataset data, const TrainOptions& o, PreparedData& d, const StopToken& stop);
// Reads --dev; --test becomes the rows that judge, `all` those that learn.
void add_dev_file(const TrainOptions& o, const Dataset& all, const Schema& schema, const Registry& registry,
                  const RunContext& context, PreparedData& d);
void add_test_file(const TrainOptions& o, const Dataset& all, const Schema& schema, const Registry& registry,
                   const RunContext& context, PreparedData& d);
void require_classes_to_balance(const Dataset& data);  // UsageError for a regression
// What stands out in the training rows.
void add_checks(PreparedData& d);

// The data in parts, where they are beyond --max-memory and can be read so; false: they are to be read as a
// whole, and `whole` is what was read where it is all there already. ResourceError when no learner asked for
// can be fitted in parts.
bool prepare_parts(const TrainOptions& o, const Registry& registry, const RunContext& context,
                   PreparedData& d, std::optional<ReadResult>& whole);

}  // namespace cairn
