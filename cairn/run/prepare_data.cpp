#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "cairn/base/hash.h"
#include "cairn/data/checks.h"
#include "cairn/run/findings.h"
#include "cairn/run/prepare_data_internal.h"
#include "cairn/run/read.h"
#include "cairn/run/roles.h"

namespace cairn {

Table drop_rows_with_missing(const Table& table, std::vector<Warning>& warnings) {
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 0; r < table.num_rows(); ++r)
    if (std::ranges::none_of(table.columns(), [&](const Column& c) { return c.is_missing(r); }))
      rows.push_back(r);
  const auto kept = static_cast<std::int64_t>(rows.size());
  if (kept == table.num_rows()) return table;
  if (kept == 0) throw DataError("--missing drop", "every row has a missing value; nothing would be left");
  warnings.push_back({"rows_dropped", "",
                      fmt::format("{} of {} rows have a missing value and were left out (--missing drop).",
                                  table.num_rows() - kept, table.num_rows())});
  return table.select(rows);
}

namespace {

// --group none: rows stand for themselves also where the file names their group, a column that is then left
// out.
bool no_group(const TrainOptions& o, const Table& table) { return o.group == "none" && !table.find("none"); }

}  // namespace

DatasetOptions dataset_options(const TrainOptions& o, const ReadResult& read, const Table& table,
                               const StartModel* start) {
  const std::string target = target_of(o.target, read);
  DatasetOptions d;
  std::vector<std::string> id = column_list(o.id, table);
  for (const std::string& name : read.id)  // what only names a row is never learned from
    if (std::ranges::find(id, name) == id.end() && name != target) id.push_back(name);
  std::vector<std::string> ignored = column_list(o.ignore, table);
  const bool alone = no_group(o, table);
  if (alone && !read.group.empty()) ignored.push_back(read.group);
  d.roles = {.target = target,
             .weight = o.weight,
             .group = alone             ? ""
                      : o.group.empty() ? read.group
                                        : o.group,
             .time = o.time,
             .event = o.event,
             .id = std::move(id),
             .ignored = std::move(ignored)};
  if (!o.task.empty()) d.task = task_from_name(o.task);
  d.positive = o.positive;
  if (start) d.classes = start->model->classes();
  return d;
}

namespace {

Dataset balanced(const Dataset& data) {
  std::vector<std::int64_t> counts(data.classes().size(), 0);
  for (const auto code : data.class_codes()) ++counts[static_cast<std::size_t>(code)];
  return weighed_by_class(data, balancing_weights(counts));
}

}  // namespace

Json guess_to_json(std::string what, std::string value, std::string reason, std::string flag) {
  Json json{{"what", std::move(what)}, {"guess", std::move(value)}};
  if (!reason.empty()) json["reason"] = std::move(reason);
  if (!flag.empty()) json["flag"] = std::move(flag);
  return json;
}

Dataset planned(Dataset data, const TrainOptions& o, PreparedData& d, const StopToken& stop) {
  const bool dealt = data.roles().group.empty() && data.roles().time.empty();
  if (o.split != "auto" && !dealt)
    throw UsageError("--split", fmt::format("is for rows dealt out at random; --{} decides here",
                                            data.roles().group.empty() ? "time" : "group"));
  d.plan = plan_split(data, o.split == "auto", stop);
  d.warnings.insert(d.warnings.end(), d.plan.warnings.begin(), d.plan.warnings.end());
  // Without near copies the splits number identical rows by themselves, and nothing has to be kept of each
  // row.
  if (!dealt || (o.split != "random" && d.plan.copies.near_rows == 0)) return data;
  std::vector<std::int64_t> of_row = std::move(d.plan.copies.of_row);
  if (o.split == "random") {
    of_row.resize(static_cast<std::size_t>(data.num_rows()));
    std::iota(of_row.begin(), of_row.end(), 0);
  }
  return data.with_copies(std::move(of_row), d.plan.copies.near_rows > 0);
}

namespace {

// Two rows that are the same in every column stand in both parts: the estimate is too good by their share.
void warn_shared_rows(PreparedData& d) {
  d.shared_rows = count_shared_rows(*d.train, *d.test);
  if (*d.shared_rows > 0)
    d.warnings.push_back(
        {"shared_rows", "",
         fmt::format("{} of {} test rows also stand in the training data; the test figures are "
                     "too good by what they are known by heart.",
                     *d.shared_rows, d.test->num_rows())});
}

}  // namespace

void add_dev_file(const TrainOptions& o, const Dataset& all, const Schema& schema, const Registry& registry,
                  const RunContext& context, PreparedData& d) {
  if (o.dev.empty()) return;
  ReadResult dev = read_data(o.dev, o.read, registry, &schema, context.stop, context.progress);
  d.dev_sha256 = dev.sha256;
  d.dev = all.with_table(o.missing == "drop" ? drop_rows_with_missing(dev.table, d.warnings) : dev.table);
  d.warnings.insert(d.warnings.end(), d.dev->warnings().begin(), d.dev->warnings().end());
}

