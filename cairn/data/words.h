// Text to words: runs of at least two letters, digits or underscores in any script.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cairn {

// Appends the words of a UTF-8 text: maximal runs of characters of the Unicode categories L* and N* and of
// '_', of at least two characters (scikit-learn's token pattern (?u)\b\w\w+\b). Bytes that are not UTF-8
// separate words. Lower case follows Unicode's simple mapping, with a capital sigma at a word's end becoming
// a final one.
void append_words(std::string_view text, bool lowercase, std::vector<std::string>& words);

}  // namespace cairn
