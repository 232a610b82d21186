#include "cairn/model/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace cairn {
namespace {

template <class T>
std::vector<T> pick(const std::vector<T>& from, std::span<const std::int64_t> rows, std::size_t width = 1) {
  std::vector<T> to;
  if (from.empty()) return to;
  to.reserve(rows.size() * width);
  for (const std::int64_t r : rows) {
    const auto at = from.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(r) * width);
    to.insert(to.end(), at, at + static_cast<std::ptrdiff_t>(width));
  }
  return to;
}

template <class T>
void extend(std::vector<T>& to, const std::vector<T>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

Scored Judged::view() const {
  return {.task = task,
          .truth = truth,
          .predicted = predicted,
          .labels = labels,
          .decisions = decisions,
          .probabilities = probabilities,
          .weights = weights,
          .groups = groups,
          .levels = levels,
          .quantiles = quantiles,
          .events = events,
          .predicts = predicts,
          .num_classes = num_classes,
          .positive = positive};
}

Judged Judged::select(std::span<const std::int64_t> rows) const {
  Judged part;
  part.task = task;
  part.num_classes = num_classes;
  part.positive = positive;
  part.truth = pick(truth, rows);
  part.predicted = pick(predicted, rows);
  part.labels = pick(labels, rows);
  part.decisions = pick(decisions, rows);
  part.probabilities = pick(probabilities, rows, static_cast<std::size_t>(num_classes));
  part.weights = pick(weights, rows);
  part.groups = pick(groups, rows);
  part.levels = levels;
  part.quantiles = pick(quantiles, rows, levels.size());
  part.events = pick(events, rows);
  part.predicts = predicts;
  return part;
}

void Judged::append(const Judged& more) {
  if (labels.empty() && truth.empty()) {
    *this = more;
    return;
  }
  extend(truth, more.truth);
  extend(predicted, more.predicted);
  extend(labels, more.labels);
  extend(decisions, more.decisions);
  extend(probabilities, more.probabilities);
  extend(weights, more.weights);
  // Groups are numbered anew in each part.
  const std::int64_t first = groups.empty() ? 0 : *std::ranges::max_element(groups) + 1;
  for (const std::int64_t g : more.groups) groups.push_back(first + g);
  extend(quantiles, more.quantiles);
  extend(events, more.events);
}

namespace {

// Rows that are predicted together: what a pipeline makes of them on the way is never a second whole table.
constexpr std::int64_t kBlock = std::int64_t{1} << 14;

// The columns q_<level>.
void add_quantiles(const Table& said, Judged& j) {
  std::vector<Tensor> columns;
  j.levels.clear();
  for (const Column& c : said.columns()) {
    const std::string& name = c.name();
    double level = 0;
    if (!name.starts_with("q_") ||
        std::from_chars(name.data() + 2, name.data() + name.size(), level).ptr != name.data() + name.size())
      continue;
    j.levels.push_back(level);
    columns.push_back(c.numbers());
  }
  for (std::size_t r = 0; r < static_cast<std::size_t>(said.num_rows()); ++r)
    for (const Tensor& c : columns) j.quantiles.push_back(c.data<double>()[r]);
}

// Appends what the model says to predictions, decisions and probabilities.
void add_said(const Table& said, const std::vector<std::string>& classes, Judged& j) {
  const Column& prediction = said.column("prediction");
  if (j.task == Task::regression) {
    const Tensor values = prediction.numbers();
    const auto v = values.data<double>();
    j.predicted.insert(j.predicted.end(), v.begin(), v.end());
    if (j.predicts == Predicts::quantiles) add_quantiles(said, j);
    return;
  }
  std::vector<std::int32_t> code_of;  // the model's class -> the data's
  for (const std::string& level : prediction.levels()) {
    const auto it = std::find(classes.begin(), classes.end(), level);
    code_of.push_back(it == classes.end() ? -1 : static_cast<std::int32_t>(it - classes.begin()));
  }
  for (const std::int32_t code : prediction.codes())
    j.decisions.push_back(code < 0 ? -1 : code_of[static_cast<std::size_t>(code)]);
  if (std::ranges::none_of(classes, [&](const std::string& c) { return said.find("p_" + c); })) return;
  const std::size_t k = classes.size(), begin = j.probabilities.size();
  j.probabilities.resize(begin + static_cast<std::size_t>(said.num_rows()) * k, 0.0);
  for (std::size_t c = 0; c < k; ++c)
    if (const Column* p = said.find("p_" + classes[c])) {
      const Tensor values = p->numbers();
      const auto v = values.data<double>();
      for (std::size_t r = 0; r < v.size(); ++r) j.probabilities[begin + r * k + c] = v[r];
    }
}

}  // namespace

Judged judge(const Model& model, const Dataset& data) { return judge(model, data, model.inputs(data)); }

Judged judge(const Model& model, const Dataset& data, const Table& features) {
  Judged j;
  j.task = data.task();
  j.weights = data.weights();
  j.groups = data.groups();
  if (j.task == Task::regression) {
    j.truth = data.target_values();
    j.events = data.events();
    j.predicts = model.predicts();
  } else {
    j.num_classes = std::ssize(data.classes());
    j.positive = data.positive();
    j.labels = data.class_codes();
  }
  const auto n = static_cast<std::size_t>(data.num_rows());
  if (j.task == Task::regression)
    j.predicted.reserve(n);
  else
    j.decisions.reserve(n);
  j.probabilities.reserve(n * data.classes().size());
  std::int64_t judged = 0;
  // Rows that are each other's past stay together.
  const std::int64_t block_rows =
      model.looks_back_on().empty() ? kBlock : std::max<std::int64_t>(1, features.num_rows());
  try {
    features.blocks(block_rows, [&](const Table& block) {
      add_said(model.predict(block), data.classes(), j);
      judged += block.num_rows();
    });
  } catch (const DataError&) {
    if (judged > 0)
      static_cast<void>(model.predict(features));  // names the row by its place in the whole table
    throw;
  }
  return j;
}

const MetricResult* Evaluation::find(std::string_view name) const {
  for (const MetricResult& r : results)
    if (name == r.metric->name) return &r;
  return nullptr;
}

double Evaluation::value(std::string_view name) const {
  const MetricResult* r = find(name);
  return r && r->estimate ? r->estimate->value : std::nan("");
}

std::string Evaluation::text() const {
  std::string text = fmt::format("{:<20} {:>12}   {}\n", "metric", "value", "95 % interval");
  for (const MetricResult& r : results) {
    if (!r.estimate)
      text += fmt::format("{:<20} {:>12}   not defined on these rows\n", r.metric->name, "-");
    else
      text += fmt::format("{:<20} {:>12.6g}   {:.6g} to {:.6g}\n", r.metric->name, r.estimate->value,
                          r.estimate->low, r.estimate->high);
  }
  return text;
}

Evaluation evaluate(const Judged& judged, std::uint64_t seed, const std::vector<std::string>& names) {
  const Scored rows = judged.view();
  std::vector<const Metric*> wanted;
  if (names.empty()) wanted = metrics_for(judged.task, !judged.probabilities.empty(), judged.predicts);
  for (const std::string& name : names) {
    const Metric& m = metric(name);
    if (!m.applies(judged.task))
      throw UsageError("metric", fmt::format("{} does not apply to a {} task", name, name_of(judged.task)));
    wanted.push_back(&m);
  }
  Evaluation e;
  for (const Metric* m : wanted) e.results.push_back({m, estimate(*m, rows, seed)});
  return e;
}

Evaluation evaluate(const Model& model, const Dataset& data, const std::vector<std::string>& names) {
  return evaluate(judge(model, data), 0, names);
}

}  // namespace cairn
