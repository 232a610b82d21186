// The tables of what there is, and one entry in full.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/cli/verbs.h"
#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/builtin/registry.h"
#include "cairn/metrics/metric.h"
#include "cairn/nn/layer_table.h"
#include "cairn/ops/catalogue.h"
#include "cairn/ops/loss_table.h"
#include "cairn/optim/optimizer_table.h"
#include "cairn/optim/schedule.h"
#include "recipes/recipe.h"

namespace cairn::cli {
namespace {

Json value_to_json(const ParamValue& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Json params_to_json_list(const ParamsView& params) {
  Json list = Json::array();
  for (const Param& p : *params.list) {
    list.push_back({{"name", p.name},
                    {"default", value_to_json(p.get(params.object))},
                    {"allowed", p.allowed()},
                    {"doc", p.doc}});
    if (p.search) list.back()["searched"] = (p.search->when_named ? "when named, " : "") + p.search->text();
  }
  return list;
}

Json tasks_of(bool regression, bool binary, bool multiclass) {
  Json tasks = Json::array();
  if (regression) tasks.push_back("regression");
  if (binary) tasks.push_back("binary");
  if (multiclass) tasks.push_back("multiclass");
  return tasks;
}

Json entry_of(const LearnerEntry& e) {
  return {{"name", e.name},
          {"doc", e.doc},
          {"tasks", tasks_of(e.regression, e.binary, e.multiclass)},
          {"accepts",
           {{"missing", e.accepts.missing},
            {"categories", e.accepts.categories},
            {"text", e.accepts.text},
            {"sparse", e.accepts.sparse},
            {"weights", e.accepts.weights}}},
          {"params", params_to_json_list(e.make()->params())}};
}
Json entry_of(const TransformEntry& e) {
  return {{"name", e.name}, {"doc", e.doc}, {"params", params_to_json_list(e.make()->params())}};
}
Json entry_of(const Reader& e) { return {{"name", e.name}, {"doc", e.doc}, {"arguments", e.arguments}}; }
Json entry_of(const Metric& m) {
  return {{"name", m.name},
          {"doc", m.doc},
          {"tasks", tasks_of(m.regression, m.binary, m.multiclass)},
          {"better", m.higher_is_better ? "higher" : "lower"}};
}

Json entry_of(const LossEntry& e) {
  return {{"name", e.name},
          {"doc", e.doc},
          {"tasks", tasks_of(e.regression, e.binary, e.multiclass)},
          {"learner", e.learner}};
}
Json entry_of(const recipes::Recipe& e) {
  return {{"name", e.name},       {"doc", e.title}, {"course", e.course},
          {"teaches", e.teaches}, {"data", e.data}, {"takes", e.takes}};
}

// With the values that they have where nothing is said, an object.
Json params_with_defaults(const ParamList& list, const Json& defaults) {
  Json all = Json::array();
  for (const Param& p : list)
    all.push_back(
        {{"name", p.name}, {"default", defaults[p.name]}, {"allowed", p.allowed()}, {"doc", p.doc}});
  return all;
}

Json entry_of(const LayerEntry& e) {
  const std::string_view params = e.example_params;
  return {{"name", e.name},
          {"doc", e.doc},
          {"written", params == "{}" ? fmt::format("\"{}\"", e.name)
                                     : fmt::format("{{\"layer\": \"{}\", {}", e.name, params.substr(1))},
          {"params", params_with_defaults(e.params(), e.defaults())}};
}
Json entry_of(const OptimizerEntry& e) {
  return {{"name", e.name}, {"doc", e.doc}, {"params", params_with_defaults(e.params(), e.defaults())}};
}
Json entry_of(const LossFunction& e) { return {{"name", e.name}, {"doc", e.doc}, {"call", e.call}}; }
Json entry_of(const OpDef* e) { return {{"name", e->name}, {"doc", e->doc}}; }
Json entry_of(const ScheduleEntry& e) {
  ScheduleParams by_number;
  PlateauParams by_loss;
  const ParamsView params = e.by_loss ? ParamsView{"plateau", &by_loss, &PlateauParams::list()}
                                      : ParamsView{"schedule", &by_number, &ScheduleParams::list()};
  Json used = Json::array();
  const std::string uses = fmt::format(", {},", e.uses);
  for (Json& p : params_to_json_list(params)) {
    const std::string name = p["name"];
    if (uses.find(fmt::format(" {},", name)) != std::string::npos ||
        (!e.by_loss && (name == "warm_up" || name == "unit")))
      used.push_back(std::move(p));
  }
  return {{"name", e.name}, {"doc", e.doc}, {"params", std::move(used)}};
}

// Every table of the program by name: {"learners": [...], ...}.
Json tables() {
  const Registry& registry = builtin_registry();
  Json all = Json::object();
  for (const char* name : {"layers", "learners", "losses", "metrics", "operations", "optimizers", "readers",
                           "recipes", "schedules", "transforms"})
    all[name] = Json::array();
  for (const auto& e : registry.learners) all["learners"].push_back(entry_of(e));
  for (const auto& m : metrics()) all["metrics"].push_back(entry_of(m));
  for (const auto& e : registry.transforms) all["transforms"].push_back(entry_of(e));
  for (const auto& e : registry.readers) all["readers"].push_back(entry_of(e));
  for (const auto& e : registry.losses) all["losses"].push_back(entry_of(e));
  for (const auto& e : loss_functions()) all["losses"].push_back(entry_of(e));
  for (const auto& e : layer_table()) all["layers"].push_back(entry_of(e));
  for (const auto& e : optimizers()) all["optimizers"].push_back(entry_of(e));
  for (const auto& e : schedules()) all["schedules"].push_back(entry_of(e));
  for (const OpDef* e : all_ops()) all["operations"].push_back(entry_of(e));
  for (const auto& e : recipes::all_recipes()) all["recipes"].push_back(entry_of(e));
  return all;
}

int run_list(const std::string& which, const CommonFlags& common) {
  Json all = tables();
  if (!which.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, list] : all.items()) names.push_back(name);
    if (!all.contains(which))
      throw UsageError("list", fmt::format("there is no table '{}'", which), suggestion(which, names));
    all = Json{{which, all[which]}};
  }
  if (common.json) {
    fmt::print("{}\n", all.dump(2));
    return 0;
  }
  for (const auto& [name, list] : all.items()) {
    fmt::print("{}\n", name);
    for (const Json& e : list)
      fmt::print("  {:<32} {}\n", e["name"].get<std::string>(), e["doc"].get<std::string>());
    fmt::print("\n");
  }
  fmt::print("cairn help NAME shows one entry with its parameters.\n");
  return 0;
}

void print_entry(const std::string& table, const Json& e) {
  const std::string one = table == "losses" ? "loss" : table.substr(0, table.size() - 1);
  const bool settable = table == "learners" || table == "transforms";
  fmt::print("{} ({})\n  {}\n", e["name"].get<std::string>(), one, e["doc"].get<std::string>());
  if (e.contains("teaches"))
    fmt::print("  {}\n  course row {}; cairn recipe run {}\n", e["teaches"].get<std::string>(),
               e["course"].get<std::string>(), e["name"].get<std::string>());
  if (e.contains("learner"))
    fmt::print("  asked for by --learner {0} --set {0}.loss={1}\n", e["learner"].get<std::string>(),
               e["name"].get<std::string>());
  if (e.contains("written")) fmt::print("  in a network's file: {}\n", e["written"].get<std::string>());
  if (e.contains("call")) fmt::print("  of networks: {}\n", e["call"].get<std::string>());
  if (e.contains("tasks")) {
    std::string tasks;
    for (const Json& t : e["tasks"]) tasks += (tasks.empty() ? "" : ", ") + t.get<std::string>();
    fmt::print("  tasks: {}\n", tasks);
  }
  if (e.contains("arguments")) {
    const std::string reader = e["name"].get<std::string>();
    fmt::print("  asked for by {}:FILE", reader);
    for (const Json& argument : e["arguments"])
      fmt::print(", {}:FILE?{}=...", reader, argument.get<std::string>());
    fmt::print("\n");
  }
  if (e.contains("better")) fmt::print("  {} is better\n", e["better"].get<std::string>());
  if (!e.contains("params") || e["params"].empty()) return;
  fmt::print("\n  {:<22} {:<14} {:<28} {}\n", "parameter", "default", "allowed", "meaning");
  for (const Json& p : e["params"]) {
    const Json& value = p["default"];
    fmt::print("  {:<22} {:<14} {:<28} {}\n", p["name"].get<std::string>(),
               value.is_string() ? value.get<std::string>() : value.dump(), p["allowed"].get<std::string>(),
               p["doc"].get<std::string>());
  }
  if (settable) fmt::print("\n  set one with --set {}.NAME=VALUE\n", e["name"].get<std::string>());
  bool first = true;
  for (const Json& p : e["params"]) {
    if (!p.contains("searched")) continue;
    fmt::print("{}{} {}", first ? "  tune searches " : "; ", p["name"].get<std::string>(),
               p["searched"].get<std::string>());
    first = false;
  }
  if (!first) fmt::print("\n");
}

int run_help(CLI::App& program, const std::string& name, const CommonFlags& common) {
  if (name.empty()) {
    fmt::print("{}", program.help());
    return 0;
  }
  std::vector<std::string> names;
  for (const CLI::App* verb : program.get_subcommands({})) {
    names.push_back(verb->get_name());
    if (verb->get_name() == name) {
      fmt::print("{}", verb->help());
      return 0;
    }
  }
  // A name may stand in several tables: sgd is a learner and an optimizer.
  const Json all = tables();
  Json found;
  for (const auto& [table, list] : all.items())
    for (const Json& e : list) {
      names.push_back(e["name"].get<std::string>());
      if (names.back() != name) continue;
      if (!common.json) {
        if (!found.is_null()) fmt::print("\n");
        print_entry(table, e);
      }
      Json entry = e;
      entry["table"] = table;
      if (found.is_null())
        found = std::move(entry);
      else
        found["also"].push_back(std::move(entry));
    }
  if (!found.is_null()) {
    if (common.json) fmt::print("{}\n", found.dump(2));
    return 0;
  }
  throw UsageError("help", fmt::format("there is nothing named '{}'", name), suggestion(name, names));
}

}  // namespace

Verb add_list(CLI::App& program) {
  auto* app = program.add_subcommand(
      "list",
      "what there is: layers, learners, losses, metrics, operations, optimizers, readers, recipes, "
      "schedules, transforms");
  app->footer("Example: cairn list learners");
  auto which = std::make_shared<std::string>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("TABLE", *which, "one table only");
  add_common(*app, *common);
  return {app, common, [=] { return run_list(*which, *common); }};
}

Verb add_help(CLI::App& program) {
  auto* app =
      program.add_subcommand("help", "one verb, or one entry of the tables that `list` shows, in full");
  app->footer("Example: cairn help ridge");
  auto name = std::make_shared<std::string>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("NAME", *name, "what to explain");
  add_common(*app, *common);
  return {app, common, [&program, name, common] { return run_help(program, *name, *common); }};
}

}  // namespace cairn::cli
