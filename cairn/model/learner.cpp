#include "cairn/model/learner.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cairn {

FitContext FitContext::named(std::string fit_name) const {
  FitContext one = *this;
  one.fit = std::move(fit_name);
  if (log)
    one.log = [tell = log, name = one.fit](const Json& event) {
      Json whole{{"fit", name}};
      whole.update(event);
      tell(whole);
    };
  return one;
}

Json Model::drawn_trees() const { return nullptr; }
Json Model::penalty_path() const { return nullptr; }

Table Model::inputs(const Dataset& data) const {
  Table inputs = data.features();
  for (const std::string& name : looks_back_on())
    if (const Column* c = data.table().find(name); c && !inputs.find(name)) inputs = inputs.with(*c);
  return inputs;
}

void ModelCard::visit(Visitor& v) {
  v.value("task", task);
  v.value("target", target);
  v.value("positive", positive);
  v.optional("group", group);
  v.optional("event", event);
  v.optional("time", time);
  v.value("classes", classes);
  v.value("learner", learner);
  v.value("params", params_json);
  v.value("data_sha256", data_sha256);
  v.value("trained_on", trained_on);
  v.optional("trained_rows_sha256", trained_rows_sha256);
  v.value("metrics", metrics_json);
  v.optional("inference", inference_json);
  v.optional("prepare", prepare_json);
  v.optional("pipeline", pipeline);
  v.value("library_version", library_version);
  v.value("seed", seed);
  v.value("rows", num_rows);
  v.value("notes", notes);
}

}  // namespace cairn
