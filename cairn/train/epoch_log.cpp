#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/train/epoch_log_internal.h"

namespace cairn::train_detail {
namespace {

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

// Lines of epochs after `epochs`, and one that was not written to its end, go: the epochs come again.
void take_back(const std::string& path, std::size_t epochs) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return;
  const std::string text = read_file(path);
  std::string kept;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    const Json line = Json::parse(text.substr(begin, end - begin), nullptr, false);
    const bool later = line.is_object() && line.contains("epoch") && line["epoch"].is_number_unsigned() &&
                       line["epoch"].get<std::size_t>() > epochs;
    if (!line.is_discarded() && !later) kept += text.substr(begin, end + 1 - begin);
    begin = end + 1;
  }
  if (kept != text) write_file(path, kept);
}

Json layers_json(const std::vector<LayerStatistics>& layers) {
  Json list = Json::array();
  for (const LayerStatistics& s : layers)
    list.push_back({{"layer", s.layer},
                    {"mean", number(s.mean)},
                    {"stddev", number(s.stddev)},
                    {"gradient", number(s.gradient)},
                    {"dead", s.dead},
                    {"saturated", s.saturated}});
  return list;
}

}  // namespace

EpochLog::EpochLog(const TrainerOptions& options, const TrainerHooks& hooks, std::size_t epochs)
    : hooks_(hooks) {
  if (!options.folder.empty()) file_ = options.folder + "/log.jsonl";
  if (!file_.empty()) take_back(file_, epochs);
  if (options.tensorboard) {
    const std::string folder = hooks.events.empty() ? options.folder : hooks.events;
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    if (error) refuse_to_write(folder, "made", error.value());
    if (!folder.empty()) events_.emplace(folder);
  }
}

void EpochLog::tell(const Epoch& e, const std::vector<LayerStatistics>& layers,
                    const std::vector<std::string>& remarks, ModuleRef net) {
  if (events_) tell_tensorboard(e, layers, net);
  if (!hooks_.log && file_.empty()) return;
  Json event{{"epoch", e.number}, {"loss", e.loss}, {"learning_rate", e.learning_rate}};
  if (hooks_.validate) event["validation"] = number(e.validation);
  if (hooks_.describe) hooks_.describe(event);
  event["seconds"] = e.seconds;
  event["examples_a_second"] = e.examples_a_second;
  if (!layers.empty()) event["layers"] = layers_json(layers);
  if (!remarks.empty()) event["remarks"] = remarks;
  if (hooks_.log) hooks_.log(event);
  if (file_.empty()) return;
  std::ofstream file(file_, std::ios::app);
  file << event.dump() << "\n";
  if (!file.flush()) refuse_to_write(file_, "written", errno);
}

void EpochLog::tell_tensorboard(const Epoch& e, const std::vector<LayerStatistics>& layers, ModuleRef net) {
  events_->scalar("loss/train", e.loss, e.number);
  if (hooks_.validate) events_->scalar("loss/validation", e.validation, e.number);
  events_->scalar("learning_rate", e.learning_rate, e.number);
  events_->scalar("examples_a_second", e.examples_a_second, e.number);
  for (const LayerStatistics& s : layers) {
    const std::string layer = s.layer.substr(0, s.layer.find(' '));
    events_->scalar("activations/" + layer + "/stddev", s.stddev, e.number);
    if (!std::isnan(s.gradient)) events_->scalar("gradients/" + layer, s.gradient, e.number);
    if (s.dead > 0) events_->scalar("dead_units/" + layer, static_cast<double>(s.dead), e.number);
  }
  for (const NamedParameter& p : parameters(net)) {
    const Tensor values = p.parameter->value().detach().contiguous().to(DType::f64);
    events_->histogram("weights/" + p.name, values.data<double>(), e.number);
  }
}

}  // namespace cairn::train_detail
