#include "cairn/train/net_fit_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "cairn/base/isa.h"
#include "cairn/base/name_pattern.h"
#include "cairn/base/parallel.h"
#include "cairn/base/version.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/optimizer_table.h"
#include "cairn/train/batch_loss.h"
#include "cairn/train/flight_recorder.h"
#include "cairn/train/mixup_internal.h"

namespace cairn::train_detail {

Scaling scaling_of(const std::vector<double>& y, const std::vector<double>& weights) {
  double total = 0, mean = 0, squares = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double w = weights.empty() ? 1 : weights[i];
    total += w;
    mean += w * y[i];
  }
  mean /= total;
  double largest = 0;
  for (const double v : y) largest = std::max(largest, std::abs(v - mean));
  if (!(largest > 0) || !std::isfinite(largest)) return {mean, 1};
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double d = (y[i] - mean) / largest;
    squares += (weights.empty() ? 1 : weights[i]) * d * d;
  }
  return {mean, std::max(largest * std::sqrt(squares / total), std::numeric_limits<double>::min())};
}

Examples examples_of(Tensor x, const Targets& targets, std::span<const std::int64_t> rows,
                     const Scaling& scaling, DType dtype) {
  Examples e{.x = std::move(x)};
  const bool classes = is_classification(targets.task);
  std::vector<std::int64_t> codes;
  std::vector<double> values;
  double total = 0;
  for (const std::int64_t r : rows) {
    const auto i = static_cast<std::size_t>(r);
    if (classes)
      codes.push_back(targets.codes[i]);
    else
      values.push_back((targets.values[i] - scaling.center) / scaling.scale);
    if (!targets.weights.empty()) e.weights.push_back(targets.weights[i]);
    if (!targets.weights.empty()) total += targets.weights[i];
  }
  for (double& w : e.weights) w *= static_cast<double>(rows.size()) / total;
  e.y = classes ? Tensor::from(codes) : Tensor::from(values).to(dtype).reshape({std::ssize(values), 1});
  return e;
}

Rows divide_rows(std::int64_t count, std::span<const double> weights, const NetLearnerParts& parts,
                 const FitContext& context) {
  Rows rows;
  for (std::int64_t r = 0; r < count; ++r)
    if (weights.empty() || weights[static_cast<std::size_t>(r)] > 0) rows.train.push_back(r);
  if (parts.trainer.patience == 0 || context.validation || parts.held_out <= 0) return rows;
  const auto some = static_cast<std::size_t>(parts.held_out * static_cast<double>(rows.train.size()));
  if (some < 1 || some >= rows.train.size()) return rows;
  Random(context.seed, "held out").shuffle(std::span(rows.train));
  rows.watched.assign(rows.train.end() - static_cast<std::ptrdiff_t>(some), rows.train.end());
  rows.train.resize(rows.train.size() - some);
  std::ranges::sort(rows.train);
  std::ranges::sort(rows.watched);
  return rows;
}

namespace {

std::int64_t batch_size_for(std::int64_t rows, std::int64_t asked) {
  if (asked > 0) return asked;
  constexpr std::int64_t kLeast = 32, kMost = 512, kBatches = 100;
  std::int64_t size = kLeast;
  while (size < kMost && rows / (2 * size) >= kBatches) size *= 2;
  return size;
}

Tensor weights_of(const std::vector<double>& weights, std::span<const std::int64_t> rows) {
  if (weights.empty()) return {};
  std::vector<double> w;
  for (const std::int64_t r : rows) w.push_back(weights[static_cast<std::size_t>(r)]);
  return Tensor::from(w);
}

struct Watched {
  double loss = 0, right = 0;  // right: share of the weight whose class is the likeliest
};

// The plain loss, without smoothing.
Watched watch_rows(const Network& net, const Examples& e, const InputForm& form) {
  constexpr std::int64_t kRows = 1024;
  const BatchLoss loss{.name = e.y.dtype() == DType::i64 ? "cross_entropy" : "mse"};
  Watched all;
  double weight = 0;
  std::vector<std::int64_t> rows;
  for (std::int64_t begin = 0; begin < e.x.size(0); begin += kRows) {
    const std::int64_t end = std::min(e.x.size(0), begin + kRows);
    rows.resize(static_cast<std::size_t>(end - begin));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = begin + static_cast<std::int64_t>(i);
    const Tensor x = e.x.slice(0, begin, end), y = e.y.slice(0, begin, end);
    const Tensor output = net(form.present ? form.present(x) : x);
    all.loss += loss(output, y, weights_of(e.weights, rows)).item() * static_cast<double>(end - begin);
    if (y.dtype() != DType::i64) continue;
    const Tensor said = argmax(output, 1).contiguous().to(DType::i64), truth = y.contiguous();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double w = e.weights.empty() ? 1 : e.weights[static_cast<std::size_t>(rows[i])];
      weight += w;
      if (said.data<std::int64_t>()[i] == truth.data<std::int64_t>()[i]) all.right += w;
    }
  }
  all.loss /= static_cast<double>(e.x.size(0));
  all.right /= std::max(weight, std::numeric_limits<double>::min());
  return all;
}

