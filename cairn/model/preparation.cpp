#include "cairn/model/preparation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"

namespace cairn {
namespace {

constexpr std::size_t kMostSteps = 100;

// Line and column, from 1, of a place in a text.
std::string line_and_column(std::string_view text, std::size_t place) {
  place = std::min(place, text.size());
  std::size_t line = 1, column = 1;
  for (std::size_t i = 0; i + 1 < place; ++i) {
    ++column;
    if (text[i] != '\n') continue;
    ++line;
    column = 1;
  }
  return fmt::format("{}:{}", line, column);
}

// What the parser expected, without its own name and place.
std::string complaint_of(const std::string& what) {
  constexpr std::string_view kStart = "syntax error ";
  const auto begin = what.find(kStart);
  return begin == std::string::npos ? "it cannot be read" : what.substr(begin + kStart.size());
}

class PreparationParser {
 public:
  PreparationParser(std::string_view text, const std::string& where, const Registry& registry)
      : text_(text), where_(where), registry_(registry) {}

  Preparation parse() {
    const Json json = parsed();
    Preparation p;
    p.json = json.dump();
    const Json* steps = &json;
    if (json.is_object()) {
      const std::vector<std::string> known{"steps", "target", "rest"};
      for (const auto& [key, value] : json.items())
        if (std::ranges::find(known, key) == known.end())
          refuse(fmt::format("has the unknown entry '{}'", key), suggestion(key, known));
      if (!json.contains("steps"))
        refuse("has no list \"steps\"", "Such as \"steps\": [{\"step\": \"standard_scale\"}].");
      steps = &json["steps"];
      if (json.contains("target")) p.target = target_of(json["target"]);
      if (json.contains("rest")) {
        const Json& rest = json["rest"];
        if (rest != "auto" && rest != "none")
          refuse(fmt::format("\"rest\" is {}; it is \"auto\" or \"none\"", rest.dump()));
        p.rest = rest == "auto";
      }
    }
    if (!steps->is_array())
      refuse(json.is_object() ? "\"steps\" is no list"
                              : "must be a list of steps or an object with \"steps\"");
    if (steps->size() > kMostSteps)
      refuse(fmt::format("has {} steps; at most {} are possible", steps->size(), kMostSteps));
    for (const Json& step : *steps) {
      ++number_;
      p.steps.push_back(step_of(step));
    }
    return p;
  }

 private:
  [[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) const {
    throw UsageError(number_ > 0 ? fmt::format("{}, step {}", where_, number_) : where_, what, hint);
  }

  Json parsed() const {
    try {
      std::vector<std::set<std::string>> keys;  // of each object that is open
      return Json::parse(text_.begin(), text_.end(), [&](int, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) keys.emplace_back();
        if (event == Json::parse_event_t::object_end) keys.pop_back();
        if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
          refuse(fmt::format("'{}' stands twice in one object", value.get<std::string>()));
        return true;
      });
    } catch (const Json::parse_error& e) {
      throw UsageError(fmt::format("{}:{}", where_, line_and_column(text_, e.byte)),
                       fmt::format("is not JSON: {}", complaint_of(e.what())),
                       "Check brackets, commas and quotes.");
    }
  }

  std::shared_ptr<const Transform> step_of(const Json& step) const {
    if (!step.is_object() || !step.contains("step") || !step["step"].is_string())
      refuse("is no object with a \"step\"", "Such as {\"step\": \"log\", \"columns\": [\"price\"]}.");
    return made(step["step"].get<std::string>(), step);
  }

  // The transform with every other entry of `step` as a parameter.
  std::shared_ptr<const Transform> made(const std::string& name, const Json& step) const {
    std::vector<std::string> names;
    for (const TransformEntry& e : registry_.transforms) names.emplace_back(e.name);
    if (std::ranges::find(names, name) == names.end())
      refuse(fmt::format("there is no step '{}'", name), suggestion(name, names));
    std::shared_ptr<Transform> transform = registry_.transform(name).make();
    for (const auto& [key, value] : step.items()) {
      if (key == "step") continue;
      try {
        params_from_json(transform->params(), Json{{key, as_typed(transform->params(), key, value)}});
      } catch (const Error& e) {
        refuse(e.where().empty() ? e.message() : fmt::format("{}: {}", e.where(), e.message()), e.hint());
      }
    }
    return transform;
  }

  // What a person may write in a looser way: one column for a list of one, numbers for a text such as "1,2".
  static Json as_typed(const ParamsView& params, const std::string& key, const Json& value) {
    const auto param = std::ranges::find(*params.list, key, &Param::name);
    if (param == params.list->end()) return value;
    if (param->type == ParamType::list && value.is_string()) return Json::array({value});
    if (param->type == ParamType::text && value.is_number()) return value.dump();
    if (param->type == ParamType::text && value.is_array() &&
        std::ranges::all_of(value, [](const Json& v) { return v.is_number(); })) {
      std::string text;
      for (const Json& v : value) text += (text.empty() ? "" : ",") + v.dump();
      return text;
    }
    return value;
  }

  std::shared_ptr<const Transform> target_of(const Json& json) const {
    const Json step = json.is_string() ? Json{{"step", json}} : json;
    if (!step.is_object() || !step.contains("step") || !step["step"].is_string())
      refuse("\"target\" is neither the name of a step nor a step", "Such as \"target\": \"log\".");
    const std::vector<std::string> able{
        "log", "log1p", "box_cox", "yeo_johnson", "standard_scale", "min_max_scale", "robust_scale"};
    const auto name = step["step"].get<std::string>();
    if (std::ranges::find(able, name) == able.end())
      refuse(fmt::format("\"target\" is '{}', which cannot be turned back for predictions", name),
             suggestion(name, able));
    if (step.contains("columns")) refuse("\"target\" has columns; it acts on the target alone");
    return made(name, step);
  }

  std::string_view text_;
  const std::string& where_;
  const Registry& registry_;
  std::size_t number_ = 0;  // of the step that is read
};

}  // namespace

std::string place_of_step(std::size_t number, std::string_view name) {
  return fmt::format("step {} ({})", number, name);
}

Preparation read_preparation(std::string_view text, const std::string& where, const Registry& registry) {
  return PreparationParser(text, where, registry).parse();
}

}  // namespace cairn
