#include "cairn/train/net_learner.h"

#include <fmt/format.h>

#include <numeric>

#include "cairn/model/numeric.h"
#include "cairn/train/net_fit_internal.h"
#include "cairn/train/net_model.h"

namespace cairn {

ParamsView NetLearner::params() const {
  static const ParamList none;
  return {parts_.name, const_cast<NetLearnerParts*>(&parts_), &none};
}

std::unique_ptr<Model> NetLearner::fit(const Dataset& dataset, const FitContext& context) const {
  using namespace train_detail;
  context.stop.throw_if_requested(parts_.name.c_str());
  const NumericData data = numeric_data(dataset, parts_.name);
  const Rows rows = divide_rows(data.x.rows(), data.weights, parts_, context);
  const Scaling scaling = data.task == Task::regression ? scaling_of(data.y, data.weights) : Scaling{};
  const auto examples = [&](const NumericData& from, std::span<const std::int64_t> which) {
    return examples_of(from.x.select_rows(which).to_rows(parts_.dtype).dense(),
                       {from.task, from.y, from.labels, from.weights}, which, scaling, parts_.dtype);
  };
  const Examples train = examples(data, rows.train);
  Examples watched;
  if (parts_.trainer.patience > 0 && context.validation) {
    const NumericData other = numeric_data(*context.validation, parts_.name);
    std::vector<std::int64_t> all(static_cast<std::size_t>(other.x.rows()));
    std::iota(all.begin(), all.end(), 0);
    watched = examples(other, all);
  } else if (!rows.watched.empty()) {
    watched = examples(data, rows.watched);
  }

  const std::int64_t outputs = data.task == Task::regression ? 1 : std::ssize(data.classes);
  Network net = parts_.factory(data.x.columns(), outputs);
  if (!(net.input_shape() == Shape{data.x.columns()}) || !(net.output_shape() == Shape{outputs}))
    throw ShapeError(
        parts_.name,
        fmt::format("the network takes {} and gives {}; the data have {} features and {} outputs",
                    net.input_shape().text(), net.output_shape().text(), data.x.columns(), outputs));
  const History history = fit_network(net, parts_, train, watched, context);
  std::vector<std::string> notes = notes_of(net, parts_, history, train);
  auto model = std::make_unique<NetModel>(data, std::move(net), parts_.dtype, scaling.center, scaling.scale);
  for (std::string& note : notes) model->add_note(std::move(note));
  std::vector<double> losses;
  for (const Epoch& e : history.epochs) losses.push_back(e.loss);
  model->set_loss_history(std::move(losses));
  return model;
}

}  // namespace cairn