// Work, not time, decides how often: what takes less than some tenths of a second is begun again rather than
// kept.
std::int64_t epochs_between_checkpoints(const Network& net, const Loader& loader) {
  constexpr double kWorthKeeping = 2e9, kOfABatch = 1e6;  // multiply-adds
  constexpr double kPasses = 3;                           // forward, and back to inputs and weights
  double each = 0;
  for (const Network::Row& row : net.rows()) each += static_cast<double>(row.multiply_adds);
  const double epoch = kPasses * each * static_cast<double>(loader.num_examples()) +
                       kOfABatch * static_cast<double>(loader.num_batches());
  return static_cast<std::int64_t>(std::ceil(kWorthKeeping / std::max(epoch, 1.0)));
}

void add(Sha256& hash, const Tensor& t) {
  hash.update(t.defined() ? t.text() : "nothing");
  if (!t.defined() || t.size() == 0) return;
  const Tensor whole = t.contiguous();
  hash.update(whole.raw(), static_cast<std::size_t>(whole.size()) * size_of(whole.dtype()));
}

void add(Sha256& hash, const Examples& e) {
  add(hash, e.x);
  add(hash, e.y);
  hash.update(e.weights.data(), e.weights.size() * sizeof(double));
}

// All that decides the fit's bytes.
std::string key_of(const Network& net, const NetLearnerParts& parts, const TrainerOptions& options,
                   const StepOptions& step, const Loader& loader, const Examples& train,
                   const Examples& watched, std::uint64_t seed) {
  const auto json = [](const char* name, const auto& params) {
    using P = std::remove_cvref_t<decltype(params)>;
    return params_to_json({name, const_cast<P*>(&params), &P::list()}).dump();
  };
  std::string text = fmt::format(
      "{} {} {}\n{}\n{} {}\n{} {}\n{} {}\n{} {} {} {} {} {}\n{}", version(), build(), instruction_set(),
      net.json(), parts.optimizer, parts.optimizer_params, json("step", step), json("trainer", options),
      json("schedule", options.schedule), options.plateau ? json("plateau", *options.plateau) : "",
      loader.options().batch_size, parts.label_smoothing, parts.mixup, name_of(parts.dtype),
      static_cast<int>(parts.products), seed, parts.settings);
  for (const ParameterGroup& g : step.groups)
    text += fmt::format("\n{} {} {}", g.match, g.learning_rate, g.penalty);
  Sha256 hash;
  hash.update(text);
  add(hash, train);
  add(hash, watched);
  return to_hex(hash.finish());
}

// Groups that match none of a declared network's parameters are left out.
StepOptions step_options(Network& net, const NetLearnerParts& parts) {
  StepOptions step = parts.step;
  if (!parts.declared) return step;
  const auto named = parameters(net);
  std::erase_if(step.groups, [&](const auto& group) {
    return std::ranges::none_of(named,
                                [&](const NamedParameter& p) { return name_matches(group.match, p.name); });
  });
  return step;
}

Loader loader_of(const Examples& train, const NetLearnerParts& parts, const InputForm& form,
                 const Mixup& mixup, std::uint64_t seed) {
  LoaderOptions options{.batch_size = batch_size_for(train.x.size(0), parts.batch_size),
                        .shuffle = true,
                        .seed = derive_seed(seed, "loader"),
                        .dtype = parts.dtype};
  if (!train.weights.empty()) options.weights = Tensor::from(train.weights).to(parts.dtype);
  if (form.present || form.augment || mixup.any()) {
    options.augment = [&form, mixup](Batch& batch, Random& random) {
      if (form.augment) form.augment(batch, random);
      if (form.present) batch.x = form.present(batch.x);
      if (mixup.any()) mix(batch, mixup, random);
    };
    // Mixing alone is not worth a thread of its own.
    if ((form.present || form.augment) && num_threads() > 1) options.workers = 1;
  }
  return Loader(train.x, train.y, options);
}

