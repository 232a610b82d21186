#include "cairn/data/infer.h"

#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "cairn/base/error.h"

namespace cairn {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// 1,234,567 without its commas; false when the groups are not of three digits.
bool remove_grouping(std::string_view cell, const CellRules& rules, std::string& plain) {
  const std::size_t first = !cell.empty() && (cell[0] == '-' || cell[0] == '+') ? 1 : 0;
  const std::size_t last = std::min(cell.find(rules.decimal), cell.size());
  std::size_t in_group = 0;
  bool grouped = false;
  for (std::size_t i = first; i < last; ++i) {
    if (cell[i] == rules.thousands) {
      if (in_group == 0 || in_group > 3 || (grouped && in_group != 3)) return false;
      grouped = true;
      in_group = 0;
    } else if (is_digit(cell[i])) {
      ++in_group;
    } else {
      return false;
    }
  }
  if (grouped && in_group != 3) return false;
  plain.assign(cell);
  std::erase(plain, rules.thousands);
  return true;
}

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y;
         });
}

bool names_no_finite_number(std::string_view cell) {
  if (!cell.empty() && (cell[0] == '-' || cell[0] == '+')) cell.remove_prefix(1);
  return equals_ignoring_case(cell, "inf") || equals_ignoring_case(cell, "infinity") ||
         equals_ignoring_case(cell, "nan");
}

// One to `digits` digits from `at` on, exactly `digits` when `exact`.
bool take_number(std::string_view text, std::size_t& at, std::size_t digits, bool exact, int& value) {
  const std::size_t begin = at;
  value = 0;
  while (at < text.size() && at - begin < digits && is_digit(text[at]))
    value = value * 10 + (text[at++] - '0');
  return exact ? at - begin == digits : at > begin;
}

