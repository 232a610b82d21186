// Parameters declared once: a struct lists its members with their meaning and range, and from that list come
// validation, help, did-you-mean, JSON, search spaces, documentation and the negative tests.
//
//   struct RidgeParams {
//     double alpha = 1.0;
//     static const ParamList& list() {
//       static const ParamList l{param<&RidgeParams::alpha>("alpha", "strength of the L2 penalty",
//       at_least(0))}; return l;
//     }
//   };
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "cairn/base/json.h"

namespace cairn {

using ParamValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

enum class ParamType : std::uint8_t { boolean, integer, number, text, choice, list };

// What a value may be. For integers and numbers an interval, for choices the list of names.
struct ParamRule {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
  std::vector<std::string> choices;
};
inline ParamRule between(double low, double high) { return {.low = low, .high = high}; }
inline ParamRule at_least(double low) { return {.low = low}; }
inline ParamRule above(double low) { return {.low = low, .low_open = true}; }
inline ParamRule above_to(double low, double high) {
  return {.low = low, .high = high, .low_open = true};
}  // (low, high]
template <class... Names>
ParamRule one_of(Names... names) {
  return {.choices = {std::string(names)...}};
}

// How a search spreads its points over a range.
enum class SearchScale : std::uint8_t {
  linear,    // equal differences are equally likely
  log,       // equal factors: 0.001 to 0.01 is as far as 0.1 to 1
  near_one,  // equal factors of 1 - value: 0.9 to 0.99 is as far as 0.99 to 0.999
};
const char* name_of(SearchScale scale);

// Where `tune` looks for a value: from `low` to `high`, both included, or among `values`, as a person types
// them.
struct SearchRange {
  double low = 0, high = 0;
  SearchScale scale = SearchScale::linear;
  std::vector<std::string> values;
  bool when_named = false;   // part of a search only when a person names the parameter
  std::string text() const;  // "0.001..1000:log", "2..10", "uniform,distance": what --space takes
};

struct Param {
  std::string name;
  std::string doc;  // one clause: meaning and unit
  ParamType type{};
  ParamRule rule;
  std::vector<std::string> also_known_as;  // peers' names: proposed by did-you-mean, never accepted
  ParamValue (*get)(const void* object) = nullptr;
  void (*set)(void* object, const ParamValue& value) = nullptr;  // type already checked
  std::optional<SearchRange> search = {};  // absent: `tune` asks for a range with its name
  bool steps = false;  // counts rounds or epochs: fewer of them are a cheaper trial of the same settings

  std::string allowed() const;  // "[0, inf)", "one of mean, median", "true or false"

  // param<...>(...).searched(1e-3, 1e3, SearchScale::log): part of its learner's search space.
  Param searched(double low, double high, SearchScale scale = SearchScale::linear) &&;
  Param searched(std::vector<std::string> values) &&;
  Param searched_when_named(double low, double high, SearchScale scale = SearchScale::linear) &&;
  Param counts_steps() &&;
};

using ParamList = std::vector<Param>;

namespace params_detail {
template <class T>
struct MemberOf;
template <class C, class T>
struct MemberOf<T C::*> {
  using Class = C;
  using Type = T;
};
template <class T>
constexpr ParamType type_of(bool has_choices) {
  if constexpr (std::is_same_v<T, bool>)
    return ParamType::boolean;
  else if constexpr (std::is_integral_v<T>)
    return ParamType::integer;
  else if constexpr (std::is_floating_point_v<T>)
    return ParamType::number;
  else if constexpr (std::is_same_v<T, std::vector<std::string>>)
    return ParamType::list;
  else
    return has_choices ? ParamType::choice : ParamType::text;
}
}  // namespace params_detail

// Describes one member. T is bool, an integer type, double, std::string, or a list of std::string (a flag
// that may stand several times; set_param adds one).
template <auto Member>
Param param(std::string name, std::string doc, ParamRule rule = {},
            std::vector<std::string> also_known_as = {}) {
  using C = typename params_detail::MemberOf<decltype(Member)>::Class;
  using T = typename params_detail::MemberOf<decltype(Member)>::Type;
  Param p;
  p.name = std::move(name);
  p.doc = std::move(doc);
  p.type = params_detail::type_of<T>(!rule.choices.empty());
  p.rule = std::move(rule);
  p.also_known_as = std::move(also_known_as);
  p.get = [](const void* o) -> ParamValue {
    const T& v = static_cast<const C*>(o)->*Member;
    if constexpr (std::is_same_v<T, bool> || !std::is_arithmetic_v<T>)
      return v;
    else if constexpr (std::is_integral_v<T>)
      return static_cast<std::int64_t>(v);
    else
      return static_cast<double>(v);
  };
  p.set = [](void* o, const ParamValue& v) {
    T& member = static_cast<C*>(o)->*Member;
    if constexpr (std::is_same_v<T, bool>)
      member = std::get<bool>(v);
    else if constexpr (!std::is_arithmetic_v<T>)
      member = std::get<T>(v);
    else if constexpr (std::is_integral_v<T>)
      member = static_cast<T>(std::get<std::int64_t>(v));
    else
      member = static_cast<T>(std::get<double>(v));
  };
  return p;
}

// A struct with parameters, seen without its type: what the program, the archive and the tests work on.
struct ParamsView {
  std::string_view owner;  // the name used in messages: "ridge"
  void* object = nullptr;
  const ParamList* list = nullptr;
};

// Refuses every value outside its range, all at once. Throws ParamError: `ridge.alpha = -1 is outside [0,
// inf).`
void validate(const ParamsView& params);

// Sets one parameter from the text a person typed. Throws ParamError for an unknown name (with the nearest
// right one), a value of the wrong type and a value outside the range.
void set_param(const ParamsView& params, std::string_view name, std::string_view text);

ParamValue get_param(const ParamsView& params, std::string_view name);

Json params_to_json(const ParamsView& params);
// Unknown names and wrong types are refused as in set_param; absent names keep their values.
void params_from_json(const ParamsView& params, const Json& json);

std::string to_text(const ParamValue& value);  // shortest text that reads back as the same value

// Values just outside the range, for the contract tests; empty where every value of the type is allowed.
std::vector<ParamValue> values_outside(const Param& param);

}  // namespace cairn
