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

Table Model::inputs(const Dataset& data) const {
  std::vector<Column> columns = data.features().columns();
  const auto looked_back_on = looks_back_on();
  if (looked_back_on.empty()) return data.features();
  for (const std::string& name : looked_back_on)
    if (const Column* c = data.table().find(name);
        c && std::ranges::none_of(columns, [&](const Column& have) { return have.name() == name; }))
      columns.push_back(*c);
  return Table(std::move(columns));
}

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
  v.optional("prepare", prepare_json);
  v.optional("pipeline", pipeline);
  v.value("library_version", library_version);
  v.value("seed", seed);
  v.value("rows", num_rows);
  v.value("notes", notes);
}

}  // namespace cairn
