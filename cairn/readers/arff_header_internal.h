// The part of an ARFF file that says what its columns are, and the words that all of it is made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace cairn::readers_detail {

enum class ArffType : std::uint8_t { numeric, nominal, string, date };

struct ArffAttribute {
  std::string name;
  ArffType type = ArffType::numeric;
  std::vector<std::string> values;        // nominal, in the file's order
  std::unordered_set<std::string> known;  // the same
  std::string format;                     // date: as Java's SimpleDateFormat has it
};

struct ArffHeader {
  std::vector<ArffAttribute> attributes;
  std::int64_t lines = 0;  // up to @data
};

// Takes the header off the front of `text`. DataError names the line.
ArffHeader take_arff_header(std::string_view& text, const std::string& name);

// A word off the front of `line`: up to a blank or one of `stops`, or in quotes with backslash escapes. False
// when a quote is not closed. `quoted` tells a quoted '?' from a missing value.
bool take_word(std::string_view& line, std::string_view stops, std::string& word, bool& quoted);
void skip_blanks(std::string_view& line);

// A date in a format such as "yyyy-MM-dd HH:mm:ss" as 2024-05-31T12:30:59; false when it does not fit.
bool iso_date(std::string_view text, std::string_view format, std::string& iso);

}  // namespace cairn::readers_detail