// Where the run keeps what this fit leaves.
void name_files(TrainerHooks& hooks, const FitContext& context) {
  std::string name = context.fit.empty() ? "fit" : context.fit;
  std::ranges::replace(name, ' ', '-');
  hooks.recording = fmt::format("{}/flight{}.cairn", context.folder, context.fit.empty() ? "" : "-" + name);
  hooks.checkpoint = fmt::format("{}/checkpoints/{}.cairn", context.folder, name);
  hooks.events = fmt::format("{}/tensorboard/{}", context.folder, name);
}

}  // namespace

History fit_network(Network& net, const NetLearnerParts& parts, const Examples& train,
                    const Examples& watched, const FitContext& context, const InputForm& form) {
  const PrecisionScope precision(parts.products, parts.name + ".precision");
  convert(net, parts.dtype);
  initialise(net, context.seed);
  const bool classes = train.y.dtype() == DType::i64;
  if (!classes && parts.label_smoothing > 0)
    throw ParamError("", fmt::format("{}.label_smoothing = {} is for classes; this is a regression",
                                     parts.name, parts.label_smoothing));
  const StepOptions step = step_options(net, parts);
  const auto opt = optimizer_named(parts.optimizer).make(net, Json::parse(parts.optimizer_params), step);
  const BatchLoss loss{.name = classes ? "cross_entropy" : "mse", .label_smoothing = parts.label_smoothing};
  const Mixup mixup{.alpha = parts.mixup, .classes = classes ? net.output_shape().size() : 0};
  const Loader loader = loader_of(train, parts, form, mixup, context.seed);
  TrainerOptions options = parts.trainer;
  ScheduleParams& schedule = options.schedule;
  const std::int64_t steps_an_epoch = (loader.num_batches() + options.accumulate - 1) / options.accumulate;
  if (schedule.total == 0)
    schedule.total = options.epochs * (schedule.unit == "epoch" ? 1 : steps_an_epoch) + schedule.warm_up;
  TrainerHooks hooks{.log = context.log, .stop = context.stop, .progress = context.progress};
  hooks.name = context.fit;
  hooks.network = net.json();
  hooks.loss = loss.name;
  hooks.complete = [&](FlightRecording& r) { r.label_smoothing = loss.label_smoothing; };
  if (!context.folder.empty()) {
    name_files(hooks, context);
    options.tensorboard = context.event_files;
    options.checkpoint_every = epochs_between_checkpoints(net, loader);
    if (options.checkpoint_every < options.epochs)
      hooks.key = key_of(net, parts, options, step, loader, train, watched, context.seed);
    else
      hooks.checkpoint.clear();
  }
  Watched seen;
  if (watched.x.defined()) {
    hooks.validate = [&] { return (seen = watch_rows(net, watched, form)).loss; };
    hooks.describe = [&](Json& event) {
      event[classes ? "accuracy" : "rmse"] = classes ? seen.right : form.unit * std::sqrt(seen.loss);
    };
  }
  return Trainer(options).fit(
      net, *opt, loader, [&](const Batch& b) { return loss(net(b.x), b.y, b.weights); }, hooks);
}

std::vector<double> losses_of(const History& history) {
  std::vector<double> losses;
  for (const Epoch& e : history.epochs) losses.push_back(e.loss);
  return losses;
}

std::vector<double> watched_of(const History& history) {
  std::vector<double> losses;
  for (const Epoch& e : history.epochs)
    if (std::isfinite(e.validation)) losses.push_back(e.validation);
  return losses;
}

Precision products_of(const std::string& precision) {
  return precision == "bf16" ? Precision::bf16 : Precision::f32;
}

std::vector<std::string> notes_of(Network& net, const NetLearnerParts& parts, const History& history,
                                  const Examples& examples, const InputForm& form) {
  std::vector<std::string> notes{fmt::format("{} parameters, {} epochs of {}, mean loss {:.6g} in the last",
                                             count_parameters(net).total, history.epochs.size(),
                                             parts.optimizer, history.epochs.back().loss)};
  if (history.stopped_early)
    notes.push_back(fmt::format("stopped early; the weights are those of epoch {}", history.best_epoch));
  if (parts.products == Precision::bf16) {
    Examples some = examples;
    const std::int64_t rows = std::min<std::int64_t>(1024, some.x.size(0));
    some.x = some.x.slice(0, 0, rows);
    some.y = some.y.slice(0, 0, rows);
    const EvaluationScope evaluation(net);
    const NoGrad no_grad;
    const double exact = watch_rows(net, some, form).loss;
    const PrecisionScope scope(Precision::bf16);
    notes.push_back(fmt::format(
        "trained with products in bf16; the loss of {} training rows is {:.6g} in bf16 and {:.6g} in f32, "
        "in which the model predicts",
        rows, watch_rows(net, some, form).loss, exact));
  }
  return notes;
}

}  // namespace cairn::train_detail
