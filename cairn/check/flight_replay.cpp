#include "cairn/check/flight_replay.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/check/layer_table_internal.h"
#include "cairn/nn/network.h"
#include "cairn/train/batch_loss.h"

namespace cairn {

FlightReplay replay_flight(const std::string& path) {
  FlightReplay r;
  r.recording = read_recording(path);
  if (r.recording.network.empty())
    throw NotSupported(path, "is the recording of a class of your own, which only your program can make",
                       "Call load_recording(path, net) there, and run the batch it returns.");
  Network net = Network::parse(r.recording.network, path);
  const BatchLoss named{.name = r.recording.loss, .label_smoothing = r.recording.label_smoothing};
  const auto loss_of = [&](const Tensor& output) {
    return named(output, r.recording.y, r.recording.weights);
  };
  convert(net, r.recording.x.dtype() == DType::f64 ? DType::f64 : DType::f32);
  load_recording(path, net);
  set_training(net, true);
  const Snapshot before(net);
  const auto loss = [&] { return loss_of(net(r.recording.x)); };
  const Tensor inputs[] = {r.recording.x, r.recording.y};
  r.fault = first_fault(net, loss, inputs);
  before.put_back(net);
  LayerProbe probe;
  const Tensor output = net(r.recording.x);
  probe.stop();
  const Tensor value = loss_of(output);
  r.loss = value.item();
  backward(value, net, {.on_operation = probe.gradients()});
  r.layers = probe.statistics();
  return r;
}

std::string FlightReplay::text() const {
  std::string text = fmt::format("recorded: {}\n\n{}\nloss {}\n", recording.reason, layer_table(layers),
                                 std::isfinite(loss) ? fmt::format("{:.6g}", loss) : "not finite");
  if (fault.any())
    text += fmt::format("first fault in {}: {}, {}\n", fault.layer, fault.operation, fault.what);
  else
    text += "this step stays in the range of numbers\n";
  return text;
}

Json FlightReplay::json() const {
  const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
  Json all{{"reason", recording.reason},
           {"epoch", recording.epoch},
           {"batch", recording.batch},
           {"rows", recording.rows},
           {"learning_rate", recording.learning_rate},
           {"loss", number(loss)},
           {"fault", nullptr},
           {"layers", layers_json(layers)}};
  if (fault.any())
    all["fault"] = {{"layer", fault.layer}, {"operation", fault.operation}, {"what", fault.what}};
  return all;
}

}  // namespace cairn