void add_test_file(const TrainOptions& o, const Dataset& all, const Schema& schema, const Registry& registry,
                   const RunContext& context, PreparedData& d) {
  ReadResult test = read_data(o.test, o.read, registry, &schema, context.stop, context.progress);
  d.test_sha256 = test.sha256;
  d.test_rows_given = test.table.num_rows();
  d.test_columns = test.table.num_columns();
  Table rows = o.missing == "drop" ? drop_rows_with_missing(test.table, d.warnings) : test.table;
  d.train = all;
  d.test = all.with_table(std::move(rows));
  d.warnings.insert(d.warnings.end(), d.test->warnings().begin(), d.test->warnings().end());
  d.how = fmt::format("the given test file, {}", o.test.substr(o.test.rfind('/') + 1));
}

void require_classes_to_balance(const Dataset& data) {
  if (!is_classification(data.task()))
    throw UsageError("--class-weight", "balances classes; this is a regression");
}

void add_checks(PreparedData& d) {
  for (Warning& w : check_table(d.train->features())) d.warnings.push_back(std::move(w));
  for (Warning& w : check_dataset(*d.train)) d.warnings.push_back(std::move(w));
}

PreparedData prepare_data(const TrainOptions& o, const Registry& registry, const RunContext& context,
                          const StartModel* start) {
  PreparedData d;
  d.name = data_name(o.data);
  std::optional<ReadResult> whole;
  if (!start && prepare_parts(o, registry, context, d, whole)) return d;
  ReadResult read = whole ? *std::exchange(whole, std::nullopt)
                          : read_data(o.data, o.read, registry, nullptr, context.stop, context.progress);
  d.sha256 = read.sha256;
  d.rows = read.table.num_rows();
  d.columns = read.table.num_columns();
  d.warnings = std::move(read.warnings);
  d.guesses = guesses_to_json(read.guesses);
  Table table = o.missing == "drop" ? drop_rows_with_missing(read.table, d.warnings) : read.table;
  const DatasetOptions options = dataset_options(o, read, table, start);
  if (o.group == "none" && options.roles.group == "none")
    d.warnings.push_back({"group_none", "none",
                          "--group none means the column 'none' here, whose equal values stay together; "
                          "give it another name to deal out single rows."});
  d.target = options.roles.target;
  const bool had_column = table.find(d.target) != nullptr;
  if (!options.task && had_column) {
    std::string reason;
    const Task task = infer_task(table.column(d.target), &reason);
    d.guesses.push_back(guess_to_json("task", name_of(task), reason, "--task"));
  }
  Dataset all(std::move(table), options);
  d.pictures = std::ranges::any_of(all.features().columns(),
                                   [](const Column& c) { return c.kind() == ColumnKind::image; });
  read.table = {};
  d.warnings.insert(d.warnings.end(), all.warnings().begin(), all.warnings().end());

  all = planned(std::move(all), o, d, context.stop);

  add_dev_file(o, all, read.schema, registry, context, d);
  if (o.refit_all && !o.test.empty())
    throw UsageError("--refit-all",
                     "the model already learns from every row of the data; the test file stays apart");
  if (!o.test.empty()) {
    add_test_file(o, all, read.schema, registry, context, d);
    d.trained_on = fmt::format("all {} rows of {}", all.num_rows(), d.name);
    warn_shared_rows(d);
  } else if (read.test) {
    d.test_rows_given = read.test->num_rows();
    d.test_columns = read.test->num_columns();
    d.train = all;
    d.test =
        all.with_table(o.missing == "drop" ? drop_rows_with_missing(*read.test, d.warnings) : *read.test);
    read.test.reset();
    d.warnings.insert(d.warnings.end(), d.test->warnings().begin(), d.test->warnings().end());
    d.how = "the test part that the data bring";
    d.trained_on = fmt::format("all {} training rows of {}", all.num_rows(), d.name);
    warn_shared_rows(d);
  } else if (o.holdout > 0) {
    const Split parts = split(all, {.test = o.holdout, .seed = static_cast<std::uint64_t>(o.seed)});
    d.how = parts.how;
    d.trained_on = fmt::format("{} of {} rows of {}", parts.train.size(), all.num_rows(), d.name);
    d.trained_rows_sha256 = sha256_hex(
        {reinterpret_cast<const char*>(parts.train.data()), parts.train.size() * sizeof(parts.train[0])});
    if (o.refit_all) d.all = all;
    auto [train, test] = std::move(all).divide(parts.train, parts.test);
    d.train = std::move(train);
    d.test = std::move(test);
  } else {
    d.train = all;
    d.how = "no rows kept back; the figures come from cross-validation";
    d.trained_on = fmt::format("all {} rows of {}", all.num_rows(), d.name);
  }
  add_checks(d);
  if (o.class_weight == "balanced") {
    require_classes_to_balance(*d.train);
    d.train = balanced(*d.train);
    if (d.all) d.all = balanced(*d.all);
  }
  Storage::release_unused();
  return d;
}

}  // namespace cairn
