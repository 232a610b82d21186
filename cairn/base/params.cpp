#include "cairn/base/params.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"

namespace cairn {
namespace {

std::string bound(double v) { return std::isinf(v) ? (v < 0 ? "-inf" : "inf") : fmt::format("{}", v); }

bool inside(const ParamRule& r, double v) {
  if (std::isnan(v)) return false;
  return (r.low_open ? v > r.low : v >= r.low) && (r.high_open ? v < r.high : v <= r.high);
}

// The complaint about a value, or "".
std::string complaint(const ParamsView& params, const Param& p, const ParamValue& value) {
  const bool ok = std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::vector<std::string>>)
          return true;
        else if constexpr (std::is_same_v<T, std::string>)
          return p.rule.choices.empty() ||
                 std::find(p.rule.choices.begin(), p.rule.choices.end(), v) != p.rule.choices.end();
        else
          return inside(p.rule, static_cast<double>(v));
      },
      value);
  if (ok) return {};
  if (p.type == ParamType::choice)
    return fmt::format("{}.{} = '{}' is not {}", params.owner, p.name, to_text(value), p.allowed());
  return fmt::format("{}.{} = {} is outside {}", params.owner, p.name, to_text(value), p.allowed());
}

const Param& find(const ParamsView& params, std::string_view name) {
  std::vector<std::string> names;
  for (const Param& p : *params.list) {
    if (p.name == name) return p;
    names.push_back(p.name);
  }
  for (const Param& p : *params.list)
    for (const std::string& other : p.also_known_as)
      if (other == name)
        throw ParamError(std::string(params.owner), fmt::format("there is no parameter '{}'", name),
                         fmt::format("Did you mean '{}' ({})?", p.name, p.doc));
  std::string hint = suggestion(name, names);
  if (const std::string near = nearest(name, names); !near.empty())
    for (const Param& p : *params.list)
      if (p.name == near) hint = fmt::format("Did you mean '{}' ({})?", near, p.doc);
  if (names.empty()) hint = "It has no parameters.";
  throw ParamError(std::string(params.owner), fmt::format("there is no parameter '{}'", name), hint);
}

// A peer's name of a choice stands in also_known_as as "theirs=ours".
std::string nearest_choice(const Param& p, const std::string& value) {
  for (const std::string& other : p.also_known_as)
    if (other.starts_with(value + "="))
      return fmt::format("Did you mean '{}'?", other.substr(value.size() + 1));
  return suggestion(value, p.rule.choices);
}

void assign(const ParamsView& params, const Param& p, const ParamValue& value) {
  if (const std::string text = complaint(params, p, value); !text.empty())
    throw ParamError("", text, p.type == ParamType::choice ? nearest_choice(p, to_text(value)) : "");
  p.set(params.object, value);
}

[[noreturn]] void wrong_type(const ParamsView& params, const Param& p, std::string_view text) {
  const char* expected = p.type == ParamType::boolean   ? "true or false"
                         : p.type == ParamType::integer ? "a whole number"
                         : p.type == ParamType::number  ? "a number"
                                                        : "text";
  throw ParamError("", fmt::format("{}.{} = '{}' is not {}", params.owner, p.name, text, expected),
                   fmt::format("{}: {}.", p.name, p.doc));
}

ParamValue parse(const ParamsView& params, const Param& p, std::string_view text) {
  const char* end = text.data() + text.size();
  if (p.type == ParamType::list) {
    auto list = std::get<std::vector<std::string>>(p.get(params.object));
    list.emplace_back(text);
    return list;
  }
  switch (p.type) {
    case ParamType::boolean:
      if (text == "true" || text == "yes" || text == "1" || text == "on") return true;
      if (text == "false" || text == "no" || text == "0" || text == "off") return false;
      break;
    case ParamType::integer: {
      std::int64_t v = 0;
      if (auto [at, error] = std::from_chars(text.data(), end, v); error == std::errc{} && at == end)
        return v;
      break;
    }
    case ParamType::number: {
      double v = 0;
      if (auto [at, error] = std::from_chars(text.data(), end, v); error == std::errc{} && at == end)
        return v;
      break;
    }
    default:
      return std::string(text);
  }
  wrong_type(params, p, text);
}

bool is_text_list(const Json& json) {
  return json.is_array() &&
         std::all_of(json.begin(), json.end(), [](const Json& v) { return v.is_string(); });
}

}  // namespace

