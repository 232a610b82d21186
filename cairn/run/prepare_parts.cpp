#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "cairn/data/stack.h"
#include "cairn/data/summary.h"
#include "cairn/data/target_values.h"
#include "cairn/data/times.h"
#include "cairn/run/findings.h"
#include "cairn/run/memory_limit.h"
#include "cairn/run/prepare_data_internal.h"
#include "cairn/run/quantities.h"
#include "cairn/run/read.h"

namespace cairn {
namespace {

// Of the memory that is left: what choosing a learner on the sample may take, and judging the held-out rows.
constexpr double kSampleShare = 0.45, kHeldOutShare = 0.2;
// What stays of the sample while the last fit goes on, as a share of what choosing on it may take: the rows,
// the prepared ones, what each candidate predicted of them; and of the held-out rows, which are not judged
// yet.
constexpr double kSampleStays = 0.6, kHeldOutStays = 0.3;
// More rows than these make neither the choice nor the figures better, only slower.
constexpr std::int64_t kMostSampled = 100'000, kMostHeldOut = 200'000, kLeastSampled = 1000;

std::string rows_text(std::int64_t n) { return fmt::format("{} rows", n); }

std::string megabytes(double bytes) { return fmt::format("{:.0f} MB", bytes / 1e6); }

struct Drawn {
  GrowingTable sample, held_out;
  std::int64_t learned = 0, left_out = 0;
  TargetValues target;
  bool too_many = false;  // rows to hold out: the pass ended there
};

Drawn draw_rows(TableParts& table, const RowDraw& draw, std::int64_t most_held_out) {
  Drawn drawn;
  table.blocks([&](const Table& part, std::int64_t first_row) {
    const std::vector<RowUse> uses = draw.uses(part, first_row);
    std::vector<std::int64_t> sampled, held_out;
    for (std::size_t r = 0; r < uses.size(); ++r) {
      const auto row = static_cast<std::int64_t>(r);
      if (uses[r] == RowUse::sampled) sampled.push_back(row);
      if (uses[r] == RowUse::held_out) held_out.push_back(row);
      drawn.learned += uses[r] == RowUse::sampled || uses[r] == RowUse::learned;
      drawn.left_out += uses[r] == RowUse::left_out;
    }
    drawn.target.add(part.column(draw.roles.target));
    drawn.sample.add(part.select(sampled));
    drawn.held_out.add(part.select(held_out));
    drawn.too_many = drawn.held_out.num_rows() > most_held_out;
    return !drawn.too_many;
  });
  return drawn;
}

// The time after which `share` of the rows stand, of a sample of them.
double time_cut(TableParts& table, const RowDraw& draw, double share, std::int64_t rows) {
  if (const ColumnSpec* time = table.about().schema.find(draw.roles.time); time && time->num_missing > 0)
    throw DataError(fmt::format("time '{}'", draw.roles.time),
                    fmt::format("is missing in {}; every row needs a time", rows_text(time->num_missing)));
  RowDraw all = draw;
  all.held_out = 0;
  all.rows_apart = true;
  all.sampled = std::min(1.0, static_cast<double>(kMostSampled) / static_cast<double>(rows));
  std::vector<double> times;
  TimesOfParts form;
  table.blocks([&](const Table& part, std::int64_t first_row) {
    const std::vector<RowUse> uses = all.uses(part, first_row);
    const Column time = form.of(part.column(draw.roles.time), first_row);
    for (std::size_t r = 0; r < uses.size(); ++r)
      if (uses[r] == RowUse::sampled) times.push_back(time.number_at(static_cast<std::int64_t>(r)));
    return true;
  });
  if (times.empty()) throw DataError("data", "no row has a target and counts");
  const double at[] = {1 - share};
  return quantiles(times, at)[0];
}

// What rows take on their way, and how many of them fit.
struct Sizes {
  double row = 0, fixed = 0, whole = 0;  // bytes: of a row, beside all rows, and together
  std::int64_t features = 0;
  std::int64_t sampled = 0, held_out = 0;
  double part = 0;  // bytes of one part on its way to a learner that keeps its bins
};

Sizes sizes_of(TableParts& table, const TrainOptions& o, const DatasetOptions& options, std::uint64_t most) {
  Sizes s;
  const PipelineOptions pipeline{.polynomial = static_cast<int>(o.polynomial)};
  std::vector<std::string> others = options.roles.ignored;
  others.insert(others.end(), options.roles.id.begin(), options.roles.id.end());
  for (const std::string& name : {options.roles.target, options.roles.weight, options.roles.group,
                                  options.roles.time, options.roles.event})
    if (!name.empty()) others.push_back(name);
  table.blocks([&](const Table& part, std::int64_t) {
    const Table features = part.without(others);
    const Column* target = part.find(options.roles.target);
    const std::size_t classes =
        target && target->kind() == ColumnKind::category ? target->levels().size() : 2;
    const auto bytes_of = [&](std::int64_t rows) {
      return training_memory(features, classes, rows, pipeline, false);
    };
    const TrainingMemory all = bytes_of(table.num_rows());
    s.features = all.features;
    // As read, the rows learned from, as a matrix, and as columns.
    constexpr double kNumber = 8, kPartCopies = 4;
    s.part = kPartCopies * kNumber * static_cast<double>(part.num_rows() * part.num_columns());
    s.fixed = kProgramBytes + static_cast<double>(bytes_of(0).to_come);
    s.whole = kProgramBytes + static_cast<double>(all.to_come);
    s.row = (s.whole - s.fixed) / static_cast<double>(table.num_rows());
    return false;
  });
  const double left = static_cast<double>(most) - s.fixed;
  const auto fitting = [&](double share, std::int64_t cap) {
    return static_cast<std::int64_t>(std::clamp(share * left / s.row, 0.0, static_cast<double>(cap)));
  };
  s.sampled = fitting(kSampleShare, kMostSampled);
  s.held_out = fitting(kHeldOutShare, kMostHeldOut);
  return s;
}

std::vector<std::string> named_learners(const TrainOptions& o) {
  std::vector<std::string> names;
  for (const std::string& name : o.learner)
    if (name != "auto") names.push_back(name);
  return names;
}

void refuse_learners_of_whole(const TrainOptions& o, const Registry& registry, const TableParts& table,
                              const Sizes& sizes, std::uint64_t most) {
  const std::string need = fmt::format("training on {} and {} features takes about {}; the limit is {}",
                                       rows_text(table.num_rows()), sizes.features, megabytes(sizes.whole),
                                       megabytes(static_cast<double>(most)));
  std::vector<std::string> able;
  for (const LearnerEntry& e : registry.learners)
    if (why_not_in_parts(*e.make()).empty()) able.emplace_back(e.name);
  for (const std::string& name : named_learners(o))
    if (const std::string why = why_not_in_parts(*registry.learner(name).make()); !why.empty())
      throw ResourceError(
          "--max-memory", fmt::format("{}, and {}", need, why),
          fmt::format("Raise it, or name learners that read the rows in parts: {}.", fmt::join(able, ", ")));
  if (sizes.sampled < std::min(kLeastSampled, table.num_rows()))
    throw ResourceError(
        "--max-memory",
        fmt::format("{}, which leaves no room for a sample of {} either", need, rows_text(kLeastSampled)),
        "Raise it, or leave columns out with --ignore.");
}

// What a learner that keeps something of every row may hold while it is fitted in the end: at least a byte,
// since 0 would be no limit.
std::uint64_t left_for_learner(const Sizes& sizes, std::uint64_t most, std::int64_t sampled,
                               std::int64_t held_out) {
  const double rows =
      kSampleStays * static_cast<double>(sampled) + kHeldOutStays * static_cast<double>(held_out);
  const double left = static_cast<double>(most) - sizes.fixed - sizes.row * rows - sizes.part;
  return static_cast<std::uint64_t>(std::max(1.0, left));
}

void add_facts(PreparedData& d, const TableParts& table) {
  const ReadResult& read = table.about();
  d.sha256 = read.sha256;
  d.rows = table.num_rows();
  d.columns = read.table.num_columns();
  d.warnings = read.warnings;
  d.guesses = guesses_to_json(read.guesses);
}

// The rows in memory, and which of all are held out.
Drawn draw_in_memory(TableParts& table, const TrainOptions& o, const Sizes& sizes, RowDraw& draw) {
  const auto n = static_cast<double>(table.num_rows());
  const double asked = o.test.empty() ? o.holdout : 0;
  const double share = std::min(asked, static_cast<double>(sizes.held_out) / n);
  draw.sampled = std::min(1.0, static_cast<double>(sizes.sampled) / (n * (1 - share)));
  draw.held_out = share;
  if (share > 0 && !draw.roles.time.empty() && draw.roles.group.empty())
    draw.cut = time_cut(table, draw, share, table.num_rows());
  // A few rows that are repeated over and over, or a few large groups, cannot be dealt out in every share.
  const auto wanted = share * n;
  const auto most = static_cast<std::int64_t>(1.5 * wanted) + kLeastSampled;
  Drawn drawn = draw_rows(table, draw, most);
  const bool by_row = !draw.cut && draw.roles.group.empty() && !draw.rows_apart;
  if (by_row && (drawn.too_many || static_cast<double>(drawn.held_out.num_rows()) < 0.5 * wanted)) {
    draw.rows_apart = true;
    drawn = draw_rows(table, draw, most);
  }
  if (drawn.too_many)
    throw ResourceError(
        "--max-memory",
        fmt::format("more than {} would be held out, since groups of '{}' stay whole and are large",
                    rows_text(most), draw.roles.group),
        "Raise it, or name rows to judge with --test.");
  if (drawn.target.empty())
    throw DataError(fmt::format("target '{}'", draw.roles.target),
                    fmt::format("all {} are missing", rows_text(table.num_rows())));
  if (drawn.sample.num_rows() == 0 || (share > 0 && drawn.held_out.num_rows() == 0))
    throw DataError("data", "the rows cannot be dealt out to learn and to judge: too few are distinct",
                    "--holdout 0 measures by cross-validation; --test names rows to judge.");
  return drawn;
}

void tell_split(const TrainOptions& o, const RowDraw& draw, const Drawn& drawn, PreparedData& d) {
  d.trained_on = fmt::format("{} of {} of {}, read in parts", drawn.learned, rows_text(d.rows), d.name);
  const std::string told = draw.cut                    ? fmt::format("the latest by {}", draw.roles.time)
                           : !draw.roles.group.empty() ? fmt::format("whole groups of {}", draw.roles.group)
                           : draw.rows_apart           ? "drawn row by row"
                                                       : "drawn at random, identical rows kept together";
  if (o.test.empty() && o.holdout > 0)
    d.how = fmt::format("{} of {} held out, {}", drawn.held_out.num_rows(), rows_text(d.rows), told);
  if (o.test.empty() && o.holdout == 0)
    d.how = "no rows kept back; the figures come from cross-validation on the sample";
}

void settle_task(TargetValues values, DatasetOptions& options, PreparedData& d) {
  const bool open = !options.task;
  const std::string reason = std::move(values).settle(options);
  if (open) d.guesses.push_back(guess_to_json("task", name_of(*options.task), reason, "--task"));
}

void warn_in_parts(const Sizes& sizes, std::uint64_t most, const TrainOptions& o, std::int64_t held_out,
                   PreparedData& d) {
  std::string text = fmt::format(
      "Training on all {} at once would take about {}, the limit is {}: "
      "learners are chosen on a sample of {}, "
      "and the one chosen is fitted on all {} training rows, read in parts.",
      rows_text(d.rows), megabytes(sizes.whole), megabytes(static_cast<double>(most)),
      rows_text(d.train->num_rows()), d.parts->num_rows());
  if (o.test.empty() && static_cast<double>(held_out) < 0.9 * o.holdout * static_cast<double>(d.rows))
    text += fmt::format(" {} are held out, not {:g} % of all: so many judge well and fit.",
                        rows_text(held_out), 100 * o.holdout);
  d.warnings.push_back({"in_parts", "", std::move(text)});
}

}  // namespace

bool prepare_parts(const TrainOptions& o, const Registry& registry, const RunContext& context,
                   PreparedData& d, std::optional<ReadResult>& whole) {
  const std::uint64_t most = parse_bytes("--max-memory", o.read.max_memory);
  if (most == 0) return false;
  const auto table =
      read_in_parts(o.data, o.read, registry, part_sizes(most), context.stop, context.progress);
  if (!table) return false;
  const ReadResult& read = table->about();
  DatasetOptions options = dataset_options(o, read, read.table, nullptr);
  d.target = options.roles.target;
  check_roles(read.table, options.roles);
  const Sizes sizes = sizes_of(*table, o, options, most);
  if (sizes.whole <= static_cast<double>(most)) {
    if (std::optional<Table> rows = table->take_whole()) {
      whole = read;
      whole->table = std::move(*rows);
    }
    return false;
  }
  table->drop_whole();
  if (o.refit_all)
    throw UsageError("--refit-all", "the data are read in parts here, and held-out rows stay apart",
                     "Raise --max-memory, or keep back less with --holdout.");
  refuse_learners_of_whole(o, registry, *table, sizes, most);
  add_facts(d, *table);

  RowDraw draw{.roles = options.roles,
               .seed = static_cast<std::uint64_t>(o.seed),
               .rows_apart = o.split == "random",
               .drop_missing = o.missing == "drop"};
  Drawn drawn = draw_in_memory(*table, o, sizes, draw);
  tell_split(o, draw, drawn, d);
  const std::int64_t learned = drawn.learned, held_out = drawn.held_out.num_rows();
  settle_task(std::move(drawn.target), options, d);
  if (drawn.left_out > 0)
    d.warnings.push_back(
        {"rows_left_out", "",
         fmt::format("{} without a target, of weight 0{} are left out.", rows_text(drawn.left_out),
                     draw.drop_missing ? " or with a missing value" : "")});
  Dataset sample(std::move(drawn.sample).take(), options);
  d.warnings.insert(d.warnings.end(), sample.warnings().begin(), sample.warnings().end());
  sample = planned(std::move(sample), o, d, context.stop);
  if (o.test.empty() && held_out > 0) d.test = sample.with_table(std::move(drawn.held_out).take());
  d.train = sample;
  add_dev_file(o, sample, read.schema, registry, context, d);
  if (!o.test.empty()) add_test_file(o, sample, read.schema, registry, context, d);
  add_checks(d);
  const std::uint64_t left = left_for_learner(sizes, most, sample.num_rows(), held_out);
  d.parts = std::make_shared<TrainingParts>(table, std::move(draw), learned, std::move(sample), left);
  if (o.class_weight == "balanced") {
    require_classes_to_balance(*d.train);
    d.parts->balance_classes();
    d.train = d.parts->sample();
  }
  warn_in_parts(sizes, most, o, held_out, d);
  Storage::release_unused();
  return true;
}

}  // namespace cairn
