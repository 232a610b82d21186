#include "cairn/train/net_fit_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/optimizer_table.h"

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

// Mean over the batch of weight times loss.
Tensor batch_loss(const Tensor& output, const Tensor& y, const std::vector<double>& weights,
                  std::span<const std::int64_t> rows) {
  const bool classes = y.dtype() == DType::i64;
  if (weights.empty()) return classes ? cross_entropy(output, y) : mse(output, y);
  std::vector<double> w;
  for (const std::int64_t r : rows) w.push_back(weights[static_cast<std::size_t>(r)]);
  const Tensor each = classes ? cross_entropy(output, y, {.reduction = Reduction::none})
                              : mse(output, y, Reduction::none).reshape({y.size(0)});
  return mean(each * Tensor::from(w).to(output.dtype()));
}

std::int64_t batch_size_for(std::int64_t rows, std::int64_t asked) {
  if (asked > 0) return asked;
  constexpr std::int64_t kLeast = 32, kMost = 512, kBatches = 100;
  std::int64_t size = kLeast;
  while (size < kMost && rows / (2 * size) >= kBatches) size *= 2;
  return size;
}

Tensor presented(const InputForm& form, const Tensor& x) { return form.present ? form.present(x) : x; }

double whole_loss(const Network& net, const Examples& e, const InputForm& form) {
  constexpr std::int64_t kRows = 1024;
  double total = 0;
  std::vector<std::int64_t> rows;
  for (std::int64_t begin = 0; begin < e.x.size(0); begin += kRows) {
    const std::int64_t end = std::min(e.x.size(0), begin + kRows);
    rows.resize(static_cast<std::size_t>(end - begin));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = begin + static_cast<std::int64_t>(i);
    const Tensor output = net(presented(form, e.x.slice(0, begin, end)));
    total += batch_loss(output, e.y.slice(0, begin, end), e.weights, rows).item() *
             static_cast<double>(end - begin);
  }
  return total / static_cast<double>(e.x.size(0));
}

}  // namespace

History fit_network(Network& net, const NetLearnerParts& parts, const Examples& train,
                    const Examples& watched, const FitContext& context, const InputForm& form) {
  const PrecisionScope precision(parts.products, parts.name + ".precision");
  convert(net, parts.dtype);
  initialise(net, context.seed);
  StepOptions step = parts.step;
  if (parts.declared) {
    const auto named = parameters(net);
    std::erase_if(step.groups, [&](const auto& group) {
      return std::ranges::none_of(named,
                                  [&](const NamedParameter& p) { return name_matches(group.match, p.name); });
    });
  }
  const auto opt = optimizer_named(parts.optimizer).make(net, Json::parse(parts.optimizer_params), step);
  const Loader loader(train.x, train.y,
                      {.batch_size = batch_size_for(train.x.size(0), parts.batch_size),
                       .shuffle = true,
                       .seed = derive_seed(context.seed, "loader"),
                       .dtype = parts.dtype,
                       .augment = form.augment});
  TrainerOptions options = parts.trainer;
  ScheduleParams& schedule = options.schedule;
  const std::int64_t steps_an_epoch = (loader.num_batches() + options.accumulate - 1) / options.accumulate;
  if (schedule.total == 0)
    schedule.total = options.epochs * (schedule.unit == "epoch" ? 1 : steps_an_epoch) + schedule.warm_up;
  TrainerHooks hooks{.log = context.log, .stop = context.stop, .progress = context.progress};
  if (!context.folder.empty()) hooks.recording = context.folder + "/flight.cairn";
  if (!form.present) {  // a recording holds what the network itself takes: a program can run it again
    hooks.network = net.json();
    hooks.loss = train.y.dtype() == DType::i64 ? "cross_entropy" : "mse";
  }
  if (watched.x.defined()) hooks.validate = [&] { return whole_loss(net, watched, form); };
  return Trainer(options).fit(
      net, *opt, loader,
      [&](const Batch& b, std::span<const std::int64_t> numbers) {
        return batch_loss(net(presented(form, b.x)), b.y, train.weights, numbers);
      },
      hooks);
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
    const double exact = whole_loss(net, some, form);
    const PrecisionScope scope(Precision::bf16);
    notes.push_back(fmt::format(
        "trained with products in bf16; the loss of {} training rows is {:.6g} in bf16 and {:.6g} in f32, "
        "in which the model predicts",
        rows, whole_loss(net, some, form), exact));
  }
  return notes;
}

}  // namespace cairn::train_detail