std::string Param::allowed() const {
  if (type == ParamType::boolean) return "true or false";
  if (type == ParamType::choice) return fmt::format("one of {}", fmt::join(rule.choices, ", "));
  if (type == ParamType::text) return "text";
  if (type == ParamType::list) return "text, may be repeated";
  return fmt::format("{}{}, {}{}", rule.low_open || std::isinf(rule.low) ? '(' : '[', bound(rule.low),
                     bound(rule.high), rule.high_open || std::isinf(rule.high) ? ')' : ']');
}

const char* name_of(SearchScale scale) {
  return scale == SearchScale::log ? "log" : scale == SearchScale::near_one ? "near_one" : "linear";
}

std::string SearchRange::text() const {
  if (values.empty())
    return fmt::format("{}..{}{}", low, high,
                       scale == SearchScale::linear ? "" : fmt::format(":{}", name_of(scale)));
  const bool commas =
      std::ranges::any_of(values, [](const std::string& v) { return v.find(',') != std::string::npos; });
  return fmt::format("{}", fmt::join(values, commas ? ";" : ","));
}

Param Param::searched(double low, double high, SearchScale scale) && {
  search = SearchRange{.low = low, .high = high, .scale = scale, .values = {}};
  return std::move(*this);
}

Param Param::searched_when_named(double low, double high, SearchScale scale) && {
  search = SearchRange{.low = low, .high = high, .scale = scale, .values = {}, .when_named = true};
  return std::move(*this);
}

Param Param::searched(std::vector<std::string> values) && {
  search = SearchRange{.values = std::move(values)};
  return std::move(*this);
}

Param Param::counts_steps() && {
  steps = true;
  return std::move(*this);
}

std::string to_text(const ParamValue& value) {
  if (const auto* list = std::get_if<std::vector<std::string>>(&value))
    return fmt::format("{}", fmt::join(*list, ","));
  return std::visit(
      [](const auto& v) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::vector<std::string>>)
          return {};
        else
          return fmt::format("{}", v);
      },
      value);
}

void validate(const ParamsView& params) {
  std::string all;
  for (const Param& p : *params.list)
    if (const std::string text = complaint(params, p, p.get(params.object)); !text.empty())
      all += (all.empty() ? "" : "; ") + text;
  if (!all.empty()) throw ParamError("", all);
}

void set_param(const ParamsView& params, std::string_view name, std::string_view text) {
  const Param& p = find(params, name);
  assign(params, p, parse(params, p, text));
}

ParamValue get_param(const ParamsView& params, std::string_view name) {
  return find(params, name).get(params.object);
}

Json params_to_json(const ParamsView& params) {
  Json json = Json::object();
  for (const Param& p : *params.list)
    std::visit([&](const auto& v) { json[p.name] = v; }, p.get(params.object));
  return json;
}

void params_from_json(const ParamsView& params, const Json& json) {
  if (!json.is_object()) throw ParamError(std::string(params.owner), "parameters must be a JSON object");
  for (const auto& [name, value] : json.items()) {
    const Param& p = find(params, name);
    const bool fits = p.type == ParamType::boolean   ? value.is_boolean()
                      : p.type == ParamType::integer ? value.is_number_integer()
                      : p.type == ParamType::number  ? value.is_number()
                      : p.type == ParamType::list    ? is_text_list(value)
                                                     : value.is_string();
    if (!fits) wrong_type(params, p, value.dump());
    switch (p.type) {
      case ParamType::boolean:
        assign(params, p, value.get<bool>());
        break;
      case ParamType::integer:
        assign(params, p, value.get<std::int64_t>());
        break;
      case ParamType::number:
        assign(params, p, value.get<double>());
        break;
      case ParamType::list:
        assign(params, p, value.get<std::vector<std::string>>());
        break;
      default:
        assign(params, p, value.get<std::string>());
    }
  }
}

std::vector<ParamValue> values_outside(const Param& p) {
  std::vector<ParamValue> values;
  if (p.type == ParamType::choice) values.emplace_back(std::string("no_such_choice"));
  const auto add = [&](double edge, bool open, double direction) {
    if (std::isinf(edge)) return;
    if (p.type == ParamType::integer)
      values.emplace_back(static_cast<std::int64_t>(edge) +
                          (open ? 0 : static_cast<std::int64_t>(direction)));
    if (p.type == ParamType::number)
      values.emplace_back(open ? edge
                               : std::nextafter(edge, direction * std::numeric_limits<double>::infinity()));
  };
  add(p.rule.low, p.rule.low_open, -1);
  add(p.rule.high, p.rule.high_open, +1);
  if (p.type == ParamType::number) values.emplace_back(std::numeric_limits<double>::quiet_NaN());
  return values;
}

}  // namespace cairn
