#include "cairn/base/name_pattern.h"

#include <doctest/doctest.h>

#include <string>

using cairn::name_matches;

TEST_CASE("name patterns: a star is any text, also none, and the whole name is meant") {
  CHECK(name_matches("*.bias", "a.b.bias"));
  CHECK(name_matches("a*c*", "abcd"));
  CHECK(name_matches("a*", "a"));
  CHECK(name_matches("*", ""));
  CHECK(name_matches("**b", "ab"));
  CHECK(name_matches("a*bc*c", "abcbcc"));
  CHECK_FALSE(name_matches("*.bias", "a.bias2"));
  CHECK_FALSE(name_matches("", "a"));
  CHECK_FALSE(name_matches("ab", "a"));
}

TEST_CASE("name patterns: many stars take a moment") {
  std::string pattern;
  for (int i = 0; i < 30; ++i) pattern += "a*";
  CHECK_FALSE(name_matches(pattern + "b", std::string(1000, 'a')));
}
