#include "cairn/data/words.h"

#include <utf8proc.h>

namespace cairn {
namespace {

constexpr utf8proc_int32_t kCapitalSigma = 0x3A3, kFinalSigma = 0x3C2;
constexpr utf8proc_int32_t kDottedCapitalI = 0x130, kDotAbove = 0x307;

bool is_word_character(utf8proc_int32_t c) {
  if (c < 128) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

// Gathers the characters of one word.
class Run {
 public:
  Run(bool lowercase, std::vector<std::string>& words) : lowercase_(lowercase), words_(words) {}

  void add(utf8proc_int32_t c) {
    if (!is_word_character(c)) return close();
    ends_in_capital_sigma_ = lowercase_ && c == kCapitalSigma;
    if (lowercase_) c = c < 128 ? (c >= 'A' && c <= 'Z' ? c + 32 : c) : utf8proc_tolower(c);
    append(c);
    ++length_;
  }
  void close() {
    if (ends_in_capital_sigma_ && length_ > 1) {
      text_.resize(text_.size() - 2);  // the sigma's two bytes
      append(kFinalSigma);
    }
    if (length_ > 1) words_.push_back(text_);
    text_.clear();
    length_ = 0;
    ends_in_capital_sigma_ = false;
  }

 private:
  void append(utf8proc_int32_t c) {
    utf8proc_uint8_t bytes[4];
    const auto n = utf8proc_encode_char(c, bytes);
    text_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(n));
  }
  bool lowercase_;
  std::vector<std::string>& words_;
  std::string text_;
  std::size_t length_ = 0;
  bool ends_in_capital_sigma_ = false;
};

}  // namespace

void append_words(std::string_view text, bool lowercase, std::vector<std::string>& words) {
  Run run(lowercase, words);
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t c = *at;
    const utf8proc_ssize_t step = c < 128 ? 1 : utf8proc_iterate(at, left, &c);
    if (step <= 0) c = 0;
    run.add(c);
    // The lower case of a dotted capital I is two characters, and the second, a mark, ends the word.
    if (lowercase && c == kDottedCapitalI) run.add(kDotAbove);
    at += step <= 0 ? 1 : step;
    left -= step <= 0 ? 1 : step;
  }
  run.close();
}

}  // namespace cairn
