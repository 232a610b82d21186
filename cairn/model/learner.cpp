#include "cairn/model/learner.h"

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

void ModelCard::visit(Visitor& v) {
  v.value("task", task);
  v.value("target", target);
  v.value("positive", positive);
  v.optional("group", group);
  v.optional("event", event);
  v.value("classes", classes);
  v.value("learner", learner);
  v.value("params", params_json);
  v.value("data_sha256", data_sha256);
  v.value("trained_on", trained_on);
  v.value("metrics", metrics_json);
  v.optional("inference", inference_json);
  v.value("library_version", library_version);
  v.value("seed", seed);
  v.value("rows", num_rows);
  v.value("notes", notes);
}

}  // namespace cairn
