#include "cairn/run/check.h"

#include <fmt/format.h>

#include <fstream>

#include "cairn/base/error.h"
#include "cairn/data/pixels.h"
#include "cairn/nn/network.h"
#include "cairn/ops/loss.h"
#include "cairn/run/read.h"
#include "cairn/run/roles.h"
#include "cairn/train/loader.h"

namespace cairn {

const ParamList& CheckOptions::list() {
  using P = CheckOptions;
  static const ParamList l{
      param<&P::target>("target", "the column to predict"),
      param<&P::task>("task", "regression, binary or multiclass; told from the target when not said"),
      param<&P::ignore>("ignore", "columns to leave out"),
      param<&P::prepare>("prepare",
                         "fill, encode and scale the columns as training would; else they go in as they are"),
  };
  return l;
}

namespace {

Dataset prepared(const Dataset& data, const Registry& registry, const CheckOptions& o) {
  constexpr const char* kLike = "mlp";  // what a network needs before it
  const LearnerEntry& entry = registry.learner(kLike);
  const auto pipeline = prepare(entry.make(), entry, data, registry);
  Dataset current = data;
  for (const auto& transform : pipeline->transforms())
    current =
        current.with_features(transform->fit(current, {.seed = static_cast<std::uint64_t>(o.check.seed)})
                                  ->apply(current.features()));
  return current;
}

// The one column of pictures, where nothing else is learned from; null: it is a table.
const Column* pictures_of(const Table& features) {
  if (features.num_columns() != 1) return nullptr;
  const Column& only = features.column(std::int64_t{0});
  return only.kind() == ColumnKind::image ? &only : nullptr;
}

Tensor pictures_for(const Column& pictures, const Shape& sample) {
  const Tensor& pixels = pictures.values();
  const Shape one{pixels.size(1), pixels.size(2), pixels.size(3)};
  const bool flat = sample.ndim() == 1 && sample.size() == one.size();
  if (sample != one && !flat) {
    const bool readable = sample.ndim() == 3 && (sample[2] == 1 || sample[2] == 3);
    throw DataError("check",
                    fmt::format("the pictures are {}; the network takes {}", one.text(), sample.text()),
                    readable ? fmt::format("pictures:DATA?size={}x{}&channels={} reads files so.", sample[0],
                                           sample[1], sample[2])
                             : "Change \"input\" in the network's file.");
  }
  const Tensor x = PixelScaling::of(pixels).apply(pixels);
  return flat ? x.reshape({pixels.size(0), one.size()}) : x;
}

Tensor features_of(const Dataset& data, const Shape& sample) {
  const Table table = data.features();
  if (const Column* pictures = pictures_of(table)) return pictures_for(*pictures, sample);
  FeatureMatrix features;
  try {
    features = feature_matrix(table);
  } catch (const DataError& e) {
    throw DataError(e.where(), e.message(), "--prepare fills, encodes and scales columns as training would.");
  }
  if (features.x.columns() != sample.size())
    throw DataError("check",
                    fmt::format("the data have {} features; the network takes {}, {} numbers",
                                features.x.columns(), sample.text(), sample.size()),
                    "Change \"input\" in the network's file, or leave columns out with --ignore.");
  std::vector<std::int64_t> dims{data.num_rows()};
  dims.insert(dims.end(), sample.dims().begin(), sample.dims().end());
  return features.x.to_rows(DType::f32).dense().reshape(Shape(dims));
}

}  // namespace

NetworkCheck check_file(const CheckOptions& o, const Registry& registry, const RunContext& context) {
  Network net = Network::load_json(o.network);
  initialise(net, static_cast<std::uint64_t>(o.check.seed));
  ReadResult read = read_data(o.data, o.read, registry, nullptr, context.stop, context.progress);
  DatasetOptions roles;
  roles.roles = {.target = target_of(o.target, read), .ignored = column_list(o.ignore, read.table)};
  for (const std::string& name : read.id)  // what only names a row
    if (name != roles.roles.target) roles.roles.id.push_back(name);
  if (!o.task.empty()) roles.task = task_from_name(o.task);
  Dataset data(std::move(read.table), roles);
  if (o.prepare && !pictures_of(data.features())) data = prepared(data, registry, o);
  const Tensor x = features_of(data, net.input_shape());
  NetworkUnderCheck subject{net, [&net](const Tensor& batch) { return net(batch); }, {}};
  std::vector<float> values;
  if (!is_classification(data.task())) {
    for (const double v : data.target_values()) values.push_back(static_cast<float>(v));
  } else if (data.task() == Task::binary && net.output_shape().size() == 1) {
    // One logit for two classes.
    for (const std::int32_t c : data.class_codes()) values.push_back(static_cast<float>(c));
    subject.loss = [](const Tensor& output, const Tensor& y) { return bce_with_logits(output, y); };
  } else {
    return check_network(subject, x, Tensor::from(data.class_codes()).to(DType::i64), o.check, context.stop,
                         context.progress);
  }
  const Tensor y = Tensor::from(values).reshape({data.num_rows(), 1});
  if (net.output_shape().size() != 1)
    throw DataError("check",
                    fmt::format("the network gives {} for each example; the target '{}' is one number",
                                net.output_shape().text(), roles.roles.target),
                    "If it is a class, say --task multiclass.");
  return check_network(subject, x, y, o.check, context.stop, context.progress);
}

bool is_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char first[9] = {};
  // Eight bytes of length, then JSON: the container of model files.
  return file.read(first, sizeof first) && first[8] == '{' && first[0] != '{' && first[7] == 0;
}

}  // namespace cairn