bool take(std::string_view text, std::size_t& at, char c) {
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

// Days since 1970-01-01 of a date of the Gregorian calendar (H. Hinnant, chrono-compatible low-level date
// algorithms).
std::int64_t days_from_civil(int year, int month, int day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int year_of_era = year - static_cast<int>(era) * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

bool valid_day(int year, int month, int day) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

// hh:mm, then optional seconds, fraction and zone.
bool parse_time(std::string_view text, std::size_t at, std::int64_t& seconds) {
  int hour = 0, minute = 0, second = 0;
  if (!take_number(text, at, 2, true, hour) || !take(text, at, ':') ||
      !take_number(text, at, 2, true, minute))
    return false;
  if (take(text, at, ':')) {
    if (!take_number(text, at, 2, true, second)) return false;
    if (take(text, at, '.')) {
      const std::size_t begin = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      if (at == begin) return false;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  seconds = hour * 3600 + minute * 60 + second;
  if (take(text, at, 'Z')) return at == text.size();
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
    const int sign = text[at++] == '+' ? 1 : -1;
    int zone_hour = 0, zone_minute = 0;
    if (!take_number(text, at, 2, true, zone_hour)) return false;
    take(text, at, ':');
    if (at < text.size() && !take_number(text, at, 2, true, zone_minute)) return false;
    if (zone_hour > 23 || zone_minute > 59) return false;
    seconds -= sign * (zone_hour * 3600 + zone_minute * 60);
  }
  return at == text.size();
}

bool parse_iso_date(std::string_view cell, std::int64_t& seconds) {
  std::size_t at = 0;
  int year = 0, month = 0, day = 1;
  if (!take_number(cell, at, 4, true, year)) return false;
  const char separator = at < cell.size() ? cell[at] : '\0';
  if (separator != '-' && separator != '/') return false;
  ++at;
  if (!take_number(cell, at, 2, true, month)) return false;
  if (at == cell.size()) {
    if (separator != '-' || !valid_day(year, month, 1)) return false;
    seconds = days_from_civil(year, month, 1) * 86400;
    return true;
  }
  if (!take(cell, at, separator) || !take_number(cell, at, 2, true, day) || !valid_day(year, month, day))
    return false;
  std::int64_t time = 0;
  if (at < cell.size()) {
    if (cell[at] != 'T' && cell[at] != ' ') return false;
    if (!parse_time(cell, at + 1, time)) return false;
  }
  seconds = days_from_civil(year, month, day) * 86400 + time;
  return true;
}

bool parse_written_date(std::string_view cell, bool day_first, std::int64_t& seconds) {
  std::size_t at = 0;
  int first = 0, second = 0, year = 0;
  if (!take_number(cell, at, 2, false, first) || at >= cell.size()) return false;
  const char separator = cell[at++];
  if (separator != '/' && separator != '.' && separator != '-') return false;
  if (!take_number(cell, at, 2, false, second) || !take(cell, at, separator)) return false;
  if (!take_number(cell, at, 4, true, year)) return false;
  std::int64_t time = 0;
  if (at < cell.size() && (cell[at] != ' ' || !parse_time(cell, at + 1, time))) return false;
  const int day = day_first ? first : second, month = day_first ? second : first;
  if (!valid_day(year, month, day)) return false;
  seconds = days_from_civil(year, month, day) * 86400 + time;
  return true;
}

}  // namespace

const std::vector<std::string>& default_na() {
  static const std::vector<std::string> spellings = {
      "?",    "NA",   "N/A",  "n/a",  "#N/A", "#N/A N/A", "#NA",     "<NA>",    "NaN",      "nan",
      "-NaN", "-nan", "null", "NULL", "None", "1.#IND",   "-1.#IND", "1.#QNAN", "-1.#QNAN",
  };
  return spellings;
}

int CellRules::missing_spelling(std::string_view cell) const {
  if (cell.empty()) return static_cast<int>(na.size());
  for (std::size_t i = 0; i < na.size(); ++i)
    if (cell == na[i]) return static_cast<int>(i);
  return -1;
}

ColumnKind kind_of(CellType type) {
  switch (type) {
    case CellType::boolean:
      return ColumnKind::boolean;
    case CellType::integer:
      return ColumnKind::integer;
    case CellType::number:
      return ColumnKind::number;
    case CellType::string:
      return ColumnKind::text;
    default:
      return ColumnKind::date;
  }
}

CellType narrowest(CellTypes types) {
  CAIRN_ASSERT(types != 0);
  return static_cast<CellType>(std::countr_zero(types));
}

CellTypes types_of(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::boolean:
      return bit_of(CellType::boolean);
    case ColumnKind::integer:
      return bit_of(CellType::integer);
    case ColumnKind::number:
      return bit_of(CellType::number);
    case ColumnKind::date:
      return bit_of(CellType::iso_date) | bit_of(CellType::day_first_date) |
             bit_of(CellType::month_first_date);
    default:
      return bit_of(CellType::string);
  }
}

CellTypes types_of(std::string_view cell, const CellRules& rules) {
  constexpr CellTypes kString = bit_of(CellType::string);
  double number = 0;
  std::int64_t whole = 0;
  std::uint8_t flag = 0;
  if (parse_integer(cell, rules, whole))
    return kString | bit_of(CellType::number) | bit_of(CellType::integer);
  if (parse_number(cell, rules, number) != NumberStatus::not_a_number)
    return kString | bit_of(CellType::number);
  if (parse_boolean(cell, flag)) return kString | bit_of(CellType::boolean);
  CellTypes types = kString;
  if (cell.empty() || !is_digit(cell[0])) return types;
  for (const CellType date : {CellType::iso_date, CellType::day_first_date, CellType::month_first_date})
    if (parse_date(cell, date, whole)) types |= bit_of(date);
  return types;
}

NumberStatus parse_number(std::string_view cell, const CellRules& rules, double& value) {
  std::string plain;
  if (rules.thousands != 0 && cell.find(rules.thousands) != cell.npos) {
    if (!remove_grouping(cell, rules, plain)) return NumberStatus::not_a_number;
    cell = plain;
  }
  const char* begin = cell.data();
  const char* end = begin + cell.size();
  if (cell.size() > 1 && *begin == '+' && cell[1] != '-' && cell[1] != '+') ++begin;
  if (begin == end) return NumberStatus::not_a_number;
  const char last = end[-1];
  if (!is_digit(last) && last != rules.decimal) {
    value = std::nan("");
    return names_no_finite_number(cell) ? NumberStatus::not_finite : NumberStatus::not_a_number;
  }
  const fast_float::parse_options options{fast_float::chars_format::general, rules.decimal};
  const auto [at, error] = fast_float::from_chars_advanced(begin, end, value, options);
  if (at != end || error == std::errc::invalid_argument) return NumberStatus::not_a_number;
  return std::isfinite(value) ? NumberStatus::ok : NumberStatus::not_finite;
}

bool parse_integer(std::string_view cell, const CellRules& rules, std::int64_t& value) {
  std::string plain;
  if (rules.thousands != 0 && cell.find(rules.thousands) != cell.npos) {
    if (!remove_grouping(cell, rules, plain)) return false;
    cell = plain;
  }
  if (cell.size() > 1 && cell[0] == '+' && is_digit(cell[1])) cell.remove_prefix(1);
  const auto [at, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc{} && at == cell.data() + cell.size();
}

bool parse_boolean(std::string_view cell, std::uint8_t& value) {
  const bool yes = cell == "true" || cell == "True" || cell == "TRUE";
  value = yes;
  return yes || cell == "false" || cell == "False" || cell == "FALSE";
}

bool parse_date(std::string_view cell, CellType type, std::int64_t& seconds) {
  if (cell.size() < 7 || !is_digit(cell[0])) return false;
  if (type == CellType::iso_date) return parse_iso_date(cell, seconds);
  return parse_written_date(cell, type == CellType::day_first_date, seconds);
}

ColumnKind category_or_text(const TextFacts& facts) {
  const bool mostly_distinct = 2 * facts.distinct > facts.rows;
  if (facts.distinct > kMaxLevels) return ColumnKind::text;
  if (mostly_distinct && (facts.distinct > 20 || facts.mean_words >= 4)) return ColumnKind::text;
  if (facts.distinct > 20 && facts.mean_length >= 50 && facts.mean_words >= 4) return ColumnKind::text;
  return ColumnKind::category;
}

std::string reason_for(ColumnKind kind, std::int64_t rows, std::int64_t distinct) {
  if (rows == 0) return "every value is missing";
  const auto all = [&](const char* one, const char* many) {
    return rows == 1 ? fmt::format("the one value is {}", one)
                     : fmt::format("all {} values are {}", rows, many);
  };
  switch (kind) {
    case ColumnKind::number:
      return all("a number", "numbers");
    case ColumnKind::integer:
      return all("a whole number", "whole numbers");
    case ColumnKind::boolean:
      return all("true or false", "true or false");
    case ColumnKind::date:
      return all("a date", "dates");
    default:
      break;
  }
  if (distinct > kMaxLevels) return fmt::format("more than {} distinct texts in {} rows", kMaxLevels, rows);
  return fmt::format("{} distinct text{} in {} row{}", distinct, distinct == 1 ? "" : "s", rows,
                     rows == 1 ? "" : "s");
}

}  // namespace cairn
